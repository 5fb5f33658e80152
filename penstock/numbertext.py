"""Columns of text to float64, as Arrow can do it: plain numbers, and numbers with commas, thousands and units."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from penstock.cells import units_of

if TYPE_CHECKING:
    from penstock.table import Column

# Blanks that group digits: the common, the non-breaking, the thin and the narrow one.
_BLANKS = r"[ \x{a0}\x{2009}\x{202f}]"
_HEAD = 100
# Behind a number these could be read as a part of it.
_like_number = re.compile(r"^(?:[0-9.,' ]*[0-9]|[eE][+-]?[0-9])")


def plain_floats(values: pa.Array | pa.ChunkedArray, tokens: Sequence[str]) -> Any:
    """Return a column of text as float64 if every cell is a plain number or missing, else None.

    A cell is missing if it is null or one of the tokens; a plain number is what `PLAIN_NUMBER` says.

    Parameters
    ----------
    values : pyarrow.Array or pyarrow.ChunkedArray
        Text as it came, shape (n,).
    tokens : sequence of str
        The texts that mean that there is no value.

    Examples
    --------
    >>> plain_floats(pa.array(["1.5", None, " ?"]), ("?",)).tolist()
    [1.5, nan, nan]
    >>> plain_floats(pa.array(["1.5", "inf"]), ()) is None
    True
    """
    found = _direct(values)
    if found is not None or not tokens:
        return found
    missing = pa.array(list(tokens), pa.string())
    found = _direct(pc.if_else(pc.is_in(values, value_set=missing), pa.scalar(None, pa.string()), values))
    if found is not None:
        return found
    trimmed = pc.utf8_trim_whitespace(values)
    return _direct(pc.if_else(pc.is_in(trimmed, value_set=missing), pa.scalar(None, pa.string()), trimmed))


def _direct(values: pa.Array | pa.ChunkedArray) -> Any:
    try:
        # Arrow goes through all cells before it says that one is no number: the first few mostly tell.
        values.slice(0, _HEAD).cast(pa.float64())
        floats = values.cast(pa.float64())
    except pa.ArrowInvalid:
        return None
    found = floats.to_numpy() if isinstance(floats, pa.ChunkedArray) else floats.to_numpy(zero_copy_only=False)
    # Arrow also takes `inf` and `nan`, and what is too large for a float64.
    finite = int(np.isfinite(found).sum())
    return found if finite == len(found) - floats.null_count else None


def floats_of(texts: pa.Array) -> Any:
    """Return plain numbers as float64, NaN where they are null, infinite where they are too large."""
    try:
        return texts.cast(pa.float64()).to_numpy(zero_copy_only=False)
    except pa.ArrowInvalid:
        # Some versions of Arrow know no leading plus, or refuse what Python reads as infinity or zero.
        return np.array([np.nan if t is None else float(t) for t in texts.to_pylist()])


def number_texts(column: Column, texts: pa.Array) -> tuple[pa.Array, Any]:
    """Return numbers without their decoration, and the factors of their units.

    Parameters
    ----------
    column : Column
        How its numbers are written.
    texts : pyarrow.Array
        Trimmed text, shape (n,).

    Returns
    -------
    tuple of pyarrow.Array and numpy.ndarray
        Plain numbers, null for what is written otherwise (which may still be a number), and float64 factors, both of
        shape (n,).
    """
    units = [u for u in units_of(column) if u]
    # Signs that could group digits and end them at once are for the careful way, too.
    ambiguous = column.decimal == ".," and column.thousands in (".", ",")
    if ambiguous or any(_like_number.match(u) for u in units) or re.match(r"[0-9+.,' -]", column.prefix):
        return pa.nulls(len(texts), pa.string()), np.ones(len(texts))
    pattern = _pattern(column, units)
    fits = pc.fill_null(pc.match_substring_regex(texts, pattern), False)
    plain = pc.if_else(fits, texts, pa.scalar(None, pa.string()))
    factors = _factors(column, plain, units)
    if column.prefix or units:
        plain = pc.replace_substring_regex(plain, pattern, r"\1\2")
    if column.thousands:
        gap = _BLANKS if column.thousands == " " else re.escape(column.thousands)
        plain = pc.replace_substring_regex(plain, gap, "")
    if column.decimal != ".":
        plain = pc.replace_substring(plain, ",", ".")
    return plain, factors


def _pattern(column: Column, units: Sequence[str]) -> str:
    point = {".": r"\.", ",": ",", ".,": "[.,]"}[column.decimal]
    gap = _BLANKS if column.thousands == " " else re.escape(column.thousands)
    grouped = rf"[0-9]{{1,3}}(?:{gap}[0-9]{{3}})+(?:{point}[0-9]*)?|" if column.thousands else ""
    body = rf"{grouped}(?:[0-9]+(?:{point}[0-9]*)?|{point}[0-9]+)(?:[eE][+-]?[0-9]+)?"
    before = rf"(?:{_quoted(column.prefix)}[ ]*)?" if column.prefix else ""
    behind = rf"(?:[ ]*(?:{'|'.join(_quoted(u) for u in units)}))?" if units else ""
    return rf"^([+-]?){before}({body}){behind}$"


def _quoted(text: str) -> str:
    # RE2 knows no escapes of letters beyond ASCII, nor Python's of a blank.
    return "".join(re.escape(c) if c.isascii() and not c.isspace() else c for c in text)


def _factors(column: Column, texts: pa.Array, units: Sequence[str]) -> Any:
    factors = np.ones(len(texts))
    if not column.units:
        return factors
    left = np.ones(len(texts), dtype=bool)
    for unit in units:
        ends = pc.fill_null(pc.ends_with(texts, unit), False).to_numpy(zero_copy_only=False) & left
        factors[ends] = column.units[unit]
        left &= ~ends
    return factors
