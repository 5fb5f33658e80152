"""A spec from the command line: SOURCE... and a few options, for `run` and `init`."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pyarrow as pa

from deploy.commands.addresses import Address, without_password
from deploy.commands.console import err
from penstock.errors import DataError, SpecError
from penstock.frozen import Frozen
from penstock.series.guess import guess_forecast
from penstock.sources import CsvSource, Source, infer_kind, looks_headerless, read_snapshot, snapshot, source_from
from penstock.sources.kinds import scheme_of
from penstock.spec.pipeline import slug
from penstock.spec.reading import fill_in, plain_value
from penstock.store import Store
from penstock.table import closest


class Options(Frozen):
    """What the command line says beside the sources; `read` holds further keys of a source, such as a sheet."""

    target: str
    name: str | None = None
    task: str | None = None
    header: bool = True
    names: tuple[str, ...] = ()
    table: str | None = None
    query: str | None = None
    read: dict[str, Any] = {}
    arrange: str = "auto"


def keys_of(given: Sequence[str]) -> dict[str, Any]:
    """Return the keys of a source out of `KEY=VALUE` texts; a value is read as a spec would read it.

    Raises
    ------
    SpecError
        A text has no `=`.

    Examples
    --------
    >>> keys_of(["sheet=2", "member=*-full.csv"])
    {'sheet': 2, 'member': '*-full.csv'}
    """
    pairs = [text.partition("=") for text in given]
    for key, mark, _ in pairs:
        if not mark or not key.strip():
            raise SpecError("A key of a source has no value", got=f"--read {key}", expected="--read KEY=VALUE")
    return {key.strip(): plain_value(value) for key, _, value in pairs}


def is_spec(sources: Sequence[str]) -> bool:
    """Whether the arguments name a spec file rather than data."""
    return len(sources) == 1 and Path(sources[0]).suffix.lower() in (".yaml", ".yml")


def declare(sources: Sequence[str], options: Options, folder: Path, scratch: Store) -> dict[str, Any]:
    """Return the written form of a spec for some sources.

    Of each source only the first rows are read, but for tables that are to be joined: of those the keys are looked for.

    Parameters
    ----------
    sources : sequence of str
        Files, directories, patterns, addresses. With the same columns they are stacked; otherwise the first is the
        base.
    options : Options
        The rest of the command line.
    folder : pathlib.Path
        Where the spec will lie: paths in it are written relative to there.
    scratch : Store
        Where remote sources may be read into, to see their columns.
    """
    addresses = [without_password(location) for location in sources]
    for address in addresses:
        if address.message:
            err().print(f"[yellow]note[/]: {address.message}", highlight=False)
    made = [_source(address, options) for address in addresses]
    heads = [source.peek(scratch) for source in made]
    _warn_of_headers(made, options)
    values = [_value(address, options, folder) for address in addresses]
    name = options.name or slug(_stem(addresses[0], options))
    declared: dict[str, Any] = {"name": name}
    if _is_stacked(heads, options):
        declared["source"] = _stacked_value(values)
    else:
        named = dict(zip(_source_names(addresses, options), values, strict=True))
        declared["sources"] = named
        declared["base"] = next(iter(named))
        others = zip(made[1:], list(named)[1:], strict=True)
        if joins := [j for source, called in others if (j := _offered(heads[0], source, called, scratch))]:
            declared["joins"] = joins
    declared["target"] = _target(options.target, heads[0].column_names, made[0].uri)
    if options.task and options.task != "auto":
        declared["task"] = options.task
    if options.task == "forecast":
        declared |= guess_forecast(heads[0], declared["target"], made[0].uri)
    return declared


def one_source(sources: Sequence[str], options: Options, scratch: Store) -> tuple[Source, str]:
    """Return one source for all arguments, stacked where they are several, and what it is called.

    Raises
    ------
    SpecError
        Their columns differ.
    """
    addresses = [without_password(location) for location in sources]
    made = [_source(address, options) for address in addresses]
    _warn_of_headers(made, options)
    name = options.name or slug(_stem(addresses[0], options))
    if len(made) == 1:
        return made[0], name
    if not _is_stacked([source.peek(scratch) for source in made], options):
        raise SpecError("The sources cannot be stacked: their columns differ", todo="Give them one by one.")
    return source_from(_stacked_value([_value(a, options, None) for a in addresses]), "data", Path.cwd()), name


def target_in(source: Source, options: Options, scratch: Store) -> str | None:
    """Return the name of the target's column, where one is asked for; it may be asked for by its index."""
    if not options.target:
        return None
    return _target(options.target, source.peek(scratch).column_names, source.uri)


def _source(address: Address, options: Options) -> Source:
    value = _value(address, options, None)
    return source_from(fill_in(value, address.shown), "data", Path.cwd())


def _warn_of_headers(sources: Sequence[Source], options: Options) -> None:
    if not options.header:
        return
    for source in sources:
        if not isinstance(source, CsvSource) or scheme_of(source.path[0]):
            continue
        first = source.path[0]
        if looks_headerless(first, source.delimiter, source.encoding):
            words = f"[yellow]note[/]: the first line of {Path(first).name} looks like data; if it is: --no-header"
            err().print(words, highlight=False)


def _is_stacked(tables: Sequence[pa.Table], options: Options) -> bool:
    same = all(t.column_names == tables[0].column_names for t in tables)
    if options.arrange == "union" and not same:
        raise SpecError(
            "The sources cannot be stacked: their columns differ",
            got=" / ".join(", ".join(t.column_names[:8]) for t in tables),
            todo="Leave --union out to use the first as the base and the others as joins.",
        )
    return len(tables) == 1 or (same and options.arrange != "tables")


def _value(address: Address, options: Options, folder: Path | None) -> str | dict[str, Any]:
    """Return a source as a spec has it; `folder` None leaves paths absolute."""
    location = address.written
    kind = infer_kind(address.given)
    if "://" not in location:
        path = Path(location).expanduser()
        # Not resolved: a pattern is no path, and a link is what the user named.
        full = os.path.abspath(path)  # noqa: PTH100
        location = full if folder is None else os.path.relpath(full, folder.resolve())
    details = _details(options, kind)
    place = "url" if kind in ("sql", "http") and "://" in address.given else "path"
    if address.written != address.given:
        # Behind a variable nobody sees what it is.
        return {"kind": kind, place: location, **details}
    return {place: location, **details} if details else location


def _details(options: Options, kind: str) -> dict[str, Any]:
    details: dict[str, Any] = {}
    if kind == "csv":
        if not options.header or options.names:
            details["header"] = False
        if options.names:
            details["names"] = list(options.names)
    if kind == "sql":
        details |= {k: v for k, v in (("table", options.table), ("query", options.query)) if v}
    if kind == "excel":
        if not options.header:
            details["header"] = False
        if options.table:
            details["sheet"] = options.table
    return details | options.read


def _stacked_value(values: Sequence[str | dict[str, Any]]) -> Any:
    if len(values) == 1:
        return values[0]
    if all(isinstance(v, str) for v in values):
        return list(values)
    mapped = [v for v in values if isinstance(v, Mapping)]
    if len(mapped) < len(values) or any("path" not in v for v in mapped):
        raise SpecError(
            "These sources cannot be stacked: they are no files",
            todo="Use --tables, or a query that unites them.",
        )
    return {**mapped[0], "path": [v["path"] for v in mapped]}


def _stem(address: Address, options: Options) -> str:
    if options.table and infer_kind(address.given) == "sql":
        return options.table
    path = urlsplit(address.given).path if "://" in address.given else address.given
    name = Path(path.rstrip("/*") or "data").name
    return name.partition(".")[0].strip("*_-") or "data"


def _source_names(addresses: Sequence[Address], options: Options) -> list[str]:
    names: list[str] = []
    for address in addresses:
        stem = slug(_stem(address, options))
        names.append(stem if stem not in names else f"{stem}-{len(names) + 1}")
    return names


def _offered(base: pa.Table, source: Source, name: str, scratch: Store) -> dict[str, Any] | None:
    """Offer a join on the shared columns that tell the other table's rows apart."""
    other = read_snapshot(snapshot(source, scratch), scratch)
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
