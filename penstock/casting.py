"""Raw columns to typed ones: what `penstock.cells` says of one value, done for a column of a million.

Plain numbers go through Arrow's parser, which rounds correctly as Python's does; everything else is parsed once for
each distinct value.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from penstock.cells import (
    EXPECTED,
    PLAIN_NUMBER,
    PLAIN_NUMBER_PATTERN,
    WHOLE,
    Misfit,
    NotCast,
    canonical_text,
    is_moment,
    missing_numbers,
    parse_cell,
)

if TYPE_CHECKING:
    from penstock.table import Column

MISSING_DATE = np.datetime64("NaT", "us")


def cast_column(column: Column, values: Any) -> tuple[Any, list[Misfit]]:
    """Parse one column.

    Parameters
    ----------
    column : Column
        How its values read.
    values : pyarrow.Array, pyarrow.ChunkedArray or sequence
        Raw values, shape (n_rows,).

    Returns
    -------
    tuple
        A float64, datetime64[us] or `str` array of shape (n_rows,), and the misfits, in row order.
    """
    if isinstance(values, pa.ChunkedArray):
        values = values.combine_chunks() if values.num_chunks != 1 else values.chunk(0)
    if isinstance(values, pa.Array):
        done, bad = _cast_arrow(column, values)
    else:
        done, bad = _cast_each(column, values)
    return done, [Misfit(row=int(i), column=column.name, expected=EXPECTED[column.kind]) for i in bad]


def canonical_array(values: pa.Array) -> pa.Array:
    """Return the canonical text of every value of a column, null where it is missing or has none.

    Examples
    --------
    >>> import pyarrow as pa
    >>> canonical_array(pa.array([1.0, None, 2.5])).to_pylist()
    ['1', None, '2.5']
    """
    if pa.types.is_dictionary(values.type):
        values = values.dictionary_decode()
    if pa.types.is_large_string(values.type):
        values = values.cast(pa.string())
    if pa.types.is_string(values.type):
        return pc.replace_substring_regex(pc.utf8_trim_whitespace(values), WHOLE, r"\1")
    if pa.types.is_integer(values.type) or pa.types.is_boolean(values.type) or pa.types.is_null(values.type):
        return values.cast(pa.string())
    if pa.types.is_nested(values.type) or pa.types.is_binary(values.type):
        return pa.nulls(len(values), pa.string())
    encoded = values.dictionary_encode()
    texts = [None if v is None or v != v else canonical_text(v) for v in encoded.dictionary.to_pylist()]  # noqa: PLR0124
    return pa.array(texts, pa.string()).take(encoded.indices)


def _empty(column: Column, n: int) -> Any:
    if column.is_numeric:
        return np.full(n, np.nan)
    if column.kind == "datetime":
        return np.full(n, MISSING_DATE)
    return np.full(n, None, dtype=object)


def _finish(column: Column, done: Any) -> Any:
    if column.is_numeric or column.kind == "datetime":
        return done
    return pd.array(done, dtype="str")


def _cast_each(column: Column, values: Sequence[object]) -> tuple[Any, list[int]]:
    done: Any = _empty(column, len(values))
    bad: list[int] = []
    for i, value in enumerate(values):
        try:
            cell = parse_cell(column, value)
        except NotCast:
            bad.append(i)
            continue
        if cell is not None:
            done[i] = cell
    return _finish(column, done), bad


def _cast_arrow(column: Column, values: pa.Array) -> tuple[Any, list[int]]:
    if pa.types.is_dictionary(values.type):
        values = values.dictionary_decode()
    kind = values.type
    if pa.types.is_null(kind):
        return _finish(column, _empty(column, len(values))), []
    if pa.types.is_large_string(kind) or pa.types.is_string_view(kind):
        values = values.cast(pa.string())
        kind = values.type
    if column.kind in ("integer", "float"):
        if pa.types.is_string(kind) and column.decimal != ",":
            return _cast_number_text(column, values)
        if pa.types.is_integer(kind) or pa.types.is_floating(kind):
            return _check_numbers(column, values.cast(pa.float64(), safe=False).to_numpy(zero_copy_only=False))
    if column.kind == "datetime" and (pa.types.is_timestamp(kind) or pa.types.is_date(kind)):
        zone = kind.tz if pa.types.is_timestamp(kind) else None
        return values.cast(pa.timestamp("us", zone), safe=False).to_numpy(zero_copy_only=False), []
    return _cast_distinct(column, values)


def _check_numbers(column: Column, done: np.ndarray) -> tuple[np.ndarray, list[int]]:
    # A token such as -999 may be declared missing though it reads as a number.
    tokens = missing_numbers(column.missing)
    if tokens:
        done = np.where(np.isin(done, list(tokens)), np.nan, done)
    wrong = np.isinf(done)
    if column.kind == "integer":
        with np.errstate(invalid="ignore"):
            wrong |= ~np.isnan(done) & (done != np.floor(done))
    if wrong.any():
        done = np.where(wrong, np.nan, done)
    return done, np.flatnonzero(wrong).tolist()


def _cast_number_text(column: Column, values: pa.Array) -> tuple[np.ndarray, list[int]]:
    trimmed = pc.utf8_trim_whitespace(values)
    plain = pc.fill_null(pc.match_substring_regex(trimmed, PLAIN_NUMBER), False)
    tokens = [t for t in column.missing if PLAIN_NUMBER_PATTERN.match(t)]
    if tokens:
        plain = pc.and_not(plain, pc.is_in(trimmed, value_set=pa.array(tokens, pa.string())))
    done = _plain_floats(pc.if_else(plain, trimmed, pa.scalar(None, pa.string())))
    done, bad = _check_numbers(column, done)
    rest = np.flatnonzero(~plain.to_numpy(zero_copy_only=False) & values.is_valid().to_numpy(zero_copy_only=False))
    if not len(rest):
        return done, bad
    done = done.copy() if not done.flags.writeable else done
    odd, more = _cast_distinct(column, values.take(pa.array(rest)))
    done[rest] = odd
    return done, sorted([*bad, *(int(rest[i]) for i in more)])


def _plain_floats(texts: pa.Array) -> Any:
    try:
        # Arrow's parser knows no leading plus.
        return pc.replace_substring_regex(texts, r"^\+", "").cast(pa.float64()).to_numpy(zero_copy_only=False)
    except pa.ArrowInvalid:
        # It also refuses what is too large or too small for a float64, which Python reads as infinity or zero.
        return np.array([np.nan if t is None else float(t) for t in texts.to_pylist()])


def _cast_moments(column: Column, texts: Sequence[str]) -> tuple[np.ndarray, list[int]]:
    done = _empty(column, len(texts))
    trimmed = np.array([t.strip() for t in texts], dtype=object)
    missing = np.isin(trimmed, list(column.missing))
    readable = np.array([is_moment(t) for t in trimmed], dtype=bool)
    for form in (*column.formats, "ISO8601"):
        rest = np.flatnonzero(~missing & readable & np.isnat(done))
        if len(rest):
            moments = pd.to_datetime(pd.Series(trimmed[rest]), format=form, errors="coerce", utc=True)
            done[rest] = moments.dt.tz_localize(None).dt.as_unit("us").to_numpy()
    # What a batch could not read may be read alone: a batch shares one resolution, and with it one range of years.
    rest = np.flatnonzero(~missing & np.isnat(done))
    done[rest], bad = _cast_each(column, trimmed[rest].tolist())
    return done, [int(rest[i]) for i in bad]


def _cast_distinct(column: Column, values: pa.Array) -> tuple[Any, list[int]]:
    encoded = values.dictionary_encode()
    codes = pc.fill_null(encoded.indices, -1).to_numpy(zero_copy_only=False)
    listed = encoded.dictionary.to_pylist()
    is_moment_text = column.kind == "datetime" and pa.types.is_string(values.type)
    distinct: Any
    distinct, bad = _cast_moments(column, listed) if is_moment_text else _cast_each(column, listed)
    done: Any
    n = len(distinct)
    if column.is_numeric or column.kind == "datetime":
        done = np.append(distinct, _empty(column, 1))[np.where(codes < 0, n, codes)]
    else:
        done = distinct.take(codes, allow_fill=True)
    if not bad:
        return done, []
    return done, np.flatnonzero(np.isin(codes, bad)).tolist()
