"""The k nearest rows."""

from __future__ import annotations

from typing import Any, ClassVar, Literal, Self

import numpy as np
from pydantic import Field

from penstock.models.encoder import EncodingKind
from penstock.models.families.drawing import whole
from penstock.models.families.linear import ScaledFamily
from penstock.table import Target

# Milliseconds, measured: of a call, and of each million of numbers that are gone through.
CALL = 0.03
MILLION = 4.0


class NeighboursFamily(ScaledFamily):
    """The mean of the nearest of at most `rows` training rows, each counting by one over its distance."""

    encoding: ClassVar[EncodingKind] = "quantile"
    kind: Literal["neighbours"] = "neighbours"
    k: int = Field(default=15, ge=1)
    nearness: bool = True
    rows: int = Field(default=10_000, ge=1)

    @classmethod
    def portfolio(cls, target: Target, n_rows: int, n_columns: int) -> tuple[Self, ...]:
        """Return two sizes of neighbourhood."""
        return cls(), cls(k=40)

    def varied(self, rng: np.random.Generator, target: Target, n_rows: int) -> Self:
        """Return another size of neighbourhood."""
        return self.model_copy(update={"k": whole(rng, 3, 100), "nearness": bool(rng.random() < 0.7)})

    def cost(self, target: Target, n_rows: int, n_features: int) -> float:
        """Return about how many milliseconds its fitted estimator takes for one row."""
        return CALL + MILLION * min(n_rows, self.rows) * n_features / 1e6

    def estimator(self, target: Target, n_rows: int, seed: int, threads: int) -> Any:
        """Return the k nearest rows."""
        from penstock.models.estimators.neighbours import NeighboursClassifier, NeighboursRegressor

        build = NeighboursClassifier if target.is_classification else NeighboursRegressor
        return build(k=self.k, nearness=self.nearness, rows=self.rows, seed=seed)
