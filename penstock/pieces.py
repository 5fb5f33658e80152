"""Numbers as pieces of a line: how much of each range between two quantiles a value has passed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from penstock.rowwise import Floats

# Columns of fewer different values are indicators, or as good as that.
FEWEST_VALUES = 4
# Quantiles of a sample of so many rows are those of all.
MOST_ROWS = 50_000


class Pieces:
    """Columns of numbers, each as what it has passed of ranges that follow each other; other columns as they are.

    Within a range the share goes from 0 to 1; the first range has no lower end and the last one no upper end, so that
    values beyond those of training go on in a line. A sum of pieces is any curve that bends at their ends: what a tree
    cuts, a network can learn.

    Parameters
    ----------
    source : numpy.ndarray
        For each output column the input column, shape (n_out,).
    low, width : numpy.ndarray
        Where its range begins and how long it is, shape (n_out,).
    least, most : numpy.ndarray
        What the share is held between, shape (n_out,); infinite where it is not.

    References
    ----------
    Gorishniy, Y., Rubachev, I. and Babenko, A. (2022), On embeddings for numerical features in tabular deep learning,
    NeurIPS 35 (piecewise linear encoding).
    """

    NAMES = ("source", "low", "width", "least", "most")

    def __init__(self, source: npt.NDArray[np.intp], low: Floats, width: Floats, least: Floats, most: Floats) -> None:
        self.source, self.low, self.width, self.least, self.most = source, low, width, least, most

    @classmethod
    def learn(cls, X: Floats, n: int) -> Self:
        """Return up to `n` pieces a column, between its quantiles in float64 of shape (n_rows, n_columns)."""
        X = X[:: max(1, len(X) // MOST_ROWS)]
        parts: list[tuple[float, float, float, float, float]] = []
        for i in range(X.shape[1]):
            ends = np.unique(X[:, i])
            if len(ends) > n:
                ends = np.unique(np.quantile(X[:, i], np.linspace(0.0, 1.0, n + 1)))
            if len(ends) < FEWEST_VALUES or n < 1:
                parts.append((i, 0.0, 1.0, -np.inf, np.inf))
                continue
            last = len(ends) - 2
            parts += [
                (i, ends[k], ends[k + 1] - ends[k], 0.0 if k else -np.inf, np.inf if k == last else 1.0)
                for k in range(last + 1)
            ]
        table = np.array(parts, dtype=np.float64).reshape(-1, 5)
        return cls(table[:, 0].astype(np.intp), *(np.ascontiguousarray(column) for column in table.T[1:]))

    def of(self, X: Floats) -> Floats:
        """Return the pieces of float64 rows of shape (n_rows, n_columns), shape (n_rows, n_out).

        Examples
        --------
        >>> pieces = Pieces.learn(np.array([[0.0], [1.0], [2.0], [4.0]]), 3)
        >>> pieces.of(np.array([[0.5], [3.0], [6.0], [-1.0]])).tolist()
        [[0.5, 0.0, 0.0], [1.0, 1.0, 0.5], [1.0, 1.0, 2.0], [-1.0, 0.0, 0.0]]
        """
        shares = X.take(self.source, axis=1)
        shares -= self.low
        shares /= self.width
        np.maximum(shares, self.least, out=shares)
        return np.asarray(np.minimum(shares, self.most, out=shares))

    def data(self) -> dict[str, npt.NDArray[np.generic]]:
        """Return its arrays by name."""
        return {name: getattr(self, name) for name in self.NAMES}

    @classmethod
    def made(cls, data: Mapping[str, Any]) -> Self:
        """Return it from its arrays."""
        return cls(*(data[name] for name in cls.NAMES))
