"""Generalised linear models for counts and skewed amounts."""

from __future__ import annotations

from typing import Any, Literal, Self

import numpy as np
from pydantic import Field

from penstock.models.families.drawing import even, scaled
from penstock.models.families.linear import ScaledFamily, numbers_only
from penstock.table import Target


class LogLinkFamily(ScaledFamily):
    """What they share: a mean that multiplies up, and so is above 0."""

    alpha: float = Field(default=0.01, ge=0)

    def varied(self, rng: np.random.Generator, target: Target, n_rows: int) -> Self:
        """Return another strength of the penalty."""
        return self.model_copy(update={"alpha": scaled(rng, 1e-5, 10.0)})

    def refuses(self, target: Target, n_rows: int, n_features: int) -> str:
        """Return that it needs numbers to predict; which numbers, its estimator says."""
        return super().refuses(target, n_rows, n_features) or numbers_only(target, "logistic")


class PoissonFamily(LogLinkFamily):
    """Poisson regression, for counts from 0 on."""

    kind: Literal["poisson"] = "poisson"

    def estimator(self, target: Target, n_rows: int, seed: int, threads: int) -> Any:
        """Return Poisson regression."""
        from penstock.models.estimators.glm import Poisson

        return Poisson(alpha=self.alpha, max_iter=300)


class GammaFamily(LogLinkFamily):
    """Gamma regression, for amounts above 0."""

    kind: Literal["gamma"] = "gamma"

    def estimator(self, target: Target, n_rows: int, seed: int, threads: int) -> Any:
        """Return gamma regression."""
        from penstock.models.estimators.glm import Gamma

        return Gamma(alpha=self.alpha, max_iter=300)


class TweedieFamily(LogLinkFamily):
    """Tweedie regression between Poisson's and gamma's, for amounts of which many are 0."""

    kind: Literal["tweedie"] = "tweedie"
    power: float = Field(default=1.5, gt=1, lt=2)

    def varied(self, rng: np.random.Generator, target: Target, n_rows: int) -> Self:
        """Return another strength of the penalty, and another growth of the variance with the mean."""
        return super().varied(rng, target, n_rows).model_copy(update={"power": even(rng, 1.1, 1.9)})

    def estimator(self, target: Target, n_rows: int, seed: int, threads: int) -> Any:
        """Return Tweedie regression."""
        from penstock.models.estimators.glm import Tweedie

        return Tweedie(power=self.power, alpha=self.alpha, link="log", max_iter=300)
