"""Columns of plain numbers, and what stands in them beside quantities: codes, dates in digits, counts from 1970."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from penstock.arrays.dates import compact_dates
from penstock.arrays.epochs import counted_from_1970
from penstock.arrays.found import Asked, Found, Words, are_no, counted, found_numbers, read
from penstock.arrays.roles import MANY_LEVELS
from penstock.arrays.tally import Numbers, missing_by_token
from penstock.casting import check_numbers, native_floats
from penstock.cells import PLAIN_NUMBER
from penstock.numbertext import plain_floats
from penstock.table import Kind

# Beyond these float64 has gaps between whole numbers: two codes would become one.
EXACT = 2.0**53
_DATE_NAME = ("date", "day", "time", "timestamp", "dt")
_SAMPLE = 100


def plain_numbers(asked: Asked, kind: Kind | None, sampled: bool = True) -> Found | None:
    """Return a column of text of which every cell is a plain number or a word for nothing, else None.

    Its distinct values are not counted: of a measurement there may be as many as rows.

    Parameters
    ----------
    asked : Asked
        A column of text.
    kind : str, optional
        The kind that the user decided.
    sampled : bool
        Whether to look at some cells first. That tells sooner of text that it is none; the outcome is the same.
    """
    decided = asked.decided
    if decided.decimal == "," or decided.thousands or decided.units:
        return None
    tokens = asked.tokens
    values = plain_floats(asked.raw, ())
    if values is None:
        if sampled and not _mostly_plain(asked):
            return None
        # What people write for nothing in a column of numbers is missing there.
        tokens = (*tokens, *(p for p in asked.placeholders if p not in tokens))
        values = plain_floats(asked.raw, tokens)
    if values is None or np.isnan(values).all():
        return None
    if kind is None and (code := code_words(asked.raw, values)):
        return text_of(asked, "category", code)
    gone = missing_by_token(asked.raw, values)
    missing = (*asked.tokens, *(t for t in tokens[len(asked.tokens) :] if t in gone))
    return _numbers(asked, kind, values, missing, asked.told_tokens(missing))


def native_numbers(asked: Asked, kind: Kind | None, words: Words) -> Found:
    """Return a column that came as numbers."""
    is_long = pa.types.is_integer(asked.raw.type) and asked.raw.type.bit_width == 64
    values = native_floats(asked.raw)
    if kind is None and is_long and np.nanmax(np.abs(values), initial=0.0) > EXACT:
        return text_of(asked, "category", (*words, "whole numbers too long for an exact float64: a code"))
    return _numbers(asked, kind, values, asked.tokens, words)


def text_of(asked: Asked, kind: Kind, words: Words = ()) -> Found:
    """Return a column of levels or text."""
    n = asked.tally.distinct
    many = f"{n:,} level{'s' if n != 1 else ''}{', a high number of levels' if n > MANY_LEVELS else ''}"
    return counted(asked, asked.column(kind), (*words, many) if kind == "category" and n else words)


def code_words(raw: pa.ChunkedArray | pa.Array, values: Any) -> Words:
    """Say why digits are a code: of one length with leading zeros, as a postal code is, or too long for a number."""
    present = values[~np.isnan(values)]
    if not (present == np.floor(present)).all():
        return ()
    if np.abs(present).max() > EXACT:
        long = pc.any(pc.match_substring_regex(raw, r"^\s*[0-9]{16,}\s*$")).as_py()
        return ("digits too long for an exact number: a code",) if long else ()
    if not pc.any(pc.match_substring_regex(raw, r"^\s*0[0-9]")).as_py():
        return ()
    texts = pc.utf8_trim_whitespace(pc.drop_null(raw))
    texts = texts.filter(pc.match_substring_regex(texts, PLAIN_NUMBER))
    ends = pc.min_max(pc.binary_length(texts)).as_py()
    is_code = ends["min"] == ends["max"] >= 3 and pc.all(pc.match_substring_regex(texts, "^[0-9]+$")).as_py()
    return ("digits of one length with leading zeros: a code",) if is_code else ()


def has_exponents(asked: Asked) -> bool:
    """Whether some numbers are written with an exponent: those are measured, however whole."""
    if not asked.is_text or not pc.any(pc.match_substring(asked.raw, "e", ignore_case=True)).as_py():
        return False
    return bool(pc.any(pc.match_substring_regex(asked.raw, r"[0-9.][eE][+-]?[0-9]")).as_py())


def _mostly_plain(asked: Asked) -> bool:
    heads = pa.chunked_array([c.slice(0, _SAMPLE) for c in asked.raw.chunks[:8]], pa.string())
    some = pc.utf8_trim_whitespace(heads)
    words = pa.array([*asked.tokens, *asked.placeholders, None], pa.string())
    some = some.filter(pc.invert(pc.is_in(some, value_set=words)))
    return not len(some) or 2 * pc.sum(pc.match_substring_regex(some, PLAIN_NUMBER)).as_py() > len(some)


def _numbers(asked: Asked, kind: Kind | None, floats: Any, missing: tuple[str, ...], words: Words) -> Found:
    """Return numbers, or what they stand for."""
    values, out = check_numbers(asked.column("float", missing), floats)
    seen = Numbers(values, {}, len(out))
    whole = bool(seen.n) and seen.is_whole and not has_exponents(asked)
    if whole and kind is None and (dated := _dated(asked, seen, missing, words)) is not None:
        return dated
    told = "whole numbers" if whole else "numbers"
    made = asked.column(
        "integer" if kind == "integer" or (whole and kind is None) else "float",
        missing,
        prefix=asked.decided.prefix or "",
        suffix=asked.decided.suffix or "",
    )
    if made.kind == "integer" and not whole:
        values, out = check_numbers(made, floats)
        told = are_no(len(out), "whole number")
    return replace(found_numbers(asked, made, (*words, told), values, out), whole=whole)


def _dated(asked: Asked, seen: Numbers, missing: tuple[str, ...], words: Words) -> Found | None:
    """Return whole numbers that are dates in digits, or count seconds from 1970, where the name says so."""
    counts = counted_from_1970(asked.name, seen)
    if counts is not None:
        return read(asked, asked.column("datetime", missing, formats=(counts.format,)), (*words, counts.words))
    is_named = any(word in asked.name.lower() for word in _DATE_NAME)
    if not (asked.is_text and is_named and 1.9e7 <= seen.low <= seen.high < 2.1e13):
        return None
    dates = compact_dates(asked.tally)
    if not dates.fits:
        return None
    return read(asked, asked.column("datetime", missing, formats=dates.formats), (*words, *dates.words))
