"""Several typed tables become one: the base with what its rows find in the others."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pyarrow as pa

from penstock.errors import DataError
from penstock.receipts import TypedTable
from penstock.slices import Join
from penstock.split import is_row_number, row_texts
from penstock.steps.audit import JoinReading
from penstock.steps.relations.join import NO_MATCH, Lookup, check_relation, column_name, require_keys
from penstock.store import Store
from penstock.table import Column, TableSchema, closest

_KEPT_ROLES = ("feature", "time", "clock", "group", "id")


@dataclass(frozen=True)
class SourceTable:
    """One source: raw, typed, and how it reads."""

    name: str
    raw: pa.Table
    typed: pd.DataFrame
    misfits: pd.DataFrame
    table_schema: TableSchema


@dataclass(frozen=True)
class Assembled:
    """The base with its look-ups; every table has the base's rows, in its order.

    `whole` has all raw columns, `features` the typed ones; `misfit` says for each row why it has a cell that could not
    be read, else None, and `misfit_column` where.
    """

    whole: pa.Table
    features: pd.DataFrame
    table_schema: TableSchema
    misfit: np.ndarray
    misfit_column: np.ndarray
    lookups: dict[str, Lookup]
    joins: tuple[JoinReading, ...]

    def sent(self) -> pa.Table:
        """Return the raw columns that a caller would send: ids and features that no look-up gives."""
        names = [
            c.name
            for c in self.table_schema.columns
            if c.role in _KEPT_ROLES and c.serve == "request" and c.name != _target_of(self.table_schema)
        ]
        return self.whole.select([name for name in names if name in self.whole.column_names])


def read_table(table: TypedTable, store: Store) -> SourceTable:
    """Read what the arrays stage made of a source."""
    return SourceTable(
        name=table.name,
        raw=store.read_table(table.raw),
        typed=store.read_frame(table.typed),
        misfits=store.read_frame(table.misfits),
        table_schema=TableSchema.model_validate_json(store.read_bytes(table.table_schema)),
    )


def assemble(base: SourceTable, others: Mapping[str, SourceTable], joins: Sequence[Join]) -> Assembled:
    """Join other tables to the base.

    Parameters
    ----------
    base : SourceTable
        Whose rows are kept, every one, in their order.
    others : mapping of str to SourceTable
        The tables that may be joined, by name.
    joins : sequence of Join
        What is joined, in this order.

    Raises
    ------
    DataError
        A table or column is not there, a key stands for several different rows, no row finds a partner, or a joined
        column's name is taken.
    """
    whole, columns = base.raw, list(base.table_schema.columns)
    lookups: dict[str, Lookup] = {}
    readings: list[JoinReading] = []
    for join in joins:
        if join.table not in others:
            raise DataError(f"There is no source {join.table!r} to join", expected=closest(join.table, list(others)))
        lookup, reading = _look_up(base, others[join.table], join)
        added = _columns(others[join.table].table_schema, join, lookup)
        taken = {c.name for c in columns} | set(whole.column_names)
        clash = next((c.name for c in added if c.name in taken), None)
        if clash is not None:
            raise DataError(
                f"The join of {join.table!r} would make a second column {clash!r}", todo="Rename one at its source."
            )
        whole = lookup.extend(whole)
        columns += added
        lookups[join.table] = lookup
        readings.append(reading)
    schema = TableSchema(columns=tuple(columns), target=base.table_schema.target)
    return _typed(base, whole, schema, lookups, tuple(readings))


def _look_up(base: SourceTable, other: SourceTable, join: Join) -> tuple[Lookup, JoinReading]:
    for column in join.on:
        if column not in base.raw.column_names:
            raise DataError(
                f"The base {base.name!r} cannot be joined with {join.table!r}: it has no column {column!r}",
                expected=closest(column, base.raw.column_names),
            )
    keys = tuple(join.on.values())
    require_keys(other.raw, keys, join.table)
    used = [c.name for c in other.table_schema.columns if c.role in ("feature", "time", "group") and c.name not in keys]
    wanted = [*dict.fromkeys([*keys, *used])]
    present = [name for name in wanted if name in other.raw.column_names]
    hidden = any(c.private for c in other.table_schema.columns if c.name in keys)
    once, copies, keyless = check_relation(other.raw.select(present), keys, join.table, hidden)
    lookup = Lookup(join, once)
    found = lookup.positions(base.raw)
    matched = int((found != NO_MATCH).sum())
    if not matched:
        raise DataError(
            f"No row of {base.name!r} finds a row of {join.table!r}",
            where=", ".join(f"{ours} = {theirs}" for ours, theirs in join.on.items()),
            todo="Look whether both sides write the key alike, and name the columns that hold it under `on`.",
        )
    return lookup, JoinReading(
        table=join.table,
        rows=other.raw.num_rows,
        duplicates_removed=copies,
        keyless=keyless,
        matched=matched,
        orphans=len(found) - matched,
        columns=len(lookup.columns),
    )


def _columns(schema: TableSchema, join: Join, lookup: Lookup) -> list[Column]:
    added = set(lookup.columns)
    renamed = [(column_name(join.table, c.name), c) for c in schema.columns]
    return [
        c.model_copy(update={"name": name, "table": join.table, "serve": join.serve, "role": "feature"})
        for name, c in renamed
        if name in added
    ]


def _typed(
    base: SourceTable, whole: pa.Table, schema: TableSchema, lookups: dict[str, Lookup], joins: tuple[JoinReading, ...]
) -> Assembled:
    own = [c.name for c in schema.features if not c.table]
    joined = [c.name for c in schema.features if c.table]
    # The base is typed already; what was looked up is read as a request would be.
    cast = schema.cast(whole, joined)
    features = pd.concat([base.typed[own], cast.frame], axis=1) if joined else base.typed[own]
    misfit = np.full(whole.num_rows, None, dtype=object)
    where = np.full(whole.num_rows, None, dtype=object)
    used = base.misfits[base.misfits["column"].isin(own)]
    found = [*used[["row", "column", "expected"]].itertuples(index=False, name=None)]
    found += [(m.row, m.column, m.expected) for m in cast.misfits]
    for row, column, expected in reversed(found):
        misfit[row] = f"column {column!r} does not read as {expected}"
        where[row] = column
    return Assembled(whole, features, schema, misfit, where, lookups, joins)


def beside_features(base: SourceTable) -> pd.DataFrame:
    """Return what a row of the base says beside its features and the target, as one column of text.

    Two rows are copies of each other only if they agree in this too. Columns that only count rows are left out.
    """
    features = {c.name for c in base.table_schema.features} | {_target_of(base.table_schema)}
    names = [n for n in base.raw.column_names if n not in features and not is_row_number(base.raw[n])]
    if not names:
        return pd.DataFrame(index=pd.RangeIndex(base.raw.num_rows))
    return pd.DataFrame({"beside": row_texts([base.raw[name] for name in names]).to_pandas()})


def _target_of(schema: TableSchema) -> str | None:
    return schema.target.name if schema.target else None
