"""Sums and losses that do not hang on how many rows are asked at once.

BLAS adds in another order for one row than for many, so whatever is predicted is added up here.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from penstock.metrics.weighted import Floats, Ints
from penstock.rowwise import products, softmax, two_sided

__all__ = [
    "LEAST_PROBABILITY",
    "Valid",
    "known_valid",
    "log_loss",
    "products",
    "softmax",
    "squared_distances",
    "squared_loss",
    "two_sided",
]

LEAST_PROBABILITY = 1e-15

# Rows to stop on: features, target, and weights where there are any.
Valid = tuple[Floats, npt.NDArray[np.generic]] | tuple[Floats, npt.NDArray[np.generic], Floats | None]


def squared_distances(row: Floats, points: Floats) -> Floats:
    """Return the squared Euclidean distances of one row to points; shapes (n_features,) and (n_points, n_features).

    Examples
    --------
    >>> squared_distances(np.array([0.0, 0.0]), np.array([[3.0, 4.0], [0.0, 1.0]])).tolist()
    [25.0, 1.0]
    """
    apart = points - row
    apart *= apart
    return np.asarray(apart.sum(axis=1))


def log_loss(codes: Ints, probabilities: Floats, weights: Floats | None = None) -> float:
    """Return the mean of minus the logarithm of the true labels' probabilities.

    Examples
    --------
    >>> round(log_loss(np.array([0]), np.array([[0.5, 0.5]])), 4)
    0.6931
    """
    true = probabilities[np.arange(len(codes)), codes]
    return float(np.average(-np.log(np.clip(true, LEAST_PROBABILITY, 1.0)), weights=weights))


def squared_loss(y: Floats, predicted: Floats, weights: Floats | None = None) -> float:
    """Return the mean squared error.

    Examples
    --------
    >>> squared_loss(np.array([1.0, 3.0]), np.array([1.0, 1.0]))
    2.0
    """
    return float(np.average((y - predicted) ** 2, weights=weights))


def known_valid(
    valid: Valid | None, classes: npt.NDArray[np.generic] | None
) -> tuple[Floats, npt.NDArray[np.generic], Floats | None] | None:
    """Return the rows to stop on as (X, y, weights); with `classes`, those of known labels, as their codes.

    None where there are none, or none that tell anything.
    """
    if valid is None:
        return None
    X, y = valid[0], np.asarray(valid[1])
    weights = np.asarray(valid[2], dtype=np.float64) if len(valid) == 3 and valid[2] is not None else None
    if classes is not None:
        codes = np.searchsorted(classes, y).clip(max=len(classes) - 1)
        known = np.asarray(classes)[codes] == y
        X, y = X[known], codes[known].astype(np.int64)
        weights = weights[known] if weights is not None else None
    if not len(y) or (weights is not None and weights.sum() <= 0):
        return None
    return X, y, weights
