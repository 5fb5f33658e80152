"""A join made into what travels: the record that says how it works, its table, and how its columns read."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from penstock.errors import DataError
from penstock.slices import Join
from penstock.steps.relations.coded import MOMENT
from penstock.steps.relations.join import check_relation, require_keys
from penstock.steps.relations.keys import keys_of
from penstock.steps.relations.lookup import LookupRecord, column_name
from penstock.steps.relations.reduction import column_of, made_of, reduced, values_of
from penstock.steps.relations.source import SourceTable
from penstock.steps.relations.timeline import NO_MOMENT
from penstock.table import Column

_USED = ("feature", "time", "group")
_UNTOLD = {"evidence": "", "counter_examples": (), "proposals": ()}


@dataclass(frozen=True)
class Travelling:
    """The table that is looked up in, and how many exact copies and rows without a key or time were left out of it."""

    table: pa.Table
    copies: int = 0
    keyless: int = 0


def record_of(join: Join, name: str, into: SourceTable, other: SourceTable, asked: Collection[str]) -> LookupRecord:
    """Return how a join works.

    Parameters
    ----------
    join : Join
        What the spec says of it.
    name : str
        The look-up's own name.
    into, other : SourceTable
        The table whose rows look something up, and the one in which they do, with what is joined to each already.
    asked : collection of str
        Column names that other joins use: what they need is taken along, be it a feature or not.

    Raises
    ------
    SpecError
        A column is not there, or is not of the kind that it is used as.
    """
    where = f"joins, {join.table!r}"
    require_keys(other.raw, tuple(join.on.values()), join.table)
    for column in join.on:
        into.column(column, where)
    time = None
    if join.as_of is not None:
        ((ours, theirs),) = join.as_of.items()
        into.moments(ours, where)
        other.moments(theirs, where)
        time = into.column(ours, where).model_copy(update=_UNTOLD)
    for column in join.columns or ():
        other.column(column, where)
    made = made_of(join, other) if join.reduces else ()
    taken = () if join.reduces else _taken(join, other, asked)
    kind = "keyed" if time is None else "window" if join.reduces else "as_of"
    return LookupRecord.model_validate(
        {"name": name, "kind": kind, "join": join, "time": time, "taken": taken, "made": made}
    )


def _taken(join: Join, other: SourceTable, asked: Collection[str]) -> tuple[str, ...]:
    parts = {*join.on.values(), *(join.as_of or {}).values()}
    present = set(other.raw.column_names)
    return tuple(
        c.name
        for c in other.table_schema.columns
        if c.name in present and c.name not in parts and (_may_be_taken(c, join) or _is_asked(c, join, asked))
    )


def _may_be_taken(column: Column, join: Join) -> bool:
    return column.role in _USED and (join.columns is None or column.name in join.columns)


def _is_asked(column: Column, join: Join, asked: Collection[str]) -> bool:
    # Further on its name grows by one more table with each join that it goes through.
    name = column_name(join.table, column.name)
    return any(other == name or other.endswith(f"_{name}") for other in asked)


def table_of(record: LookupRecord, other: SourceTable) -> Travelling:
    """Return the table that is looked up in.

    Raises
    ------
    DataError
        A key stands for several different rows, or there are more rows than may travel.
    """
    join = record.join
    made = {"keyed": _keyed, "as_of": _as_of, "window": _window}[record.kind](record, other)
    if record.travels and made.table.num_rows > join.max_rows:
        raise DataError(
            f"The look-up of {join.table!r} is too large to travel with a model",
            got=f"{made.table.num_rows:,} rows",
            expected=f"at most {join.max_rows:,} rows (`max_rows`)",
            todo="Aggregate or filter the table, have callers send the values (`serve: request`), or raise `max_rows`.",
        )
    return made


def _hidden(join: Join, other: SourceTable) -> bool:
    return any(c.private for c in other.table_schema.columns if c.name in join.on.values())


def _keyed(record: LookupRecord, other: SourceTable) -> Travelling:
    join, on = record.join, tuple(record.join.on.values())
    if record.made:
        return Travelling(reduced(join, record.made, other), keyless=keys_of(other.raw, on).null_count)
    rows = other.raw.select([*on, *record.taken])
    return Travelling(*check_relation(rows, on, join.table, _hidden(join, other)))


def _as_of(record: LookupRecord, other: SourceTable) -> Travelling:
    join, on = record.join, tuple(record.join.on.values())
    rows, moment, lacking = _timed(record, other, [*on, *record.taken], {})
    at, keys, hidden = rows.column_names.index(moment), (*on, moment), _hidden(join, other)
    counted = rows.set_column(at, moment, rows[moment].cast(pa.int64()))
    try:
        once, copies, _ = check_relation(counted, keys, join.table, hidden)
    except DataError:
        # Numbers have their text at once, and moments don't; a reader is told of moments.
        check_relation(rows, keys, join.table, hidden)
        raise
    return Travelling(once.set_column(at, moment, once[moment].cast(MOMENT)), copies, lacking)


def _window(record: LookupRecord, other: SourceTable) -> Travelling:
    rows, _, lacking = _timed(record, other, [*record.join.on.values()], values_of(record.made, other))
    return Travelling(rows, keyless=lacking)


def _timed(
    record: LookupRecord, other: SourceTable, names: list[str], values: dict[str, pa.Array]
) -> tuple[pa.Table, str, int]:
    """Return rows that have a key and a time, with the time in UTC; its name; and how many have none."""
    assert record.join.as_of is not None
    (moment,) = record.join.as_of.values()
    micros = other.moments(moment, f"joins, {record.join.table!r}")
    there = np.asarray(keys_of(other.raw, tuple(record.join.on.values())).is_valid()) & (micros != NO_MOMENT)
    columns = {name: other.raw[name] for name in names}
    columns |= {moment: pa.array(micros).cast(MOMENT), **values}
    kept = pa.array(np.flatnonzero(there))
    return pa.table(columns).take(kept), moment, int((~there).sum())


def columns_of(record: LookupRecord, other: SourceTable, gaps: bool) -> tuple[Column, ...]:
    """Return how the columns of a look-up read beside those of the table that they are looked up for.

    Parameters
    ----------
    record : LookupRecord
        The join.
    other : SourceTable
        Its table.
    gaps : bool
        Whether a row may find nothing.
    """
    join = record.join
    if record.made:
        return tuple(column_of(made, other, join) for made in record.made)
    found = []
    for name in record.taken:
        column = other.column(name, join.table)
        update = {
            "name": column_name(join.table, name),
            "table": join.table,
            "serve": join.serve,
            "nullable": column.nullable or gaps,
            # What only leads on to another table is no feature.
            "role": "feature" if _may_be_taken(column, join) else "id",
        }
        found.append(column.model_copy(update=update))
    return tuple(found)
