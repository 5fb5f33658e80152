"""From what a user writes, a path, an address or a mapping, to a source."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from penstock.errors import SourceError, SpecError
from penstock.sources.union import SOURCES, Source
from penstock.table import closest

_BY_SUFFIX: dict[str, str] = {
    **dict.fromkeys((".csv", ".tsv", ".txt", ".data", ".dat"), "csv"),
    **dict.fromkeys((".parquet", ".pq"), "parquet"),
    **dict.fromkeys((".sqlite", ".sqlite3", ".db"), "sql"),
}
_BY_KIND: dict[str, type[Source]] = {t.model_fields["kind"].default: t for t in SOURCES}
_scheme = re.compile(r"^([a-zA-Z][a-zA-Z0-9+.-]+)://")
_NOT_SQL = ("http", "https", "ftp", "s3", "gs", "az", "abfs")


def infer_kind(location: str) -> str:
    """Return the kind of source that a path or address names.

    Raises
    ------
    SourceError
        No kind of source is known by that ending or scheme.

    Examples
    --------
    >>> infer_kind("rows.csv"), infer_kind("shop.sqlite"), infer_kind("postgresql://host/shop")
    ('csv', 'sql', 'sql')
    """
    scheme = _scheme.match(location)
    if scheme and scheme.group(1).lower() not in ("file", *_NOT_SQL):
        return "sql"
    suffix = Path(location).suffix.lower()
    if suffix in _BY_SUFFIX and not (scheme and scheme.group(1).lower() in _NOT_SQL):
        return _BY_SUFFIX[suffix]
    raise SourceError(
        "The kind of the source cannot be told from its name",
        where=location if not scheme else f"{scheme.group(0)}…",
        got=f"the ending {suffix!r}" if not scheme else f"the scheme {scheme.group(1)!r}",
        expected="; ".join([*(f"{kind}: {_suffixes(kind)}" for kind in _BY_KIND), "sql: a database's address"]),
        todo="Rename the file, or name its kind in the spec: source: {kind: csv, path: …}",
    )


def _suffixes(kind: str) -> str:
    return " ".join(s for s, k in _BY_SUFFIX.items() if k == kind)


def source_from(
    location: str | Path | Sequence[str | Path] | Mapping[str, Any], name: str, base_dir: Path, **options: Any
) -> Source:
    """Build a source from its written form.

    Parameters
    ----------
    location : str, path, sequence of them, or mapping
        A path or address, several files to be stacked, or the keys of a source, `kind` being optional.
    name : str
        What the source is called in the spec.
    base_dir : pathlib.Path
        What relative paths start from; the source holds absolute ones.
    **options
        Further keys, as from the command line; those that are None are left out.

    Raises
    ------
    SpecError
        An unknown key, an unknown kind, or a value that does not fit.
    SourceError
        The kind cannot be told.
    """
    values = dict(location) if isinstance(location, Mapping) else _place(location)
    values |= {k: v for k, v in options.items() if v is not None}
    kind = values.get("kind") or _kind_of(values, name)
    if kind not in _BY_KIND:
        raise SpecError(
            f"The source {name!r} has an unknown kind {kind!r}", expected=closest(str(kind), sorted(_BY_KIND))
        )
    if "path" in values:
        values["path"] = _absolute(values["path"], base_dir)
    if kind == "sql" and isinstance(values.get("path"), tuple):
        values["path"] = values["path"][0] if len(values["path"]) == 1 else values["path"]
    if kind == "sql" and isinstance(values.get("url"), str):
        values["url"] = _absolute_sqlite(values["url"], base_dir)
    try:
        return _BY_KIND[kind].model_validate({**values, "kind": kind, "name": name})
    except ValidationError as error:
        raise _explained(error, name, kind) from error


def _place(location: str | Path | Sequence[str | Path]) -> dict[str, Any]:
    if isinstance(location, str | os.PathLike):
        text = os.fspath(location)
        if _scheme.match(text) and infer_kind(text) == "sql":
            return {"url": text}
        return {"path": text.removeprefix("file://")}
    return {"path": [os.fspath(p).removeprefix("file://") for p in location]}


def _kind_of(values: Mapping[str, Any], name: str) -> str:
    if "url" in values:
        return infer_kind(str(values["url"]))
    path = values.get("path")
    if not path:
        raise SpecError(f"The source {name!r} names no place", expected="path: FILE, or url: ADDRESS")
    kinds = [infer_kind(str(p)) for p in ([path] if isinstance(path, str | os.PathLike) else path)]
    if len(set(kinds)) > 1:
        raise SpecError(f"The files of the source {name!r} are of different kinds", got=", ".join(sorted(set(kinds))))
    return kinds[0]


def _absolute(path: Any, base_dir: Path) -> Any:
    if isinstance(path, str | os.PathLike):
        return (_full(base_dir / Path(path).expanduser()),)
    if isinstance(path, Sequence):
        return tuple(p for one in path for p in _absolute(one, base_dir))
    return path


def _absolute_sqlite(url: str, base_dir: Path) -> str:
    head, mark, rest = url.partition(":///")
    if head.partition("+")[0] != "sqlite" or not rest or rest.startswith(("/", ":memory:", "file:")):
        return url
    return f"{head}{mark}{_full(base_dir / rest)}"


def _full(path: Path) -> str:
    # Not resolved through links: errors shall show the path that the user knows.
    return os.path.abspath(path)  # noqa: PTH100


def _explained(error: ValidationError, name: str, kind: str) -> SpecError:
    first = error.errors(include_url=False, include_input=False)[0]
    key = str(first["loc"][0]) if first["loc"] else ""
    if first["type"] == "extra_forbidden":
        known = sorted(set(_BY_KIND[kind].model_fields) - {"name"})
        return SpecError(
            f"The source {name!r} has an unknown key {key!r}", got=f"kind {kind}", expected=closest(key, known)
        )
    return SpecError(f"The source {name!r} has a value that does not fit", where=key, got=first["msg"])
