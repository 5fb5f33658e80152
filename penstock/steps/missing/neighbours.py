"""Imputing from the most similar training rows, row by row with the same bits whatever batch a row comes in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from penstock.blocks import Blocks, FloatMatrix
from penstock.steps.base import Learned
from penstock.steps.missing.standard import Standard

# Distances of so many pairs of rows are held at a time: 8 MB, which stays in the processor's cache.
PAIRS = 1_000_000


@dataclass(frozen=True)
class Neighbours(Learned):
    """Training rows that give what others lack, on a common scale; NaN where they lack it, too.

    `donors` has shape (n_donors, n_columns).
    """

    names: tuple[str, ...]
    standard: Standard
    donors: FloatMatrix
    k: int

    @classmethod
    def of(cls, names: tuple[str, ...], matrix: FloatMatrix, standard: Standard, k: int) -> Self:
        """Take donors from training rows; those that hold nothing give nothing."""
        some = ~np.isnan(matrix).all(axis=1)
        return cls(names, standard, np.asfortranarray(standard.scaled(matrix[some])), k)

    def on(self, blocks: Blocks) -> Blocks:
        """Return the blocks with the mean of the nearest donors that have a value in place of each missing one."""
        values = blocks.matrix(self.names)
        missing = np.isnan(values)
        rows = np.flatnonzero(missing.any(axis=1))
        if not len(rows):
            return blocks
        filled = values.copy(order="F")
        step = max(1, PAIRS // max(1, len(self.donors)))
        for first in range(0, len(rows), step):
            some = rows[first : first + step]
            self._fill(filled, some, missing[some])
        return blocks.with_numbers(self.names, filled)

    def describe(self) -> dict[str, Any]:
        """Return how many rows there are to choose from."""
        return {"method": "knn", "columns": list(self.names), "donors": len(self.donors), "neighbours": self.k}

    def _fill(self, filled: FloatMatrix, rows: np.ndarray, missing: np.ndarray) -> None:
        distances = self._distances(self.standard.scaled(filled[rows]), missing)
        for j in np.flatnonzero(missing.any(axis=0)).tolist():
            lacks = missing[:, j]
            has = np.flatnonzero(~np.isnan(self.donors[:, j]))
            mean = self._mean_of_nearest(distances[np.ix_(lacks, has)], self.donors[has, j])
            filled[rows[lacks], j] = self.standard.unscaled(mean, j)

    def _distances(self, values: FloatMatrix, missing: np.ndarray) -> FloatMatrix:
        """Return squared distances over what both rows have, as if they had all; inf where they share nothing.

        Column by column: a matrix product would add the same numbers in an order that depends on the batch.
        """
        total = np.zeros((len(values), len(self.donors)))
        has = ~np.isnan(self.donors)
        for j in range(values.shape[1]):
            there = np.flatnonzero(~missing[:, j])
            if not len(there):
                continue
            apart = values[there, j, None] - np.where(has[:, j], self.donors[:, j], 0.0)
            apart *= apart
            if not has[:, j].all():
                apart *= has[:, j]
            if len(there) == len(values):
                total += apart
            else:
                total[there] += apart
        # Counts are whole numbers, which a matrix product adds exactly in any order.
        shared = (~missing).astype(np.float64) @ has.T.astype(np.float64)
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.where(shared > 0, total * (values.shape[1] / shared), np.inf)

    def _mean_of_nearest(self, distances: FloatMatrix, values: np.ndarray) -> np.ndarray:
        """Return means of shape (n_rows,); 0, the mean on the common scale, where there is no neighbour.

        Of donors that are equally far the first counts.
        """
        n = len(distances)
        total, count = np.zeros(n), np.zeros(n)
        if not len(values):
            return total
        every = np.arange(n)
        for _ in range(min(self.k, len(values))):
            nearest = distances.argmin(axis=1)
            near = distances[every, nearest] < np.inf
            total += np.where(near, values[nearest], 0.0)
            count += near
            distances[every, nearest] = np.inf
        return total / np.maximum(count, 1.0)
