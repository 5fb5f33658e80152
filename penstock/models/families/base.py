"""What every family of models knows, whichever it is."""

from __future__ import annotations

from abc import abstractmethod
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np

from penstock.frozen import Frozen
from penstock.models.encoder import Encoder, EncodingKind
from penstock.models.recipe import Recipe
from penstock.table import Target

if TYPE_CHECKING:
    from penstock.steps.plan import Plan

# scikit-learn takes 32 bits, LightGBM a signed int.
MOST_SEED = 2**31 - 1


class BaseFamily(Frozen):
    """What every family knows: which encoding it needs, and how to build its estimator."""

    encoding: ClassVar[EncodingKind] = "ordinal"
    # The extra that brings its library, and what is imported of it; empty where a plain install has it.
    extra: ClassVar[str] = ""
    package: ClassVar[str] = ""
    # Its estimator's `fit` takes `valid=(X, y)`, stops where that gets no better, and has `rounds_` afterwards.
    stops_early: ClassVar[bool] = False

    @property
    def words(self) -> list[str]:
        """What differs from the family's defaults, a few words for each."""
        usual = type(self)()
        return [
            f"{name.replace('_', ' ')} {f'{value:.3g}' if isinstance(value, float) else value}"
            for name, value in self
            if name != "kind" and value != getattr(usual, name)
        ]

    @classmethod
    def portfolio(cls, target: Target, n_rows: int, n_columns: int) -> tuple[Self, ...]:
        """Return the configurations that are worth trying first, the strongest one before the others."""
        return (cls(),)

    def varied(self, rng: np.random.Generator, target: Target, n_rows: int) -> Self:
        """Return another configuration of the search space, drawn around this one."""
        return self

    def with_rounds(self, rounds: int) -> Self:
        """Return the same configuration that learns so many rounds and doesn't stop early."""
        return self

    def refuses(self, target: Target, n_rows: int, n_features: int) -> str:
        """Return why such a table is none of its business; empty where it is."""
        return self.absent()

    @classmethod
    def absent(cls) -> str:
        """Return how to install the library that it needs; empty where it is there or none is needed."""
        if not cls.package or find_spec(cls.package) is not None:
            return ""
        return f"{cls.package} is not installed: pip install 'penstock[{cls.extra}]'"

    def cost(self, target: Target, n_rows: int, n_features: int) -> float:
        """Return about how many milliseconds its fitted estimator takes for one row."""
        return 0.1

    def n_leaves(self, n_rows: int) -> float:
        """Return about how many leaves its trees have, where these are so many that they fill a bundle; else 0."""
        return 0.0

    @abstractmethod
    def estimator(self, target: Target, n_rows: int, seed: int, threads: int) -> Any:  # scikit-learn has no type for it
        """Return an unfitted scikit-learn estimator for float64 arrays."""

    def pipeline(self, plan: Plan, target: Target, n_rows: int, seed: int, threads: int = 1) -> Recipe:
        """Return the unfitted pipeline: the plan's learned steps, the encoder, the estimator.

        Parameters
        ----------
        plan : Plan
            Its learned steps are fitted with the estimator, so in every fold anew.
        target : Target
            What is predicted.
        n_rows : int
            How many training rows there are: larger tables bear larger models. One number for a whole search, so that
            every fold, the twin and the served model are of one size.
        seed, threads : int
            The fitted pipeline depends on both.
        """
        return Recipe(
            [
                ("steps", plan.transformer(len(target.labels), seed & MOST_SEED)),
                ("encode", Encoder(self.encoding)),
                ("model", self.estimator(target, n_rows, seed & MOST_SEED, threads)),
            ],
            threads=threads,
        )
