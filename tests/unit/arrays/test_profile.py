"""The numeric profile, against NumPy, SciPy and pandas."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from penstock.arrays.generators import stage_seeds
from penstock.arrays.profile import MAX_LEVELS, QUANTILES, Profile, profile_frame
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


@given(st.lists(st.lists(st.one_of(st.just(np.nan), st.floats(-1e6, 1e6)), min_size=3, max_size=3), max_size=30))
def test_a_profile_is_always_json(rows):
    """NaN, constant and empty columns included: nothing but finite numbers and null."""
    values = np.array(rows, dtype=np.float64).reshape(-1, 3)
    profile = profile_of(a=values[:, 0], b=values[:, 1], c=values[:, 2])
    assert Profile.model_validate_json(canonical_json(profile)) == profile
    assert json.loads(canonical_json(profile))["n_rows"] == len(rows)


@pytest.mark.parametrize("extreme", [1e308, -1e308, 5e-324, 1e-200])
def test_extreme_numbers_do_not_break_it(extreme):
    """Overflow is null, not an error."""
    canonical_json(profile_of(x=[extreme, 1.0, 2.0, -extreme], y=[1.0, 2.0, 3.0, 4.0]))


def test_correlation_is_pairwise_over_present_rows():
    """A hole in one column costs no row of the others."""
    rng = np.random.default_rng(2)
    frame = pd.DataFrame(rng.normal([1e6, 0, -50], size=(200, 3)), columns=list("abc"))
    frame["c"] += frame["a"]
    frame.loc[rng.random(200) < 0.2, "b"] = np.nan
    profile = profile_of(**{c: frame[c] for c in frame})
    np.testing.assert_allclose(np.array(profile.matrix.correlation), frame.corr().to_numpy(), atol=1e-8)


def test_constant_columns_have_no_correlation():
    """Division by nothing is null."""
    matrix = profile_of(a=[1.0] * 10, b=list(range(10))).matrix
    assert matrix.correlation[0] == (None, None)
    assert matrix.correlation[1] == (None, 1.0)
    assert matrix.rank == 1


def test_rank_and_condition_number_see_a_redundant_column():
    """A sum of two columns adds no rank, and the matrix has no finite condition number then."""
    rng = np.random.default_rng(3)
    a, b = rng.normal(size=(2, 300))
    full = profile_of(a=a, b=b).matrix
    assert full.rank == 2
    standard = np.column_stack([(v - v.mean()) / v.std() for v in (a, b)])
    assert full.condition_number == pytest.approx(np.linalg.cond(standard), rel=1e-6)
    redundant = profile_of(a=a, b=b, c=a + b).matrix
    assert redundant.rank == 2
    assert redundant.condition_number is None


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
