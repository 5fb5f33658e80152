"""Where the records of a JSON document are: at a path, in the only list of objects, or laid out by columns."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Literal

from penstock.errors import SourceError
from penstock.sources.intake import Intake
from penstock.table import closest

Orient = Literal["auto", "records", "columns", "split", "index", "rows"]

_DEEPEST = 4


def records_of(document: Any, path: str | None, orient: Orient, where: str, intake: Intake) -> list[dict[str, Any]]:
    """Return the records of a document.

    Parameters
    ----------
    document : object
        What the JSON text says.
    path : str, optional
        Keys from the top down to the records, with a point between them; a number is a place in a list.
    orient : str
        How they are laid out there; `auto` finds out.
    where : str
        What errors call the document.
    intake : Intake
        Takes what is no record, by its place in the list from 1, and remarks.

    Raises
    ------
    SourceError
        The path leads nowhere, or it cannot be told where the records are.
    """
    value = document if path is None else _at(document, path, where)
    at = f"{where} at {path!r}" if path else where
    if orient == "auto":
        orient, value = _found(value, path, at, intake)
    if orient == "records":
        return _objects(value, at, where, intake)
    try:
        return {"columns": _by_columns, "split": _split, "index": _by_index, "rows": _by_rows}[orient](value)
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise SourceError(
            f"The document is not laid out as orient {orient!r} says",
            where=at,
            got=str(error) if type(error) is ValueError else _kind(value),
            todo="Give another `orient`, or where the records are: `records: data.items`.",
        ) from error


def _at(document: Any, path: str, where: str) -> Any:
    value, rest, gone = document, path, ""
    while rest:
        key, child = _step(value, rest)
        if key is None:
            known = list(map(str, value)) if isinstance(value, Mapping) else []
            raise SourceError(
                f"There is nothing at {path!r}",
                where=where,
                got=_kind(value) + (f" at {gone!r}" if gone else " at the top"),
                expected=closest(rest.partition(".")[0], known) if known else "an object with that key",
                todo="Correct `records`.",
            )
        gone = f"{gone}.{key}" if gone else key
        value, rest = child, rest[len(key) + 1 :]
    return value


def _step(value: Any, rest: str) -> tuple[str | None, Any]:
    # A key may hold a point itself: the longest that fits is meant.
    if isinstance(value, Mapping):
        parts = rest.split(".")
        for n in range(len(parts), 0, -1):
            key = ".".join(parts[:n])
            if key in value:
                return key, value[key]
    key = rest.partition(".")[0]
    if isinstance(value, list) and key.isdecimal() and int(key) < len(value):
        return key, value[int(key)]
    return None, None


def _found(value: Any, path: str | None, at: str, intake: Intake) -> tuple[Orient, Any]:
    if isinstance(value, list):
        return ("rows", value) if _is_rows(value) else ("records", value)
    if not isinstance(value, Mapping):
        raise _nowhere(value, at)
    if _is_split(value):
        return "split", value
    if _is_columns(value):
        return "columns", value
    lists = list(_lists(value, ""))
    if len(lists) == 1:
        inner, rows = lists[0]
        intake.remark(f"{at}: the records were found at {(path + '.' if path else '') + inner!r}")
        return "records", rows
    if lists:
        raise SourceError(
            "There are several lists of objects in the document",
            where=at,
            got=", ".join(repr(p) for p, _ in lists[:8]),
            todo=f"Say which holds the records: `records: {lists[0][0]}`.",
        )
    if value and all(isinstance(v, Mapping) for v in value.values()):
        raise SourceError(
            "It cannot be told whether the document's objects are rows or columns",
            where=at,
            got=f"an object of {len(value)} objects",
            todo="Say `orient: index` (each is a row) or `orient: columns` (each is a column).",
        )
    if not value:
        raise _nowhere(value, at)
    return "records", [value]


def _is_rows(value: list[Any]) -> bool:
    if len(value) < 2 or not all(type(v) is list for v in value):
        return False
    first = value[0]
    named = first and all(type(n) is str and n.strip() for n in first) and len(set(first)) == len(first)
    return bool(named) and all(len(v) == len(first) for v in value)


def _is_split(value: Mapping[str, Any]) -> bool:
    return set(value) in ({"columns", "data"}, {"columns", "data", "index"}) and all(
        type(v) is list for v in value.values()
    )


def _is_columns(value: Mapping[str, Any]) -> bool:
    lists = list(value.values())
    return (
        bool(lists)
        and all(type(v) is list and v for v in lists)
        and len(set(map(len, lists))) == 1
        and not any(type(v[0]) in (dict, list) for v in lists)
    )


def _lists(value: Mapping[str, Any], path: str, depth: int = 1) -> Iterator[tuple[str, list[Any]]]:
    for key, inner in value.items():
        at = f"{path}.{key}" if path else str(key)
        if type(inner) is list and inner and type(inner[0]) is dict:
            yield at, inner
        elif type(inner) is dict and depth < _DEEPEST:
            yield from _lists(inner, at, depth + 1)


def _objects(value: Any, at: str, where: str, intake: Intake) -> list[dict[str, Any]]:
    if isinstance(value, Mapping):
        return [dict(value)]
    if not isinstance(value, list):
        raise _nowhere(value, at)
    if not value:
        raise SourceError("The list of records is empty", where=at, expected="at least one record")
    records = [v for v in value if type(v) is dict]
    if not records:
        raise _nowhere(value, at)
    if len(records) < len(value):
        for i, item in enumerate(value, 1):
            if type(item) is not dict:
                intake.set_aside(where, i, f"{_kind(item)} where an object is expected", str(item)[:500])
    return records


def _by_columns(value: Any) -> list[dict[str, Any]]:
    columns = {k: list(v.values()) if isinstance(v, Mapping) else v for k, v in value.items()}
    labels = [list(v) for v in value.values() if isinstance(v, Mapping)]
    if labels and (len(labels) < len(columns) or any(set(one) != set(labels[0]) for one in labels)):
        # Each column names the rows that it has a value for.
        rows = dict.fromkeys(label for one in labels for label in one)
        columns = {k: [v.get(row) for row in rows] for k, v in value.items()}
    elif labels:
        columns = {k: [v[row] for row in labels[0]] for k, v in value.items()}
    if any(type(v) is not list for v in columns.values()) or len({len(v) for v in columns.values()}) != 1:
        raise ValueError("columns of different lengths")
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def _split(value: Any) -> list[dict[str, Any]]:
    return _rows_under(value["columns"], value["data"])


def _by_rows(value: Any) -> list[dict[str, Any]]:
    return _rows_under(value[0], value[1:])


def _rows_under(names: list[Any], rows: list[list[Any]]) -> list[dict[str, Any]]:
    texts = [str(n) for n in names]
    if len(set(texts)) < len(texts):
        raise ValueError(f"the column {next(n for n in texts if texts.count(n) > 1)!r} stands twice")
    for i, row in enumerate(rows, 1):
        if len(row) != len(texts):
            raise ValueError(f"row {i} has {len(row)} values for {len(texts)} columns")
    return [dict(zip(texts, row, strict=True)) for row in rows]


def _by_index(value: Any) -> list[dict[str, Any]]:
    records = [{"index": key, **row} for key, row in value.items()]
    if any("index" in row for row in value.values()):
        raise ValueError("a field that is called 'index' already")
    return records


def _kind(value: Any) -> str:
    if isinstance(value, Mapping):
        return f"an object with {len(value)} keys"
    if isinstance(value, list):
        return f"a list of {len(value)} items"
    if value is None:
        return "null"
    return "text" if isinstance(value, str) else "a boolean" if isinstance(value, bool) else "a number"


def _nowhere(value: Any, at: str) -> SourceError:
    return SourceError(
        "There are no records in the document",
        where=at,
        got=_kind(value),
        expected="a list of objects",
        todo="Say where they are, such as `records: data.items`, or how they are laid out with `orient`.",
    )
