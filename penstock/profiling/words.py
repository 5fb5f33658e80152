"""Numbers, dates and counts as a reader of a profile wants to see them."""

from __future__ import annotations

import math

import numpy as np

from penstock.profiling.shapes import clock_of
from penstock.table import Kind

NONE = "—"
WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
MONTHS: tuple[str, ...] = ("January", "February", "March", "April", "May", "June", "July")
MONTHS += ("August", "September", "October", "November", "December")
KINDS = {"integer": "whole number", "float": "number", "datetime": "date", "time": "time of day"}
ROLES = {
    "feature": "feature",
    "target": "target",
    "id": "id",
    "ignored": "left out",
    "known_after": "known after",
    "weight": "weight",
}
MEASURES = {"spearman": "Spearman", "correlation_ratio": "correlation ratio", "cramers_v": "Cramér's V"}


def number(value: float | None) -> str:
    """Return a number with about four digits.

    Examples
    --------
    >>> number(1234567.8), number(0.000123456), number(3.0), number(-0.5), number(None), number(1e30)
    ('1,234,568', '0.0001235', '3', '-0.5', '—', '1e+30')
    """
    if value is None or not math.isfinite(value):
        return NONE
    if value == round(value) and abs(value) < 1e15:
        return f"{value:,.0f}"
    if 1000 <= abs(value) < 1e15:
        return f"{value:,.0f}"
    return f"{value:.4g}"


def percent(share: float) -> str:
    """Return a share as a percentage; one that is not zero never reads as zero, nor one that is not whole as whole.

    Examples
    --------
    >>> percent(0.1234), percent(0.00001), percent(0.0), percent(0.99999)
    ('12.3 %', '< 0.1 %', '0 %', '> 99.9 %')
    """
    if 0 < share < 0.001:
        return "< 0.1 %"
    if 0.999 < share < 1:
        return "> 99.9 %"
    return f"{100 * share:.1f} %" if share not in (0, 1) else f"{share:.0%}".replace("%", " %")


def size(n_bytes: int) -> str:
    """Return a size in memory.

    Examples
    --------
    >>> size(900), size(2_500_000)
    ('900 B', '2.5 MB')
    """
    for unit, factor in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if n_bytes >= factor:
            return f"{n_bytes / factor:.1f} {unit}"
    return f"{n_bytes} B"


def count(n: int, noun: str) -> str:
    """Return a count with its noun.

    Examples
    --------
    >>> count(1, "row"), count(1200, "row")
    ('1 row', '1,200 rows')
    """
    return f"{n:,} {noun}{'' if n == 1 else 's'}"


def value_of(kind: Kind, value: float | None) -> str:
    """Return a value of a column: a number, a clock's, or a date from microseconds.

    Examples
    --------
    >>> value_of("time", 3600.0), value_of("datetime", 0.0), value_of("float", 0.5)
    ('01:00:00', '1970-01-01', '0.5')
    """
    if value is None or not math.isfinite(value):
        return NONE
    if kind == "time":
        return clock_of(value)
    if kind == "datetime":
        return moment(str(np.datetime64(int(value), "us")))
    return number(value)


def moment(text: str | None) -> str:
    """Return a moment in ISO 8601 without what is zero in it.

    Examples
    --------
    >>> moment("2024-01-01T00:00:00"), moment("2024-01-01T05:00:00.000000"), moment(None)
    ('2024-01-01', '2024-01-01 05:00:00', '—')
    """
    if text is None:
        return NONE
    head, _, rest = text.partition(".")
    told = head if not rest.strip("0") else text
    return told.replace("T", " ").removesuffix(" 00:00:00")


def span(seconds: float | None) -> str:
    """Return a length of time in its largest unit.

    Examples
    --------
    >>> span(90.0), span(172800.0), span(None)
    ('1.5 minutes', '2 days', '—')
    """
    if seconds is None:
        return NONE
    for unit, width in (("day", 86_400), ("hour", 3600), ("minute", 60)):
        if seconds >= width:
            return f"{seconds / width:.4g} {unit}{'' if seconds == width else 's'}"
    return f"{seconds:.4g} seconds"


def clipped(text: str, most: int = 40) -> str:
    """Return a text on one line, not longer than so many signs."""
    line = " ".join(text.split())
    return line if len(line) <= most else line[: most - 1] + "…"
