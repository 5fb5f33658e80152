"""Quantiles of sorted numbers, and what the quantiles of parts say about the whole."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

QUANTILES: tuple[float, ...] = (0.0, 0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99, 1.0)
LOWER_QUARTILE, UPPER_QUARTILE = QUANTILES.index(0.25), QUANTILES.index(0.75)
# Tukey's fences: a value further than this many interquartile ranges from the box is outside.
FENCE = 1.5


def quantiles_of(ordered: Any) -> list[float]:
    """Return the quantiles of sorted numbers, by linear interpolation between the two nearest order statistics.

    References
    ----------
    R. J. Hyndman, Y. Fan, "Sample Quantiles in Statistical Packages", 1996, definition 7; NumPy's default.

    Examples
    --------
    >>> quantiles_of(np.array([1.0, 2.0, 3.0, 4.0]))[QUANTILES.index(0.5)]
    2.5
    """
    at = np.array(QUANTILES) * (len(ordered) - 1)
    below = np.floor(at).astype(np.int64)
    above = np.minimum(below + 1, len(ordered) - 1)
    share = at - below
    with np.errstate(under="ignore"):
        between = ordered[below] * (1.0 - share) + ordered[above] * share
    # Rounding must not put a quantile between two equal numbers beside them.
    return [float(q) + 0.0 for q in np.clip(between, ordered[below], ordered[above])]


def tukey_fences(quantiles: Sequence[float]) -> tuple[float, float]:
    """Return the fences of `QUANTILES`' quartiles; infinite where they lie beyond all numbers."""
    lower, upper = np.float64(quantiles[LOWER_QUARTILE]), np.float64(quantiles[UPPER_QUARTILE])
    with np.errstate(over="ignore"):
        reach = FENCE * (upper - lower)
        return float(lower - reach), float(upper + reach)


def mixed_quantiles(parts: Sequence[tuple[int, Sequence[float]]]) -> list[float]:
    """Return about what the quantiles of several parts together are, from the quantiles of each.

    Parameters
    ----------
    parts : sequence of (int, sequence of float)
        How many numbers a part has, and their quantiles at `QUANTILES`.

    Returns
    -------
    list of float
        Each part is taken to lie evenly between its quantiles. The lowest and the highest are exact.

    Examples
    --------
    >>> mixed_quantiles([(10, [1.0] * 9), (30, [3.0] * 9)])[:5]
    [1.0, 1.0, 1.0, 3.0, 3.0]
    """
    total = sum(n for n, _ in parts)
    knots = np.unique(np.concatenate([np.asarray(q, dtype=np.float64) for _, q in parts]))
    # A distribution function steps where quantiles coincide: it is read from below and from above.
    below, above = (sum(n * _at(q, knots, side) for n, q in parts) / total for side in ("left", "right"))
    levels = np.column_stack([below, above]).ravel()
    found = np.interp(QUANTILES, np.maximum.accumulate(levels), np.repeat(knots, 2))
    found[0], found[-1] = knots[0], knots[-1]
    return [float(q) for q in found]


def _at(quantiles: Sequence[float], knots: Any, side: str) -> Any:
    """Return the distribution function of one part at the knots, its limit from the left or from the right."""
    values, levels = np.asarray(quantiles, dtype=np.float64), np.asarray(QUANTILES)
    first = np.searchsorted(values, knots, "left")
    last = np.searchsorted(values, knots, "right") - 1
    meets = last >= first
    between = np.interp(knots, values, levels, left=0.0, right=1.0)
    return np.where(meets, levels[np.clip(first if side == "left" else last, 0, len(levels) - 1)], between)
