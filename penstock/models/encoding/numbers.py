"""How numbers are scaled: not at all for trees, by a robust deviation, or to the normal scores of their ranks."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from penstock.metrics.weighted import Floats

# In robust standard deviations: farther out, a linear model would follow single rows.
CLIP = 8.0
# Farther than three deviations lies a row in 700.
MOST_SCORE = 3.0
KNOTS = 101
# Trees of single precision know no larger numbers.
LARGEST = 1e38


def bound(numbers: Floats) -> None:
    """Move what lies beyond single precision, infinity above all, to its end, in place; NaN stays."""
    np.maximum(numbers, -LARGEST, out=numbers)
    np.minimum(numbers, LARGEST, out=numbers)


@dataclass(frozen=True)
class Robust:
    """Numbers less their median, by a robust deviation, clipped; `centre` and `scale` have shape (n_columns,)."""

    centre: Floats
    scale: Floats

    @classmethod
    def learn(cls, numbers: Floats) -> Robust:
        """Return medians and IQR / 1.349: the deviation where that is 0, and 1 for a constant."""
        if not numbers.size:
            return cls(np.zeros(numbers.shape[1]), np.ones(numbers.shape[1]))
        known = np.where(np.isnan(numbers).all(axis=0), 0.0, numbers)
        low, centre, high = np.nanpercentile(known, [25, 50, 75], axis=0)
        scale = (high - low) / 1.349
        scale = np.where(scale > 0, scale, np.nanstd(known, axis=0))
        return cls(centre, np.where(scale > 1e-12 * np.maximum(np.abs(centre), 1e-300), scale, 1.0))

    def of(self, numbers: Floats) -> Floats:
        """Return scaled numbers of shape (n_rows, n_columns); NaN stays."""
        return np.minimum(np.maximum((numbers - self.centre) / self.scale, -CLIP), CLIP)


@dataclass(frozen=True)
class RankNormal:
    """Numbers as the normal scores of their ranks among the training rows, by straight lines between knots.

    All arrays have shape (n_knots, n_columns). A column with fewer different values than knots repeats its last one.
    """

    knots: Floats
    scores: Floats
    slopes: Floats

    @classmethod
    def learn(cls, numbers: Floats) -> RankNormal:
        """Return knots at quantiles, each with the normal score of the middle of the ranks that its value has."""
        n_columns = numbers.shape[1]
        knots, scores = np.zeros((KNOTS, n_columns)), np.zeros((KNOTS, n_columns))
        for j in range(n_columns):
            knots[:, j], scores[:, j] = _line(numbers[:, j])
        width = np.diff(knots, axis=0)
        rise = np.diff(scores, axis=0)
        slopes = np.zeros((KNOTS, n_columns))
        slopes[:-1] = np.divide(rise, width, out=np.zeros_like(rise), where=width > 0)
        return cls(knots, scores, slopes)

    def of(self, numbers: Floats) -> Floats:
        """Return scores of shape (n_rows, n_columns), at the ends those of the ends; NaN stays."""
        held = np.minimum(np.maximum(numbers, self.knots[0]), self.knots[-1])
        column = np.arange(held.shape[1])
        at = self._below(held)
        scores: Floats = self.scores[at, column] + (held - self.knots[at, column]) * self.slopes[at, column]
        return scores

    def _below(self, held: Floats) -> npt.NDArray[np.intp]:
        """Return the last knot that is not larger, shape (n_rows, n_columns)."""
        if len(held) == 1:
            # One comparison of all columns with all their knots: what a search in each would find.
            counted: npt.NDArray[np.intp] = (self.knots <= held).sum(axis=0)[None, :]
            return np.asarray(np.maximum(counted - 1, 0))
        at = np.empty(held.shape, dtype=np.intp)
        for j in range(held.shape[1]):
            at[:, j] = np.searchsorted(self.knots[:, j], held[:, j], side="right")
        return np.asarray(np.maximum(np.where(np.isnan(held), 0, at) - 1, 0))


def _line(values: Floats) -> tuple[Floats, Floats]:
    from scipy.special import ndtri

    known = np.sort(values[~np.isnan(values)])
    if not len(known):
        return np.zeros(KNOTS), np.zeros(KNOTS)
    knots = np.unique(np.quantile(known, np.linspace(0, 1, KNOTS), method="lower"))
    ranks = (np.searchsorted(known, knots, "left") + np.searchsorted(known, knots, "right")) / (2 * len(known))
    scores = np.clip(ndtri(ranks), -MOST_SCORE, MOST_SCORE) if len(knots) > 1 else np.zeros(1)
    missing = KNOTS - len(knots)
    return np.pad(knots, (0, missing), mode="edge"), np.pad(scores, (0, missing), mode="edge")
