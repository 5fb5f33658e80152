"""An estimator of the user's own as a family: one configuration, by its import path."""

from __future__ import annotations

from typing import Any, Self

import numpy as np

from penstock.errors import SpecError
from penstock.families import OwnEstimator
from penstock.models.encoder import EncodingKind
from penstock.models.families.base import BaseFamily
from penstock.table import Target


class OwnFamily(BaseFamily):
    """A class of the user's own; `kind` is what it is called on the leaderboard."""

    kind: str = "own"
    own: OwnEstimator = OwnEstimator(use=":")

    @classmethod
    def of(cls, own: OwnEstimator) -> Self:
        """Return the family of what a spec names."""
        return cls(kind=own.name, own=own)

    @classmethod
    def portfolio(cls, target: Target, n_rows: int, n_columns: int) -> tuple[Self, ...]:
        """Return nothing beside what the user named."""
        return ()

    @property
    def encoding(self) -> EncodingKind:  # type: ignore[override]  # other families have one each, the user's own any
        """How its columns are encoded."""
        return self.own.encoding

    @property
    def words(self) -> list[str]:
        """Where it comes from, and what it is built with."""
        return [f"use {self.own.use}", *(f"{name} {value}" for name, value in sorted(self.own.params.items()))]

    def __hash__(self) -> int:
        """Return the hash of its name; parameters may hold lists."""
        return hash(self.kind)

    def varied(self, rng: np.random.Generator, target: Target, n_rows: int) -> Self:
        """Return itself: nobody but the user knows what its parameters may be."""
        return self

    def cost(self, target: Target, n_rows: int, n_features: int) -> float:
        """Return about how many milliseconds its fitted estimator takes for one row."""
        return self.own.latency_ms

    def estimator(self, target: Target, n_rows: int, seed: int, threads: int) -> Any:
        """Return the user's estimator behind this library's interface."""
        from penstock.models.estimators.own import OwnClassifier, OwnRegressor, class_of, has_seed

        own = self.own
        build = OwnClassifier if target.is_classification else OwnRegressor
        seeded = has_seed(class_of(own.use, own.source, own.packages), own.params)
        return build(
            own.use, source=own.source, packages=own.packages, params=own.params, seed=seed if seeded else None
        )

    def check(self, target: Target) -> None:
        """See that the class is there, can be built, and has the methods that a target needs.

        Raises
        ------
        SpecError
            It is not, cannot, or has not.
        """
        model = self.estimator(target, 1, 0, 1).built()
        needed = ("fit", "predict_proba") if target.is_classification else ("fit", "predict")
        for method in needed:
            if not callable(getattr(model, method, None)):
                what = "labels need probabilities" if method == "predict_proba" else "an estimator learns and answers"
                raise SpecError(
                    f"The estimator {self.own.use} has no `{method}`",
                    where=f"model.families: use: {self.own.use}",
                    got=f"a class for {target.name!r}, whose task is {target.task}",
                    expected=f"`{needed[0]}(X, y)` and `{needed[1]}(X)`: {what}",
                    todo="Add the method, or leave the estimator out.",
                )
