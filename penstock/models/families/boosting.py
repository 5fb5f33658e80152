"""Gradient boosting: what each kind is told, by how many rows there are to learn from."""

from __future__ import annotations

from typing import Any, ClassVar, Literal, NamedTuple, Self

import numpy as np
from pydantic import Field

from penstock.models.families.base import BaseFamily
from penstock.models.families.drawing import even, scaled, whole
from penstock.models.families.trees import walk_cost
from penstock.table import Target


class Boosting(NamedTuple):
    """How much a boosted model may learn: rounds where it does not stop by itself, and how fast."""

    trees: int
    learning_rate: float
    leaves: int


# By the fewest rows they are for: few rows bear small trees, and many rows slow rounds, so that those are larger steps.
SIZES = (
    (0, Boosting(trees=200, learning_rate=0.04, leaves=15)),
    (10_000, Boosting(trees=600, learning_rate=0.05, leaves=31)),
    (50_000, Boosting(trees=600, learning_rate=0.07, leaves=63)),
    (200_000, Boosting(trees=500, learning_rate=0.1, leaves=127)),
)
# A model has said about all after a hundred over its learning rate rounds.
SAID_ALL = 100
FEWEST_MOST, MOST_MOST = 500, 4_000
# Rounds without getting better: as many as it takes to learn some of what is left.
WAITED = 3.0
# Milliseconds, measured: of a call of CatBoost, and of each of its trees.
CAT_CALL = 0.2
CAT_TREE = 0.0001
# A tree that may go down so many levels comes to about 2 to the power of this share of them leaves.
FILLED = 0.85


class BoostingFamily(BaseFamily):
    """What all kinds of boosting may be told; by default, what the number of rows bears."""

    stops_early: ClassVar[bool] = True
    trees: int | None = Field(default=None, ge=1)
    learning_rate: float | None = Field(default=None, gt=0)
    leaves: int | None = Field(default=None, ge=2)
    l2: float = Field(default=1.0, ge=0)

    def size(self, n_rows: int) -> Boosting:
        """Return what is set, and for the rest what suits so many rows."""
        usual = next(size for fewest, size in reversed(SIZES) if n_rows >= fewest)
        return Boosting(
            trees=self.trees or usual.trees,
            learning_rate=self.learning_rate or usual.learning_rate,
            leaves=self.leaves or usual.leaves,
        )

    def with_rounds(self, rounds: int) -> Self:
        """Return the same configuration that learns so many rounds and doesn't stop early."""
        return self.model_copy(update={"trees": rounds})

    def most(self, n_rows: int) -> int:
        """Return how many rounds there may be where it stops by itself."""
        return self.trees or int(np.clip(SAID_ALL / self.size(n_rows).learning_rate, FEWEST_MOST, MOST_MOST))

    def patience(self, n_rows: int) -> int:
        """Return how many rounds it waits there for a better one."""
        return int(np.clip(WAITED / self.size(n_rows).learning_rate, 30, 150))

    def cost(self, target: Target, n_rows: int, n_features: int) -> float:
        """Return about how many milliseconds its fitted estimator takes for one row."""
        size = self.size(n_rows)
        return walk_cost(size.trees * _trees_a_round(target), size.leaves)


class HistogramFamily(BoostingFamily):
    """scikit-learn's histogram gradient boosting with native categories."""

    kind: Literal["hist_gradient_boosting"] = "hist_gradient_boosting"
    smallest_leaf: int = Field(default=20, ge=1)
    columns: float = Field(default=1.0, gt=0, le=1)

    @classmethod
    def portfolio(cls, target: Target, n_rows: int, n_columns: int) -> tuple[Self, ...]:
        """Return the usual configuration, and one with larger trees of fewer columns."""
        return cls(), cls(leaves=2 * cls().size(n_rows).leaves, columns=0.5, l2=5.0)

    def varied(self, rng: np.random.Generator, target: Target, n_rows: int) -> Self:
        """Return another configuration of the search space."""
        return self.model_copy(
            update={
                "learning_rate": scaled(rng, 0.02, 0.15),
                "leaves": whole(rng, 6, 100),
                "smallest_leaf": _smallest_leaf(rng, n_rows),
                "l2": scaled(rng, 0.01, 30.0),
                "columns": even(rng, 0.3, 1.0),
            }
        )

    def estimator(self, target: Target, n_rows: int, seed: int, threads: int) -> Any:
        """Return scikit-learn's histogram gradient boosting."""
        from penstock.models.estimators.histogram import HistogramClassifier, HistogramRegressor

        build = HistogramClassifier if target.is_classification else HistogramRegressor
        size = self.size(n_rows)
        return build(
            max_iter=size.trees,
            learning_rate=size.learning_rate,
            max_leaf_nodes=size.leaves,
            # A leaf of twenty rows is much of a table of a hundred.
            min_samples_leaf=max(2, min(self.smallest_leaf, n_rows // 20)),
            l2_regularization=self.l2,
            max_features=self.columns,
            random_state=seed,
            most=self.most(n_rows),
            patience=self.patience(n_rows),
        )


class LightGBMFamily(BoostingFamily):
    """LightGBM with native categories."""

    kind: Literal["lightgbm"] = "lightgbm"
    smallest_leaf: int = Field(default=20, ge=1)
    columns: float = Field(default=0.8, gt=0, le=1)
    rows: float = Field(default=0.8, gt=0, le=1)
    extra_trees: bool = False

    @classmethod
    def portfolio(cls, target: Target, n_rows: int, n_columns: int) -> tuple[Self, ...]:
        """Return the usual configuration, random thresholds, larger and slower trees, and small shrunken ones.

        The first three are AutoGluon's, whose portfolio was chosen on some two hundred tables.

        References
        ----------
        D. Salinas and N. Erickson, "TabRepo: a large scale repository of tabular model evaluations and its AutoML
        applications", AutoML Conference, 2024.
        """
        size = cls().size(n_rows)
        slower = round(0.6 * size.learning_rate, 4)
        return (
            cls(),
            cls(extra_trees=True),
            cls(learning_rate=slower, leaves=4 * size.leaves, columns=0.9, smallest_leaf=5),
            cls(learning_rate=slower, leaves=max(6, size.leaves // 2), columns=0.4, smallest_leaf=40, l2=10.0),
        )

    def varied(self, rng: np.random.Generator, target: Target, n_rows: int) -> Self:
        """Return another configuration of the search space."""
        return self.model_copy(
            update={
                "learning_rate": scaled(rng, 0.02, 0.12),
                "leaves": whole(rng, 6, 160),
                "smallest_leaf": _smallest_leaf(rng, n_rows),
                "l2": scaled(rng, 0.01, 30.0),
                "columns": even(rng, 0.3, 1.0),
                "rows": even(rng, 0.5, 1.0),
                "extra_trees": bool(rng.random() < 0.3),
            }
        )

    def cost(self, target: Target, n_rows: int, n_features: int) -> float:
        """Return about how many milliseconds its fitted estimator takes for one row."""
        size = self.size(n_rows)
        return walk_cost(size.trees * _trees_a_round(target), size.leaves)

    def estimator(self, target: Target, n_rows: int, seed: int, threads: int) -> Any:
        """Return LightGBM."""
        from penstock.models.estimators.light import LightGBMClassifier, LightGBMRegressor

        build = LightGBMClassifier if target.is_classification else LightGBMRegressor
        size = self.size(n_rows)
        return build(
            trees=size.trees,
            learning_rate=size.learning_rate,
            leaves=size.leaves,
            min_rows=self.smallest_leaf,
            l2=self.l2,
            columns=self.columns,
            rows=self.rows,
            extra_trees=self.extra_trees,
            seed=seed,
            threads=threads,
            most=self.most(n_rows),
            patience=self.patience(n_rows),
        )


class XGBoostFamily(BoostingFamily):
    """XGBoost with native categories; level by level to a depth, or with `leaves` where they gain most."""

    kind: Literal["xgboost"] = "xgboost"
    depth: int = Field(default=6, ge=1, le=12)
    smallest_weight: float = Field(default=1.0, ge=0)
    columns: float = Field(default=0.7, gt=0, le=1)
    rows: float = Field(default=0.8, gt=0, le=1)

    @classmethod
    def portfolio(cls, target: Target, n_rows: int, n_columns: int) -> tuple[Self, ...]:
        """Return the usual configuration, shallow trees, and deeper ones of few columns."""
        slower = round(0.6 * cls().size(n_rows).learning_rate, 4)
        return (
            cls(depth=6 if n_rows >= SIZES[1][0] else 5),
            cls(depth=3, columns=0.5),
            cls(depth=9, learning_rate=slower, columns=0.4, smallest_weight=3.0, l2=5.0),
        )

    def varied(self, rng: np.random.Generator, target: Target, n_rows: int) -> Self:
        """Return another configuration of the search space."""
        return self.model_copy(
            update={
                "learning_rate": scaled(rng, 0.02, 0.15),
                "depth": int(rng.integers(3, 10)),
                "leaves": whole(rng, 8, 128) if rng.random() < 0.3 else None,
                "smallest_weight": scaled(rng, 0.3, 20.0),
                "l2": scaled(rng, 0.01, 30.0),
                "columns": even(rng, 0.3, 1.0),
                "rows": even(rng, 0.5, 1.0),
            }
        )

    def cost(self, target: Target, n_rows: int, n_features: int) -> float:
        """Return about how many milliseconds its fitted estimator takes for one row."""
        trees = self.size(n_rows).trees * _trees_a_round(target)
        return walk_cost(trees, self.leaves or 2 ** (FILLED * self.depth))

    def estimator(self, target: Target, n_rows: int, seed: int, threads: int) -> Any:
        """Return XGBoost."""
        from penstock.models.estimators.extreme import XGBoostClassifier, XGBoostRegressor

        build = XGBoostClassifier if target.is_classification else XGBoostRegressor
        size = self.size(n_rows)
        return build(
            trees=size.trees,
            learning_rate=size.learning_rate,
            depth=0 if self.leaves else self.depth,
            leaves=self.leaves or 0,
            min_weight=self.smallest_weight,
            l2=self.l2,
            columns=self.columns,
            rows=self.rows,
            seed=seed,
            threads=threads,
            most=self.most(n_rows),
            patience=self.patience(n_rows),
        )


class CatBoostFamily(BoostingFamily):
    """CatBoost on the encoder's codes."""

    kind: Literal["catboost"] = "catboost"
    extra: ClassVar[str] = "catboost"
    package: ClassVar[str] = "catboost"
    l2: float = Field(default=3.0, ge=0)
    depth: int = Field(default=6, ge=1, le=10)

    @classmethod
    def portfolio(cls, target: Target, n_rows: int, n_columns: int) -> tuple[Self, ...]:
        """Return the usual configuration, and one with shallower trees that are held back more."""
        return cls(), cls(depth=4, l2=10.0)

    def varied(self, rng: np.random.Generator, target: Target, n_rows: int) -> Self:
        """Return another configuration of the search space."""
        drawn = {
            "learning_rate": scaled(rng, 0.02, 0.15),
            "depth": int(rng.integers(3, 9)),
            "l2": scaled(rng, 0.3, 30.0),
        }
        return self.model_copy(update=drawn)

    def cost(self, target: Target, n_rows: int, n_features: int) -> float:
        """Return about how many milliseconds its fitted estimator takes for one row."""
        return CAT_CALL + CAT_TREE * self.size(n_rows).trees

    def estimator(self, target: Target, n_rows: int, seed: int, threads: int) -> Any:
        """Return CatBoost."""
        from penstock.models.estimators.cat import CatBoostClassifier, CatBoostRegressor

        build = CatBoostClassifier if target.is_classification else CatBoostRegressor
        size = self.size(n_rows)
        return build(
            trees=size.trees,
            learning_rate=size.learning_rate,
            depth=self.depth,
            l2=self.l2,
            most=self.most(n_rows),
            patience=self.patience(n_rows),
            seed=seed,
            threads=threads,
        )


class GradientFamily(BoostingFamily):
    """scikit-learn's exact gradient boosting, for tables small enough to look at every threshold."""

    kind: Literal["gradient_boosting"] = "gradient_boosting"
    depth: int = Field(default=4, ge=1, le=10)
    columns: float = Field(default=0.5, gt=0, le=1)
    rows: float = Field(default=0.8, gt=0, le=1)
    smallest_leaf: int = Field(default=5, ge=1)
    # It sorts every column for every tree: at 16,000 rows of 30 columns a round takes 0.2 s.
    learning_rate: float | None = Field(default=0.1, gt=0)
    most_rows: ClassVar[int] = 10_000

    def refuses(self, target: Target, n_rows: int, n_features: int) -> str:
        """Return that there are too many rows."""
        many = f"{n_rows:,} rows; it takes up to {self.most_rows:,}: use hist_gradient_boosting"
        return super().refuses(target, n_rows, n_features) or (many if n_rows > self.most_rows else "")

    def varied(self, rng: np.random.Generator, target: Target, n_rows: int) -> Self:
        """Return another configuration of the search space."""
        return self.model_copy(
            update={
                "learning_rate": scaled(rng, 0.02, 0.15),
                "depth": int(rng.integers(2, 8)),
                "smallest_leaf": _smallest_leaf(rng, n_rows),
                "columns": even(rng, 0.2, 1.0),
                "rows": even(rng, 0.5, 1.0),
            }
        )

    def cost(self, target: Target, n_rows: int, n_features: int) -> float:
        """Return about how many milliseconds its fitted estimator takes for one row."""
        return walk_cost(self.size(n_rows).trees * _trees_a_round(target), 2 ** (FILLED * self.depth))

    def estimator(self, target: Target, n_rows: int, seed: int, threads: int) -> Any:
        """Return scikit-learn's gradient boosting."""
        from penstock.models.estimators.gradient import GradientClassifier, GradientRegressor

        build = GradientClassifier if target.is_classification else GradientRegressor
        size = self.size(n_rows)
        return build(
            n_estimators=size.trees,
            learning_rate=size.learning_rate,
            max_depth=self.depth,
            min_samples_leaf=self.smallest_leaf,
            subsample=self.rows,
            max_features=self.columns,
            random_state=seed,
            most=self.most(n_rows),
            patience=self.patience(n_rows),
        )


def _trees_a_round(target: Target) -> int:
    return len(target.labels) if target.task == "multiclass" else 1


def _smallest_leaf(rng: np.random.Generator, n_rows: int) -> int:
    return whole(rng, 2, max(4, min(100, n_rows // 50)))
