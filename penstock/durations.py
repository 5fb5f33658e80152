"""Lengths of time as a spec writes them: `90s`, `15min`, `1h`, `7d`, `2w`."""

from __future__ import annotations

import re
from typing import Annotated, Any

from pydantic import BeforeValidator, PlainSerializer, WithJsonSchema

_UNITS = {"s": 1, "min": 60, "h": 3_600, "d": 86_400, "w": 604_800}
_WRITTEN = re.compile(r"\s*(\d+(?:\.\d+)?)\s*(s|min|h|d|w)\s*")
PATTERN = r"^\s*\d+(\.\d+)?\s*(s|min|h|d|w)\s*$"


def seconds_of(value: Any) -> float:
    """Return the seconds of a length of time.

    Parameters
    ----------
    value : str or number
        A number and a unit; a number alone is seconds.

    Raises
    ------
    ValueError
        It is none.

    Examples
    --------
    >>> seconds_of("1h"), seconds_of("1.5 d"), seconds_of(90)
    (3600.0, 129600.0, 90.0)
    >>> seconds_of("1 month")
    Traceback (most recent call last):
    ValueError: '1 month' is no length of time; one is written as 90s, 15min, 1h, 7d or 2w
    """
    if isinstance(value, int | float) and not isinstance(value, bool) and value >= 0:
        return float(value)
    found = _WRITTEN.fullmatch(value) if isinstance(value, str) else None
    if found is None:
        raise ValueError(f"{value!r} is no length of time; one is written as 90s, 15min, 1h, 7d or 2w")
    return float(found[1]) * _UNITS[found[2]]


def told(seconds: float) -> str:
    """Return a length of time as a spec writes it, in its largest whole unit.

    Examples
    --------
    >>> told(3600.0), told(90.0), told(1209600.0), told(0.5)
    ('1h', '90s', '2w', '0.5s')
    """
    for unit, size in sorted(_UNITS.items(), key=lambda item: -item[1]):
        if seconds and seconds % size == 0:
            return f"{int(seconds // size)}{unit}"
    return f"{seconds:g}s"


def roughly(seconds: float) -> str:
    """Return a length of time as people say it: one unit, one decimal at most.

    Examples
    --------
    >>> roughly(45.2), roughly(5400), roughly(400 * 86_400)
    ('45s', '1.5h', '400d')
    """
    unit, size = next((u, s) for u, s in (("d", 86_400), ("h", 3_600), ("min", 60), ("s", 1)) if seconds >= s or s == 1)
    return f"{seconds:.0f}s" if unit == "s" else f"{seconds / size:.1f}".removesuffix(".0") + unit


# Seconds, written with a unit.
Duration = Annotated[
    float,
    BeforeValidator(seconds_of),
    PlainSerializer(told, return_type=str, when_used="json"),
    WithJsonSchema({"type": "string", "pattern": PATTERN}),
]
