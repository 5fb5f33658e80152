"""Moments as days, and those parts of the calendar and the clock that vary."""

from __future__ import annotations

from dataclasses import dataclass
from typing import get_args

import numpy as np

from penstock.metrics.weighted import Floats
from penstock.steps.time.clock import Clock, Cycle, Part, part_of, round_of
from penstock.timetext import DAY

PARTS: tuple[Part, ...] = ("year", "month", "day", "weekday", "hour", "dayofyear")


@dataclass(frozen=True)
class Moments:
    """One column of moments: days since the start of 1970 and parts as numbers; cycles as sines and cosines."""

    parts: tuple[Part, ...]
    cycles: tuple[Cycle, ...]

    @classmethod
    def learn(cls, moments: np.ndarray, round_about: bool) -> Moments:
        """Take those parts that differ among datetime64[us] moments, or with `round_about` those cycles."""
        known = moments[~np.isnat(moments)]
        if not len(known):
            return cls((), ())
        clock = Clock.at(known)
        varying = tuple(part for part in PARTS if len(np.unique(part_of(part, clock))) > 1)
        if round_about:
            return cls((), tuple(cycle for cycle in get_args(Cycle) if cycle in varying))
        return cls(varying, ())

    @property
    def dense(self) -> tuple[str, ...]:
        """How the names of numbers end."""
        return ("", *(f" {part}" for part in self.parts))

    @property
    def indicators(self) -> tuple[str, ...]:
        """How the names of sines and cosines end."""
        return tuple(f" {cycle} {end}" for cycle in self.cycles for end in ("sin", "cos"))

    def of(self, moments: np.ndarray) -> Floats:
        """Return the numbers, shape (n_rows, n_numbers); where a moment is missing NaN, of cycles 0."""
        values = np.empty((len(moments), len(self.dense) + len(self.indicators)))
        gone = np.isnat(moments)
        clock = Clock.at(moments)
        values[:, 0] = moments.astype(np.int64) / float(DAY)
        for j, part in enumerate(self.parts, 1):
            values[:, j] = part_of(part, clock)
        first = len(self.dense)
        for j, cycle in enumerate(self.cycles):
            values[:, first + 2 * j], values[:, first + 2 * j + 1] = round_of(cycle, clock)
        values[gone, :first] = np.nan
        values[gone, first:] = 0.0
        return values
