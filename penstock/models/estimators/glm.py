"""Generalised linear models with a logarithmic link, for counts and for skewed amounts."""

from __future__ import annotations

import warnings
from typing import Self

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import GammaRegressor, PoissonRegressor, TweedieRegressor

from penstock.metrics.weighted import Floats
from penstock.models.estimators.arithmetic import products
from penstock.models.families.refusal import Refusal

# exp(40) is beyond any count; beyond 709 it is infinite.
MOST_EXPONENT = 40.0


class _LogLink:
    """A mean that is the exponential of a linear score."""

    coef_: Floats
    intercept_: float
    zero_allowed = True

    def fit(self, X: Floats, y: Floats, sample_weight: Floats | None = None) -> Self:
        """Fit on float64 of shape (n_rows, n_features) and values of shape (n_rows,).

        Raises
        ------
        Refusal
            The target has values that such a model gives no probability to.
        """
        out = int((y < 0).sum() if self.zero_allowed else (y <= 0).sum())
        if out or not y.any():
            kind = "negative" if self.zero_allowed else "zero or negative"
            raise Refusal(f"the target is {kind} in {out} of {len(y)} rows" if out else "the target is always zero")
        with warnings.catch_warnings():
            # An unfinished optimum is a slightly stronger penalty; the cross-validation says what it is worth.
            warnings.simplefilter("ignore", ConvergenceWarning)
            super().fit(X, y, sample_weight)  # type: ignore[misc]  # the other base has it
        return self

    def predict(self, X: Floats) -> Floats:
        """Return values above 0, shape (n_rows,)."""
        raw = products(X, self.coef_[None, :])[:, 0] + float(self.intercept_)
        return np.asarray(np.exp(np.clip(raw, -MOST_EXPONENT, MOST_EXPONENT)))


class Poisson(_LogLink, PoissonRegressor):
    """Poisson regression: counts, and other amounts from 0 on whose variance grows with their mean."""


class Gamma(_LogLink, GammaRegressor):
    """Gamma regression: amounts above 0 whose spread is a share of their mean."""

    zero_allowed = False


class Tweedie(_LogLink, TweedieRegressor):
    """Compound Poisson and gamma regression: many zeros, and skewed amounts above them."""
