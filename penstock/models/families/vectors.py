"""Support vector machines."""

from __future__ import annotations

from typing import Any, ClassVar, Literal, Self

import numpy as np
from pydantic import Field

from penstock.models.encoder import EncodingKind
from penstock.models.families.drawing import scaled
from penstock.models.families.linear import ScaledFamily
from penstock.models.families.neighbours import CALL, MILLION
from penstock.table import Target

MOST_LABELS = 12
# Of the rows, those that end up as support vectors, in noisy tables.
VECTORS = 0.7


class VectorsFamily(ScaledFamily):
    """Support vector machines with a Gaussian kernel on at most `rows` training rows."""

    encoding: ClassVar[EncodingKind] = "quantile"
    kind: Literal["svm"] = "svm"
    c: float = Field(default=1.0, gt=0)
    width: float = Field(default=1.0, gt=0)
    rows: int = Field(default=5_000, ge=10)

    def varied(self, rng: np.random.Generator, target: Target, n_rows: int) -> Self:
        """Return another cost of wrong rows, and another width of the kernel."""
        return self.model_copy(update={"c": scaled(rng, 0.05, 50.0), "width": scaled(rng, 0.1, 5.0)})

    def refuses(self, target: Target, n_rows: int, n_features: int) -> str:
        """Return that there are too many labels: each needs four fits of its own."""
        n = len(target.labels)
        many = f"{n} labels need a machine each; it takes up to {MOST_LABELS}" if n > MOST_LABELS else ""
        return super().refuses(target, n_rows, n_features) or many

    def cost(self, target: Target, n_rows: int, n_features: int) -> float:
        """Return about how many milliseconds its fitted estimator takes for one row."""
        return CALL + MILLION * VECTORS * min(n_rows, self.rows) * n_features / 1e6

    def estimator(self, target: Target, n_rows: int, seed: int, threads: int) -> Any:
        """Return support vector machines."""
        from penstock.models.estimators.vectors import VectorsClassifier, VectorsRegressor

        build = VectorsClassifier if target.is_classification else VectorsRegressor
        return build(c=self.c, width=self.width, rows=self.rows, seed=seed)
