"""The numeric profile, against NumPy, SciPy and pandas."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from threadpoolctl import threadpool_limits

from penstock.arrays import profile as measuring
from penstock.arrays import relations
from penstock.arrays.generators import stage_seeds
from penstock.arrays.moments import FEW_PRIVATE
from penstock.arrays.profile import MAX_LEVELS, QUANTILES, Lengths, Profile, profile_frame
from penstock.frozen import canonical_json
from penstock.receipts import STAGES
from penstock.table import Column, TableSchema


def profile_of(**columns: list[float | None]) -> Profile:
    """Profile numeric columns."""
    schema = TableSchema(columns=tuple(Column(name=n, kind="float") for n in columns))
    return profile_frame(pd.DataFrame({n: np.array(v, dtype=np.float64) for n, v in columns.items()}), schema)


def test_moments_and_quantiles_agree_with_scipy():
    """The numbers are the textbook's."""
    values = np.random.default_rng(1).gamma(2.0, size=500)
    found = profile_of(x=values).column("x").numbers
    assert found.mean == pytest.approx(values.mean())
    assert found.sd == pytest.approx(values.std(ddof=1))
    assert found.skew == pytest.approx(stats.skew(values))
    assert found.kurtosis == pytest.approx(stats.kurtosis(values))
    assert found.quantiles == pytest.approx(np.quantile(values, QUANTILES))
    low, high = np.quantile(values, [0.25, 0.75])
    fences = (low - 1.5 * (high - low), high + 1.5 * (high - low))
    assert found.fences == pytest.approx(fences)
    assert found.outside == int(((values < fences[0]) | (values > fences[1])).sum())


@given(st.lists(st.floats(-1e9, 1e9), min_size=3, max_size=60))
def test_any_finite_numbers_have_the_moments_and_quantiles_of_scipy_and_numpy(numbers):
    """Constant and nearly constant columns apart, whose shape is rounding error."""
    values = np.array(numbers)
    found = profile_of(x=values).column("x").numbers
    assert (found.low, found.high) == (values.min(), values.max())
    np.testing.assert_allclose(found.quantiles, np.quantile(values, QUANTILES), rtol=1e-12, atol=1e-300)
    assert found.mean == pytest.approx(values.mean(), rel=1e-12, abs=1e-12 * np.abs(values).max())
    # Far below one SciPy's powers vanish.
    if values.std() > 1e-6 * np.abs(values).max() and np.abs(values).max() > 1e-50:
        assert found.sd == pytest.approx(values.std(ddof=1), rel=1e-9)
        assert found.skew == pytest.approx(stats.skew(values), rel=1e-6, abs=1e-6)
        assert found.kurtosis == pytest.approx(stats.kurtosis(values), rel=1e-6, abs=1e-6)


def test_counts_of_special_values():
    """Zeros of either sign, negatives, infinities and missing cells each are counted; moments are of finite numbers."""
    column = profile_of(x=[0.0, -0.0, -2.0, np.inf, -np.inf, np.nan, 2.0]).column("x")
    found = column.numbers
    assert (column.n, column.missing, column.distinct) == (6, 1, 5)
    assert (found.zeros, found.negatives, found.infinities, found.whole) == (2, 1, 2, True)
    assert (found.low, found.high, found.mean) == (-2.0, 2.0, 0.0)
    assert not profile_of(x=[1.0, 0.5]).column("x").numbers.whole


def test_a_constant_has_no_spread_and_no_shape():
    """Even where the number has no exact binary form."""
    found = profile_of(x=[0.1] * 7).column("x").numbers
    assert (found.mean, found.sd, found.skew, found.kurtosis) == (0.1, 0.0, None, None)
    assert found.outside == 0


def test_a_single_row_has_a_mean_and_no_spread():
    """One number has no standard deviation."""
    profile = profile_of(x=[5.0], y=[-1.0])
    found = profile.column("x").numbers
    assert (found.mean, found.sd, found.quantiles) == (5.0, None, (5.0,) * len(QUANTILES))
    assert profile.matrix.rank == 0
    assert profile.matrix.correlation == ((None, None), (None, None))


def test_huge_and_tiny_numbers_keep_their_moments():
    """Squares of them would overflow or vanish: they are measured in another unit."""
    values = np.random.default_rng(4).gamma(2.0, size=100)
    plain = profile_of(x=values, y=values**2).column("x").numbers
    for size in (2.0**1000, 2.0**-900):
        scaled = profile_of(x=values * size, y=values**2)
        found = scaled.column("x").numbers
        assert found.mean == plain.mean * size
        assert found.sd == plain.sd * size
        assert (found.skew, found.kurtosis) == (plain.skew, plain.kurtosis)
        assert scaled.matrix.correlation == profile_of(x=values, y=values**2).matrix.correlation


def test_a_large_offset_costs_no_digits():
    """The spread of numbers far from zero."""
    values = np.random.default_rng(5).normal(size=20_000)
    found = profile_of(x=values + 1e9).column("x").numbers
    assert found.sd == pytest.approx((values + 1e9).std(ddof=1), rel=1e-9)
    assert found.skew == pytest.approx(stats.skew(values), abs=1e-5)


numbers = st.one_of(st.just(np.nan), st.floats(-1e6, 1e6), st.floats(allow_nan=False), st.sampled_from([np.inf, 7.0]))


@given(st.lists(st.lists(numbers, min_size=3, max_size=3), max_size=30))
def test_a_profile_is_always_json(rows):
    """NaN, infinite, huge, constant and empty columns included: nothing but finite numbers and null."""
    values = np.array(rows, dtype=np.float64).reshape(-1, 3)
    profile = profile_of(a=values[:, 0], b=values[:, 1], c=values[:, 2])
    assert Profile.model_validate_json(canonical_json(profile)) == profile
    assert json.loads(canonical_json(profile))["n_rows"] == len(rows)


@pytest.mark.parametrize("extreme", [1e308, -1e308, 5e-324, 1e-200])
def test_extreme_numbers_do_not_break_it(extreme):
    """Overflow is null, not an error."""
    canonical_json(profile_of(x=[extreme, 1.0, 2.0, -extreme], y=[1.0, 2.0, 3.0, 4.0]))


@pytest.mark.parametrize("holes", [0.0, 0.1])
def test_neither_threads_nor_the_order_of_rows_change_a_profile(monkeypatch, holes):
    """A digest is taken of it."""
    rng = np.random.default_rng(10)
    frame = pd.DataFrame(rng.normal(size=(70_000, 9)) ** 3, columns=list("abcdefghi"))
    frame = frame.mask(rng.random(frame.shape) < holes)
    one = profile_of(**frame)
    monkeypatch.setattr(measuring, "WORKERS", 5)
    monkeypatch.setattr(relations, "WORKERS", 5)
    assert canonical_json(profile_of(**frame)) == canonical_json(one)
    other = profile_of(**frame.sample(frac=1.0, random_state=1))
    assert other.columns == one.columns
    np.testing.assert_allclose(np.array(other.matrix.correlation), np.array(one.matrix.correlation), atol=1e-11)


def test_threads_of_the_linear_algebra_library_do_not_change_a_profile():
    """They would change the last digits, and with them a digest: whatever a machine is set to, one does the work."""
    columns = {f"x{i}": v for i, v in enumerate(np.random.default_rng(0).normal(size=(20, 300_000)))}
    told = []
    for threads in (1, 2):
        with threadpool_limits(threads, user_api="blas"):
            told.append(profile_of(**columns).matrix)
    assert told[0] == told[1]


def test_a_frame_on_read_only_memory_is_measured_without_a_copy():
    """Pages of a mapped file cannot be written."""
    values = np.arange(100.0)
    values.flags.writeable = False
    profile_frame(pd.DataFrame({"x": values}, copy=False), TableSchema(columns=(Column(name="x", kind="float"),)))


SCHEMA = TableSchema(
    columns=(
        Column(name="city", kind="category"),
        Column(name="who", kind="text", role="id"),
        Column(name="secret", kind="category", private=True),
        Column(name="when", kind="datetime"),
        Column(name="n", kind="integer"),
    )
)


def test_levels_are_counted_and_those_of_ids_and_private_columns_never_listed():
    """A profile travels with the model, and must hold nobody's identity."""
    raw = {
        "city": ["b", "a", "b", None],
        "who": ["p1", "p2", "p3", "p4"],
        "secret": ["x", "y", "x", "x"],
        "when": ["2024-01-02", "2024-01-01", None, None],
        "n": [1, 0, 0, None],
    }
    profile = profile_frame(SCHEMA.cast(raw, SCHEMA.names).frame, SCHEMA)
    city = profile.column("city")
    assert [(level.value, level.count) for level in city.levels] == [("b", 2), ("a", 1)]
    assert (city.n, city.missing, city.distinct, city.n_levels) == (3, 1, 2, 2)
    assert profile.levels("city") == ("b", "a")
    assert profile.column("who").levels == profile.column("secret").levels == ()
    assert profile.column("who").n_levels == 4
    assert profile.levels("who") is None
    assert (profile.column("when").earliest, profile.column("when").latest) == (
        "2024-01-01T00:00:00",
        "2024-01-02T00:00:00",
    )
    assert profile.range("n") == (0.0, 1.0)
    assert profile.column("n").numbers.zeros == 2
    assert profile.column("nobody") is None


def test_entropy_is_in_bits_and_lengths_in_characters():
    """As SciPy has it; a letter is a letter, however many bytes it takes."""
    texts = ["b", "a", "b", None, "Übergröße"]
    schema = TableSchema(columns=(Column(name="c", kind="category"),))
    found = profile_frame(schema.cast({"c": texts}).frame, schema).column("c")
    assert found.entropy == pytest.approx(stats.entropy([2, 1, 1], base=2))
    assert found.lengths == Lengths(fewest=1, most=9, total=12)


def test_no_value_of_a_private_column_is_told_in_any_field():
    """Neither its range nor a quantile, a date, a gap or a length; of few values not even the mean."""
    secrets = {"pay": 31337.25, "born": "1977-07-07", "name": "zebulon"}
    columns = (
        Column(name="pay", kind="float", private=True),
        Column(name="born", kind="datetime", private=True),
        Column(name="name", kind="text", private=True),
        Column(name="other", kind="float"),
    )
    schema = TableSchema(columns=columns)
    for n in (1, FEW_PRIVATE - 1, 3 * FEW_PRIVATE):
        raw = {
            "pay": [secrets["pay"], *np.linspace(1e4, 2e4, n - 1)],
            "born": [secrets["born"]] * n,
            "name": [secrets["name"], *map(str, range(n - 1))],
            "other": list(range(n)),
        }
        profile = profile_frame(schema.cast(raw, schema.names).frame, schema)
        pay, born, name = (profile.column(c) for c in ("pay", "born", "name"))
        assert (pay.numbers.low, pay.numbers.high, pay.numbers.quantiles) == (None, None, ())
        assert pay.numbers.fences == (None, None)
        assert (pay.n, pay.distinct, pay.private) == (n, n, True)
        assert (pay.numbers.mean is None) == (n < FEW_PRIVATE)
        assert (profile.matrix.comoments is None) == (n < FEW_PRIVATE)
        assert (born.earliest, born.latest, born.spacing.largest_gap_after) == (None, None, None)
        assert (name.levels, name.lengths, name.n_levels) == ((), None, n)
        assert profile.range("pay") is None
        text = canonical_json(profile).decode()
        assert not [s for s in ("31337", "1977", "zebulon") if s in text]


def moments_of(values: list[str] | np.ndarray) -> dict:
    """Profile a column of dates."""
    schema = TableSchema(columns=(Column(name="t", kind="datetime"),))
    frame = pd.DataFrame({"t": np.array(values, dtype="datetime64[us]")})
    column = profile_frame(frame, schema).column("t")
    return column.spacing.model_dump() | {"distinct": column.distinct}


@pytest.mark.parametrize(
    ("moments", "frequency", "share", "missing"),
    [
        (pd.date_range("2024-01-01", periods=50, freq="h"), "hourly", 1.0, 0),
        (pd.date_range("2024-01-01", periods=50, freq="15min"), "every 15 minutes", 1.0, 0),
        (pd.date_range("2024-01-01", periods=50, freq="D").delete([7, 8, 20]), "daily", 44 / 46, 3),
        (pd.date_range("2024-01-01", periods=9, freq="W"), "weekly", 1.0, 0),
        (pd.date_range("2023-11-01", periods=30, freq="MS"), "monthly", 1.0, 0),
        (pd.date_range("2023-11-30", periods=30, freq="ME").delete(4), "monthly", 27 / 28, 1),
        (pd.date_range("2023-01-15", periods=8, freq="3MS"), "quarterly", 1.0, 0),
        (pd.date_range("1900-12-31", periods=80, freq="YE"), "yearly", 1.0, 0),
        (pd.bdate_range("2024-01-01", periods=60), "working days", 1.0, 0),
        (pd.to_datetime(["2024-01-01", "2024-01-03", "2024-02-09", "2024-05-31"]), None, None, None),
        (pd.to_datetime(["2024-01-01", "2024-01-02"]), None, None, None),
    ],
)
def test_how_often_dates_come_is_told(moments, frequency, share, missing):
    """By the step that most neighbours keep, of the clock, the calendar or the working week."""
    found = moments_of(np.repeat(moments.to_numpy(), 2))
    assert (found["frequency"], found["missing_periods"]) == (frequency, missing)
    assert found["share"] == (None if share is None else pytest.approx(share, abs=1e-6))
    assert (found["order"], found["distinct"]) == ("ascending", len(moments))


def test_the_largest_gap_is_told_with_its_place():
    """Between neighbouring moments, whatever the order of the rows."""
    found = moments_of(["2024-03-01T06:00", "2024-01-01", "NaT", "2024-01-02", "2024-03-01T06:00:00.5"])
    assert found["largest_gap_after"] == "2024-01-02T00:00:00"
    assert found["largest_gap_seconds"] == 59.25 * 86_400
    assert found["order"] == "none"


@pytest.mark.parametrize(
    ("moments", "order"),
    [
        (["2024-01-01", "2024-01-01", "2024-01-03"], "ascending"),
        (["2024-01-03", "2024-01-01", "2024-01-01"], "descending"),
        (["2024-01-03", "NaT", "2024-01-03"], "constant"),
        (["NaT"], "none"),
    ],
)
def test_the_order_of_dates_is_that_of_the_rows(moments, order):
    """A missing one breaks no order."""
    assert moments_of(moments)["order"] == order


def test_many_levels_are_cut_at_the_most_frequent():
    """What is listed is bounded, and the same whatever the order of the rows."""
    values = [f"c{i}" for i in range(300)] + ["c7"] * 3
    schema = TableSchema(columns=(Column(name="c", kind="category"),))
    forth, back = (profile_frame(schema.cast({"c": v}).frame, schema) for v in (values, values[::-1]))
    assert forth == back
    assert len(forth.column("c").levels) == MAX_LEVELS
    assert forth.column("c").levels[0].value == "c7"
    assert forth.column("c").n_levels == 300
    assert forth.levels("c") is None


def test_a_frame_without_rows_or_numbers_has_a_profile():
    """Nothing is measured of nothing."""
    empty = profile_frame(SCHEMA.cast({n: [] for n in SCHEMA.names}, SCHEMA.names).frame, SCHEMA)
    assert empty.n_rows == 0
    assert empty.column("n").numbers.mean is None
    assert empty.column("when").earliest is None


def test_each_stage_has_a_seed_of_its_own():
    """Seeds differ between stages and runs, and never for the same run."""
    seeds = stage_seeds(20261122)
    assert set(seeds) == set(STAGES)
    assert len(set(seeds.values())) == len(STAGES)
    assert seeds == stage_seeds(20261122)
    assert seeds != stage_seeds(1)
    assert all(0 <= s < 2**31 for s in seeds.values())
