"""One tree, and forests."""

from __future__ import annotations

import math
from typing import Any, ClassVar, Literal, Self

import numpy as np
from pydantic import Field

from penstock.models.encoder import EncodingKind
from penstock.models.families.base import BaseFamily
from penstock.models.families.drawing import even, scaled, whole
from penstock.table import Target

LARGE_FROM = 10_000
# Milliseconds, measured: of a call, of a tree, and of each level that a row goes down in it, its node not in the cache.
CALL, TREE, LEVEL = 0.03, 0.00005, 0.00005
# A row goes down so many times as far as in a tree that halves its rows at every split.
UNEVEN = 1.2


def walk_cost(trees: float, leaves: float) -> float:
    """Return about how many milliseconds it takes to walk so many trees of so many leaves for one row."""
    return CALL + trees * (TREE + LEVEL * UNEVEN * math.log2(max(2.0, leaves)))


class TreeFamily(BaseFamily):
    """One tree, which can be drawn."""

    encoding: ClassVar[EncodingKind] = "target"
    kind: Literal["tree"] = "tree"
    leaves: int = Field(default=32, ge=2)
    smallest_leaf: float = Field(default=0.01, gt=0, lt=0.5)

    def varied(self, rng: np.random.Generator, target: Target, n_rows: int) -> Self:
        """Return another size."""
        leaves = whole(rng, 4, 256)
        return self.model_copy(update={"leaves": leaves, "smallest_leaf": scaled(rng, 0.001, 0.05)})

    def cost(self, target: Target, n_rows: int, n_features: int) -> float:
        """Return about how many milliseconds its fitted estimator takes for one row."""
        return walk_cost(1, self.leaves)

    def estimator(self, target: Target, n_rows: int, seed: int, threads: int) -> Any:
        """Return a scikit-learn tree."""
        from penstock.models.estimators.forest import TreeClassifier, TreeRegressor

        build = TreeClassifier if target.is_classification else TreeRegressor
        return build(max_leaf_nodes=self.leaves, min_samples_leaf=self.smallest_leaf, random_state=seed)


class GroveFamily(BaseFamily):
    """What both kinds of forest may be told."""

    encoding: ClassVar[EncodingKind] = "target"
    trees: int | None = Field(default=None, ge=1)
    # A share of the rows, so that trees do not grow with the table without end.
    smallest_leaf: float = Field(default=0.0005, gt=0, lt=0.5)
    # The share of columns that a split looks at; by default the square root of their number for labels.
    columns: float | None = Field(default=None, gt=0, le=1)
    # Each tree sees at most so many rows: beyond, more trees would help more than more rows.
    rows: int = Field(default=20_000, ge=1)
    usual: ClassVar[float] = 0.4

    @classmethod
    def portfolio(cls, target: Target, n_rows: int, n_columns: int) -> tuple[Self, ...]:
        """Return the usual forest, and one whose splits look at more columns and whose leaves are larger."""
        return cls(), cls(columns=0.7 if target.is_classification else 0.8, smallest_leaf=0.002)

    def varied(self, rng: np.random.Generator, target: Target, n_rows: int) -> Self:
        """Return another share of columns, and another size of leaves."""
        return self.model_copy(update={"columns": even(rng, 0.1, 1.0), "smallest_leaf": scaled(rng, 0.0001, 0.01)})

    def cost(self, target: Target, n_rows: int, n_features: int) -> float:
        """Return about how many milliseconds its fitted estimator takes for one row."""
        trees = self.n_trees(n_rows)
        return walk_cost(trees, self.n_leaves(n_rows) / trees) + 0.0001 * trees * len(target.labels)

    def n_leaves(self, n_rows: int) -> float:
        """Return about how many leaves all its trees have."""
        return self.n_trees(n_rows) * min(1.0 / self.smallest_leaf, min(n_rows, self.rows) / 2)

    def n_trees(self, n_rows: int) -> int:
        """Return how many trees there are."""
        return self.trees or (100 if n_rows >= LARGE_FROM else 200)

    def told(self, target: Target, n_rows: int, seed: int, threads: int) -> dict[str, Any]:
        """Return what scikit-learn is told of either kind."""
        return {
            "n_estimators": self.n_trees(n_rows),
            "max_features": self.columns or ("sqrt" if target.is_classification else self.usual),
            "min_samples_leaf": self.smallest_leaf,
            "random_state": seed,
            "n_jobs": threads,
        }


class ForestFamily(GroveFamily):
    """A random forest on codes and numbers."""

    kind: Literal["random_forest"] = "random_forest"

    def estimator(self, target: Target, n_rows: int, seed: int, threads: int) -> Any:
        """Return a scikit-learn random forest."""
        from penstock.models.estimators.forest import ForestClassifier, ForestRegressor

        build = ForestClassifier if target.is_classification else ForestRegressor
        return build(max_samples=min(1.0, self.rows / n_rows), **self.told(target, n_rows, seed, threads))


class ExtraTreesFamily(GroveFamily):
    """Extremely randomised trees: each split takes a random threshold of each column, and the best of those."""

    kind: Literal["extra_trees"] = "extra_trees"
    usual: ClassVar[float] = 0.7

    def estimator(self, target: Target, n_rows: int, seed: int, threads: int) -> Any:
        """Return scikit-learn's extremely randomised trees."""
        from penstock.models.estimators.forest import ExtraClassifier, ExtraRegressor

        build = ExtraClassifier if target.is_classification else ExtraRegressor
        # They take all rows, unless there are more than a tree may see.
        some = {"bootstrap": True, "max_samples": self.rows / n_rows} if n_rows > self.rows else {}
        return build(**self.told(target, n_rows, seed, threads), **some)
