"""A raw cell to a typed one: the one definition of what a value means, in a training file and in a request alike.

`penstock.casting` does the same for whole columns.
"""

from __future__ import annotations

import datetime as dt
import math
import re
from collections.abc import Callable
from decimal import Decimal
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from penstock.frozen import Frozen

if TYPE_CHECKING:
    from penstock.table import Column

PLAIN_NUMBER = r"^[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?$"
PLAIN_NUMBER_PATTERN = re.compile(PLAIN_NUMBER)
_plain = PLAIN_NUMBER_PATTERN
# A whole number that a library wrote as a float. Longer ones are left alone: they may be codes.
WHOLE = r"^(-?[1-9][0-9]{0,14}|0)\.0+$"
_whole = re.compile(WHOLE)
_any_blank = re.compile(r"\s")
_sign_and_rest = re.compile(r"^([+-]?)(.*)$", re.DOTALL)
EXPECTED = {
    "integer": "a whole number",
    "float": "a finite number",
    "boolean": "true or false",
    "category": "text",
    "text": "text",
    "datetime": "a date or time",
}


class Misfit(Frozen):
    """A cell that could not be cast. It names the place and what was expected, never the value."""

    row: int
    column: str
    expected: str


class NotCast(ValueError):
    """A value does not read as its column's kind."""


def parse_cell(column: Column, value: object) -> object:
    """Return one value as float, str, datetime64 or None.

    Raises
    ------
    NotCast
        It does not read as the column's kind.
    """
    value = _python(value)
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return None
    return _PARSERS[column.kind](column, value)


def _python(value: object) -> object:
    if value is None or value is pd.NaT or value is pd.NA:
        return None
    # A datetime64 in nanoseconds would come back as a bare integer.
    if isinstance(value, np.datetime64):
        return None if np.isnat(value) else value
    return value.item() if isinstance(value, np.generic) else value


def parse_number(column: Column, value: object) -> float | None:
    """Return a finite number; text may carry the column's unit, currency, decimal comma and thousands."""
    if isinstance(value, bool):
        raise NotCast
    if isinstance(value, str):
        text = value.strip()
        if text in column.missing:
            return None
        number = float(_plain_text(column, text))
    else:
        number = _to_float(value)
    if not math.isfinite(number):
        raise NotCast
    if number in missing_numbers(column.missing):
        return None
    if column.kind == "integer" and number != math.floor(number):
        raise NotCast
    return number


def _to_float(value: object) -> float:
    if not hasattr(value, "__float__"):
        raise NotCast
    try:
        return float(value)
    except (OverflowError, TypeError, ValueError) as error:
        raise NotCast from error


@lru_cache(maxsize=1024)
def missing_numbers(tokens: tuple[str, ...]) -> frozenset[float]:
    """Return the tokens for a missing value that are numbers: -999 is missing as text and as a JSON number."""
    return frozenset(n for n in (float(t) for t in tokens if _plain.match(t)) if math.isfinite(n))


def _plain_text(column: Column, text: str) -> str:
    found = _sign_and_rest.match(text)
    sign, rest = (found.group(1), found.group(2)) if found else ("", text)
    if column.prefix and rest.startswith(column.prefix):
        rest = rest[len(column.prefix) :].lstrip()
        if not sign and rest[:1] in ("+", "-"):
            sign, rest = rest[0], rest[1:]
    if column.suffix and rest.endswith(column.suffix):
        rest = rest[: -len(column.suffix)].rstrip()
    if column.thousands == " ":
        # A non-breaking or narrow blank groups digits as a common one does.
        rest = _any_blank.sub(" ", rest)
    if column.thousands and column.thousands in rest:
        point = "," if column.decimal == "," else "."
        whole, dot, fraction = rest.partition(point)
        groups = whole.split(column.thousands)
        if not (1 <= len(groups[0]) <= 3 and all(len(g) == 3 for g in groups[1:])):
            raise NotCast
        rest = "".join(groups) + dot + fraction
    if column.decimal == ",":
        if "." in rest:
            raise NotCast
        rest = rest.replace(",", ".")
    elif column.decimal == ".,":
        rest = rest.replace(",", ".")
    plain = sign + rest
    if not plain.isascii() or not _plain.match(plain):
        raise NotCast
    return plain


def parse_boolean(column: Column, value: object) -> float | None:
    """Return 1.0 or 0.0 for a boolean, 0, 1, or one of the column's words in any case."""
    if isinstance(value, bool):
        return float(value)
    if isinstance(value, int | float) and value in (0, 1):
        return float(value)
    if isinstance(value, str):
        text = value.strip()
        if text in column.missing:
            return None
        folded = text.casefold()
        if folded in column.true_words or folded in ("true", "1", "1.0"):
            return 1.0
        if folded in column.false_words or folded in ("false", "0", "0.0"):
            return 0.0
    raise NotCast


def parse_text(column: Column, value: object) -> str | None:
    """Return trimmed text; an integer-valued number has no decimal point, a boolean reads `true` or `false`."""
    text = canonical_text(value)
    return None if text in column.missing else text


def canonical_text(value: object) -> str:
    """Return the one text of a value, trimmed: `1` for 1.0, `true` for True.

    Raises
    ------
    NotCast
        The value is a list, a mapping or another thing that has no text.

    Examples
    --------
    >>> canonical_text(1.0), canonical_text(" 1.0 "), canonical_text(" a "), canonical_text(True)
    ('1', '1', 'a', 'true')
    """
    if isinstance(value, str):
        text = value.strip()
        whole = _whole.match(text) if text.endswith("0") else None
        return whole.group(1) if whole else text
    value = _python(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float | Decimal):
        return str(int(value)) if math.isfinite(value) and value == math.floor(value) else str(value)
    if isinstance(value, dt.datetime | dt.date | np.datetime64):
        return str(_naive(_timestamp(value))).replace("T", " ").removesuffix(".000000").removesuffix(" 00:00:00")
    if isinstance(value, dt.time):
        return str(value)
    raise NotCast


def parse_datetime(column: Column, value: object) -> np.datetime64 | None:
    """Return a moment in microseconds, without a zone (UTC where the value names one)."""
    if isinstance(value, str):
        text = value.strip()
        if text in column.missing:
            return None
        return _read_moment(column, text)
    if isinstance(value, np.datetime64 | dt.datetime | dt.date):
        return _naive(_timestamp(value))
    raise NotCast


def _timestamp(value: np.datetime64 | dt.datetime | dt.date) -> pd.Timestamp:
    try:
        return pd.Timestamp(value)
    except (ValueError, OverflowError) as error:
        raise NotCast from error


def _read_moment(column: Column, text: str) -> np.datetime64:
    # ISO 8601 is always understood: it is what JSON callers send.
    for form in (*column.formats, "ISO8601"):
        if is_moment(text):
            moment = pd.to_datetime(text, format=form, errors="coerce", utc=True)
            if isinstance(moment, pd.Timestamp):
                return _naive(moment)
    raise NotCast


def is_moment(text: str) -> bool:
    """Whether a text can be a moment at all: pandas would read `now` and `today` as the present, in any format."""
    return any(c.isdigit() for c in text)


def _naive(moment: pd.Timestamp) -> np.datetime64:
    if moment.tzinfo is not None:
        moment = moment.tz_convert("UTC").tz_localize(None)
    try:
        return np.datetime64(moment.as_unit("us").to_datetime64())
    except (ValueError, OverflowError) as error:
        raise NotCast from error


_PARSERS: dict[str, Callable[[Column, object], object]] = {
    "integer": parse_number,
    "float": parse_number,
    "boolean": parse_boolean,
    "category": parse_text,
    "text": parse_text,
    "datetime": parse_datetime,
}
