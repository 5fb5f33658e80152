"""How configurations are drawn from a search space: numbers short enough to be read."""

from __future__ import annotations

import math

import numpy as np


def even(rng: np.random.Generator, low: float, high: float) -> float:
    """Return a number between two others, each as likely, with three digits.

    Examples
    --------
    >>> 0.5 <= even(np.random.default_rng(0), 0.5, 1.0) <= 1.0
    True
    """
    return short(float(rng.uniform(low, high)))


def scaled(rng: np.random.Generator, low: float, high: float) -> float:
    """Return a number between two others, each order of magnitude as likely, with three digits."""
    return short(math.exp(float(rng.uniform(math.log(low), math.log(high)))))


def whole(rng: np.random.Generator, low: int, high: int) -> int:
    """Return a whole number between two others, each order of magnitude as likely."""
    return int(np.clip(round(scaled(rng, low, high)), low, high))


def short(value: float) -> float:
    """Return a number with three digits.

    Examples
    --------
    >>> short(0.0123456)
    0.0123
    """
    return float(f"{value:.3g}")
