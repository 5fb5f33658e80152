"""A spec from the command line: SOURCE... and a few options, for `run` and `init`."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa

from penstock.errors import DataError, SpecError
from penstock.frozen import Frozen
from penstock.sources import read_snapshot, snapshot, source_from
from penstock.spec.pipeline import slug
from penstock.store import Store
from penstock.table import closest


class Options(Frozen):
    """What the command line says beside the sources."""

    target: str
    name: str | None = None
    task: str | None = None
    header: bool = True
    names: tuple[str, ...] = ()
    table: str | None = None
    arrange: str = "auto"


def is_spec(sources: Sequence[str]) -> bool:
    """Whether the arguments name a spec file rather than data."""
    return len(sources) == 1 and Path(sources[0]).suffix.lower() in (".yaml", ".yml")


def declare(sources: Sequence[str], options: Options, folder: Path, scratch: Store) -> dict[str, Any]:
    """Return the written form of a spec for some sources.

    Parameters
    ----------
    sources : sequence of str
        Files or URLs. With the same columns they are stacked; otherwise the first is the base.
    options : Options
        The rest of the command line.
    folder : pathlib.Path
        Where the spec will lie: paths in it are written relative to there.
    scratch : Store
        Where the sources may be read into, to see their columns.
    """
    tables = [_read(location, options, scratch) for location in sources]
    stacked = _is_stacked(tables, options)
    values = [_value(location, options, folder) for location in sources]
    name = options.name or slug(Path(sources[0]).stem)
    declared: dict[str, Any] = {"name": name}
    if stacked:
        declared["source"] = _stacked_value(values)
    else:
        named = dict(zip(_source_names(sources), values, strict=True))
        declared["sources"] = named
        declared["base"] = next(iter(named))
        joins = [j for j in (_join(tables[0], t, n) for t, n in zip(tables[1:], list(named)[1:], strict=True)) if j]
        if joins:
            declared["joins"] = joins
    declared["target"] = _target(options.target, tables[0].column_names, sources[0])
    if options.task and options.task != "auto":
        declared["task"] = options.task
    return declared


def _read(location: str, options: Options, scratch: Store) -> pa.Table:
    source = source_from(_value(location, options, None), "data", Path.cwd())
    return read_snapshot(snapshot(source, scratch), source, scratch)


def _is_stacked(tables: Sequence[pa.Table], options: Options) -> bool:
    same = all(t.column_names == tables[0].column_names for t in tables)
    if options.arrange == "union" and not same:
        raise SpecError(
            "The sources cannot be stacked: their columns differ",
            got=" / ".join(", ".join(t.column_names[:8]) for t in tables),
            todo="Leave --union out to use the first as the base and the others as joins.",
        )
    return len(tables) == 1 or (same and options.arrange != "tables")


def _value(location: str, options: Options, folder: Path | None) -> str | dict[str, Any]:
    if "://" not in location:
        path = Path(location).expanduser()
        location = str(path.resolve()) if folder is None else os.path.relpath(path.resolve(), folder.resolve())
    details: dict[str, Any] = {}
    if not options.header or options.names:
        details["header"] = False
    if options.names:
        details["names"] = list(options.names)
    if options.table:
        details["table"] = options.table
    if not details:
        return location
    return {("url" if "://" in location else "path"): location, **details}


def _stacked_value(values: Sequence[str | dict[str, Any]]) -> Any:
    if len(values) == 1:
        return values[0]
    if all(isinstance(v, str) for v in values):
        return list(values)
    first = values[0]
    return {**first, "path": [v["path"] for v in values if isinstance(v, dict)]} if isinstance(first, dict) else values


def _source_names(sources: Sequence[str]) -> list[str]:
    names: list[str] = []
    for location in sources:
        stem = slug(Path(location).stem)
        names.append(stem if stem not in names else f"{stem}-{len(names) + 1}")
    return names


def _join(base: pa.Table, other: pa.Table, name: str) -> dict[str, Any] | None:
    """Offer a join on the shared columns that tell the other table's rows apart."""
    shared = [c for c in other.column_names if c in base.column_names]
    for keys in ([c] for c in shared):
        if len(other.group_by(keys).aggregate([])) == other.num_rows:
            return {"table": name, "on": keys[0]}
    if shared and len(other.group_by(shared).aggregate([])) == other.num_rows:
        return {"table": name, "on": shared}
    return None


def _target(asked: str, columns: Sequence[str], where: str) -> str:
    if asked in columns:
        return asked
    if asked.lstrip("-").isdigit() and -len(columns) <= int(asked) < len(columns):
        return columns[int(asked)]
    raise DataError(
        f"The target {asked!r} is not a column",
        where=where,
        expected=closest(asked, columns),
        todo="Name a column, or its index from 0: --target COLUMN|INDEX (with --no-header where there is no header).",
    )
