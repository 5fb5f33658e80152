"""A contract proposed from a first look at the data: only what new rows of the same kind would hardly break."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from penstock.arrays.profile import ColumnProfile, Profile
from penstock.expect.cells import Looked, looked_at
from penstock.expect.columns import Missing, NotNull, Range, Unique, Values
from penstock.expect.contract import Contract
from penstock.expect.spans import Span
from penstock.expect.tables import ForeignKey, RowCount
from penstock.expect.union import Expectation
from penstock.receipts import Arrays
from penstock.slices import Join
from penstock.steps.relations.keys import keys_of
from penstock.steps.relations.source import read_table
from penstock.store import Store
from penstock.table import Column, TableSchema

# Fewer rows say too little: of a column that lacks nothing in a hundred rows, one in fifty may well lack something.
ENOUGH_FOR_NOT_NULL = 1_000
ENOUGH_FOR_UNIQUE = 100
# A level that is news must be news: each was seen this often, and there are few of them.
MOST_LEVELS = 12
OFTEN_SEEN = 30
LEAST_SHARE = 0.05
ROWS = Span(low=0.5, high=2.0)
_USED = ("feature", "time", "group")


def propose(arrays: Arrays, base: str, joins: Sequence[Join], store: Store) -> Contract:
    """Return the contract that a first look at the data suggests.

    Parameters
    ----------
    arrays : Arrays
        The typed tables and their profiles, over all rows.
    base : str
        The table whose rows are predicted.
    joins : sequence of Join
        What is looked up in the other tables.
    store : Store
        Where they lie.

    Returns
    -------
    Contract
        Row counts of every table, foreign keys of the joins, and for the base's columns: not null, unique ids, values
        of categories with few levels, and ranges far wider than what was seen. Of private columns nothing is listed.
    """
    named = {table.name: table for table in arrays.tables}
    schema = TableSchema.model_validate_json(store.read_bytes(named[base].table_schema))
    profile = Profile.model_validate_json(store.read_bytes(named[base].profile))
    found: list[Expectation] = [RowCount(span=ROWS, of="last")]
    for column in schema.columns:
        seen = profile.columns.get(column.name)
        if seen is not None:
            found += _of_column(column, seen)
    if joins:
        own = looked_at(read_table(named[base], store))
        given = set(own.raw.column_names)
        direct = [j for j in joins if j.into in ("", base) and j.table in named and j.table != base]
        # A key that another join brings is none of the base's.
        direct = [j for j in direct if given.issuperset(j.on)]
        found += [_of_join(own, looked_at(read_table(named[j.table], store)), j) for j in direct]
    found += [RowCount(table=name, span=ROWS, of="last") for name in named if name != base]
    return Contract(expectations=tuple(found))


def _of_column(column: Column, seen: ColumnProfile) -> Iterator[Expectation]:
    n_rows = seen.n + seen.missing
    if column.role == "id":
        if seen.n >= ENOUGH_FOR_UNIQUE and seen.distinct == seen.n:
            yield Unique(columns=(column.name,))
        return
    if column.role not in _USED or not seen.n:
        return
    if not seen.missing and n_rows >= ENOUGH_FOR_NOT_NULL and not column.nullable:
        yield NotNull(column=column.name)
    else:
        yield Missing(column=column.name, span=Span(high=_widened(seen.missing / n_rows), unit="share"))
    if column.private:
        return
    if column.kind in ("integer", "float") and (span := _wide_range(seen)):
        yield Range(column=column.name, span=span)
    if column.kind == "category" and seen.n_levels == len(seen.levels) <= MOST_LEVELS:
        counts = [level.count for level in seen.levels]
        if min(counts, default=0) >= OFTEN_SEEN:
            yield Values(column=column.name, allowed=tuple(sorted(level.value for level in seen.levels)))


def _widened(share: float) -> float:
    """Return a share twice as large, and at least five points larger, in whole percent."""
    return min(math.ceil(round(100 * max(2 * share, share + LEAST_SHARE), 9)) / 100, 1.0)


def _wide_range(seen: ColumnProfile) -> Span | None:
    """Return what was seen, and as much again on either side; what was never negative is not expected to be."""
    numbers = seen.numbers
    if numbers is None or numbers.low is None or numbers.high is None or numbers.low == numbers.high:
        return None
    width = numbers.high - numbers.low
    if not math.isfinite(width):
        return None
    low = 0.0 if numbers.low >= 0 else _rounded(numbers.low - width, math.floor)
    return Span(low=low, high=_rounded(numbers.high + width, math.ceil))


def _rounded(value: float, direction: object) -> float:
    """Return a number of two digits, away from what was seen."""
    assert callable(direction)
    if value == 0 or not math.isfinite(value):
        return value
    step = 10.0 ** (math.floor(math.log10(abs(value))) - 1)
    return float(f"{direction(value / step) * step:.12g}")


def _of_join(own: Looked, other: Looked, join: Join) -> ForeignKey:
    keys = keys_of(own.raw, tuple(join.on)).drop_null().to_pylist()
    known = set(keys_of(other.raw, tuple(join.on.values())).to_pylist())
    orphans = sum(key not in known for key in keys) / len(keys) if keys else 0.0
    span = Span(high=_widened(orphans), unit="share")
    return ForeignKey(columns=tuple(join.on), to=join.table, to_columns=tuple(join.on.values()), orphans=span)
