"""The k nearest rows, found by going through all that are kept."""

from __future__ import annotations

from typing import Self

import numpy as np
import numpy.typing as npt
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin

from penstock.metrics.weighted import Floats, Ints
from penstock.models.estimators.arithmetic import squared_distances


class _Neighbours(BaseEstimator):
    """Keep rows, and answer with the mean of the nearest ones.

    A tree of rows would answer sooner where columns are few; its nodes hold addresses, so it could not be sealed.

    Parameters
    ----------
    k : int
        How many rows are asked.
    nearness : bool
        Whether nearer rows count more: by one over their distance.
    rows : int
        Of more training rows than this, so many are drawn.
    seed : int
        Which.
    """

    def __init__(self, *, k: int = 15, nearness: bool = True, rows: int = 10_000, seed: int = 0) -> None:
        self.k = k
        self.nearness = nearness
        self.rows = rows
        self.seed = seed

    def _keep(self, X: Floats, values: Floats, sample_weight: Floats | None) -> None:
        weights = np.ones(len(X)) if sample_weight is None else np.asarray(sample_weight, dtype=np.float64)
        kept = np.arange(len(X))
        if len(X) > self.rows:
            kept = np.sort(np.random.default_rng(self.seed).choice(len(X), self.rows, replace=False))
        self.points_, self.values_, self.weights_ = np.ascontiguousarray(X[kept]), values[kept], weights[kept]
        self.n_features_in_ = X.shape[1]
        # Where all nearest rows weigh nothing.
        self.otherwise_ = np.average(values, axis=0, weights=weights if weights.sum() > 0 else None)

    def _means(self, X: Floats) -> Floats:
        return np.array([self._mean(row) for row in X]).reshape(len(X), self.values_.shape[1])

    def _mean(self, row: Floats) -> Floats:
        distances = squared_distances(row, self.points_)
        k = min(self.k, len(distances))
        nearest: Ints = np.argpartition(distances, k - 1)[:k]
        weights = self.weights_[nearest]
        if self.nearness:
            apart = np.sqrt(distances[nearest])
            # Rows that agree in everything outweigh all others.
            weights = weights * (apart == 0) if (apart == 0).any() else weights / apart
        total = weights.sum()
        if not total > 0:
            return np.asarray(self.otherwise_)
        return np.asarray((weights[:, None] * self.values_[nearest]).sum(axis=0) / total)


class NeighboursClassifier(ClassifierMixin, _Neighbours):
    """The nearest rows' labels."""

    def fit(self, X: Floats, y: npt.NDArray[np.generic], sample_weight: Floats | None = None) -> Self:
        """Keep float64 of shape (n_rows, n_features) and labels of shape (n_rows,)."""
        self.classes_, codes = np.unique(y, return_inverse=True)
        self._keep(X, np.eye(len(self.classes_))[codes], sample_weight)
        return self

    def predict_proba(self, X: Floats) -> Floats:
        """Return probabilities, shape (n_rows, n_classes)."""
        return self._means(X)

    def predict(self, X: Floats) -> npt.NDArray[np.generic]:
        """Return the likeliest labels, shape (n_rows,)."""
        return np.asarray(self.classes_[self.predict_proba(X).argmax(axis=1)])


class NeighboursRegressor(RegressorMixin, _Neighbours):
    """The nearest rows' mean."""

    def fit(self, X: Floats, y: Floats, sample_weight: Floats | None = None) -> Self:
        """Keep float64 of shape (n_rows, n_features) and values of shape (n_rows,)."""
        self._keep(X, np.asarray(y, dtype=np.float64)[:, None], sample_weight)
        return self

    def predict(self, X: Floats) -> Floats:
        """Return values, shape (n_rows,)."""
        return self._means(X)[:, 0]
