"""Profiles of parts, merged: the profile of the whole wherever that is possible, and a word where it is not."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.arrays.profile import ColumnProfile, Profile, merge, profile_frame
from penstock.arrays.quantiles import QUANTILES, mixed_quantiles
from penstock.errors import DataError
from penstock.frozen import canonical_json
from penstock.table import Column, TableSchema

SCHEMA = TableSchema(
    columns=(
        Column(name="x", kind="float"),
        Column(name="n", kind="integer"),
        Column(name="c", kind="category"),
        Column(name="t", kind="datetime"),
        Column(name="who", kind="text", role="id"),
    )
)
EXACT = ("n", "missing", "levels", "n_levels", "lengths", "earliest", "latest")

row = st.tuples(
    st.one_of(st.just(np.nan), st.floats(-1e5, 1e5), st.sampled_from([np.inf, -np.inf, 0.0])),
    st.one_of(st.just(np.nan), st.integers(-20, 20).map(float)),
    st.one_of(st.none(), st.sampled_from(["a", "b", "ccc", "ü"])),
    st.one_of(st.just("NaT"), st.integers(0, 400).map(lambda d: str(np.datetime64("2023-01-01") + d))),
)


def frame_of(rows: list[tuple[float, float, str | None, str]]) -> pd.DataFrame:
    """Return rows as a typed frame."""
    x, n, c, t = zip(*rows, strict=True) if rows else ((), (), (), ())
    return pd.DataFrame(
        {
            "x": np.array(x, dtype=np.float64),
            "n": np.array(n, dtype=np.float64),
            "c": pd.array(list(c), dtype="str"),
            "t": np.array(t, dtype="datetime64[us]"),
            "who": pd.array([f"P{i}" for i in range(len(rows))], dtype="str"),
        }
    )


def parts_of(frame: pd.DataFrame, cuts: list[int]) -> list[Profile]:
    """Profile a frame cut at these rows."""
    edges = [0, *sorted(min(c, len(frame)) for c in cuts), len(frame)]
    return [profile_frame(frame.iloc[a:b].reset_index(drop=True), SCHEMA) for a, b in pairwise(edges)]


def same_numbers(found: ColumnProfile, whole: ColumnProfile, size: float) -> None:
    """Compare what is exact of a numeric column."""
    a, b = found.numbers, whole.numbers
    for field in ("low", "high", "zeros", "negatives", "infinities"):
        assert getattr(a, field) == getattr(b, field)
    assert (a.mean is None, a.sd is None) == (b.mean is None, b.sd is None)
    assert a.mean is None or a.mean == pytest.approx(b.mean, rel=1e-9, abs=1e-12 * size)
    assert a.sd is None or a.sd == pytest.approx(b.sd, rel=1e-7, abs=1e-10 * size)
    if b.sd and b.sd > 1e-6 * size:
        assert a.skew == pytest.approx(b.skew, rel=1e-6, abs=1e-6)
        assert a.kurtosis == pytest.approx(b.kurtosis, rel=1e-6, abs=1e-6)


@given(st.lists(row, max_size=40), st.lists(st.integers(0, 40), max_size=3))
def test_merged_parts_are_the_whole(rows, cuts):
    """However the rows are cut, empty parts included: counts, moments, ranges, levels, dates, and their order."""
    frame = frame_of(rows)
    whole, merged = profile_frame(frame, SCHEMA), merge(parts_of(frame, cuts))
    canonical_json(merged)
    assert merged.n_rows == whole.n_rows
    for name, column in whole.columns.items():
        found = merged.columns[name]
        for field in EXACT:
            if field not in found.approximate:
                assert getattr(found, field) == getattr(column, field), (name, field)
    for name in ("x", "n"):
        finite = np.abs(frame[name].to_numpy()[np.isfinite(frame[name])])
        same_numbers(merged.columns[name], whole.columns[name], max(finite, default=1.0))
    assert merged.columns["x"].numbers.whole == whole.columns["x"].numbers.whole
    assert merged.columns["c"].distinct == whole.columns["c"].distinct
    if whole.columns["c"].n:
        assert merged.columns["c"].entropy == pytest.approx(whole.columns["c"].entropy)
    assert merged.columns["t"].spacing.order == whole.columns["t"].spacing.order
    assert merged.matrix.n_complete == whole.matrix.n_complete


@given(st.integers(0, 2**32), st.lists(st.integers(0, 300), min_size=1, max_size=4), st.booleans())
def test_relations_of_merged_parts_are_those_of_the_whole(seed, cuts, wide):
    """Correlation, rank, condition number and inflation, also of columns that nearly coincide far from zero."""
    rng = np.random.default_rng(seed)
    a, b, c = rng.normal([1e5, 0, 0], [1, 3, 1e-4 if wide else 1], size=(300, 3)).round(7).T
    columns = {"a": a, "b": b, "c": c, "near": b + 1e-3 * rng.normal(size=300), "sum": a + b}
    schema = TableSchema(columns=tuple(Column(name=n, kind="float") for n in columns))
    frame = pd.DataFrame(columns)
    edges = [0, *sorted(cuts), 300]
    parts = [profile_frame(frame.iloc[i:j], schema) for i, j in pairwise(edges)]
    whole, merged = profile_frame(frame, schema).matrix, merge(parts).matrix
    np.testing.assert_allclose(np.array(merged.correlation), np.array(whole.correlation), atol=1e-9)
    assert (merged.rank, whole.rank, merged.n_complete) == (4, 4, 300)
    assert merged.condition_number is whole.condition_number is None
    assert [g.column for g in merged.collinear] == [g.column for g in whole.collinear]
    assert "sum = a + b" in [g.relation for g in merged.collinear]
    assert merged.vif[2:4] == pytest.approx(whole.vif[2:4], rel=1e-4)
    assert merged.approximate == ()


@pytest.mark.parametrize("cut", [1, 2, 90, 399])
def test_unequal_parts_of_a_skewed_column_have_the_moments_of_the_whole(cut):
    """Every term of the formulas counts."""
    values = np.sort(np.random.default_rng(5).gamma(1.0, size=400))
    schema = TableSchema(columns=(Column(name="x", kind="float"),))
    frame = pd.DataFrame({"x": values})
    whole = profile_frame(frame, schema).column("x").numbers
    found = merge([profile_frame(frame.iloc[:cut], schema), profile_frame(frame.iloc[cut:], schema)])
    for field in ("mean", "sd", "skew", "kurtosis"):
        assert getattr(found.column("x").numbers, field) == pytest.approx(getattr(whole, field), rel=1e-9)


@pytest.mark.parametrize(
    ("parts", "order"),
    [
        ([[1, 2], [2, 5], [5]], "ascending"),
        ([[9, 4], [4], [3, 3]], "descending"),
        ([[7], [7, 7]], "constant"),
        ([[1, 5], [4, 8]], "none"),
        ([[5, 1], [2, 0]], "none"),
        ([[1, 2], [2, 1]], "none"),
        ([[4, 4], [2, 3]], "none"),
    ],
)
def test_parts_in_order_are_a_whole_in_order(parts, order):
    """Only where each goes on where the one before ends."""
    schema = TableSchema(columns=(Column(name="t", kind="datetime"),))
    frames = [pd.DataFrame({"t": np.array(p, dtype="datetime64[D]").astype("datetime64[us]")}) for p in parts]
    merged = merge([profile_frame(f, schema) for f in frames]).column("t")
    whole = profile_frame(pd.concat(frames, ignore_index=True), schema).column("t")
    assert (merged.spacing.order, whole.spacing.order) == (order, order)
    assert (merged.earliest, merged.latest) == (whole.earliest, whole.latest)


def test_what_merging_cannot_keep_is_named():
    """Quantiles are an estimate, distinct values a lower bound, gaps unknown; the correlation that of complete rows."""
    rng = np.random.default_rng(1)
    frame = frame_of([(x, float(i % 7), "a", "2024-01-01") for i, x in enumerate(rng.gamma(2.0, size=4000))])
    frame.loc[5, "n"] = np.nan
    whole, merged = profile_frame(frame, SCHEMA), merge(parts_of(frame, [1000, 2500]))
    x = merged.columns["x"]
    assert set(x.approximate) == {"distinct", "quantiles", "fences", "outside"}
    expected = whole.columns["x"].numbers
    assert x.numbers.quantiles == pytest.approx(expected.quantiles, rel=0.25, abs=0.05)
    assert (x.numbers.quantiles[0], x.numbers.quantiles[-1]) == (expected.low, expected.high)
    assert x.distinct <= whole.columns["x"].distinct
    assert merged.columns["t"].approximate == ("distinct", "spacing")
    assert merged.columns["who"].n_levels <= 4000
    assert "n_levels" in merged.columns["who"].approximate
    assert merged.matrix.approximate == ("correlation",)
    assert merged.columns["c"].approximate == ()


def test_levels_beyond_those_listed_are_a_lower_bound():
    """What a part did not list cannot be counted."""
    schema = TableSchema(columns=(Column(name="c", kind="category"),))
    parts = [
        profile_frame(pd.DataFrame({"c": pd.array([f"l{j}" for j in range(i, i + 150)], dtype="str")}), schema)
        for i in (0, 20)
    ]
    found = merge(parts).column("c")
    assert 150 <= found.n_levels <= 170
    assert found.entropy is None
    assert set(found.approximate) == {"distinct", "levels", "n_levels", "entropy"}


def test_one_part_is_the_whole():
    """Nothing is lost by merging one profile."""
    profile = profile_frame(frame_of([(1.0, 2.0, "a", "2024-01-01")] * 5), SCHEMA)
    assert merge([profile]) == profile
    empty = profile_frame(frame_of([]), SCHEMA)
    assert merge([empty, profile, empty]).columns == profile.columns


def test_merging_is_the_same_in_any_grouping():
    """Parts of parts: three at once, or two and one."""
    rng = np.random.default_rng(2)
    frame = frame_of([(x, 1.0, "b", "2024-01-01") for x in rng.normal(1e6, 2.0, size=90)])
    a, b, c = parts_of(frame, [30, 60])
    at_once, stepwise = merge([a, b, c]).columns["x"].numbers, merge([merge([a, b]), c]).columns["x"].numbers
    assert stepwise.mean == pytest.approx(at_once.mean, rel=1e-14)
    assert stepwise.kurtosis == pytest.approx(at_once.kurtosis, rel=1e-9)


def test_huge_numbers_are_merged_without_overflow():
    """As they are measured."""
    values = np.random.default_rng(3).normal(size=60)
    schema = TableSchema(columns=(Column(name="x", kind="float"), Column(name="y", kind="float")))
    frame = pd.DataFrame({"x": values * 1e300, "y": values * 1e-300 + 1e-299})
    parts = [profile_frame(frame.iloc[i : i + 20], schema) for i in (0, 20, 40)]
    whole, merged = profile_frame(frame, schema), merge(parts)
    for name in ("x", "y"):
        a, b = merged.columns[name].numbers, whole.columns[name].numbers
        assert (a.mean, a.sd, a.skew) == (pytest.approx(b.mean), pytest.approx(b.sd), pytest.approx(b.skew))
    assert merged.matrix.correlation[0][1] == pytest.approx(1.0)


def test_private_columns_are_merged_without_telling_a_value():
    """Moments of enough values, and counts."""
    schema = TableSchema(columns=(Column(name="pay", kind="float", private=True),))
    values = np.random.default_rng(4).gamma(2.0, size=80)
    frame = pd.DataFrame({"pay": values})
    found = merge([profile_frame(frame.iloc[:40], schema), profile_frame(frame.iloc[40:], schema)]).column("pay")
    assert found.numbers.mean == pytest.approx(values.mean())
    assert (found.numbers.low, found.numbers.high, found.numbers.quantiles) == (None, None, ())
    few = merge([profile_frame(frame.iloc[:3], schema), profile_frame(frame.iloc[3:], schema)]).column("pay")
    assert few.numbers.mean is None
    assert "mean" in few.approximate


def test_profiles_of_other_columns_are_refused():
    """Parts of one table have the same columns of the same kinds."""
    one = profile_frame(frame_of([]), SCHEMA)
    other = one.model_copy(update={"columns": {k: v for k, v in one.columns.items() if k != "x"}})
    with pytest.raises(DataError, match="different columns") as caught:
        merge([one, other])
    assert "'x'" in caught.value.where
    with pytest.raises(DataError, match="no profile"):
        merge([])


@given(st.lists(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=20), min_size=1, max_size=4))
def test_mixed_quantiles_rise_and_keep_to_the_range(parts):
    """Whatever the parts are."""
    given = [(len(p), list(np.quantile(p, QUANTILES))) for p in parts]
    found = mixed_quantiles(given)
    assert found == sorted(found)
    assert (found[0], found[-1]) == (min(q[0] for _, q in given), max(q[-1] for _, q in given))
