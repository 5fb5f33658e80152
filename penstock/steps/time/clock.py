"""The parts of dates and times, as whole numbers, and those that go round as sines and cosines."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

from penstock.timetext import DAY
from penstock.zones import all_to_local

Part = Literal[
    "year",
    "quarter",
    "month",
    "week",
    "day",
    "dayofyear",
    "weekday",
    "hour",
    "minute",
    "hour_of_week",
    "day_number",
    "days_in_month",
    "is_weekend",
    "is_month_start",
    "is_month_end",
]
Cycle = Literal["month", "weekday", "hour", "dayofyear"]

Whole = npt.NDArray[np.int64]

_HOUR, _MINUTE = DAY // 24, DAY // (24 * 60)
# The first value of each cycle, and after how many it begins anew; a common year skips the last day of 366.
_ROUNDS: dict[Cycle, tuple[int, int]] = {"month": (1, 12), "weekday": (0, 7), "hour": (0, 24), "dayofyear": (1, 366)}


@dataclass(frozen=True)
class Days:
    """Distinct days, by their `number` since the start of 1970, int64 of shape (n,)."""

    number: Whole

    @cached_property
    def months(self) -> Whole:
        """Months since the start of 1970."""
        return self.number.astype("datetime64[D]").astype("datetime64[M]").astype(np.int64)

    @property
    def of_month(self) -> Whole:
        """The day of the month, from 1."""
        return self.number - _first_of_month(self.months) + 1

    @property
    def in_month(self) -> Whole:
        """How many days the month has."""
        return _first_of_month(self.months + 1) - _first_of_month(self.months)

    @property
    def of_year(self) -> Whole:
        """The day of the year, from 1."""
        return self.number - _first_of_month(self.months // 12 * 12) + 1

    @cached_property
    def weekday(self) -> Whole:
        """Monday is 0; 1970 began on a Thursday."""
        return (self.number + 3) % 7

    @property
    def week(self) -> Whole:
        """The week by ISO 8601: it belongs to the year in which its Thursday lies."""
        return (Days(self.number - self.weekday + 3).of_year - 1) // 7 + 1


def _first_of_month(months: Whole) -> Whole:
    return months.astype("datetime64[M]").astype("datetime64[D]").astype(np.int64)


@dataclass(frozen=True)
class Clock:
    """What calendars and clocks show at some moments: distinct days, which of them it is, and its microseconds."""

    days: Days
    which: npt.NDArray[np.intp]
    micros: Whole

    @classmethod
    def at(cls, moments: np.ndarray, zone: str = "") -> Clock:
        """Return what is shown in a zone, or in UTC, at datetime64[us] moments; missing ones count as 1970."""
        micros = np.where(np.isnat(moments), 0, moments.astype(np.int64))
        days, micros = np.divmod(all_to_local(micros, zone) if zone else micros, DAY)
        which, distinct = (np.zeros(1, np.intp), days) if len(days) == 1 else pd.factorize(days)
        return cls(Days(distinct), which, micros)


_OF_DAYS: dict[Part, Callable[[Days], npt.NDArray[np.int64 | np.bool_]]] = {
    "year": lambda days: days.months // 12 + 1970,
    "quarter": lambda days: days.months % 12 // 3 + 1,
    "month": lambda days: days.months % 12 + 1,
    "week": lambda days: days.week,
    "day": lambda days: days.of_month,
    "dayofyear": lambda days: days.of_year,
    "weekday": lambda days: days.weekday,
    "day_number": lambda days: days.number,
    "days_in_month": lambda days: days.in_month,
    "is_weekend": lambda days: days.weekday >= 5,
    "is_month_start": lambda days: days.of_month == 1,
    "is_month_end": lambda days: days.of_month == days.in_month,
}


def part_of(part: Part, clock: Clock) -> npt.NDArray[np.int64 | np.bool_]:
    """Return a part of the moments that a clock shows, whole numbers or bool of shape (n,)."""
    if part == "hour":
        return clock.micros // _HOUR
    if part == "minute":
        return clock.micros % _HOUR // _MINUTE
    if part == "hour_of_week":
        return part_of("weekday", clock) * 24 + part_of("hour", clock)
    return _OF_DAYS[part](clock.days)[clock.which]


def round_of(part: Cycle, clock: Clock) -> tuple[np.ndarray, np.ndarray]:
    """Return the sine and the cosine of a part's angle on its cycle, float64 of shape (n,) each."""
    first, period = _ROUNDS[part]
    at = part_of(part, clock) - first
    sines, cosines = _tables(period)
    return sines[at], cosines[at]


@lru_cache(maxsize=8)
def _tables(period: int) -> tuple[np.ndarray, np.ndarray]:
    # Looked up, not computed: NumPy's sine of one number and of many may differ in the last bit.
    angles = [2 * math.pi * i / period for i in range(period)]
    return np.array([math.sin(a) for a in angles]), np.array([math.cos(a) for a in angles])
