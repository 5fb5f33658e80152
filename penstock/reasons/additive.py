"""What each encoded column adds to what one estimator says, exactly, on the scale on which the estimator adds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from penstock.metrics.weighted import Floats
from penstock.models.estimators.arithmetic import softmax, two_sided
from penstock.models.estimators.extreme import XGBoostClassifier, XGBoostRegressor
from penstock.models.estimators.forest import (
    ExtraClassifier,
    ExtraRegressor,
    ForestClassifier,
    ForestRegressor,
    TreeClassifier,
    TreeRegressor,
)
from penstock.models.estimators.gradient import GradientClassifier, GradientRegressor
from penstock.models.estimators.histogram import HistogramClassifier, HistogramRegressor
from penstock.models.estimators.light import LightGBMClassifier, LightGBMRegressor
from penstock.models.estimators.linear import (
    Logistic,
    Ridge,
    Sparse,
    StochasticClassifier,
    StochasticRegressor,
)
from penstock.models.estimators.walking import FlatTrees, Reals
from penstock.reasons.paths import Paths, goes_left, paths_of

FORESTS = (ForestClassifier, ForestRegressor, ExtraClassifier, ExtraRegressor, TreeClassifier, TreeRegressor)
LINEAR = (Logistic, Ridge, Sparse, StochasticClassifier, StochasticRegressor)


@dataclass(frozen=True)
class Added:
    """Contributions of encoded columns to one row's score.

    Attributes
    ----------
    base : numpy.ndarray
        The score on the average, shape (n_outputs,).
    each : numpy.ndarray
        Shape (n_features, n_outputs); with the base they sum to the score.
    """

    base: Floats
    each: Floats

    @property
    def total(self) -> Floats:
        """The score, shape (n_outputs,)."""
        return np.asarray(self.base + self.each.sum(axis=0))


@dataclass(frozen=True)
class Additive:
    """An estimator whose contributions are known exactly.

    Attributes
    ----------
    of : callable
        Takes an encoded row of shape (n_features,) and returns its contributions.
    link : callable or None
        Takes scores of shape (n, n_outputs) to probabilities of shape (n, n_classes); None where scores are what is
        answered.
    """

    of: Callable[[Floats], Added]
    link: Callable[[Floats], Floats] | None = None


def additive(estimator: Any, background: Floats) -> Additive | None:  # any fitted estimator
    """Return an estimator's contributions; None for one that adds nothing up.

    Parameters
    ----------
    estimator : object
        One of the families' own estimators, fitted.
    background : numpy.ndarray
        Encoded rows whose mean a linear model's contributions are measured from, shape (n_rows, n_features).
    """
    if isinstance(estimator, LINEAR):
        return _linear(estimator, background)
    return next((build(estimator) for types, build in _trees_of() if isinstance(estimator, types)), None)


def _trees_of() -> tuple[tuple[tuple[type, ...], Callable[[Any], Additive]], ...]:
    return (
        (FORESTS, _forest),
        ((HistogramClassifier, HistogramRegressor), _histogram),
        ((GradientClassifier, GradientRegressor), _gradient),
        ((LightGBMClassifier, LightGBMRegressor), _lightgbm),
        ((XGBoostClassifier, XGBoostRegressor), _xgboost),
    )


def _probabilities(scores: Floats) -> Floats:
    return two_sided(scores[:, 0]) if scores.shape[1] == 1 else softmax(scores)


def _trees(
    flat: FlatTrees, covers: Reals, start: Floats, rate: float, read: Callable[[Floats], Reals]
) -> Callable[[Floats], Added]:
    parts: list[Paths] = paths_of(flat, covers, len(start))
    base = start + rate * np.sum([part.base for part in parts], axis=0)

    def of(row: Floats) -> Added:
        cast = read(row)
        left = goes_left(flat, cast)
        return Added(base, rate * np.sum([part.contributions(left, len(row)) for part in parts], axis=0))

    return of


def _forest(estimator: Any) -> Additive:
    trees, flat = estimator._trees(), estimator.flat_
    covers = np.concatenate([tree.weighted_n_node_samples for tree in trees])
    start = np.zeros(flat.values.shape[1])
    return Additive(_trees(flat, covers, start, 1 / len(trees), lambda row: row.astype(np.float32)))


def _histogram(estimator: Any) -> Additive:
    trees = [tree for round_ in estimator._predictors for tree in round_]
    covers = np.concatenate([tree.nodes["count"] for tree in trees]).astype(np.float64)
    start = np.asarray(estimator._baseline_prediction[0], dtype=np.float64)
    link = _probabilities if isinstance(estimator, HistogramClassifier) else None
    return Additive(_trees(estimator.flat_, covers, start, 1.0, lambda row: row), link)


def _gradient(estimator: Any) -> Additive:
    covers = np.concatenate([tree.tree_.weighted_n_node_samples for tree in estimator.estimators_.ravel()])
    link = _probabilities if isinstance(estimator, GradientClassifier) else None
    rate, start = float(estimator.learning_rate), np.asarray(estimator.start_, dtype=np.float64)
    return Additive(_trees(estimator.flat_, covers, start, rate, lambda row: estimator._filled(row[None, :])[0]), link)


def _lightgbm(estimator: Any) -> Additive:
    def of(row: Floats) -> Added:
        told = estimator.booster_.predict(row[None, :], pred_contrib=True, num_threads=1, validate_features=False)
        each = np.asarray(told, dtype=np.float64).reshape(-1, len(row) + 1).T
        return Added(each[-1], each[:-1])

    return Additive(of, _probabilities if isinstance(estimator, LightGBMClassifier) else None)


def _xgboost(estimator: Any) -> Additive:
    codes = {int(c) for c in estimator.categorical}
    is_number = isinstance(estimator, XGBoostRegressor)

    def of(row: Floats) -> Added:
        import xgboost

        kinds = ["c" if i in codes else "q" for i in range(len(row))]
        data = xgboost.DMatrix(row[None, :], feature_types=kinds, enable_categorical=bool(codes), nthread=1)
        told = estimator.booster_.predict(data, pred_contribs=True, validate_features=False)
        each = np.asarray(told, dtype=np.float64).reshape(-1, len(row) + 1).T
        if is_number:
            return Added(estimator.centre_ + estimator.spread_ * each[-1], estimator.spread_ * each[:-1])
        # The trees begin at base scores of their own; where the model starts from is added afterwards.
        return Added(each[-1] + estimator.start_, each[:-1])

    return Additive(of, None if is_number else _probabilities)


def _linear(estimator: Any, background: Floats) -> Additive | None:
    coefficients = np.atleast_2d(np.asarray(estimator.coef_, dtype=np.float64))
    start = np.ravel(np.asarray(estimator.intercept_, dtype=np.float64))
    if isinstance(estimator, StochasticRegressor):
        coefficients, start = coefficients * estimator.spread_, estimator.centre_ + estimator.spread_ * start
    is_labels = isinstance(estimator, Logistic | StochasticClassifier)
    if isinstance(estimator, StochasticClassifier) and len(start) > 1:
        # Each label against the rest, then scaled to sum to one: that is no sum.
        return None
    middle = background.mean(axis=0) if len(background) else np.zeros(coefficients.shape[1])
    base = start + coefficients @ middle
    return Additive(lambda row: Added(base, (coefficients * (row - middle)).T), _probabilities if is_labels else None)
