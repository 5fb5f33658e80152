"""Numbers that may stand for a missing value: repeated, and far outside all others."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np

from penstock.arrays.tally import Numbers

# What people take: all nines, or a round number below zero where nothing else is.
_SHAPE = re.compile(r"^(?:-?9{2,}|-[1-9]0*|0)$")
_AT_LEAST = 3
# Fewer other numbers are levels of a code, and so is this one.
_SEVERAL = 10
_GAP = 0.05


@dataclass(frozen=True)
class Sentinel:
    """A number that may stand for a missing value, how often it stands there, and between what the others lie."""

    value: float
    count: int
    low: float
    high: float

    @property
    def token(self) -> str:
        """The number as a spec would declare it missing."""
        return str(int(self.value)) if self.value == int(self.value) else repr(self.value)

    @property
    def words(self) -> str:
        """Say how it stands out."""
        return f"{self.count:,} cells hold {self.token}, all others lie in {self.low:g} to {self.high:g}"

    @property
    def told(self) -> str:
        """Say what it may mean."""
        return f"{self.words}, and may mean a missing value"


def sentinels(numbers: Numbers) -> tuple[Sentinel, ...]:
    """Return the numbers of a column that may stand for a missing value.

    Only the lowest and the highest number can be one: it must stand at least three times, look like one (`-1`, `-200`,
    `999`, `0`), and lie further from the nearest other number than the middle half of the others is wide, or be the
    only one below zero.

    Examples
    --------
    >>> [s.token for s in sentinels(Numbers(np.array([*range(20), -200.0, -200.0, -200.0]), {}))]
    ['-200']
    """
    values = numbers.present
    if len(values) < 2 * _AT_LEAST or numbers.is_constant:
        return ()
    counts = {value: _count(values, value) for value in (numbers.low, numbers.high)}
    found: list[Sentinel] = []
    # The more frequent one first: it must not hide the other.
    for value in sorted(counts, key=lambda v: -counts[v]):
        if counts[value] >= _AT_LEAST:
            rest = values[values != value]
            judged = _judged(rest, value, counts[value])
            if judged is not None:
                found.append(judged)
                values = rest
    return tuple(found)


def _count(values: np.ndarray, value: float) -> int:
    # Most extremes do not look like it, and are not counted.
    if value != int(value) or abs(value) >= 1e15 or not _SHAPE.match(str(int(value))):
        return 0
    return int((values == value).sum())


def _judged(rest: np.ndarray, value: float, count: int) -> Sentinel | None:
    if value == 0 and count > len(rest):
        # Most of them are zero: that is what is counted here, not a gap in the record.
        return None
    low, high = float(rest.min()), float(rest.max())
    places = [len(rest) // 4, 3 * len(rest) // 4]
    quarter, three = np.partition(rest, places)[places]
    gap = low - value if value < low else value - high
    alone = value < 0 <= low
    is_far = gap > max(three - quarter, _GAP * (high - low))
    if not (is_far or alone) or len(np.unique(rest)) < _SEVERAL:
        return None
    return Sentinel(value, count, low, high)
