"""Shapley values of trees, held beside their definition: the sum over all sets of columns."""

from __future__ import annotations

from itertools import combinations
from math import factorial
from typing import Any

import numpy as np
import pytest

from penstock.metrics.weighted import Floats
from penstock.models.estimators.forest import ForestClassifier, TreeRegressor
from penstock.models.estimators.gradient import GradientClassifier
from penstock.models.estimators.histogram import HistogramRegressor
from penstock.models.estimators.walking import FlatTrees
from penstock.reasons.additive import additive
from penstock.reasons.paths import goes_left, paths_of

N_FEATURES = 4


def rows(n: int = 160) -> tuple[Floats, np.ndarray]:
    """Return a column of codes and three of numbers, one with gaps, and what hangs on them together."""
    random = np.random.default_rng(3)
    X = random.normal(size=(n, N_FEATURES))
    X[:, 0] = random.integers(0, 5, n)
    y = X[:, 1] * (X[:, 0] % 2) + np.where(X[:, 2] > 0, X[:, 3], -1.0)
    X[random.random(n) < 0.15, 2] = np.nan
    return X, y


def expected(flat: FlatTrees, covers: np.ndarray, left: np.ndarray, known: frozenset[int], node: int) -> Floats:
    """Return what a tree says where only some columns are known: at others both sides count by their rows."""
    right, below = int(flat.children[2 * node]), int(flat.children[2 * node + 1])
    if below == node:
        return flat.values[node]
    if int(flat.feature[node]) in known:
        return expected(flat, covers, left, known, below if left[node] else right)
    parts = [covers[i] * expected(flat, covers, left, known, i) for i in (below, right)]
    return sum(parts) / covers[node]  # type: ignore[return-value]  # two arrays


def by_definition(flat: FlatTrees, covers: np.ndarray, row: Floats) -> Floats:
    left = goes_left(flat, row)
    said = {
        chosen: sum(expected(flat, covers, left, frozenset(chosen), int(root)) for root in flat.roots)
        for size in range(N_FEATURES + 1)
        for chosen in combinations(range(N_FEATURES), size)
    }
    found = np.zeros((N_FEATURES, flat.values.shape[1]))
    for j in range(N_FEATURES):
        for chosen in (c for c in said if j not in c):
            weight = factorial(len(chosen)) * factorial(N_FEATURES - len(chosen) - 1) / factorial(N_FEATURES)
            found[j] += weight * (said[tuple(sorted((*chosen, j)))] - said[chosen])
    return found


def test_contributions_of_trees_are_shapley_values() -> None:
    """Of the expectations along the paths, for several trees and outputs, with a missing cell and without."""
    X, y = rows()
    forest = ForestClassifier(n_estimators=5, max_depth=6, random_state=0).fit(X, np.digitize(y, [-0.8, 0.4]))
    covers = np.concatenate([tree.tree_.weighted_n_node_samples for tree in forest.estimators_])
    paths = paths_of(forest.flat_, covers, 3)
    for row in X[:6].astype(np.float32):
        found = sum(part.contributions(goes_left(forest.flat_, row), N_FEATURES) for part in paths)
        np.testing.assert_allclose(found, by_definition(forest.flat_, covers, row), atol=1e-12)


@pytest.mark.parametrize(
    "made",
    [
        TreeRegressor(random_state=0),
        HistogramRegressor(max_iter=20, min_samples_leaf=3, categorical_features=[0], random_state=0),
        GradientClassifier(n_estimators=15, random_state=0),
    ],
    ids=lambda made: type(made).__name__,
)
def test_base_and_contributions_sum_to_what_the_estimator_says(made: Any) -> None:
    """Codes, missing cells, learning rates and starting points included."""
    X, y = rows()
    labels = np.digitize(y, [-0.8, 0.4])
    fitted = made.fit(X, labels if hasattr(made, "predict_proba") else y)
    found = additive(fitted, X)
    assert found is not None
    said = fitted.predict_proba(X) if found.link is not None else fitted.predict(X)[:, None]
    for row, answer in zip(X[:20], said, strict=False):
        total = found.of(row).total[None, :]
        np.testing.assert_allclose((total if found.link is None else found.link(total))[0], answer, atol=1e-9)


def test_a_column_that_no_tree_asks_about_adds_nothing() -> None:
    """A reason that is none must not be given."""
    X, y = rows()
    X[:, 3] = 1.0
    found = additive(TreeRegressor(random_state=0).fit(X, y), X)
    assert found is not None
    assert all(found.of(row).each[3, 0] == 0 for row in X[:10])
