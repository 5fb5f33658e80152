"""From what a user writes, a path, an address or a mapping, to a source."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from penstock.errors import SpecError
from penstock.sources.kinds import infer_kind, scheme_of
from penstock.sources.union import SOURCES, Source
from penstock.table import closest

_BY_KIND: dict[str, type[Source]] = {t.model_fields["kind"].default: t for t in SOURCES}
# Keys that only one kind of source has, whatever its address ends with.
_TELLING = {
    **dict.fromkeys(("paginate", "method", "body"), "http"),
    **dict.fromkeys(("css", "xpath", "row", "fields"), "html"),
    "sheet": "excel",
}


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
    kind = values.get("kind") or _kind_of(values, name, base_dir)
    if kind not in _BY_KIND:
        raise SpecError(
            f"The source {name!r} has an unknown kind {kind!r}", expected=closest(str(kind), sorted(_BY_KIND))
        )
    values = _placed(values, kind, base_dir)
    try:
        return _BY_KIND[kind].model_validate({**values, "kind": kind, "name": name})
    except ValidationError as error:
        # The cause would show the values, and one of them may be a secret.
        raise _explained(error, name, kind) from None


def _place(location: str | Path | Sequence[str | Path]) -> dict[str, Any]:
    if isinstance(location, str | os.PathLike):
        text = os.fspath(location)
        is_file = scheme_of(text) in ("", "file") or infer_kind(text) not in ("sql", "http")
        return {"path": text} if is_file else {"url": text}
    return {"path": [os.fspath(p) for p in location]}


def _kind_of(values: Mapping[str, Any], name: str, base_dir: Path) -> str:
    place = values.get("path", values.get("url"))
    if not place:
        raise SpecError(f"The source {name!r} names no place", expected="path: FILE, or url: ADDRESS")
    telling = next((kind for key, kind in _TELLING.items() if key in values), None)
    if telling is not None:
        return telling
    several = [place] if isinstance(place, str | os.PathLike) else place
    kinds = [infer_kind(_local(os.fspath(p), base_dir)) for p in several]
    if len(set(kinds)) > 1:
        raise SpecError(f"The files of the source {name!r} are of different kinds", got=", ".join(sorted(set(kinds))))
    return kinds[0]


def _placed(values: Mapping[str, Any], kind: str, base_dir: Path) -> dict[str, Any]:
    """Return the keys with their place as its kind has it: absolute, and under `path` or `url`."""
    placed = dict(values)
    fields = _BY_KIND[kind].model_fields
    # Whether a place is called `path` or `url` is all the same to who writes it.
    if "url" in placed and "url" not in fields and "path" not in placed:
        placed["path"] = placed.pop("url")
    if "path" in placed and "path" not in fields and isinstance(placed["path"], str) and "url" not in placed:
        placed["url"] = placed.pop("path")
    if "path" in placed:
        placed["path"] = _absolute(placed["path"], base_dir)
        if kind == "sql" and len(placed["path"]) == 1:
            placed["path"] = placed["path"][0]
    if kind == "sql" and isinstance(placed.get("url"), str):
        placed["url"] = _absolute_sqlite(placed["url"], base_dir)
    return placed


def _absolute(path: Any, base_dir: Path) -> Any:
    if isinstance(path, str | os.PathLike):
        return (_local(os.fspath(path), base_dir),)
    if isinstance(path, Sequence):
        return tuple(p for one in path for p in _absolute(one, base_dir))
    return path


def _local(path: str, base_dir: Path) -> str:
    if scheme_of(path) not in ("", "file"):
        return path
    return _full(base_dir / Path(path.removeprefix("file://")).expanduser())


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
    key = ".".join(str(step) for step in first["loc"])
    if first["type"] == "extra_forbidden" and len(first["loc"]) == 1:
        known = sorted(field.alias or name for name, field in _BY_KIND[kind].model_fields.items() if name != "name")
        return SpecError(
            f"The source {name!r} has an unknown key {key!r}", got=f"kind {kind}", expected=closest(key, known)
        )
    return SpecError(f"The source {name!r} has a value that does not fit", where=key, got=first["msg"])


__all__ = ["infer_kind", "source_from"]
