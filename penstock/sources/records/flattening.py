"""Records to tables: nested objects become columns by named rules, and every column gets the one type it has."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain, count
from operator import itemgetter
from typing import Any, Literal

import orjson
import pyarrow as pa
from pydantic import Field

from penstock.errors import SourceError
from penstock.frozen import Frozen
from penstock.sources.columns import check_names
from penstock.sources.records.jsontext import n_keys
from penstock.sources.records.typed import MOST_COLUMNS, PIECE_ROWS, Path, Piece, array_of, tables_of, too_many_columns

_EMPTY: dict[str, Any] = {}
# The key of an element's own text, beside its attributes and children; no key of a JSON object.
OWN: Any = None


class Flatten(Frozen):
    """How what is nested becomes columns.

    An object's fields become columns of their own, named by their keys from the outside in, with `separator` between
    them. Objects below `max_depth` levels become JSON text. `lists` tells what becomes of a list: its JSON text
    (`json`), its first item (`first`), how many items it has (`count`), or a column for each place (`expand`).
    """

    separator: str = Field(default=".", min_length=1, max_length=8)
    lists: Literal["json", "first", "count", "expand"] = "json"
    max_depth: int = Field(default=32, ge=0, le=100)


def table_of(records: Sequence[Mapping[str, Any]], flatten: Flatten | None = None, where: str = "records") -> pa.Table:
    """Return records as one table.

    A key that a record lacks is missing there. Columns stand in the order of their first appearance, those of one
    object together. A column is bool, int64, float64 (whole and broken numbers together), timestamp[us] or string;
    numbers that no type holds exactly and values of different kinds become text; a column without any value is text.

    Parameters
    ----------
    records : sequence of mappings
        The rows, `len(records)` of them.
    flatten : Flatten, optional
        The rules for what is nested.
    where : str
        What errors call the records.

    Returns
    -------
    pyarrow.Table
        Shape `(len(records), n_columns)`.

    Raises
    ------
    SourceError
        Two columns get one name, a name is blank, something is nested too deep, or there are too many columns.

    Examples
    --------
    >>> table_of([{"a": 1, "b": {"c": "x"}}, {"a": 2.5, "b": {"d": [1, 2]}}]).to_pylist()
    [{'a': 1.0, 'b.c': 'x', 'b.d': None}, {'a': 2.5, 'b.c': None, 'b.d': '[1,2]'}]
    >>> table_of([{"a.b": 1, "a": {"b": 2}}])
    Traceback (most recent call last):
    penstock.errors.SourceError: Two columns are named 'a.b' once nested objects are flattened
      where: records
      do:    Choose another `separator` in `flatten`.
    """
    rules = flatten or Flatten()
    rows = [r if type(r) is dict else dict(r) for r in records]
    tables = list(tables_of(lambda: pieces_of(rows, rules, where), Names(rules.separator), where))
    if not tables:
        raise SourceError("There is no record", where=where, expected="at least one")
    return pa.concat_tables(tables)


def pieces_of(rows: Sequence[dict[str, Any]], rules: Flatten, where: str) -> Iterator[Piece]:
    """Give records as pieces of typed columns."""
    for start in range(0, len(rows), PIECE_ROWS):
        yield piece_of(rows[start : start + PIECE_ROWS], rules, where)


def piece_of(rows: Sequence[dict[str, Any]], rules: Flatten, where: str) -> Piece:
    """Return some records as typed columns."""
    spreading = _Spreading(rules)
    try:
        spreading.spread((), rows)
    except _TooMany:
        raise too_many_columns(where) from None
    except (RecursionError, orjson.JSONEncodeError) as error:
        raise SourceError("A record is nested too deep", where=where, todo="Name the rows with `records`.") from error
    return Piece(len(rows), spreading.columns, spreading.n_keys)


class _TooMany(Exception):
    pass


class _Spreading:
    """Objects on their way to columns, column by column rather than cell by cell."""

    def __init__(self, rules: Flatten) -> None:
        self._rules = rules
        self.columns: dict[Path, pa.Array] = {}
        self.n_keys = 0

    def spread(self, path: Path, rows: Sequence[dict[str, Any]]) -> None:
        self.n_keys += sum(map(len, rows))
        shapes = dict.fromkeys(map(tuple, rows))
        names = dict.fromkeys(chain.from_iterable(shapes))
        if len(names) + len(self.columns) > MOST_COLUMNS:
            raise _TooMany
        common = set.intersection(*map(set, shapes)) if shapes else set()
        for name in names:
            if name is OWN:
                continue
            values = list(map(itemgetter(name), rows)) if name in common else [row.get(name) for row in rows]
            self._column((*path, name if type(name) is str else str(name)), values)

    def _column(self, path: Path, values: list[Any]) -> None:
        kinds = set(map(type, values))
        while kinds & {list, tuple}:
            values = self._unlisted(values)
            kinds = set(map(type, values))
        if dict not in kinds:
            self.columns[path] = array_of(values, ".".join(path))
        elif len(path) > self._rules.max_depth:
            self.n_keys += n_keys(values)
            self.columns[path] = array_of([json_text(v) if type(v) is dict else v for v in values], ".".join(path))
        else:
            self._objects(path, values)

    def _unlisted(self, values: list[Any]) -> list[Any]:
        lists = [v for v in values if type(v) in (list, tuple)]
        if self._rules.lists == "expand":
            # Places become keys, which the records do not have.
            self.n_keys -= sum(map(len, lists))
            return [dict(zip(map(str, count()), v, strict=False)) if type(v) in (list, tuple) else v for v in values]
        if self._rules.lists == "first":
            self.n_keys += n_keys([v[1:] for v in lists])
            return [(v[0] if v else None) if type(v) in (list, tuple) else v for v in values]
        self.n_keys += n_keys(lists)
        become = len if self._rules.lists == "count" else json_text
        return [become(v) if type(v) in (list, tuple) else v for v in values]

    def _objects(self, path: Path, values: list[Any]) -> None:
        own = [v.get(OWN) if type(v) is dict else v for v in values]
        self.columns[path] = array_of(own, ".".join(path))
        n_before = len(self.columns)
        self.spread(path, [v if type(v) is dict else _EMPTY for v in values])
        if len(self.columns) > n_before and pa.types.is_null(self.columns[path].type):
            del self.columns[path]


def json_text(value: Any) -> str:
    """Return the compact JSON text of a nested value."""
    try:
        return orjson.dumps(value).decode()
    except orjson.JSONEncodeError:
        # Whole numbers beyond 64 bits, and keys that are no text.
        return json.dumps(_keyed(value), ensure_ascii=False, separators=(",", ":"), default=str)


def _keyed(value: Any) -> Any:
    if isinstance(value, dict):
        return {"#text" if k is OWN else str(k): _keyed(v) for k, v in value.items()}
    return [_keyed(v) for v in value] if isinstance(value, list | tuple) else value


class Names:
    """Names columns by their paths."""

    def __init__(self, separator: str) -> None:
        self._separator = separator

    def __call__(self, paths: Sequence[Path], where: str) -> list[str]:
        """Return the names.

        Raises
        ------
        SourceError
            Two are the same, or one is blank.
        """
        names = [self._separator.join(path) for path in paths]
        if len(set(names)) < len(names):
            twice = next(n for i, n in enumerate(names) if n in names[:i])
            raise SourceError(
                f"Two columns are named {twice!r} once nested objects are flattened",
                where=where,
                todo="Choose another `separator` in `flatten`.",
            )
        check_names(names, where)
        return names
