"""The step `isolated`: numbers so far from all others that something went wrong when they were written down."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np
from pydantic import Field

from penstock.blocks import Blocks, FloatMatrix
from penstock.steps.base import NUMBERS, Known, Learned, LearnedStep

FEWEST_ROWS = 50
# The largest deviations that tell how quickly a tail thins out.
TAIL_SHARE, TAIL_FEWEST, TAIL_MOST = 0.05, 10, 100
# Values that repeat would make a tail look as if it ended at once.
LEAST_SPACING = 0.05


@dataclass(frozen=True)
class IsolatedLearned(Learned):
    """The fences, by column: -inf and inf where there is none."""

    names: tuple[str, ...]
    low: np.ndarray
    high: np.ndarray

    def on(self, blocks: Blocks) -> Blocks:
        """Return the blocks with every number outside its fences missing."""
        return blocks.with_changed(self.names, self._within)

    def _within(self, values: FloatMatrix, at: slice) -> FloatMatrix:
        # Comparisons with NaN are false: what is missing stays missing.
        outside = (values < self.low[at]) | (values > self.high[at])
        return np.where(outside, np.nan, values) if outside.any() else values

    def describe(self) -> dict[str, Any]:
        """Return the fences by column, null where there is none."""
        pairs = zip(self.low.tolist(), self.high.tolist(), strict=True)
        shown = [[v if np.isfinite(v) else None for v in pair] for pair in pairs]
        return {"fences": dict(zip(self.names, shown, strict=True))}


class Isolated(LearnedStep):
    """Set isolated extremes to missing, and leave heavy tails alone.

    The deviations of training values from the median are looked at on either side. The `k` largest are isolated when

    1. each lies more than `far` interquartile ranges beyond the quartile,
    2. each is at least `gap` times the next smaller deviation, and
    3. the gap is more than `strange` times what the tail lets expect: in a tail that falls like a power, `k` times the
       logarithm of the ratio between the k-th and the next deviation is exponential, with a mean that Hill's estimator
       takes from the deviations below; so a tail, however heavy, shows such a gap in about exp(-8) of all cases,

    and when they are at most `at_most` of the values. A later value is outside the fence when it would have been
    isolated, had it been a training value. Columns whose middle half is a single value have no fences.

    References
    ----------
    Hill, B. M. (1975). A simple general approach to inference about the tail of a distribution. The Annals of
    Statistics 3 (5), 1163-1174.

    Examples
    --------
    >>> import numpy as np, pandas as pd
    >>> weight = pd.DataFrame({"weight": np.append(np.linspace(50, 100, 99), 82_000)})
    >>> learned = Isolated().learn(weight)
    >>> learned.apply(pd.DataFrame({"weight": [49.0, 130.0, 82_000.0, -9_999.0]}))["weight"].tolist()
    [49.0, 130.0, nan, nan]
    """

    suits: ClassVar[frozenset[str]] = NUMBERS

    kind: Literal["isolated"] = "isolated"
    far: float = Field(default=10.0, gt=0)
    gap: float = Field(default=3.0, gt=1)
    strange: float = Field(default=8.0, gt=0)
    at_most: float = Field(default=0.01, gt=0, lt=0.25)

    def learn_from(self, blocks: Blocks, known: Known | None = None) -> IsolatedLearned:
        """Return the fences of every number column."""
        names = self.columns if self.columns is not None else blocks.number_names
        matrix = blocks.matrix(names)
        # Differences of numbers near 1e308 overflow to inf, and a fence at inf is none.
        with np.errstate(over="ignore", invalid="ignore"):
            fences = [self._fences(matrix[:, j]) for j in range(matrix.shape[1])]
        low, high = np.array(fences, dtype=np.float64).reshape(-1, 2).T
        return IsolatedLearned(names=names, low=low.copy(), high=high.copy())

    def _fences(self, values: np.ndarray) -> tuple[float, float]:
        values = values[np.isfinite(values)]
        if len(values) < FEWEST_ROWS:
            return -np.inf, np.inf
        first, median, third = np.quantile(values, [0.25, 0.5, 0.75])
        iqr = third - first
        if not 0 < iqr < np.inf:
            return -np.inf, np.inf
        most = max(1, int(self.at_most * len(values)))
        above = self._reach(values[values > median] - median, third - median + self.far * iqr, most)
        below = self._reach(median - values[values < median], median - first + self.far * iqr, most)
        return float(median - below), float(median + above)

    def _reach(self, deviations: np.ndarray, far: float, most: int) -> float:
        """Return the deviation beyond which a value of this side is isolated."""
        tail = int(np.clip(TAIL_SHARE * len(deviations), TAIL_FEWEST, TAIL_MOST))
        if len(deviations) < most + tail + 1:
            most, tail = min(most, max(1, len(deviations) // 4)), len(deviations) // 4
        if tail < TAIL_FEWEST // 2:
            return np.inf
        top = np.sort(np.partition(deviations, len(deviations) - (most + tail + 1))[-(most + tail + 1) :])[::-1]
        logs = np.log(top)
        for k in range(most, 0, -1):
            gap = logs[k - 1] - logs[k]
            if top[k - 1] > far and gap >= np.log(self.gap) and k * gap > self.strange * _spacing(logs[k:], tail):
                # Between the last that belongs and the first that does not, at equal ratios to both.
                between = np.exp((logs[k - 1] + logs[k]) / 2)
                return float(min(self._later(top[k:], far, tail), between))
        return self._later(top, far, tail)

    def _later(self, belonging: np.ndarray, far: float, tail: int) -> float:
        spacing = _spacing(np.log(belonging), tail)
        return float(max(far, belonging[0] * max(self.gap, float(np.exp(min(self.strange * spacing, 700.0))))))


def _spacing(logs: np.ndarray, tail: int) -> float:
    """Return Hill's estimate from the `tail` largest deviations, given as descending logarithms."""
    return max(float(np.mean(logs[:tail]) - logs[tail]), LEAST_SPACING)
