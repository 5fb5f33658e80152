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
from penstock.timetext import DAY, ISO, NAIVE, TIMES, read_moment
from penstock.zones import to_utc

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
    "time": "a time of day",
}
# Whole numbers that count from the start of 1970, by the microseconds of their unit.
EPOCHS: dict[str, float] = {"epoch_s": 1e6, "epoch_ms": 1e3, "epoch_us": 1.0, "epoch_ns": 1e-3}
# The years 1 to 9999, in microseconds: what text can say.
FIRST_MOMENT, LAST_MOMENT = -62_135_596_800_000_000, 253_402_300_799_999_999


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
        plain, factor = _plain_text(column, text)
        number = float(plain) * factor
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


def _plain_text(column: Column, text: str) -> tuple[str, float]:
    """Return a number's text without its decoration, and the factor of its unit."""
    if _plain.match(text) and not (column.decimal == "," and "." in text):
        return text, 1.0
    found = _sign_and_rest.match(text)
    sign, rest = (found.group(1), found.group(2)) if found else ("", text)
    if column.prefix and rest.startswith(column.prefix):
        rest = rest[len(column.prefix) :].lstrip()
        if not sign and rest[:1] in ("+", "-"):
            sign, rest = rest[0], rest[1:]
    unit = next((u for u in units_of(column) if rest.endswith(u)), "")
    rest = rest[: len(rest) - len(unit)].rstrip() if unit else rest
    plain = sign + _without_signs(column, rest)
    if not plain.isascii() or not _plain.match(plain):
        raise NotCast
    return plain, column.units.get(unit, 1.0)


def units_of(column: Column) -> tuple[str, ...]:
    """Return what may stand behind a number of the column, the longest first."""
    return tuple(sorted(column.units, key=lambda u: (-len(u), u))) if column.units else (column.suffix,)


def _without_signs(column: Column, rest: str) -> str:
    if column.thousands == " ":
        # A non-breaking or narrow blank groups digits as a common one does.
        rest = _any_blank.sub(" ", rest)
    if column.thousands and column.thousands in rest:
        # Where either sign may be the decimal point, it is the one that stands there and groups nothing.
        either = column.decimal == ".," and column.thousands != "," and "," in rest
        point = "," if column.decimal == "," or either else "."
        whole, dot, fraction = rest.partition(point)
        groups = whole.split(column.thousands)
        if not (1 <= len(groups[0]) <= 3 and all(len(g) == 3 for g in groups[1:])):
            raise NotCast
        rest = "".join(groups) + dot + fraction
    if column.decimal == ",":
        if "." in rest:
            raise NotCast
        return rest.replace(",", ".")
    return rest.replace(",", ".") if column.decimal == ".," else rest


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
    """Return a moment in microseconds, without a zone: UTC where the value or the column names one."""
    if isinstance(value, bool):
        raise NotCast
    if isinstance(value, str):
        text = value.strip()
        if text in column.missing:
            return None
        return np.datetime64(_read_moment(column, text), "us")
    if isinstance(value, int | float):
        number = _to_float(value)
        return None if number in missing_numbers(column.missing) else np.datetime64(_counted(column, number), "us")
    if isinstance(value, np.datetime64 | dt.datetime | dt.date):
        moment = _timestamp(value)
        if column.timezone and moment.tzinfo is None:
            return np.datetime64(to_utc(int(_naive(moment).astype(np.int64)), column.timezone), "us")
        return _naive(moment)
    raise NotCast


def _timestamp(value: np.datetime64 | dt.datetime | dt.date) -> pd.Timestamp:
    try:
        return pd.Timestamp(value)
    except (ValueError, OverflowError) as error:
        raise NotCast from error


def formats_of(column: Column) -> tuple[str, ...]:
    """Return the formats that a column of moments or times is read by; ISO 8601 is what JSON callers send."""
    if column.kind == "time":
        return (*column.formats, *TIMES)
    return (*(f for f in column.formats if f not in EPOCHS), ISO)


def epoch_of(column: Column) -> float | None:
    """Return the microseconds of the unit in which a column counts from 1970, or None where it does not count."""
    return next((EPOCHS[f] for f in column.formats if f in EPOCHS), None)


def _read_moment(column: Column, text: str) -> int:
    if epoch_of(column) is not None and _plain.match(text):
        return _counted(column, float(text))
    found = read_moment(text, formats_of(column))
    if found is None:
        raise NotCast
    if found.offset != NAIVE:
        return found.micros - found.offset * 60_000_000
    return to_utc(found.micros, column.timezone) if column.timezone else found.micros


def _counted(column: Column, number: float) -> int:
    unit = epoch_of(column)
    micros = number * unit if unit is not None else math.inf
    if not FIRST_MOMENT <= micros <= LAST_MOMENT:
        raise NotCast
    return round(micros)


def _naive(moment: pd.Timestamp) -> np.datetime64:
    if moment.tzinfo is not None:
        moment = moment.tz_convert("UTC").tz_localize(None)
    try:
        return np.datetime64(moment.as_unit("us").to_datetime64())
    except (ValueError, OverflowError) as error:
        raise NotCast from error


def parse_time(column: Column, value: object) -> float | None:
    """Return a time of day in seconds since midnight."""
    if isinstance(value, str):
        text = value.strip()
        if text in column.missing:
            return None
        found = read_moment(text, formats_of(column))
        if found is None or not 0 <= found.micros < DAY:
            raise NotCast
        return found.micros / 1e6
    if isinstance(value, dt.time):
        return (((value.hour * 60 + value.minute) * 60 + value.second) * 1_000_000 + value.microsecond) / 1e6
    raise NotCast


def time_text(seconds: float) -> str:
    """Return a time of day as it is written in JSON.

    Examples
    --------
    >>> time_text(45_000.0), time_text(0.25)
    ('12:30:00', '00:00:00.250000')
    """
    micros = min(max(round(seconds * 1e6), 0), DAY - 1)
    left, micro = divmod(micros, 1_000_000)
    return dt.time(left // 3600, left // 60 % 60, left % 60, micro).isoformat()


_PARSERS: dict[str, Callable[[Column, object], object]] = {
    "integer": parse_number,
    "float": parse_number,
    "boolean": parse_boolean,
    "category": parse_text,
    "text": parse_text,
    "datetime": parse_datetime,
    "time": parse_time,
}
