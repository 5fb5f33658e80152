"""What a database gives, as Arrow: types that it declares, and values that do not fit them as text.

A column has one type in the end, though it comes block by block. What a block says is settled by `settled`: a type
that all agree on, floats where whole numbers and fractions meet, and text where nothing else would hold all values.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable, Sequence
from decimal import Decimal
from types import NoneType
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from penstock.cells import canonical_text

INTEGER, FLOAT, BOOLEAN, TEXT, DATE = pa.int64(), pa.float64(), pa.bool_(), pa.string(), pa.date32()
MOMENT, ZONED = pa.timestamp("us"), pa.timestamp("us", tz="UTC")
UNKNOWN = pa.null()
# Whole numbers beyond it have no float of their own.
_EXACT = 1 << 53


def from_texts(texts: pa.Array, kind: pa.DataType) -> pa.Array:
    """Return a column of one type; all of it stays text where one of the texts does not read as that type.

    Examples
    --------
    >>> from_texts(pa.array(["1", None]), INTEGER).type, from_texts(pa.array(["0000-00-00"]), DATE).type
    (DataType(int64), DataType(string))
    """
    if kind in (TEXT, UNKNOWN):
        return texts
    try:
        if kind == ZONED and not _has_zone(texts):
            return pc.assume_timezone(texts.cast(MOMENT), "UTC")
        return texts.cast(kind)
    except pa.ArrowInvalid:
        return texts


def _has_zone(texts: pa.Array) -> bool:
    known = texts.drop_null()
    first = known[0].as_py() if len(known) else ""
    return "+" in first or first.endswith("Z") or first.count("-") > 2


def from_values(values: Sequence[object]) -> pa.Array:
    """Return a column of Python values by what they are; `null` where there are none but NULLs.

    Examples
    --------
    >>> from_values([1, None]).type, from_values([1, 2.5]).to_pylist(), from_values([1, "two"]).to_pylist()
    (DataType(int64), [1.0, 2.5], ['1', 'two'])
    """
    # By their types and not one by one, for there may be many.
    types = set(map(type, values)) - {NoneType}
    kinds = _zones(values) if types == {dt.datetime} else {_kind(t) for t in types}
    kind = settled_kind(kinds, lossless=len(kinds) < 2 or not _beyond(values))
    if kind == UNKNOWN:
        return pa.nulls(len(values))
    if kind == FLOAT and types != {float}:
        return pa.array([None if v is None else float(v) for v in values], kind)  # type: ignore[arg-type]  # numbers
    if kind != TEXT or types == {str}:
        try:
            return pa.array(values, kind)
        except OverflowError:  # beyond 64 bits
            return pa.array([None if v is None else str(v) for v in values], TEXT)
    return pa.array([None if v is None else text_of(v) for v in values], TEXT)


def _beyond(values: Sequence[object]) -> bool:
    return any(type(v) is int and abs(v) > _EXACT for v in values)


def _zones(values: Sequence[object]) -> set[pa.DataType]:
    return {MOMENT if v.tzinfo is None else ZONED for v in values if isinstance(v, dt.datetime)}


def _kind(kind: type) -> pa.DataType:
    if issubclass(kind, bool):
        return BOOLEAN
    if issubclass(kind, int):
        return INTEGER
    if issubclass(kind, float | Decimal):
        return FLOAT
    if issubclass(kind, dt.datetime):
        return MOMENT
    return DATE if issubclass(kind, dt.date) else TEXT


def text_of(value: object) -> str:
    r"""Return the one text of a value: bytes in hex, JSON for lists and mappings, moments as ISO 8601.

    Examples
    --------
    >>> text_of(b"\x01a"), text_of([1, None]), text_of(2.0), text_of(dt.timedelta(hours=30))
    ('0161', '[1, null]', '2', '30:00:00')
    """
    for kinds, words in _WORDS.items():
        if isinstance(value, kinds):
            return words(value)
    return str(value)


def _span(value: dt.timedelta) -> str:
    seconds = abs(int(value.total_seconds()))
    sign = "-" if value < dt.timedelta() else ""
    return f"{sign}{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}"


# How values are written that are no text; all others by their own `str`.
_WORDS: dict[tuple[type, ...], Callable[[Any], str]] = {
    (str,): str,
    (bytes, bytearray, memoryview): lambda value: bytes(value).hex(),
    (list, tuple, dict): lambda value: json.dumps(value, ensure_ascii=False, default=text_of),
    (dt.timedelta,): _span,
    (bool, int, float, Decimal): canonical_text,
}


def settled_kind(kinds: set[pa.DataType], *, lossless: bool = True) -> pa.DataType:
    """Return the one type that holds the values of several; `lossless` is whether whole numbers have floats."""
    seen = kinds - {UNKNOWN}
    if len(seen) <= 1:
        return next(iter(seen), UNKNOWN)
    return FLOAT if seen == {INTEGER, FLOAT} and lossless else TEXT


def settled(blocks: Sequence[pa.Schema], declared: dict[str, pa.DataType], wide: set[str]) -> pa.Schema:
    """Return the one schema for blocks that differ.

    Parameters
    ----------
    blocks : sequence of pyarrow.Schema
        With the same names in the same order.
    declared : dict of str to pyarrow.DataType
        What the database says of its columns; it speaks for those that hold NULLs only, and whole numbers of a column
        that is declared as fractions are fractions.
    wide : set of str
        Columns with whole numbers that no float holds.
    """
    fields = []
    for name in blocks[0].names:
        kinds = {block.field(name).type for block in blocks} - {UNKNOWN}
        said = declared.get(name, UNKNOWN)
        if not kinds or (kinds == {INTEGER} and said == FLOAT):
            kinds = kinds | {said}
        kind = settled_kind(kinds, lossless=name not in wide)
        fields.append(pa.field(name, TEXT if kind == UNKNOWN else kind))
    return pa.schema(fields)


def is_wide(column: pa.Array | pa.ChunkedArray) -> bool:
    """Whether a column of whole numbers has some that no float holds."""
    if column.type != INTEGER:
        return False
    ends = pc.min_max(column).as_py()
    return ends["min"] is not None and (ends["min"] < -_EXACT or ends["max"] > _EXACT)


def as_type(column: pa.Array, kind: pa.DataType) -> pa.Array:
    """Return a column in the type that was settled on.

    Examples
    --------
    >>> as_type(pa.array([1.0, 2.5]), TEXT).to_pylist()
    ['1', '2.5']
    """
    if column.type == kind:
        return column
    if kind == TEXT and not pa.types.is_integer(column.type) and column.type != UNKNOWN:
        return pa.array([None if v is None else text_of(v) for v in column.to_pylist()], TEXT)
    return column.cast(kind)
