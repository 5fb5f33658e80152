"""The families of models that compete: each a frozen record that builds its whole pipeline.

Adding one is a class here and its name in `Family`.
"""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, NamedTuple, Self

import numpy as np
from pydantic import Field
from sklearn.dummy import DummyClassifier, DummyRegressor

from penstock.frozen import Frozen
from penstock.models.encoder import Encoder, EncodingKind
from penstock.models.naive import NaiveRecipe
from penstock.models.recipe import Recipe
from penstock.series.features import naive_name
from penstock.slices import FamilyName
from penstock.table import Target

if TYPE_CHECKING:
    from penstock.steps.plan import Plan

# scikit-learn takes 32 bits, LightGBM a signed int.
MOST_SEED = 2**31 - 1


class Boosting(NamedTuple):
    """How much a boosted model may learn."""

    trees: int
    learning_rate: float
    leaves: int


SMALL = Boosting(trees=200, learning_rate=0.04, leaves=15)
LARGE = Boosting(trees=600, learning_rate=0.05, leaves=31)
LARGE_FROM = 10_000


class BaseFamily(Frozen):
    """What every family knows: which encoding it needs, and how to build its estimator."""

    encoding: ClassVar[EncodingKind] = "ordinal"
    # The extra that brings its library; empty where a plain install has it.
    extra: ClassVar[str] = ""
    # Its estimator's `fit` takes `valid=(X, y)`, stops where that gets no better, and has `rounds_` afterwards.
    stops_early: ClassVar[bool] = False

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
        return ""

    def cost(self, target: Target, n_rows: int, n_features: int) -> float:
        """Return about how many milliseconds its fitted estimator takes for one row."""
        return 0.1

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


class DummyFamily(BaseFamily):
    """Always the training rows' own shares, or their mean, or the seasonal naive forecast: what any model must beat."""

    kind: Literal["dummy"] = "dummy"

    def estimator(self, target: Target, n_rows: int, seed: int, threads: int) -> Any:
        """Return a scikit-learn dummy."""
        return DummyClassifier(strategy="prior") if target.is_classification else DummyRegressor(strategy="mean")

    def pipeline(self, plan: Plan, target: Target, n_rows: int, seed: int, threads: int = 1) -> Recipe:
        """Return the unfitted pipeline; of a forecast it answers with the seasonal naive column."""
        usual = super().pipeline(plan, target, n_rows, seed, threads)
        if target.task != "forecast":
            return usual
        return NaiveRecipe(usual.steps, threads=threads, column=naive_name(target.name))


class LinearFamily(BaseFamily):
    """Logistic or ridge regression on scaled numbers and one column for each level."""

    kind: Literal["linear"] = "linear"
    encoding: ClassVar[EncodingKind] = "onehot"
    c: float = Field(default=0.5, gt=0)

    def estimator(self, target: Target, n_rows: int, seed: int, threads: int) -> Any:
        """Return a regularised linear model."""
        from penstock.models.linear import PENALTIES, Logistic, Ridge

        return Logistic(C=self.c, max_iter=300) if target.is_classification else Ridge(alphas=PENALTIES)


class ForestFamily(BaseFamily):
    """A random forest on codes and numbers."""

    kind: Literal["random_forest"] = "random_forest"
    trees: int | None = Field(default=None, ge=1)
    # A share of the rows, so that trees do not grow with the table without end.
    smallest_leaf: float = Field(default=0.0005, gt=0, lt=0.5)
    columns: float = Field(default=0.4, gt=0, le=1)
    # Each tree sees at most so many rows: beyond, more trees would help more than more rows.
    rows: int = Field(default=20_000, ge=1)

    def estimator(self, target: Target, n_rows: int, seed: int, threads: int) -> Any:
        """Return a scikit-learn random forest."""
        from penstock.models.forest import ForestClassifier, ForestRegressor

        shared = {
            "n_estimators": self.trees or (100 if n_rows >= LARGE_FROM else 200),
            "max_samples": min(1.0, self.rows / n_rows),
            "min_samples_leaf": self.smallest_leaf,
            "random_state": seed,
            "n_jobs": threads,
        }
        if target.is_classification:
            return ForestClassifier(max_features="sqrt", **shared)
        return ForestRegressor(max_features=self.columns, **shared)


class BoostingFamily(BaseFamily):
    """What both kinds of boosting may be told; by default, what the number of rows bears."""

    trees: int | None = Field(default=None, ge=1)
    learning_rate: float | None = Field(default=None, gt=0)
    leaves: int | None = Field(default=None, ge=2)
    l2: float = Field(default=1.0, ge=0)

    def size(self, n_rows: int) -> Boosting:
        """Return what is set, and for the rest what suits so many rows."""
        usual = LARGE if n_rows >= LARGE_FROM else SMALL
        return Boosting(
            trees=self.trees or usual.trees,
            learning_rate=self.learning_rate or usual.learning_rate,
            leaves=self.leaves or usual.leaves,
        )


class HistogramFamily(BoostingFamily):
    """scikit-learn's histogram gradient boosting with native categories."""

    kind: Literal["hist_gradient_boosting"] = "hist_gradient_boosting"

    def estimator(self, target: Target, n_rows: int, seed: int, threads: int) -> Any:
        """Return scikit-learn's histogram gradient boosting."""
        from penstock.models.boosting import HistogramClassifier, HistogramRegressor

        build = HistogramClassifier if target.is_classification else HistogramRegressor
        size = self.size(n_rows)
        return build(
            max_iter=size.trees,
            learning_rate=size.learning_rate,
            max_leaf_nodes=size.leaves,
            l2_regularization=self.l2,
            early_stopping=False,
            random_state=seed,
        )


class LightGBMFamily(BoostingFamily):
    """LightGBM with native categories."""

    kind: Literal["lightgbm"] = "lightgbm"

    def estimator(self, target: Target, n_rows: int, seed: int, threads: int) -> Any:
        """Return LightGBM."""
        from penstock.models.boosting import LightGBMClassifier, LightGBMRegressor

        build = LightGBMClassifier if target.is_classification else LightGBMRegressor
        size = self.size(n_rows)
        return build(
            trees=size.trees,
            learning_rate=size.learning_rate,
            leaves=size.leaves,
            l2=self.l2,
            seed=seed,
            threads=threads,
        )


Family = Annotated[
    DummyFamily | LinearFamily | LightGBMFamily | HistogramFamily | ForestFamily, Field(discriminator="kind")
]
# In the order in which they are tried: what gives something good early stands early; ties go to the earlier one.
FAMILIES: tuple[type[BaseFamily], ...] = (DummyFamily, LinearFamily, LightGBMFamily, HistogramFamily, ForestFamily)


def families_for(names: tuple[FamilyName, ...]) -> tuple[Family, ...]:
    """Return the dummy and the named families, with their defaults, in the order of trying.

    Examples
    --------
    >>> [f.kind for f in families_for(("random_forest", "linear"))]
    ['dummy', 'linear', 'random_forest']
    """
    everyone: tuple[Family, ...] = (
        DummyFamily(),
        LinearFamily(),
        LightGBMFamily(),
        HistogramFamily(),
        ForestFamily(),
    )
    return tuple(f for f in everyone if f.kind == "dummy" or f.kind in names)
