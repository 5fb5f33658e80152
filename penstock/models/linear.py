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
# Products are formed before they are summed, for so many at a time.
AT_ONCE = 1_000_000
PENALTIES = tuple(float(a) for a in np.logspace(-2, 4, 13))


class Logistic(LogisticRegression):
    """Logistic regression with an L2 penalty, whose solver fits the size of the problem."""

    def fit(self, X: Floats, y: npt.NDArray[np.generic], sample_weight: Floats | None = None) -> Self:
        """Fit on float64 of shape (n_rows, n_features), and labels and weights of shape (n_rows,)."""
        n_labels = len(np.unique(y))
        self.solver = "newton-cholesky" if X.shape[1] * max(1, n_labels - 1) <= MOST_NEWTON else "lbfgs"
        with warnings.catch_warnings():
            # An unfinished optimum is a slightly stronger penalty; the cross-validation says what it is worth.
            warnings.simplefilter("ignore", ConvergenceWarning)
            super().fit(X, y, sample_weight)
        return self

    def predict_proba(self, X: Floats) -> Floats:
        """Return probabilities, shape (n_rows, n_classes)."""
        raw = products(X, self.coef_) + self.intercept_
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
        return products(X, np.atleast_2d(self.coef_))[:, 0] + float(self.intercept_)


def products(X: Floats, coefficients: Floats) -> Floats:
    """Return the dot product of every row with every coefficient vector, the same bits for a row alone as in a batch.

    BLAS sums in another order for one row than for many.

    Parameters
    ----------
    X : numpy.ndarray
        Shape (n_rows, n_features), float64.
    coefficients : numpy.ndarray
        Shape (n_outputs, n_features), float64.

    Returns
    -------
    numpy.ndarray
        Shape (n_rows, n_outputs), float64.

    Examples
    --------
    >>> products(np.array([[1.0, 2.0]]), np.array([[3.0, 4.0], [0.0, 1.0]])).tolist()
    [[11.0, 2.0]]
    """
    done = np.empty((len(X), len(coefficients)))
    step = max(1, AT_ONCE // max(1, coefficients.size))
    for start in range(0, len(X), step):
        np.sum(X[start : start + step, None, :] * coefficients, axis=2, out=done[start : start + step])
    return done
