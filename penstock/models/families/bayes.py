"""Naive Bayes."""

from __future__ import annotations

from typing import Any, Literal, Self

import numpy as np
from pydantic import Field

from penstock.models.families.drawing import scaled
from penstock.models.families.linear import ScaledFamily, labels_only
from penstock.table import Target


class GaussianBayesFamily(ScaledFamily):
    """Every column a bell curve for each label, independent of the others."""

    kind: Literal["naive_bayes"] = "naive_bayes"
    # Levels are columns of 0 and 1, whose variance may be nothing.
    smoothing: float = Field(default=1e-3, gt=0)

    def varied(self, rng: np.random.Generator, target: Target, n_rows: int) -> Self:
        """Return another share of the largest variance that is added to all."""
        return self.model_copy(update={"smoothing": scaled(rng, 1e-6, 1.0)})

    def refuses(self, target: Target, n_rows: int, n_features: int) -> str:
        """Return that it needs labels to predict, where it has numbers."""
        return super().refuses(target, n_rows, n_features) or labels_only(target, "linear")

    def estimator(self, target: Target, n_rows: int, seed: int, threads: int) -> Any:
        """Return Gaussian naive Bayes."""
        from penstock.models.estimators.bayes import GaussianBayes

        return GaussianBayes(var_smoothing=self.smoothing)
