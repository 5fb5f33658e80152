"""Raw columns to typed ones: what `penstock.cells` says of one value, done for a column of a million.

Whatever Arrow and NumPy read exactly as a cell alone is read goes through them, block by block; the few odd cells that
are left are parsed once for each distinct value.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from penstock.cells import (
    EXPECTED,
    FIRST_MOMENT,
    LAST_MOMENT,
    PLAIN_NUMBER,
    WHOLE,
    Misfit,
    NotCast,
    canonical_text,
    epoch_of,
    formats_of,
    missing_numbers,
    parse_cell,
)
from penstock.numbertext import floats_of, number_texts, plain_floats
from penstock.timetext import DAY, NAIVE, read_moments
from penstock.zones import all_to_utc

if TYPE_CHECKING:
    from penstock.table import Column

# What the offsets of one array of text can reach.
_MOST_BYTES = 2**31
# Of fewer cells each by itself is read sooner than all of them at once.
MANY = 48
MISSING_DATE = np.datetime64("NaT", "us")
# The stubs do not know that Arrow's text becomes a frame's without a copy.
_TEXT: Any = pd.StringDtype(na_value=np.nan)


@dataclass(frozen=True)
class Encoded:
    """A column as codes into its distinct values, -1 where it is null; the values in order of first appearance."""

    codes: Any
    values: pa.Array


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
    if isinstance(values, pa.Array | pa.ChunkedArray):
        done, bad = _cast_arrow(column, plain_chunks(values))
    else:
        alike = _cast_alike(column, values) if len(values) >= MANY else None
        done, bad = alike if alike is not None else _cast_each(column, values)
    return done, misfits_at(column, bad)


def misfits_at(column: Column, rows: Sequence[int]) -> list[Misfit]:
    """Return the misfits of a column at some rows."""
    return [Misfit(row=int(i), column=column.name, expected=EXPECTED[column.kind]) for i in rows]


def plain_chunks(values: pa.Array | pa.ChunkedArray) -> pa.ChunkedArray:
    """Return a column in chunks, its dictionaries decoded and its text as `string`."""
    chunks = values if isinstance(values, pa.ChunkedArray) else pa.chunked_array([values])
    if pa.types.is_dictionary(chunks.type):
        chunks = chunks.cast(chunks.type.value_type)
    if pa.types.is_large_string(chunks.type) or pa.types.is_string_view(chunks.type):
        chunks = chunks.cast(pa.string())
    return chunks


def encode(values: pa.ChunkedArray) -> Encoded:
    """Return a column's codes and distinct values."""
    if not len(values):
        return Encoded(np.empty(0, np.int32), pa.array([], values.type))
    if values.num_chunks > 1 and values.nbytes < _MOST_BYTES:
        # Each chunk's dictionary holds all values before it too: of many values in many chunks that would be very much.
        values = pa.chunked_array([values.combine_chunks()])
    encoded = values.dictionary_encode()
    if encoded.num_chunks > 1:
        encoded = encoded.unify_dictionaries()
    codes = [pc.fill_null(c.indices, -1).to_numpy(zero_copy_only=False) for c in encoded.chunks]
    return Encoded(np.concatenate(codes) if len(codes) > 1 else codes[0], encoded.chunk(0).dictionary)


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
    if pa.types.is_large_string(values.type) or pa.types.is_string_view(values.type):
        values = values.cast(pa.string())
    if pa.types.is_string(values.type):
        return pc.replace_substring_regex(pc.utf8_trim_whitespace(values), WHOLE, r"\1")
    if pa.types.is_integer(values.type) or pa.types.is_boolean(values.type) or pa.types.is_null(values.type):
        return values.cast(pa.string())
    if pa.types.is_nested(values.type) or pa.types.is_binary(values.type):
        return pa.nulls(len(values), pa.string())
    if pa.types.is_floating(values.type) and (whole := _whole_integers(values)) is not None:
        return whole.cast(pa.string())
    encoded = values.dictionary_encode()
    texts = [None if v is None or v != v else canonical_text(v) for v in encoded.dictionary.to_pylist()]  # noqa: PLR0124
    return pa.array(texts, pa.string()).take(encoded.indices)


def _whole_integers(values: pa.Array) -> pa.Array | None:
    """Return floats as integers where all of them are whole and exact: ids that a library has turned into floats."""
    try:
        integers = pc.if_else(pc.is_nan(values), pa.scalar(None, values.type), values).cast(pa.int64())
    except pa.ArrowInvalid:
        return None
    largest = pc.max(pc.abs_checked(integers)).as_py() if integers.null_count < len(integers) else 0
    return integers if largest < 2**53 else None


def _empty(column: Column, n: int) -> Any:
    if column.is_numeric:
        return np.full(n, np.nan)
    if column.kind == "datetime":
        return np.full(n, MISSING_DATE)
    return np.full(n, None, dtype=object)


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
    if column.is_numeric or column.kind == "datetime":
        return done, bad
    return pd.array(done, dtype="str"), bad


def _cast_alike(column: Column, values: Sequence[object]) -> tuple[Any, list[int]] | None:
    """Cast cells that all are text, or all the plain type that the column's kind has; None where they are mixed."""
    types = set(map(type, values)) - {type(None)}
    try:
        if types == {str}:
            return _cast_arrow(column, pa.chunked_array([pa.array(values, pa.string())]))
        if column.kind in ("integer", "float") and types and types <= {float, int}:
            return check_numbers(column, np.array(values, dtype=np.float64))
        if column.kind == "boolean" and types == {bool}:
            return np.array(values, dtype=np.float64), []
    except (pa.ArrowException, OverflowError, UnicodeEncodeError):
        # An integer beyond a double, or half of a letter: each cell is looked at.
        return None
    return None


def _cast_arrow(column: Column, values: pa.ChunkedArray) -> tuple[Any, list[int]]:
    kind = values.type
    if pa.types.is_null(kind):
        return _cast_each(column, [None] * len(values))
    if pa.types.is_string(kind):
        by_text = _TEXT_READERS.get(column.kind)
        if by_text is not None and (column.kind in ("integer", "float") or _many_differ(values)):
            return _by_chunks(column, values, by_text)
    elif (native := _cast_native(column, values)) is not None:
        return native
    return cast_encoded(column, encode(values))


def _cast_native(column: Column, values: pa.ChunkedArray) -> tuple[Any, list[int]] | None:
    """Cast what came as a type of Arrow's, or return None where each value has to be looked at."""
    kind = values.type
    if pa.types.is_integer(kind) or pa.types.is_floating(kind):
        if column.kind in ("integer", "float"):
            return check_numbers(column, native_floats(values))
        if column.kind == "datetime" and epoch_of(column) is not None:
            return _cast_counts(column, native_floats(values))
    if column.kind == "datetime" and (pa.types.is_timestamp(kind) or pa.types.is_date(kind)):
        return _cast_native_moments(column, values), []
    if column.kind == "time" and pa.types.is_time(kind):
        return native_floats(values.cast(pa.time64("us"), safe=False).cast(pa.int64())) / 1e6, []
    if pa.types.is_nested(kind) or pa.types.is_binary(kind):
        return _cast_each(column, values.to_pylist())
    return None


def native_floats(values: pa.ChunkedArray) -> Any:
    """Return numbers as float64, NaN where they are null."""
    return values.cast(pa.float64(), safe=False).to_numpy()


def _by_chunks(column: Column, values: pa.ChunkedArray, cast: Any) -> tuple[Any, list[int]]:
    if values.num_chunks == 1:
        done, wrong = cast(column, values.chunk(0))
        return done, list(wrong)
    done, start = _empty(column, len(values)), 0
    bad: list[int] = []
    for chunk in values.chunks:
        done[start : start + len(chunk)], wrong = cast(column, chunk)
        bad.extend(start + i for i in wrong)
        start += len(chunk)
    return done, bad


def _many_differ(values: pa.ChunkedArray) -> bool:
    """Whether hardly a value stands twice at the beginning: then it does not pay to look for the distinct ones."""
    head = values.slice(0, 2_000)
    return 2 * len(head.unique()) > len(head)


def cast_encoded(column: Column, encoded: Encoded) -> tuple[Any, list[int]]:
    """Parse a column whose distinct values are known, each of them once."""
    codes, values = encoded.codes, encoded.values
    if column.kind in ("category", "text"):
        texts = canonical_array(values)
        texts = pc.if_else(pc.is_in(texts, value_set=_tokens(column)), pa.scalar(None, pa.string()), texts)
        return as_text(texts.take(pa.array(codes, mask=codes < 0))), []
    by_text = _TEXT_READERS.get(column.kind) if pa.types.is_string(values.type) else None
    done, bad = by_text(column, values) if by_text is not None else _cast_each(column, values.to_pylist())
    return _spread(column, codes, done, bad)


def _spread(column: Column, codes: Any, done: Any, bad: Sequence[int]) -> tuple[Any, list[int]]:
    spread = np.append(done, _empty(column, 1))[np.where(codes < 0, len(done), codes)]
    return spread, np.flatnonzero(np.isin(codes, bad)).tolist() if bad else []


def as_text(texts: pa.Array | pa.ChunkedArray) -> Any:
    """Return Arrow text as the array that a frame's column of text is."""
    return _TEXT.__from_arrow__(texts)


def _tokens(column: Column) -> pa.Array:
    return pa.array(list(column.missing), pa.string())


def check_numbers(column: Column, done: np.ndarray) -> tuple[np.ndarray, list[int]]:
    """Return numbers without those that stand for a missing value, and the rows of those that the kind refuses."""
    # A token such as -999 may be declared missing though it reads as a number.
    for token in missing_numbers(column.missing):
        gone = done == token
        done = np.where(gone, np.nan, done) if gone.any() else done
    wrong = np.isinf(done)
    if column.kind == "integer":
        with np.errstate(invalid="ignore"):
            wrong |= ~np.isnan(done) & (done != np.floor(done))
    if not wrong.any():
        return done, []
    return np.where(wrong, np.nan, done), np.flatnonzero(wrong).tolist()


def _cast_number_text(column: Column, values: pa.Array) -> tuple[np.ndarray, list[int]]:
    if column.decimal != ",":
        floats = plain_floats(values, column.missing)
        if floats is not None:
            return check_numbers(column, floats)
    trimmed = pc.utf8_trim_whitespace(values)
    gone = pc.or_(pc.is_null(trimmed), pc.is_in(trimmed, value_set=_tokens(column)))
    plain = pc.and_(pc.fill_null(pc.match_substring_regex(trimmed, PLAIN_NUMBER), False), pc.invert(gone))
    if column.decimal == ",":
        plain = pc.and_(plain, pc.invert(pc.match_substring(trimmed, ".")))
    done = floats_of(pc.if_else(plain, trimmed, pa.scalar(None, pa.string())))
    rest = pc.and_(pc.invert(plain), pc.invert(gone))
    if pc.any(rest).as_py():
        texts, factors = number_texts(column, pc.if_else(rest, trimmed, pa.scalar(None, pa.string())))
        done = np.where(texts.is_valid().to_numpy(zero_copy_only=False), floats_of(texts) * factors, done)
        rest = pc.and_(rest, texts.is_null())
    done, bad = check_numbers(column, done)
    odd = np.flatnonzero(rest.to_numpy(zero_copy_only=False))
    if not len(odd):
        return done, bad
    done = np.array(done)
    left = encode(pa.chunked_array([trimmed.take(pa.array(odd))]))
    done[odd], more = _spread(column, left.codes, *_cast_each(column, left.values.to_pylist()))
    return done, sorted([*bad, *(int(odd[i]) for i in more)])


def cast_moment_texts(column: Column, texts: pa.Array) -> tuple[np.ndarray, list[int]]:
    """Read moments, or times of day, from text."""
    trimmed = pc.utf8_trim_whitespace(texts)
    gone = pc.or_(pc.is_null(trimmed), pc.is_in(trimmed, value_set=_tokens(column)))
    missing = gone.to_numpy(zero_copy_only=False)
    micros, offsets, read = read_moments(trimmed, formats_of(column))
    if column.kind == "time":
        read &= (micros >= 0) & (micros < DAY)
        bad = np.flatnonzero(~read & ~missing).tolist()
        return np.where(read & ~missing, micros / 1e6, np.nan), bad
    zoned = offsets != NAIVE
    micros -= np.where(zoned, offsets, 0) * np.int64(60_000_000)
    if column.timezone:
        naive = read & ~zoned
        micros[naive] = all_to_utc(micros[naive], column.timezone)
    if epoch_of(column) is not None:
        plain = pc.fill_null(pc.match_substring_regex(trimmed, PLAIN_NUMBER), False)
        numbers, out = _cast_counts(column, floats_of(pc.if_else(plain, trimmed, pa.scalar(None, pa.string()))))
        counted = plain.to_numpy(zero_copy_only=False)
        micros, read = np.where(counted, numbers.astype(np.int64), micros), np.where(counted, True, read)
        read[out] = False
    done = np.where(read & ~missing, micros, MISSING_DATE.astype(np.int64)).astype("datetime64[us]")
    return done, np.flatnonzero(~read & ~missing).tolist()


def _cast_counts(column: Column, numbers: np.ndarray) -> tuple[np.ndarray, list[int]]:
    """Read numbers that count from the start of 1970."""
    numbers = np.array(numbers)
    for token in missing_numbers(column.missing):
        numbers[numbers == token] = np.nan
    with np.errstate(over="ignore", invalid="ignore"):
        micros = np.rint(numbers * (epoch_of(column) or 1.0))
    inside = (micros >= FIRST_MOMENT) & (micros <= LAST_MOMENT)
    done = np.where(inside, micros, 0).astype(np.int64).astype("datetime64[us]")
    done[~inside] = MISSING_DATE
    return done, np.flatnonzero(~inside & ~np.isnan(numbers)).tolist()


def _cast_native_moments(column: Column, values: pa.ChunkedArray) -> np.ndarray:
    zone = values.type.tz if pa.types.is_timestamp(values.type) else None
    done: np.ndarray = values.cast(pa.timestamp("us", zone), safe=False).to_numpy().astype("datetime64[us]")
    if not column.timezone or zone is not None:
        return done
    there = ~np.isnat(done)
    done = np.array(done)
    done[there] = all_to_utc(done[there].astype(np.int64), column.timezone).astype("datetime64[us]")
    return done


_TEXT_READERS: dict[str, Callable[[Column, pa.Array], tuple[np.ndarray, list[int]]]] = {
    "integer": _cast_number_text,
    "float": _cast_number_text,
    "datetime": cast_moment_texts,
    "time": cast_moment_texts,
}
