"""Trees and forests of scikit-learn whose prediction goes to the nodes directly: its own costs 5 ms a row."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.ensemble import ExtraTreesClassifier, ExtraTreesRegressor, RandomForestClassifier, RandomForestRegressor
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from penstock.metrics.weighted import Floats
from penstock.models.estimators.walking import FEW_ROWS, FlatTrees, Walked, of_sklearn


class _Mean(Walked):
    """The mean of trees."""

    estimators_: list[Any]

    @cached_property
    def flat_(self) -> FlatTrees:
        """The trees for single rows, made when the first one comes."""
        return of_sklearn(self._trees())

    def _trees(self) -> list[Any]:
        return [tree.tree_ for tree in self.estimators_]

    def _mean(self, X: Floats) -> Floats:
        # The dtype that scikit-learn casts to before it compares with thresholds.
        cast = np.ascontiguousarray(X, dtype=np.float32)
        if len(cast) <= FEW_ROWS:
            flat = self.flat_
            total = np.stack([np.add.accumulate(flat.reached(row), axis=0)[-1] for row in cast])
            return np.asarray(total / len(flat.roots))
        trees = self._trees()
        total = trees[0].predict(cast).astype(np.float64)
        for tree in trees[1:]:
            total += tree.predict(cast)
        return np.asarray(total / len(trees))


class _Labels(_Mean):
    classes_: npt.NDArray[np.generic]

    def predict_proba(self, X: Floats) -> Floats:
        """Return probabilities, shape (n_rows, n_classes)."""
        return self._mean(X)

    def predict(self, X: Floats) -> npt.NDArray[np.generic]:
        """Return the likeliest labels, shape (n_rows,)."""
        return np.asarray(self.classes_[self._mean(X).argmax(axis=1)])


class _Numbers(_Mean):
    def predict(self, X: Floats) -> Floats:
        """Return values, shape (n_rows,)."""
        return self._mean(X)[:, 0]


class _One:
    """A forest of one tree."""

    tree_: Any

    def _trees(self) -> list[Any]:
        return [self.tree_]


class ForestClassifier(_Labels, RandomForestClassifier):
    """A random forest for labels."""


class ForestRegressor(_Numbers, RandomForestRegressor):
    """A random forest for numbers."""


class ExtraClassifier(_Labels, ExtraTreesClassifier):
    """Extremely randomised trees for labels."""


class ExtraRegressor(_Numbers, ExtraTreesRegressor):
    """Extremely randomised trees for numbers."""


class TreeClassifier(_One, _Labels, DecisionTreeClassifier):
    """One tree for labels."""


class TreeRegressor(_One, _Numbers, DecisionTreeRegressor):
    """One tree for numbers."""
