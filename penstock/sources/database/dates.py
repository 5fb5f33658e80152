"""Moments that a spec names relative to now: `today - 730d`."""

from __future__ import annotations

import datetime as dt
import re

from penstock.errors import SpecError

_MOMENT = re.compile(r"^\s*(?P<base>today|now)\s*(?:(?P<sign>[+-])\s*(?P<n>\d{1,6})\s*(?P<unit>[smhdw])\s*)?$")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}

Param = str | int | float
Bound = Param | dt.date | dt.datetime


def moment_of(value: Param, now: dt.datetime) -> Bound:
    """Return a parameter's value: the moment that a text names, or the value itself.

    `today` is a date in UTC, `now` a moment in UTC; a number of `s`, `m`, `h`, `d` or `w` may be added or taken off.
    Hours and shorter units make a moment of `today`: its midnight.

    Examples
    --------
    >>> noon = dt.datetime(2026, 3, 1, 12, tzinfo=dt.UTC)
    >>> moment_of("today - 2d", noon), moment_of("now-90m", noon).isoformat(), moment_of("today's special", noon)
    (datetime.date(2026, 2, 27), '2026-03-01T10:30:00+00:00', "today's special")
    """
    found = _MOMENT.match(value) if isinstance(value, str) else None
    if found is None:
        return value
    n = int(found["n"] or 0) * (-1 if found["sign"] == "-" else 1)
    step = dt.timedelta(**{_UNITS[found["unit"] or "d"]: n})
    try:
        if found["base"] == "now":
            return now.replace(microsecond=0) + step
        if found["unit"] in (None, "d", "w"):
            return now.date() + step
        return dt.datetime.combine(now.date(), dt.time(), dt.UTC) + step
    except OverflowError:
        raise SpecError("A parameter names a moment that no calendar has", got=str(value)) from None


def is_relative(value: Param) -> bool:
    """Whether a parameter's value depends on when it is asked."""
    return isinstance(value, str) and _MOMENT.match(value) is not None
