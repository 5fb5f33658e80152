"""Arrow's many types, brought down to the few that raw tables have.

What a column becomes hangs on its type alone, never on its values, so that two files of one schema can be stacked.
"""

from __future__ import annotations

import datetime as dt
import json
import math
import uuid
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

# More digits than an int64 surely has.
_INT64_DIGITS = 18


def plain_types(table: pa.Table, remark: Callable[[str], None] | None = None) -> pa.Table:
    """Return a table without metadata whose columns have plain types; values stay.

    Whole numbers, float32 and float64, booleans, text, dates and timestamps (unit and zone included) stay as they are.
    The rest becomes:

    ======================================= ===================================================
    dictionary, run-end encoded, extension  what is encoded; a UUID its text
    large text, text view                   text
    null                                    text, all missing
    half float                              float32
    decimal                                 int64 where it has no fraction and at most 18 digits, else float64
    date64                                  date32
    time                                    text such as 12:30:00
    duration                                float64, in seconds
    list, map, structure                    JSON text
    bytes                                   the text that they are in UTF-8, or hexadecimal digits where they are none
    month, day and nanosecond interval      text
    ======================================= ===================================================

    Parameters
    ----------
    table : pyarrow.Table
        Any table.
    remark : callable, optional
        Is told of columns whose values look otherwise now.

    Examples
    --------
    >>> import pyarrow as pa
    >>> plain_types(pa.table({"a": pa.array(["x"], pa.large_string())})).schema.field("a").type
    DataType(string)
    >>> plain_types(pa.table({"a": [[1, 2], None]}))["a"].to_pylist()
    ['[1,2]', None]
    """
    columns = []
    for field, column in zip(table.schema, table.columns, strict=True):
        words = _words(field.type)
        if words and remark is not None:
            remark(f"column {field.name!r} holds {words}")
        columns.append(_plain(column))
    return pa.Table.from_arrays(columns, names=table.column_names)


def _plain(column: pa.ChunkedArray) -> pa.ChunkedArray:
    kind = column.type
    if isinstance(kind, pa.BaseExtensionType):
        return _extension(column)
    if pa.types.is_dictionary(kind):
        return _plain(_each(column, lambda c: c.dictionary_decode(), kind.value_type))
    if pa.types.is_run_end_encoded(kind):
        return _plain(_each(column, pc.run_end_decode, kind.value_type))
    rule = next((rule for fits, rule in _RULES if fits(kind)), None)
    return column if rule is None else rule(column)


def _extension(column: pa.ChunkedArray) -> pa.ChunkedArray:
    storage = _each(column, lambda chunk: chunk.storage)
    if column.type.extension_name == "arrow.uuid":
        return _from_python(storage, lambda value: str(uuid.UUID(bytes=value)))
    return storage.cast(pa.bool_()) if column.type.extension_name == "arrow.bool8" else _plain(storage)


def _is_bytes(kind: pa.DataType) -> bool:
    return bool(pa.types.is_binary(kind) or pa.types.is_large_binary(kind) or pa.types.is_binary_view(kind))


def _decimals(column: pa.ChunkedArray) -> pa.ChunkedArray:
    kind = column.type
    whole = kind.scale <= 0 and kind.precision - kind.scale <= _INT64_DIGITS
    return column.cast(pa.int64() if whole else pa.float64(), safe=False)


def _seconds(column: pa.ChunkedArray) -> pa.ChunkedArray:
    a_second = {"s": 1.0, "ms": 1e3, "us": 1e6, "ns": 1e9}[column.type.unit]
    return pc.divide(column.cast(pa.int64()).cast(pa.float64(), safe=False), a_second)


def _words(kind: pa.DataType) -> str:
    if isinstance(kind, pa.BaseExtensionType):
        return "" if kind.extension_name == "arrow.uuid" else _words(kind.storage_type)
    if pa.types.is_nested(kind) and not pa.types.is_run_end_encoded(kind):
        return f"{kind}: kept as JSON text"
    if pa.types.is_fixed_size_binary(kind):
        return "bytes: kept as hexadecimal digits"
    if _is_bytes(kind):
        return "bytes: kept as UTF-8 text, or as hexadecimal digits where they are none"
    if pa.types.is_duration(kind):
        return "durations: kept as seconds"
    return ""


def _each(column: pa.ChunkedArray, act: Callable[[Any], pa.Array], kind: pa.DataType | None = None) -> pa.ChunkedArray:
    chunks = [act(chunk) for chunk in column.chunks]
    return pa.chunked_array(chunks, type=None if chunks else kind or getattr(column.type, "storage_type", None))


def _as_text(column: pa.ChunkedArray) -> pa.ChunkedArray:
    chunks = [piece for chunk in column.chunks for piece in _text_pieces(chunk)]
    return pa.chunked_array(chunks, type=pa.string())


def _text_pieces(chunk: pa.Array) -> list[pa.Array]:
    try:
        return [chunk.cast(pa.string())]
    except pa.ArrowInvalid:
        # More than 2 GiB of text: `string` counts with 32 bits.
        if len(chunk) < 2:
            raise
    half = len(chunk) // 2
    return [*_text_pieces(chunk.slice(0, half)), *_text_pieces(chunk.slice(half))]


def _bytes(column: pa.ChunkedArray) -> pa.ChunkedArray:
    try:
        return column.cast(pa.large_binary()).cast(pa.large_string()).cast(pa.string())
    except pa.ArrowInvalid:
        return _from_python(column, _text_or_hex)


def _text_or_hex(value: bytes) -> str:
    try:
        return value.decode()
    except UnicodeDecodeError:
        return value.hex()


def _from_python(column: pa.ChunkedArray, text: Callable[[Any], str]) -> pa.ChunkedArray:
    chunks = [pa.array([None if v is None else text(v) for v in c.to_pylist()], pa.string()) for c in column.chunks]
    return pa.chunked_array(chunks, type=pa.string())


def _json_text(value: object) -> str:
    return json.dumps(_json_value(value), ensure_ascii=False, separators=(",", ":"), allow_nan=False)


def _json_value(value: Any) -> Any:  # whatever Arrow holds
    if isinstance(value, Mapping):
        return {str(k): _json_value(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_json_value(v) for v in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if value is None or isinstance(value, str | int | float | bool):
        return value
    return _json_scalar(value)


def _json_scalar(value: Any) -> object:
    if isinstance(value, bytes):
        return _text_or_hex(value)
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    if isinstance(value, dt.timedelta):
        return value.total_seconds()
    return value.isoformat() if isinstance(value, dt.date | dt.time) else str(value)


_Fits = Callable[[pa.DataType], bool]
_Rule = Callable[[pa.ChunkedArray], pa.ChunkedArray]
_RULES: tuple[tuple[_Fits, _Rule], ...] = (
    (pa.types.is_nested, lambda column: _from_python(column, _json_text)),
    (_is_bytes, _bytes),
    (pa.types.is_fixed_size_binary, lambda column: _from_python(column, bytes.hex)),
    (pa.types.is_interval, lambda column: _from_python(column, str)),
    (lambda kind: pa.types.is_large_string(kind) or pa.types.is_string_view(kind), _as_text),
    (pa.types.is_decimal, _decimals),
    (lambda kind: pa.types.is_null(kind) or pa.types.is_time(kind), lambda column: column.cast(pa.string())),
    (pa.types.is_float16, lambda column: column.cast(pa.float32())),
    (pa.types.is_date64, lambda column: column.cast(pa.date32(), safe=False)),
    (pa.types.is_duration, _seconds),
)
