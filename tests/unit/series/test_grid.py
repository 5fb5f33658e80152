"""Series on a grid: what lies where, what was known last, and rows that cannot both be true."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from penstock.errors import DataError
from penstock.series.grid import Grid, check_once


def grid(group: list[int], index: list[int], value: list[float]) -> Grid:
    """Return a grid of rows."""
    names = [f"s{i}" for i in range(max(group, default=-1) + 1)]
    return Grid.of(names, np.array(group, dtype=np.int64), np.array(index, dtype=np.int64), np.array(value))


def test_gaps_are_missing_and_series_do_not_run_into_each_other() -> None:
    """Where there is no row there is no value, beyond either end as well."""
    made = grid([0, 0, 1], [5, 7, 8], [1.0, 2.0, 3.0])
    ask = np.array([4, 5, 6, 7, 8])
    assert made.values_at(np.zeros(5, dtype=np.int64), ask).tolist() == pytest.approx(
        [np.nan, 1.0, np.nan, 2.0, np.nan], nan_ok=True
    )
    assert made.rows_at(np.array([1, 1, -1]), np.array([8, 7, 8])).tolist() == [2, -1, -1]


def test_the_origin_is_the_last_actual_value_at_or_before() -> None:
    """A row without a value is none, and another series' value does not count."""
    made = grid([0, 0, 0, 1, 1], [0, 1, 2, 0, 1], [1.0, np.nan, 3.0, np.nan, 5.0])
    origin, known = made.origins(np.array([0, 0, 0, 1, 1, -1]), np.array([1, 9, -1, 0, 7, 3]))
    assert known.tolist() == [True, True, False, False, True, False]
    assert origin[known].tolist() == [0, 2, 1]


@settings(max_examples=40)
@given(st.data())
def test_any_rows_come_back_from_where_they_were_laid(data: st.DataObject) -> None:
    """In any order, with any gaps, some of them without a value."""
    cells = data.draw(
        st.lists(st.tuples(st.integers(0, 3), st.integers(-50, 50)), min_size=1, max_size=60, unique=True)
    )
    values = data.draw(st.lists(st.one_of(st.just(np.nan), st.floats(-9, 9)), min_size=len(cells), max_size=len(cells)))
    group, index = (np.array(part, dtype=np.int64) for part in zip(*cells, strict=True))
    made = Grid.of(["a", "b", "c", "d"], group, index, np.array(values))
    assert np.array_equal(made.values_at(group, index), np.array(values), equal_nan=True)
    assert made.rows_at(group, index).tolist() == list(range(len(cells)))
    origin, known = made.origins(group, index)
    for i, (g, at) in enumerate(cells):
        before = [t for (h, t), v in zip(cells, values, strict=True) if h == g and t <= at and not np.isnan(v)]
        assert bool(known[i]) == bool(before)
        assert not before or origin[i] == max(before)


def test_two_rows_of_one_time_are_named() -> None:
    """By their numbers in the source, their series and their time."""
    ask = np.array([0, 0, 1, 0]), np.array([3, 4, 3, 3]), ("north", "south"), np.arange(4)
    at = np.array(["2026-01-01T03", "2026-01-01T04", "2026-01-01T03", "2026-01-01T03"], dtype="datetime64[us]")
    with pytest.raises(DataError, match="one time of one series, 1 times") as caught:
        check_once(*ask, at, "1h", "sales.csv")
    assert caught.value.got == "rows 0 and 3 of 'north' (2026-01-01T03:00:00)"
    check_once(np.array([0, 1]), np.array([3, 3]), (), np.arange(2), at[[0, 0]], "1h", "sales.csv")


def test_series_of_gaps_are_refused_before_they_fill_the_memory() -> None:
    """One row of the year 1970 among hours of today."""
    with pytest.raises(DataError, match="nearly all gaps"):
        grid([0, 0], [0, 90_000_000], [1.0, 2.0])
