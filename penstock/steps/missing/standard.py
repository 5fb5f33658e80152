"""Columns on one scale: less their mean, in standard deviations."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np

from penstock.blocks import FloatMatrix
from penstock.steps.statistics import overall

# In standard deviations: squares of what lies within stay far from overflow, and nothing measured lies beyond.
FARTHEST = 1e9


@dataclass(frozen=True)
class Standard:
    """Means and standard deviations of training rows, of shape (n_columns,); 0 and 1 where there is none."""

    mean: np.ndarray
    deviation: np.ndarray

    @classmethod
    def of(cls, matrix: FloatMatrix) -> Self:
        """Take them from training rows."""
        means = np.array([overall(matrix[:, j], "mean") for j in range(matrix.shape[1])], dtype=np.float64)
        deviations = np.array([overall(matrix[:, j], "std") for j in range(matrix.shape[1])], dtype=np.float64)
        # Below this a deviation is the rounding of a constant's mean.
        real = deviations > 1e-12 * np.abs(means)
        return cls(np.where(np.isnan(means), 0.0, means), np.where(real, deviations, 1.0))

    def scaled(self, matrix: FloatMatrix) -> FloatMatrix:
        """Return the values on the common scale."""
        with np.errstate(over="ignore"):
            found: FloatMatrix = np.clip((matrix - self.mean) / self.deviation, -FARTHEST, FARTHEST)
        return found

    def unscaled(self, values: np.ndarray, column: int) -> np.ndarray:
        """Return values of one column in its own units."""
        found: np.ndarray = values * self.deviation[column] + self.mean[column]
        return found


def sample(n_rows: int, most: int, seed: int) -> np.ndarray:
    """Return positions of at most so many rows, in their order."""
    if n_rows <= most:
        return np.arange(n_rows)
    return np.sort(np.random.default_rng(seed).choice(n_rows, most, replace=False))
