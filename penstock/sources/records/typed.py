"""Values of Python as Arrow columns, and the one type of a column whose values come piece by piece.

The type of a column depends on all of its values and never on how they are cut into pieces: whole numbers are int64,
whole and broken ones float64, and whatever has no type in common is text.
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from penstock.cells import NotCast, canonical_text
from penstock.errors import SourceError

# Where a column lies in nested data: the keys from the record down to the value.
Path = tuple[str, ...]

# Float64 holds every whole number up to here.
EXACT = 1 << 53
MOST_COLUMNS = 10_000
PIECE_ROWS = 1 << 16

_MOMENT = pa.timestamp("us")
_MOMENT_UTC = pa.timestamp("us", tz="UTC")


@dataclass
class Piece:
    """Some rows: one array of `n_rows` values for each path that occurs in them, made of `n_keys` keys."""

    n_rows: int
    columns: dict[Path, pa.Array] = field(default_factory=dict)
    n_keys: int = 0


def array_of(values: Sequence[Any], name: str = "") -> pa.Array:
    """Return values as null, bool, int64, float64, string or timestamp[us]; what has no type in common is text.

    Parameters
    ----------
    values : sequence
        Text, numbers, booleans, dates and None; NaN is missing too.
    name : str
        What an error calls the column.

    Raises
    ------
    SourceError
        A value has no text, such as raw bytes.

    Examples
    --------
    >>> array_of([1, None, 2.5]).type, array_of([1, "a"]).to_pylist(), array_of([2**70]).to_pylist()
    (DataType(double), ['1', 'a'], ['1180591620717411303424'])
    """
    kinds = frozenset(map(type, values)) - {type(None)}
    if kinds == _WHOLE:
        return _whole(values, name)
    if kinds in _PLAIN:
        return _strings(values, name) if kinds == _STR else pa.array(values, _PLAIN[kinds], from_pandas=True)
    if kinds == _NUMBERS and all(-EXACT <= v <= EXACT for v in values if type(v) is int):
        return pa.array(values, pa.float64(), from_pandas=True)
    return _rarer(values, kinds, name)


_WHOLE = frozenset({int})
_NUMBERS = frozenset({int, float})
_STR = frozenset({str})
_PLAIN: dict[frozenset[type], pa.DataType] = {
    frozenset(): pa.null(),
    _STR: pa.string(),
    frozenset({bool}): pa.bool_(),
    frozenset({float}): pa.float64(),
}


def _whole(values: Sequence[Any], name: str) -> pa.Array:
    try:
        return pa.array(values, pa.int64())
    except (OverflowError, pa.ArrowInvalid):
        return _text(values, name)


def _rarer(values: Sequence[Any], kinds: frozenset[type], name: str) -> pa.Array:
    if any(issubclass(k, np.generic | Decimal) or hasattr(k, "asm8") for k in kinds):
        return array_of([_python(v) for v in values], name)
    if kinds <= {dt.date, dt.datetime}:
        aware = {v.tzinfo is not None for v in values if type(v) is dt.datetime} | (
            {False} if dt.date in kinds else set()
        )
        if kinds == {dt.date}:
            return pa.array(values, pa.date32()).cast(_MOMENT)
        if len(aware) == 1:
            values = [_midnight(v) if type(v) is dt.date else v for v in values]
            return pa.array(values, _MOMENT_UTC if aware == {True} else _MOMENT)
    return _text(values, name)


def _midnight(day: dt.date) -> dt.datetime:
    return dt.datetime(day.year, day.month, day.day)  # noqa: DTZ001 - a day of a calendar, in no zone


def _python(value: Any) -> Any:
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, np.datetime64):
        return None if np.isnat(value) else value.astype("datetime64[us]").item()
    if hasattr(value, "to_pydatetime"):
        return None if pd.isna(value) else value.to_pydatetime(warn=False)
    return value.item() if isinstance(value, np.generic) else value


def _text(values: Sequence[Any], name: str) -> pa.Array:
    try:
        return _strings([v if v is None or type(v) is str else _one_text(v) for v in values], name)
    except NotCast as error:
        raise SourceError(
            "A value has no text", where=f"column {name!r}", expected="text, numbers, booleans or dates"
        ) from error


def _strings(values: Sequence[str | None], name: str) -> pa.Array:
    try:
        return pa.array(values, pa.string())
    except UnicodeEncodeError as error:
        raise SourceError("A text is no valid Unicode", where=f"column {name!r}", got=error.reason) from error


def _one_text(value: Any) -> str | None:
    return None if type(value) is float and math.isnan(value) else canonical_text(value)


class Survey:
    """What is known of the columns of all pieces: their order and their types.

    Columns stand in the order of their first appearance, those of one nested object together.
    """

    def __init__(self, where: str) -> None:
        self.where = where
        self.n_rows = 0
        self._kinds: dict[Path, set[pa.DataType]] = {}
        self._inexact: set[Path] = set()

    def add(self, piece: Piece) -> None:
        """Take the columns of some more rows into account.

        Raises
        ------
        SourceError
            There are too many columns.
        """
        self.n_rows += piece.n_rows
        for path, array in piece.columns.items():
            kinds = self._kinds.get(path)
            if kinds is None:
                kinds = self._kinds[path] = set()
            if not pa.types.is_null(array.type):
                kinds.add(array.type)
            if pa.types.is_int64(array.type) and path not in self._inexact and _has_inexact(array):
                self._inexact.add(path)
        if len(self._kinds) > MOST_COLUMNS:
            raise too_many_columns(self.where)

    def types(self) -> dict[Path, pa.DataType]:
        """Return the type of every column, in order."""
        objects = {path[:n] for path in self._kinds for n in range(1, len(path))}
        # What is an object in some rows and missing in the others is no column of its own.
        return {p: self._type(p) for p in side_by_side(self._kinds) if self._kinds[p] or p not in objects}

    def _type(self, path: Path) -> pa.DataType:
        kinds = self._kinds[path]
        if len(kinds) == 1:
            return next(iter(kinds))
        if kinds == {pa.int64(), pa.float64()} and path not in self._inexact:
            return pa.float64()
        return pa.string()


def side_by_side(paths: Iterable[Path]) -> list[Path]:
    """Return paths in the order of their first appearance, those inside one object together.

    Examples
    --------
    >>> side_by_side([("a", "x"), ("b",), ("a", "y")])
    [('a', 'x'), ('a', 'y'), ('b',)]
    """
    known = list(paths)
    tree: dict[str, Any] = {}
    for path in known:
        node = tree
        for key in path:
            node = node.setdefault(key, {})
    return list(_walk((), tree, set(known)))


def _walk(path: Path, node: dict[str, Any], known: set[Path]) -> Iterator[Path]:
    if path in known:
        yield path
    for key, child in node.items():
        yield from _walk((*path, key), child, known)


def too_many_columns(where: str) -> SourceError:
    """Return the error for records whose keys look like data."""
    return SourceError(
        f"There are more than {MOST_COLUMNS:,} columns",
        where=where,
        got="keys that differ from record to record",
        todo="Name the rows (`records`, `rows`), or flatten less: `flatten: {max_depth: 1, lists: json}`.",
    )


def _has_inexact(array: pa.Array) -> bool:
    ends = pc.min_max(array).as_py()
    return ends["min"] is not None and (ends["min"] < -EXACT or ends["max"] > EXACT)


def tables_of(
    pieces: Callable[[], Iterable[Piece]],
    name_all: Callable[[Sequence[Path], str], list[str]],
    where: str,
    *,
    keep: bool = True,
) -> Iterator[pa.Table]:
    """Give pieces as tables with the same columns, each of one type.

    Parameters
    ----------
    pieces : callable
        Gives all pieces from the first on.
    name_all : callable
        Gives the columns' names, from their paths and `where`.
    where : str
        What errors call the whole.
    keep : bool
        Whether the pieces stay in memory until all columns are known. Where not, `pieces` is called twice.
    """
    survey = Survey(where)
    kept: list[Piece] = []
    for piece in pieces():
        survey.add(piece)
        if keep:
            kept.append(piece)
    types = survey.types()
    if not types and survey.n_rows:
        raise SourceError("The rows hold nothing", where=where, got=f"{survey.n_rows:,} rows without a column")
    names = name_all(list(types), where)
    for piece in _emptying(kept) if keep else pieces():
        if piece.n_rows:
            arrays = [_cast(piece.columns.get(path), kind, piece.n_rows) for path, kind in types.items()]
            yield pa.Table.from_arrays(arrays, names=names)


def _emptying(pieces: list[Piece]) -> Iterator[Piece]:
    pieces.reverse()
    while pieces:
        yield pieces.pop()


def _cast(array: pa.Array | None, kind: pa.DataType, n_rows: int) -> pa.Array:
    if array is None or pa.types.is_null(array.type):
        return pa.nulls(n_rows, kind)
    if array.type == kind:
        return array
    if not pa.types.is_string(kind) or pa.types.is_boolean(array.type) or pa.types.is_integer(array.type):
        return array.cast(kind)
    return _text(array.to_pylist(), "")
