"""Small typed tables to join, for the tests of relations."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
import pyarrow as pa

from penstock.slices import Join
from penstock.steps.relations.assemble import Assembled, assemble
from penstock.steps.relations.source import SourceTable
from penstock.table import Column, Kind, TableSchema, Target

NO_MISFITS = pd.DataFrame(columns=["row", "column", "expected"])


def source(name: str, columns: Mapping[str, Any], kinds: Mapping[str, Kind] | None = None, **more: Any) -> SourceTable:
    """Return a table, typed as it is told; what is left out is an integer, a category or a moment by its values.

    `more` holds roles by column, `target` with a name, `private` columns, `zones` by column, or `base`.
    """
    raw = pa.table({c: v if isinstance(v, pa.Array) else pa.array(v) for c, v in columns.items()})
    target = more.pop("target", None)
    made = []
    for column in raw.column_names:
        kind = (kinds or {}).get(column) or _kind(raw[column].type)
        role = "target" if column == target else more.get(column, "feature")
        own = "" if target or more.get("base") else name
        told = {"private": column in more.get("private", ()), "timezone": more.get("zones", {}).get(column, "")}
        made.append(Column(name=column, kind=kind, role=role, table=own, **told))
    schema = TableSchema(columns=tuple(made), target=Target(name=target, task="regression") if target else None)
    typed = schema.cast(raw, [c.name for c in made if c.role not in ("target", "ignored", "known_after")])
    misfits = pd.DataFrame([(m.row, m.column, m.expected) for m in typed.misfits], columns=NO_MISFITS.columns)
    return SourceTable(name=name, raw=raw, typed=typed.frame, misfits=misfits, table_schema=schema)


def _kind(stored: pa.DataType) -> Kind:
    if pa.types.is_temporal(stored):
        return "datetime"
    if pa.types.is_floating(stored):
        return "float"
    return "integer" if pa.types.is_integer(stored) else "boolean" if pa.types.is_boolean(stored) else "category"


def joined(base: SourceTable, others: Sequence[SourceTable], *joins: Mapping[str, Any]) -> Assembled:
    """Join tables as a spec says it."""
    return assemble(base, {other.name: other for other in others}, [Join.model_validate(join) for join in joins])


def taken(assembled: Assembled, name: str) -> list[Any]:
    """Return a joined column as plain values."""
    return assembled.whole[name].to_pylist()


def days(*numbers: int | None) -> pa.Array:
    """Return moments: days of January 2026."""
    return pa.array([None if n is None else pd.Timestamp(2026, 1, n).to_pydatetime() for n in numbers])
