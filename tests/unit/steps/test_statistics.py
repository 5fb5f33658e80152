"""Groups of rows, and statistics of numbers within each."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from penstock.blocks import Blocks
from penstock.steps.groups import Groups
from penstock.steps.statistics import by_group, overall

VALUES = st.lists(
    st.tuples(st.integers(0, 3), st.one_of(st.just(np.nan), st.integers(-2, 2).map(float), st.floats(-1e6, 1e6))),
    max_size=40,
)
PANDAS = {
    "count": lambda s: s.count(),
    "mean": lambda s: s.mean(),
    "std": lambda s: s.std(),
    "min": lambda s: s.min(),
    "max": lambda s: s.max(),
    "median": lambda s: s.dropna().quantile(interpolation="lower") if s.count() else np.nan,
    "mode": lambda s: s.mode().min() if s.count() else np.nan,
}


@pytest.mark.parametrize("take", PANDAS)
@given(pairs=VALUES)
@settings(max_examples=25)
def test_a_statistic_by_group_is_that_of_each_groups_values_alone(take, pairs):
    """A sum that crossed from one group into the next would be seen in no table."""
    groups = np.array([g for g, _ in pairs], dtype=np.int64)
    values = np.array([v for _, v in pairs], dtype=np.float64)
    found = by_group(values, groups, 4, take)
    for group in range(4):
        expected = PANDAS[take](pd.Series(values[groups == group], dtype=float))
        np.testing.assert_allclose(found[group], expected, rtol=1e-9, atol=1e-6)


@pytest.mark.parametrize("take", ["mean", "std", "median"])
def test_numbers_near_the_largest_there_is_have_a_finite_statistic(take):
    """A sum that overflows would put infinity for every missing value of its column."""
    values = np.array([1.7e308, 1.6e308, -1.7e308, 1.7e308])
    assert np.isfinite(overall(values, take))
    assert overall(np.full(3, 1.7e308), "mean") == pytest.approx(1.7e308)


@given(
    rows=st.lists(
        st.tuples(st.sampled_from(["a", "b", None]), st.sampled_from([0.0, -0.0, 1.0, np.nan]), st.sampled_from("xy")),
        min_size=1,
        max_size=20,
    )
)
@settings(max_examples=40)
def test_rows_share_a_group_exactly_where_they_agree_in_all_columns(rows):
    """A missing value agrees with a missing one, and rows that come later are told the same groups."""
    city, size, sort = zip(*rows, strict=True)
    frame = pd.DataFrame(
        {"city": pd.array(city, dtype="str"), "size": np.array(size), "sort": pd.array(sort, dtype="str")}
    )
    groups, codes = Groups.of(Blocks.of(frame), ("city", "size", "sort"))
    expected = frame.assign(size=frame["size"] + 0.0).groupby(["city", "size", "sort"], dropna=False).ngroup()
    assert len({*zip(codes.tolist(), expected.tolist(), strict=True)}) == groups.n == expected.nunique()
    backwards = frame.iloc[::-1].reset_index(drop=True)
    assert groups.codes(Blocks.of(backwards)).tolist() == codes[::-1].tolist()


def test_a_combination_that_was_never_met_is_no_group():
    """Both values may be known, and still no row of training had them together."""
    frame = pd.DataFrame({"city": ["Oslo", "Bonn"], "year": [1.0, 2.0]})
    groups, _ = Groups.of(Blocks.of(frame), ("city", "year"))
    asked = pd.DataFrame({"city": ["Oslo", "Oslo", "Rome", "Bonn"], "year": [2.0, 3.0, 1.0, 2.0]})
    assert groups.codes(Blocks.of(asked)).tolist() == [-1, -1, -1, 0]


def test_groups_of_no_rows_know_no_row():
    """An empty fold is a fold."""
    empty, _ = Groups.of(Blocks.of(pd.DataFrame({"year": np.empty(0)})), ("year",))
    assert empty.codes(Blocks.of(pd.DataFrame({"year": [1.0, np.nan]}))).tolist() == [-1, -1]
