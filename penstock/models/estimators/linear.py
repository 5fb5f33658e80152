"""Linear models on scaled numbers and one column for each level, from ridge to stochastic gradients."""

from __future__ import annotations

import warnings
from typing import Any, Self

import numpy as np
import numpy.typing as npt
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import ElasticNetCV, LogisticRegression, RidgeCV, SGDClassifier, SGDRegressor
from sklearn.model_selection import KFold

from penstock.metrics.weighted import Floats
from penstock.models.estimators.arithmetic import products, softmax, two_sided

# The Hessian of Newton's method is square in features times labels; beyond, L-BFGS costs less.
MOST_NEWTON = 400
PENALTIES = tuple(float(a) for a in np.logspace(-2, 4, 13))


class Logistic(LogisticRegression):
    """Logistic regression whose solver fits its penalty and the size of the problem."""

    def fit(self, X: Floats, y: npt.NDArray[np.generic], sample_weight: Floats | None = None) -> Self:
        """Fit on float64 of shape (n_rows, n_features) and labels of shape (n_rows,)."""
        n_labels = len(np.unique(y))
        if self.l1_ratio:
            self.solver = "saga"
        else:
            self.solver = "newton-cholesky" if X.shape[1] * max(1, n_labels - 1) <= MOST_NEWTON else "lbfgs"
        with warnings.catch_warnings():
            # An unfinished optimum is a slightly stronger penalty; the cross-validation says what it is worth.
            warnings.simplefilter("ignore", ConvergenceWarning)
            super().fit(X, y, sample_weight)
        return self

    def predict_proba(self, X: Floats) -> Floats:
        """Return probabilities, shape (n_rows, n_classes)."""
        raw = products(X, self.coef_) + self.intercept_
        return two_sided(raw[:, 0]) if raw.shape[1] == 1 else softmax(raw)

    def predict(self, X: Floats) -> npt.NDArray[np.generic]:
        """Return the likeliest labels, shape (n_rows,)."""
        return np.asarray(self.classes_[self.predict_proba(X).argmax(axis=1)])


class _Straight:
    """Predict by the coefficients of a regression."""

    coef_: Floats
    intercept_: Any  # scikit-learn gives a float, or an array of one

    def predict(self, X: Floats) -> Floats:
        """Return values, shape (n_rows,)."""
        return products(X, np.atleast_2d(self.coef_))[:, 0] + float(np.ravel(self.intercept_)[0])


class Ridge(_Straight, RidgeCV):
    """Ridge regression; the penalty is chosen by leave-one-out error, which has a closed form."""


class Sparse(_Straight, ElasticNetCV):
    """Lasso and elastic net; the penalty is chosen along its path by cross-validation."""

    def fit(self, X: Floats, y: Floats, sample_weight: Floats | None = None) -> Self:
        """Fit on float64 of shape (n_rows, n_features) and values of shape (n_rows,)."""
        self.cv = KFold(max(2, min(5, len(X) // 2)), shuffle=True, random_state=self.random_state)
        with warnings.catch_warnings():
            # At the weak end of the path it may not converge; such penalties lose by their own error.
            warnings.simplefilter("ignore", ConvergenceWarning)
            super().fit(X, y, sample_weight=sample_weight)
        return self


class StochasticClassifier(SGDClassifier):
    """Logistic regression by averaged stochastic gradients, for tables that are too large for Newton's method."""

    def fit(self, X: Floats, y: npt.NDArray[np.generic], sample_weight: Floats | None = None) -> Self:
        """Fit on float64 of shape (n_rows, n_features) and labels of shape (n_rows,)."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            super().fit(X, y, sample_weight=sample_weight)
        return self

    def predict_proba(self, X: Floats) -> Floats:
        """Return probabilities, shape (n_rows, n_classes); of more than two labels, each against the rest."""
        raw = products(X, self.coef_) + self.intercept_
        if raw.shape[1] == 1:
            return two_sided(raw[:, 0])
        own = 1.0 / (1.0 + np.exp(-np.clip(raw, -500, 500)))
        return np.asarray(own / own.sum(axis=1, keepdims=True))

    def predict(self, X: Floats) -> npt.NDArray[np.generic]:
        """Return the likeliest labels, shape (n_rows,)."""
        return np.asarray(self.classes_[self.predict_proba(X).argmax(axis=1)])


class StochasticRegressor(SGDRegressor):
    """Linear regression by averaged stochastic gradients, on a target that is scaled for the fit."""

    def fit(self, X: Floats, y: Floats, sample_weight: Floats | None = None) -> Self:
        """Fit on float64 of shape (n_rows, n_features) and values of shape (n_rows,)."""
        self.centre_, spread = float(np.average(y, weights=sample_weight)), float(np.std(y))
        self.spread_ = spread if spread > 0 else 1.0
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            super().fit(X, (y - self.centre_) / self.spread_, sample_weight=sample_weight)
        return self

    def predict(self, X: Floats) -> Floats:
        """Return values, shape (n_rows,)."""
        scaled = products(X, np.atleast_2d(self.coef_))[:, 0] + float(self.intercept_[0])
        return np.asarray(self.centre_ + self.spread_ * scaled)
