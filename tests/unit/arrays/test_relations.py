"""Columns together: correlation, rank, condition, and what follows from what, against NumPy."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from penstock.arrays.profile import Profile, profile_frame
from penstock.table import Column, TableSchema


def profile_of(**columns: list[float | None]) -> Profile:
    """Profile numeric columns."""
    schema = TableSchema(columns=tuple(Column(name=n, kind="float") for n in columns))
    return profile_frame(pd.DataFrame({n: np.array(v, dtype=np.float64) for n, v in columns.items()}), schema)


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


def test_complete_columns_take_the_short_way_to_the_same_correlation():
    """Without holes the triangle of the decomposition is all that is needed."""
    rng = np.random.default_rng(6)
    columns = rng.normal([1e6, 0, -50, 3], [1, 1e-3, 20, 5], size=(3000, 4)) @ rng.normal(size=(4, 4))
    found = profile_of(**{f"x{i}": columns[:, i] for i in range(4)}).matrix
    np.testing.assert_allclose(np.array(found.correlation), np.corrcoef(columns.T), atol=1e-9)


@pytest.mark.parametrize("noise", [1.0, 1e-2, 1e-5, 1e-7])
def test_condition_and_inflation_agree_with_numpy_however_ill_conditioned(noise):
    """The condition number is that of the standardised matrix, the inflation that of regressions on the others."""
    rng = np.random.default_rng(7)
    a, b, c = rng.normal(size=(3, 2000)) + 100.0
    columns = np.column_stack([a, b, c, a - 2 * b + noise * rng.normal(size=2000)])
    standard = (columns - columns.mean(axis=0)) / columns.std(axis=0)
    found = profile_of(**{f"x{i}": columns[:, i] for i in range(4)}).matrix
    assert found.rank == 4
    assert found.condition_number == pytest.approx(np.linalg.cond(standard), rel=1e-5)
    for i, vif in enumerate(found.vif):
        others = np.delete(standard, i, axis=1)
        left = standard[:, i] - others @ np.linalg.lstsq(others, standard[:, i], rcond=None)[0]
        assert vif == pytest.approx((standard[:, i] ** 2).sum() / (left**2).sum(), rel=0.05 if noise < 1e-6 else 1e-4)


def test_the_matrix_is_of_the_complete_rows():
    """Rank, condition number and inflation are of rows without a hole or an infinity."""
    rng = np.random.default_rng(8)
    columns = rng.normal(size=(400, 3))
    holed = columns.copy()
    holed[:50, 0], holed[25:75, 1], holed[80, 2] = np.nan, np.inf, -np.inf
    found = profile_of(**{f"x{i}": holed[:, i] for i in range(3)}).matrix
    rest = np.delete(columns[75:], 5, axis=0)
    expected = profile_of(**{f"x{i}": rest[:, i] for i in range(3)}).matrix
    assert found.n_complete == 324
    assert found.condition_number == pytest.approx(expected.condition_number, rel=1e-9)
    assert found.vif == pytest.approx(expected.vif)


def test_columns_that_others_determine_are_named_with_their_relation():
    """Sums, units and near sums; what is independent is in no group."""
    rng = np.random.default_rng(9)
    a, b, c = rng.normal([10, 0, -4], [2, 1, 5], size=(800, 3)).T
    found = profile_of(a=a, b=b, total=a + b, c=c, f=1.8 * a + 32, near=2 * c - b + 1e-4 * rng.normal(size=800)).matrix
    assert [g.relation for g in found.collinear] == ["total = a + b", "f = 1.8 a + 32", "near = -b + 2 c"]
    assert [g.column for g in found.collinear] == ["total", "f", "near"]
    assert found.collinear[0].unexplained == 0.0
    assert 1e-11 < found.collinear[2].unexplained < 1e-8
    assert found.rank == 4
    assert found.vif[0] is None
    assert found.vif[5] > 1e6
    assert profile_of(a=a, b=b, c=c).matrix.collinear == ()


def test_chance_in_few_rows_is_no_relation():
    """Three columns of four rows always lie in one plane, nearly."""
    rng = np.random.default_rng(11)
    found = profile_of(**{f"x{i}": rng.normal(size=4) for i in range(5)}).matrix
    assert found.rank == 3
    assert found.collinear == ()


def test_the_parts_of_a_count_are_found_in_real_data(shared):
    """Casual and registered riders add up to all riders."""
    frame = pd.read_csv(shared / "data/bike_sharing/hour.csv")
    names = ["temp", "hum", "windspeed", "casual", "registered", "cnt"]
    found = profile_of(**{n: frame[n] for n in names}).matrix
    assert [g.relation for g in found.collinear] == ["cnt = casual + registered"]
    assert found.rank == 5
