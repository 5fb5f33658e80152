"""Regularised linear models that choose their own penalty or need none chosen."""

from __future__ import annotations

import warnings
from typing import Self

import numpy as np
import numpy.typing as npt
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression, RidgeCV

from penstock.metrics.weighted import Floats

# The Hessian of Newton's method is square in features times labels; beyond, L-BFGS costs less.
MOST_NEWTON = 400
PENALTIES = tuple(float(a) for a in np.logspace(-2, 4, 13))


class Logistic(LogisticRegression):
    """Logistic regression with an L2 penalty, whose solver fits the size of the problem."""

    def fit(self, X: Floats, y: npt.NDArray[np.generic]) -> Self:
        """Fit on float64 of shape (n_rows, n_features) and labels of shape (n_rows,)."""
        n_labels = len(np.unique(y))
        self.solver = "newton-cholesky" if X.shape[1] * max(1, n_labels - 1) <= MOST_NEWTON else "lbfgs"
        with warnings.catch_warnings():
            # An unfinished optimum is a slightly stronger penalty; the cross-validation says what it is worth.
            warnings.simplefilter("ignore", ConvergenceWarning)
            super().fit(X, y)
        return self

    def predict_proba(self, X: Floats) -> Floats:
        """Return probabilities, shape (n_rows, n_classes)."""
        raw = X @ self.coef_.T + self.intercept_
        if raw.shape[1] == 1:
            raw = np.hstack([-raw / 2, raw / 2])
        raw -= raw.max(axis=1, keepdims=True)
        np.exp(raw, out=raw)
        raw /= raw.sum(axis=1, keepdims=True)
        return np.asarray(raw)

    def predict(self, X: Floats) -> npt.NDArray[np.generic]:
        """Return the likeliest labels, shape (n_rows,)."""
        return np.asarray(self.classes_[self.predict_proba(X).argmax(axis=1)])


class Ridge(RidgeCV):
    """Ridge regression; the penalty is chosen by leave-one-out error, which has a closed form."""

    def predict(self, X: Floats) -> Floats:
        """Return values, shape (n_rows,)."""
        return np.asarray(X @ self.coef_ + self.intercept_)
