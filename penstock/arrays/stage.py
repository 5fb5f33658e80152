"""The arrays stage: snapshots in, typed tables, their profiles and the run's seeds out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

import pyarrow as pa

from penstock.arrays.decisions import check_decisions, decide
from penstock.arrays.generators import stage_seeds
from penstock.arrays.infer import decision, infer_column, infer_schema, target_column, target_of
from penstock.arrays.profile import profile_frame
from penstock.cells import Misfit
from penstock.errors import DataError
from penstock.receipts import Arrays, Collected, Snapshot, TypedTable
from penstock.slices import Typing
from penstock.sources import read_snapshot
from penstock.store import Store
from penstock.table import Cast, Column, TableSchema, Target


def make_arrays(
    collected: Collected,
    typing: Typing,
    locked: Mapping[str, TableSchema] | None,
    store: Store,
) -> Arrays:
    """Type every source of a run.

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
        text, its profile, and its misfits (`row`, `column`, `expected`). `lock` is a file of the schemas by source.

    Raises
    ------
    DataError
        The target cannot be learned from, or a locked column is gone from its source.
    SpecError
        The spec names a column that is not there.
    """
    raws = {s.name: read_snapshot(s, store) for s in collected.snapshots}
    others = {n: tuple(t.column_names) for n, t in raws.items() if n != typing.base}
    check_decisions(typing, tuple(raws[typing.base].column_names), others)
    schemas = {name: _schema(name, raw, typing, (locked or {}).get(name)) for name, raw in raws.items()}
    tables = tuple(_typed(s, raws[s.name], schemas[s.name], store) for s in collected.snapshots)
    lock = store.put_json({name: schema.model_dump(mode="json") for name, schema in schemas.items()})
    return Arrays(tables=tables, seeds=stage_seeds(typing.seed), lock=lock)


def _schema(name: str, raw: pa.Table, typing: Typing, locked: TableSchema | None) -> TableSchema:
    is_base = name == typing.base
    table = "" if is_base else name
    if locked is None:
        return infer_schema(raw, typing, is_base, table)
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


def _with_target(schema: TableSchema, raw: pa.Table, typing: Typing) -> TableSchema:
    """Return a locked schema with its target, which is inferred anew where the spec decided otherwise since."""
    target = schema.target
    same = target is not None and target.name == typing.target and typing.task in ("auto", target.task)
    if target is None or not same or typing.positive not in (None, target.positive):
        target = target_of(raw, typing)
    columns = [_as_target(c, target) if c.name == typing.target else _no_target(c, raw, typing) for c in schema.columns]
    return TableSchema(columns=tuple(columns), target=target)


def _as_target(column: Column, target: Target) -> Column:
    return column if column.role == "target" else target_column(target)


def _no_target(column: Column, raw: pa.Table, typing: Typing) -> Column:
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


def typed_columns(schema: TableSchema) -> tuple[Column, ...]:
    """Return the columns of a typed frame: all but the target and those left out, ids and text as text."""
    return tuple(
        c.model_copy(update={"kind": "text"}) if c.role == "id" and c.kind in ("integer", "float") else c
        for c in schema.columns
        if c.role not in ("ignored", "target")
    )


def _typed(snapshot: Snapshot, raw: pa.Table, schema: TableSchema, store: Store) -> TypedTable:
    name = snapshot.name
    wanted = TableSchema(columns=typed_columns(schema))
    cast = wanted.cast(raw, wanted.names)
    _check_fit(name, cast)
    return TypedTable(
        name=name,
        raw=snapshot.table,
        typed=store.put_frame(cast.frame),
        table_schema=store.put_json(schema),
        profile=store.put_json(profile_frame(cast.frame, wanted)),
        misfits=store.put_table(misfit_table(cast.misfits)),
    )


def _check_fit(name: str, cast: Cast) -> None:
    """Refuse a column of which most cells do not read: to quarantine nearly every row would help nobody."""
    for column, n in Counter(m.column for m in cast.misfits).items():
        present = n + int(cast.frame[column].notna().sum())
        if 2 * n > present:
            expected = next(m.expected for m in cast.misfits if m.column == column)
            raise DataError(
                f"The column {column!r} does not read as the spec or the lock says",
                where=name,
                got=f"{n:,} of {present:,} cells are something else",
                expected=expected,
                todo="Correct `columns` in the spec, or infer anew: penstock lock SPEC.yaml --update",
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
