"""The arrays stage: snapshots in, typed tables, their profiles and the run's seeds out."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

import pyarrow as pa

from penstock.arrays.decisions import check_decisions, decide
from penstock.arrays.fixing import with_fixes
from penstock.arrays.generators import stage_seeds
from penstock.arrays.infer import (
    RawColumns,
    decision,
    infer_and_cast,
    infer_column,
    target_column,
    target_of,
    typed_column,
)
from penstock.arrays.made import typing_of_made
from penstock.arrays.profile import Measured, profile_column, profile_of
from penstock.arrays.typed import StoredColumns, arrow_column, write_typed
from penstock.casting import cast_column
from penstock.cells import Misfit
from penstock.errors import DataError
from penstock.receipts import MADE, Arrays, Collected, Snapshot, TypedTable
from penstock.slices import Typing
from penstock.store import Store
from penstock.table import Column, TableSchema, Target

# Columns that are typed at once. The result does not depend on it.
WORKERS = 2


class TypedColumn(NamedTuple):
    """One column of a source: what the schema says of it and, where it is kept, its values, misfits and measures."""

    column: Column
    values: pa.Array | None = None
    misfits: tuple[Misfit, ...] = ()
    measured: Measured | None = None


def make_arrays(
    collected: Collected,
    typing: Typing,
    locked: Mapping[str, TableSchema] | None,
    store: Store,
) -> Arrays:
    """Type every source of a run.

    Columns are read, typed and measured one by one, two at a time: beside the typed columns there is never more in
    memory than the raw values of two.

    Parameters
    ----------
    collected : Collected
        The snapshots, in the order of the sources.
    typing : Typing
        What the user decided.
    locked : mapping of str to TableSchema, optional
        Schemas by source that were inferred before. What they name is cast to, not inferred anew; what does not fit
        becomes a misfit.
    store : Store
        Where the tables go.

    Returns
    -------
    Arrays
        For every source the raw table, the typed frame of all columns but the target and those left out, with ids as
        text, its profile over all rows, and its misfits (`row`, `column`, `expected`). `lock` is a file of the schemas
        by source.

    Raises
    ------
    DataError
        The target cannot be learned from, or a locked column is gone from its source.
    SpecError
        The spec names a column that is not there.
    """
    base, fixed = with_fixes(_named(collected, typing.base), collected.fixes, store)
    snapshots = [base if s.name == base.name else s for s in collected.snapshots]
    raws = {s.name: StoredColumns(s.table, store) for s in snapshots}
    others = {n: tuple(t.column_names) for n, t in raws.items() if n != typing.base}
    check_decisions(typing, tuple(raws[typing.base].column_names), others)
    schemas: dict[str, TableSchema] = {}
    tables = []
    for snapshot in snapshots:
        name = snapshot.name
        decided = typing_of_made(snapshot, typing) if snapshot.kind == MADE else typing
        schemas[name], columns = _typed(name, raws[name], decided, (locked or {}).get(name))
        table = _stored(snapshot, schemas[name], columns, store)
        tables.append(table if snapshot is not base else table.model_copy(update={"fixed": fixed}))
    lock = store.put_json({name: schema.model_dump(mode="json") for name, schema in schemas.items()})
    return Arrays(tables=tuple(tables), seeds=stage_seeds(typing.seed), lock=lock)


def _named(collected: Collected, name: str) -> Snapshot:
    return next(snapshot for snapshot in collected.snapshots if snapshot.name == name)


def _typed(
    name: str, raw: RawColumns, typing: Typing, locked: TableSchema | None
) -> tuple[TableSchema, list[TypedColumn]]:
    is_base = name == typing.base
    table = "" if is_base else name
    if locked is None:
        target = target_of(raw, typing) if is_base else None
        known = {target.name: target_column(target)} if target is not None else {}
        names = raw.column_names
    else:
        schema = _locked(name, raw, typing, locked)
        target, known, names = schema.target, {c.name: c for c in schema.columns}, list(schema.names)

    def typed(column: str) -> TypedColumn:
        if column not in known:
            decided = decision(typing, column, table)
            return _measured(name, *infer_and_cast(column, raw[column], decided, table, typing if is_base else None))
        kept = typed_column(known[column])
        # What is left out may have gone from the source.
        values, misfits = cast_column(kept, raw[column]) if kept is not None else (None, [])
        return _measured(name, known[column], values, misfits)

    with ThreadPoolExecutor(WORKERS) as pool:
        columns = list(pool.map(typed, names))
    return TableSchema(columns=tuple(c.column for c in columns), target=target), columns


def _measured(source: str, column: Column, values: Any, misfits: list[Misfit]) -> TypedColumn:
    kept = typed_column(column)
    if kept is None or values is None:
        return TypedColumn(column)
    measured = profile_column(kept, values)
    _check_fit(source, column.name, misfits, measured.profile.n)
    # Arrow keeps what it has freed for the next column; of a wide table that adds up to twice its size.
    pa.default_memory_pool().release_unused()
    return TypedColumn(column, arrow_column(values), tuple(misfits), measured)


def _locked(name: str, raw: RawColumns, typing: Typing, locked: TableSchema) -> TableSchema:
    """Return the schema that a source was locked to, with what the spec decides since; new columns are left out."""
    is_base = name == typing.base
    table = "" if is_base else name
    present = set(raw.column_names)
    gone = [c for c in locked.columns if c.name not in present and c.role != "ignored"]
    known = set(locked.names)
    new = [n for n in raw.column_names if n not in known]
    if gone:
        raise _changed(name, gone, new)
    kept = [decide(c, decision(typing, c.name, table), typing if is_base else None) for c in locked.columns]
    columns = (*kept, *(_left_out(n, table) for n in new))
    schema = TableSchema(columns=columns, target=locked.target)
    return _with_target(schema, raw, typing) if is_base else schema


def _with_target(schema: TableSchema, raw: RawColumns, typing: Typing) -> TableSchema:
    """Return a locked schema with its target, which is inferred anew where the spec decided otherwise since."""
    target = schema.target
    same = target is not None and target.name == typing.target and typing.task in ("auto", target.task)
    if target is None or not same or typing.positive not in (None, target.positive):
        target = target_of(raw, typing)
    columns = [_as_target(c, target) if c.name == typing.target else _no_target(c, raw, typing) for c in schema.columns]
    return TableSchema(columns=tuple(columns), target=target)


def _as_target(column: Column, target: Target) -> Column:
    return column if column.role == "target" else target_column(target)


def _no_target(column: Column, raw: RawColumns, typing: Typing) -> Column:
    if column.role != "target":
        return column
    return infer_column(column.name, raw[column.name], decision(typing, column.name, ""))


def _left_out(name: str, table: str) -> Column:
    evidence = "new since the lock was made, and left out; `penstock lock SPEC.yaml --update` takes it in"
    return Column(name=name, kind="text", role="ignored", table=table, evidence=evidence)


def _changed(name: str, gone: list[Column], new: list[str]) -> DataError:
    missing = ", ".join(repr(c.name) for c in gone[:8]) + (f" and {len(gone) - 8} more" if len(gone) > 8 else "")
    more = f"new: {', '.join(map(repr, new[:8]))}" if new else "no new column"
    return DataError(
        f"The source {name!r} lacks {'a column' if len(gone) == 1 else 'columns'} that the lock names: {missing}",
        where=name,
        got=more,
        todo="Correct the source, or accept its new form: penstock lock SPEC.yaml --update",
    )


def _check_fit(source: str, column: str, misfits: list[Misfit], n: int) -> None:
    """Refuse a column of which most cells do not read: to quarantine nearly every row would help nobody."""
    present = n + len(misfits)
    if 2 * len(misfits) > present:
        raise DataError(
            f"The column {column!r} does not read as the spec or the lock says",
            where=source,
            got=f"{len(misfits):,} of {present:,} cells are something else",
            expected=misfits[0].expected,
            todo="Correct `columns` in the spec, or infer anew: penstock lock SPEC.yaml --update",
        )


def _stored(snapshot: Snapshot, schema: TableSchema, columns: list[TypedColumn], store: Store) -> TypedTable:
    kept = {c.column.name: c for c in columns if c.values is not None and c.measured is not None}
    profile = profile_of(snapshot.n_rows, {name: c.measured for name, c in kept.items() if c.measured is not None})
    return TypedTable(
        name=snapshot.name,
        raw=snapshot.table,
        typed=write_typed({name: c.values for name, c in kept.items()}, store),
        table_schema=store.put_json(schema),
        profile=store.put_json(profile),
        misfits=store.put_table(misfit_table(tuple(m for c in kept.values() for m in c.misfits))),
    )


def misfit_table(misfits: tuple[Misfit, ...]) -> pa.Table:
    """Return misfits as a table of `row`, `column` and `expected`."""
    return pa.table(
        {
            "row": pa.array([m.row for m in misfits], pa.int64()),
            "column": pa.array([m.column for m in misfits], pa.string()),
            "expected": pa.array([m.expected for m in misfits], pa.string()),
        }
    )
