"""The sources of look-ups read anew, and the tables that are made of them as in training."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from pydantic import ValidationError

from penstock.arrays.infer import decision, infer_column
from penstock.arrays.stage import misfit_table
from penstock.errors import DataError, SpecError, StoreError
from penstock.receipts import Arrays, Collected
from penstock.refresh.live import Live
from penstock.slices import Typing
from penstock.sources import Source, collect
from penstock.spec.lock import Lock
from penstock.spec.pipeline import PipelineSpec
from penstock.steps.relations.again import sources_of
from penstock.steps.relations.lookup import LookupRecord
from penstock.steps.relations.order import named_in
from penstock.steps.relations.source import SourceTable
from penstock.steps.relations.travelling import records_of
from penstock.store import Store
from penstock.table import Column, TableSchema, closest

_ALIKE = frozenset({"category", "text"})


class Retyped(NamedTuple):
    """A column that reads as another kind than it did in training, and of how many cells that is not true."""

    table: str
    column: str
    was: str
    now: str
    misfits: int


def refreshed_records(live: Live, spec: PipelineSpec) -> tuple[LookupRecord, ...]:
    """Return the look-ups of the live version that are read anew from time to time.

    Raises
    ------
    SpecError
        There is none.
    """
    found = tuple(r for r in records_of(live.parts.plan) if r.travels and r.join.serve == "refresh")
    if not found:
        asked = any(join.serve == "refresh" for join in spec.joins)
        raise SpecError(
            f"Model {spec.name!r} has no look-up that is refreshed",
            where=f"version {live.pointer.version}",
            got=f"look-ups: {', '.join(live.carried) or 'none'}",
            todo="Its spec says `serve: refresh` since it was trained: penstock run SPEC.yaml"
            if asked
            else "Say so in the spec's join (`serve: refresh`, `every: 1d`), then: penstock run SPEC.yaml",
        )
    return found


def read_anew(live: Live, records: Sequence[LookupRecord], spec: PipelineSpec, store: Store) -> Collected:
    """Collect the sources that look-ups are made of, and no others.

    Raises
    ------
    SpecError
        The spec has no such source any more.
    SourceError
        A source is absent, unreadable or empty.
    """
    names = sorted(sources_of(live.parts.plan, [record.name for record in records]))
    known = {source.name: source for source in spec.sources}
    for name in names:
        if name not in known:
            raise SpecError(
                f"The live model looks up in {name!r}, which is none of the spec's sources",
                expected=closest(name, list(known)),
                todo="Bring the source back, or train without it: penstock run SPEC.yaml",
            )
    sources: tuple[Source, ...] = tuple(known[name] for name in names)
    return collect(sources, store)


def schemas_of(live: Live, lock: Lock | None, names: Sequence[str], store: Store) -> dict[str, TableSchema]:
    """Return how sources were typed when the live version was trained; where that is gone, what the lock says.

    Raises
    ------
    SpecError
        Neither is there.
    """
    trained = _trained_schemas(live, store)
    locked = lock.tables if lock is not None else {}
    found = {name: trained.get(name) or locked.get(name) for name in names}
    for name, schema in found.items():
        if schema is None:
            raise SpecError(
                f"How the columns of {name!r} read is not known any more",
                where=f"version {live.pointer.version}",
                expected="the lock beside the spec, or the store of the run that trained it",
                todo="Train anew: penstock run SPEC.yaml",
            )
    return {name: schema for name, schema in found.items() if schema is not None}


def _trained_schemas(live: Live, store: Store) -> dict[str, TableSchema]:
    try:
        arrays = Arrays.model_validate(live.receipt("arrays"))
        return {
            table.name: TableSchema.model_validate_json(store.read_bytes(table.table_schema)) for table in arrays.tables
        }
    except (ValidationError, StoreError):
        return {}


def typed(
    collected: Collected, schemas: Mapping[str, TableSchema], records: Sequence[LookupRecord], store: Store
) -> dict[str, SourceTable]:
    """Return sources as training had them: raw, and the columns that joins use typed.

    Parameters
    ----------
    collected : Collected
        The sources.
    schemas : mapping of str to TableSchema
        How they read.
    records : sequence of LookupRecord
        All joins of the plan.
    store : Store
        Where the raw tables lie.

    Raises
    ------
    DataError
        A column that training knew is gone.
    """
    tables: dict[str, SourceTable] = {}
    for snapshot in collected.snapshots:
        raw, schema = store.read_table(snapshot.table), schemas[snapshot.name]
        needed = _needed(records, snapshot.name)
        used = [c for c in schema.columns if c.name in needed]
        gone = [c.name for c in used if c.name not in raw.column_names]
        if gone:
            raise DataError(
                f"The source {snapshot.name!r} lacks columns that the live model was trained with",
                where=snapshot.uri,
                got=f"gone: {', '.join(map(repr, gone[:8]))}",
                expected=closest(gone[0], raw.column_names),
                todo="Correct the source, or train without them: penstock run SPEC.yaml",
            )
        cast = schema.cast(raw, [c.name for c in used])
        misfits = misfit_table(cast.misfits).to_pandas()
        tables[snapshot.name] = SourceTable(snapshot.name, raw, cast.frame, misfits, schema)
    return tables


def retyped(tables: Mapping[str, SourceTable], typing: Typing) -> list[Retyped]:
    """Return the columns that read as another kind now, with cells that do not read as the old one."""
    found: list[Retyped] = []
    for name, table in tables.items():
        counts = table.misfits["column"].value_counts()
        for column in table.table_schema.columns:
            # Only what joins use was read.
            if n := int(counts.get(column.name, 0)):
                now = infer_column(column.name, table.raw[column.name], decision(typing, column.name, name), name)
                if _differs(column, now):
                    found.append(Retyped(name, column.name, column.kind, now.kind, n))
    return found


def _differs(was: Column, now: Column) -> bool:
    return was.kind != now.kind and not {was.kind, now.kind} <= _ALIKE


def _needed(records: Sequence[LookupRecord], source: str) -> frozenset[str]:
    """Return the names under which a source's columns are used by joins; some are made by other joins."""
    names: set[str] = set()
    for record in records:
        join, as_of = record.join, record.join.as_of or {}
        if join.table == source:
            names |= {*join.on.values(), *as_of.values(), *record.taken}
            for made in record.made:
                names |= {*named_in(made.where), *(name for name in (made.of, made.by) if name)}
        if join.into == source:
            names |= {*join.on, *as_of}
    return frozenset(names)
