"""What the gate says of tables, without a model."""

from __future__ import annotations

import pyarrow as pa
import pytest

from penstock.refresh.judging import Change, change_of, look_up_checks
from penstock.refresh.reading import Retyped
from penstock.slices import Join
from penstock.steps.relations.lookup import LookupRecord


def record(on: str | dict[str, str] = "k") -> LookupRecord:
    return LookupRecord(name="t", kind="keyed", join=Join(table="t", on=on))


def test_keys_are_counted_once_and_by_what_they_say() -> None:
    """Rows of one key are one key, in a column of whichever type, of one column or several."""
    old = pa.table({"k": [1, 1, 2, 3, None], "j": ["a", "a", "b", "c", "d"]})
    new = pa.table({"k": ["1", "3", "3", "4"], "j": ["a", "b", "c", "d"]})
    assert change_of(record(), old, new) == Change("t", before=3, now=3, lost=1, rows_before=5, rows=4)
    assert change_of(record({"x": "k", "y": "j"}), old, new) == Change("t", 3, 4, 1, 5, 4)
    assert change_of(record(), old.slice(0, 0), new).lost == 0


@pytest.mark.parametrize(("before", "lost", "passed"), [(10, 5, True), (10, 6, False), (1, 1, False), (0, 0, True)])
def test_half_of_the_keys_may_go_and_no_more(before: int, lost: int, passed: bool) -> None:
    """However many came instead."""
    (check,) = look_up_checks([Change("t", before, 1000, lost)], [])
    assert check.passed is passed


@pytest.mark.parametrize(("rows", "passed"), [(50, True), (49, False)])
def test_a_table_of_many_rows_a_key_may_not_lose_most_of_them(rows: int, passed: bool) -> None:
    """Three stations with a day of weather each instead of a year have all their keys still."""
    (check,) = look_up_checks([Change("t", 3, 3, 0, rows_before=100, rows=rows)], [])
    assert check.passed is passed


def test_a_column_of_another_kind_never_passes() -> None:
    """And its sentence names both kinds."""
    (check,) = look_up_checks([], [Retyped("t", "c", "float", "category", 7)])
    assert not check.passed
    assert "reads as category now and was float" in check.reason
