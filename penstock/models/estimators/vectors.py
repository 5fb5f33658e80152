"""Support vector machines with a Gaussian kernel, whose probabilities come from rows that they have not seen."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
import numpy.typing as npt
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold
from sklearn.svm import SVC, SVR

from penstock.metrics.weighted import Floats, Ints
from penstock.models.estimators.arithmetic import squared_distances, two_sided

# Folds in which the scores for Platt's map are made.
FOLDS = 3


class _Machines(BaseEstimator):
    """Machines of one kernel, each a sum over its support vectors.

    Parameters
    ----------
    c : float
        How much a wrong row costs.
    width : float
        The kernel is exp(-gamma * d²), with gamma = width / (n_features * variance of all features).
    rows : int
        Of more training rows than this, so many are drawn: a fit takes time with their square.
    seed : int
        Which.

    References
    ----------
    J. Platt, "Probabilistic outputs for support vector machines", Advances in Large Margin Classifiers, 1999.
    """

    def __init__(self, *, c: float = 1.0, width: float = 1.0, rows: int = 5_000, seed: int = 0) -> None:
        self.c = c
        self.width = width
        self.rows = rows
        self.seed = seed

    def _drawn(self, X: Floats, weights: Floats | None) -> tuple[Ints, Floats | None]:
        kept = np.arange(len(X)) if weights is None else np.flatnonzero(np.asarray(weights) > 0)
        if len(kept) > self.rows:
            kept = np.sort(np.random.default_rng(self.seed).choice(kept, self.rows, replace=False))
        spread = float(X[kept].var())
        self.gamma_ = self.width / (max(1, X.shape[1]) * (spread if spread > 0 else 1.0))
        self.n_features_in_ = X.shape[1]
        return kept, None if weights is None else np.asarray(weights, dtype=np.float64)[kept]

    def _hold(self, machines: list[Any], X: Floats) -> None:
        """Keep the vectors of all machines once, with a row of coefficients for each machine."""
        used = np.unique(np.concatenate([m.support_ for m in machines]))
        self.vectors_ = np.ascontiguousarray(X[used])
        self.dual_ = np.zeros((len(machines), len(used)))
        for i, machine in enumerate(machines):
            self.dual_[i, np.searchsorted(used, machine.support_)] = machine.dual_coef_[0]
        self.bias_ = np.array([float(m.intercept_[0]) for m in machines])

    def _scores(self, X: Floats) -> Floats:
        scores = np.empty((len(X), len(self.dual_)))
        for i, row in enumerate(X):
            near = np.exp(-self.gamma_ * squared_distances(row, self.vectors_))
            scores[i] = (self.dual_ * near).sum(axis=1)
        return np.asarray(scores + self.bias_)


class VectorsClassifier(ClassifierMixin, _Machines):
    """Support vector machines for labels: one for two, or one for each label against the rest."""

    def fit(self, X: Floats, y: npt.NDArray[np.generic], sample_weight: Floats | None = None) -> Self:
        """Fit on float64 of shape (n_rows, n_features) and labels of shape (n_rows,)."""
        self.classes_, codes = np.unique(y, return_inverse=True)
        kept, weights = self._drawn(X, sample_weight)
        X, codes = X[kept], codes[kept]
        sides = [codes == i for i in range(len(self.classes_))] if len(self.classes_) > 2 else [codes == 1]
        machines, maps = [], []
        for side in sides:
            machines.append(self._machine(X, side, weights))
            maps.append(self._map(X, side, weights))
        self._hold(machines, X)
        self.slope_, self.shift_ = np.array([s for s, _ in maps]), np.array([b for _, b in maps])
        return self

    def predict_proba(self, X: Floats) -> Floats:
        """Return probabilities, shape (n_rows, n_classes); of more than two labels, each against the rest."""
        raw = self._scores(X) * self.slope_ + self.shift_
        if raw.shape[1] == 1:
            return two_sided(raw[:, 0])
        own = 1.0 / (1.0 + np.exp(-np.clip(raw, -500, 500)))
        return np.asarray(own / own.sum(axis=1, keepdims=True))

    def predict(self, X: Floats) -> npt.NDArray[np.generic]:
        """Return the likeliest labels, shape (n_rows,)."""
        return np.asarray(self.classes_[self.predict_proba(X).argmax(axis=1)])

    def _machine(self, X: Floats, side: npt.NDArray[np.bool_], weights: Floats | None) -> Any:
        return SVC(C=self.c, gamma=self.gamma_).fit(X, side, sample_weight=weights)

    def _map(self, X: Floats, side: npt.NDArray[np.bool_], weights: Floats | None) -> tuple[float, float]:
        """Return slope and shift of the log odds, fitted on scores of rows that the scoring machine had not seen."""
        folds = min(FOLDS, int(side.sum()), int((~side).sum()))
        if folds < 2:
            return 1.0, 0.0
        scores = np.empty(len(X))
        for learn, test in StratifiedKFold(folds, shuffle=True, random_state=self.seed).split(X, side):
            part = None if weights is None else weights[learn]
            scores[test] = self._machine(X[learn], side[learn], part).decision_function(X[test])
        fitted = LogisticRegression(C=100.0).fit(scores[:, None], side, sample_weight=weights)
        return float(fitted.coef_[0, 0]), float(fitted.intercept_[0])


class VectorsRegressor(RegressorMixin, _Machines):
    """A support vector machine for numbers, on a target that is scaled for the fit."""

    def fit(self, X: Floats, y: Floats, sample_weight: Floats | None = None) -> Self:
        """Fit on float64 of shape (n_rows, n_features) and values of shape (n_rows,)."""
        kept, weights = self._drawn(X, sample_weight)
        X, y = X[kept], np.asarray(y, dtype=np.float64)[kept]
        self.centre_, spread = float(np.average(y, weights=weights)), float(y.std())
        self.spread_ = spread if spread > 0 else 1.0
        machine = SVR(C=self.c, gamma=self.gamma_, epsilon=0.05)
        self._hold([machine.fit(X, (y - self.centre_) / self.spread_, sample_weight=weights)], X)
        return self

    def predict(self, X: Floats) -> Floats:
        """Return values, shape (n_rows,)."""
        return np.asarray(self.centre_ + self.spread_ * self._scores(X)[:, 0])
