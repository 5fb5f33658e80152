"""From a fitted model to its engine: which arrays of which estimator count, and how its answers come of them.

The room of models stands above this one, so estimators are known by their names, not by their classes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from penstock.bundle.kernel.engines.blend import BlendEngine, Facts, Link, Map, Share, Undone, Voice
from penstock.bundle.kernel.engines.engine import Floats, NoKernel
from penstock.bundle.kernel.engines.grove import Grove, Planted
from penstock.bundle.kernel.engines.sources import Always, Bells, Layers, Residual, Source
from penstock.bundle.kernel.engines.symmetric import SymmetricTrees
from penstock.bundle.kernel.engines.treetext import flat_trees, lightgbm_trees
from penstock.pieces import Pieces
from penstock.table import Target

ESTIMATORS = "penstock.models.estimators."
# What a linear model's score is: log odds, scores of all labels, or a value that is shifted, scaled or exponential.
Made = tuple[Source | Planted, dict[str, Any]]


def compiled(model: Any, encodings: tuple[str, ...], target: Target, places: Sequence[int] | None) -> BlendEngine:
    """Return the engine of a fitted model.

    Parameters
    ----------
    model : object
        The last part of a recipe: an estimator, or a blend of members.
    encodings : tuple of str
        What the part before makes; the first is that of a single estimator.
    target : Target
        What is predicted.
    places : sequence of int, optional
        Where the model's classes stand among the labels; None where they are all there, in order.

    Raises
    ------
    NoKernel
        Some estimator has no compiled form. The message says which and why.
    """
    members: Sequence[Any] = getattr(model, "members", ())
    grove = Grove()
    voices: list[Voice] = []
    shares: list[Share] = []
    if not members:
        voices.append(_voice(model, encodings[0], grove))
        shares.append(Share(voices=(0,)))
    for member in members:
        first = len(voices)
        voices += [_voice(estimator, member.encoding, grove) for estimator in member.estimators]
        shares.append(
            Share(voices=tuple(range(first, len(voices))), weight=float(member.weight), undone=_undone(member))
        )
    sources = grove.sources()
    calibration = getattr(model, "calibration", None) if members else None
    facts = Facts(
        sources=tuple((source.kind, source.encoding) for source in sources),
        voices=tuple(voices),
        shares=tuple(shares),
        n_labels=len(target.labels),
        calibration=None if calibration is None else Map(slope=calibration.slope, biases=calibration.biases),
        places=None if places is None else tuple(places),
    )
    return BlendEngine(sources, facts)


def _undone(member: Any) -> Undone | None:
    scale = member.scale
    if scale.kind == "plain":
        return None
    return Undone(shift=scale.shift, low=scale.low, high=scale.high, smear=float(member.smear))


def _voice(estimator: Any, encoding: str, grove: Grove) -> Voice:
    kind = type(estimator)
    home = kind.__module__
    make = _MAKERS.get(kind.__name__) if home.startswith((ESTIMATORS, "sklearn.dummy")) else None
    if make is None:
        raise NoKernel(_why_not(kind.__name__ if home.startswith(ESTIMATORS) else ""))
    made, how = make(estimator, encoding)
    source, first = grove.add(made)
    return Voice(source=source, first=first, width=made.width, **how)


def _why_not(name: str) -> str:
    if name.startswith("Neighbours"):
        return "the nearest rows are found by going through all that are kept: there is nothing to compile"
    if name.startswith("Vectors"):
        return "a sum over support vectors is what the estimator computes already: there is nothing to compile"
    return "an estimator of the user's own is code, not data"


def _scored(estimator: Any, width: int, start: Sequence[float] = ()) -> dict[str, Any]:
    """Return how the scores of boosted trees become answers."""
    if not hasattr(estimator, "classes_"):
        return {
            "link": "line",
            "centre": getattr(estimator, "centre_", 0.0),
            "spread": getattr(estimator, "spread_", 1.0),
        }
    link: Link = "odds" if width == 1 else "softmax"
    return {"link": link, "start": tuple(float(v) for v in start)}


def _lightgbm(estimator: Any, encoding: str) -> Made:
    booster = estimator.booster_
    trees, values = lightgbm_trees(booster.model_to_string())
    width = int(booster.num_model_per_iteration())
    made = Planted(encoding, trees, [each[:, None] for each in values], int(estimator.n_features_in_), width)
    return made, _scored(estimator, width)


def _histogram(estimator: Any, encoding: str) -> Made:
    flat, start = estimator.flat_, np.asarray(estimator._baseline_prediction, dtype=np.float64).ravel()
    trees, leaves = flat_trees(flat, narrow=False)
    values = _begun(flat.values, leaves, start)
    return Planted(encoding, trees, values, int(estimator.n_features_in_), len(start)), _scored(estimator, len(start))


def _gradient(estimator: Any, encoding: str) -> Made:
    flat, start = estimator.flat_, estimator.start_
    inner = flat.children[0::2] != np.arange(len(flat.feature))
    # A missing value becomes a number below all others: it leads left at every node.
    if (estimator.below_[flat.feature[inner]].astype(np.float32) > flat.threshold[inner]).any():
        raise NoKernel("a threshold lies below the number that stands for a missing value")
    trees, leaves = flat_trees(flat, narrow=True, missing_left=True)
    values = _begun(flat.values * estimator.learning_rate, leaves, start)
    return Planted(encoding, trees, values, int(estimator.n_features_in_), len(start)), _scored(estimator, len(start))


def _begun(values: Floats, leaves: Sequence[Any], start: Floats) -> list[Any]:
    """Return the values of each tree's leaves, those of the first trees with what the sums start from."""
    each = [values[at] for at in leaves]
    return [*(begin + first for begin, first in zip(start.tolist(), each, strict=False)), *each[len(start) :]]


def _extreme(estimator: Any, encoding: str) -> Made:
    flat, start = estimator.flat_, np.asarray(estimator.start_, dtype=np.float64)
    turns = max(1, len(start))
    trees, leaves = flat_trees(flat, narrow=True)
    made = Planted(encoding, trees, [flat.values[at] for at in leaves], int(estimator.n_features_in_), turns)
    return made, _scored(estimator, turns, start.tolist())


def _symmetric(estimator: Any, encoding: str) -> Made:
    n_features, width = int(estimator.n_features_in_), int(estimator.n_outputs_)
    made = SymmetricTrees(encoding, estimator.model_, n_features, width, estimator.categorical)
    return made, _scored(estimator, width)


def _mean(estimator: Any, encoding: str) -> Made:
    flat = estimator.flat_
    trees, leaves = flat_trees(flat, narrow=True)
    made = Planted(encoding, trees, [flat.values[at] for at in leaves], int(estimator.n_features_in_))
    return made, {"link": "mean", "centre": float(len(flat.roots))}


def _linear(estimator: Any, encoding: str) -> Made:
    weights = np.ascontiguousarray(np.atleast_2d(estimator.coef_), dtype=np.float64)
    bias = np.atleast_1d(np.asarray(estimator.intercept_, dtype=np.float64)).ravel()
    return Layers(encoding, [weights], [bias]), _scored(estimator, len(weights))


def _stochastic(estimator: Any, encoding: str) -> Made:
    made, how = _linear(estimator, encoding)
    return made, how if how["link"] != "softmax" else {"link": "rest"}


def _exponential(estimator: Any, encoding: str) -> Made:
    return _linear(estimator, encoding)[0], {"link": "exp"}


def _generalised(estimator: Any, encoding: str) -> Made:
    return (_linear if estimator.kind_ == "gaussian" else _exponential)(estimator, encoding)


def _bayes(estimator: Any, encoding: str) -> Made:
    constants = np.log(estimator.class_prior_) - 0.5 * np.log(2.0 * np.pi * estimator.var_).sum(axis=1)
    return Bells(encoding, estimator.theta_, estimator.var_, constants), {"link": "softmax"}


def _perceptron(estimator: Any, encoding: str) -> Made:
    # One that an earlier release learned is a single network, of numbers as they are.
    told = getattr(estimator, "pieces_", None)
    pieces = None if told is None else Pieces.made(told)
    made = Layers(encoding, list(estimator.weights_), list(estimator.biases_), pieces)
    return made, _scored(estimator, made.width)


def _network(estimator: Any, encoding: str) -> Made:
    weights = estimator.weights_
    reading = {
        "coded": np.array(estimator.coded_, dtype=np.intp),
        "plain": np.array(estimator.plain_, dtype=np.intp),
        "flagged": np.array(estimator.flagged_, dtype=np.intp),
        "levels": np.array(estimator.levels_, dtype=np.float64),
        "middle": np.asarray(estimator.middle_, dtype=np.float64),
        "deviation": np.asarray(estimator.deviation_, dtype=np.float64),
    }
    made = Residual(
        encoding, reading, list(weights.tables), [w for w, _ in weights.layers], [b for _, b in weights.layers]
    )
    return made, _scored(estimator, made.width)


def _dummy(estimator: Any, encoding: str) -> Made:
    told = estimator.class_prior_ if hasattr(estimator, "class_prior_") else estimator.constant_
    return Always(encoding, np.asarray(told, dtype=np.float64).ravel()), {"link": "line"}


_MAKERS: dict[str, Callable[[Any, str], Made]] = {
    **dict.fromkeys(("LightGBMClassifier", "LightGBMRegressor"), _lightgbm),
    **dict.fromkeys(("HistogramClassifier", "HistogramRegressor"), _histogram),
    **dict.fromkeys(("GradientClassifier", "GradientRegressor"), _gradient),
    **dict.fromkeys(("XGBoostClassifier", "XGBoostRegressor"), _extreme),
    **dict.fromkeys(("CatBoostClassifier", "CatBoostRegressor"), _symmetric),
    **dict.fromkeys(("ForestClassifier", "ForestRegressor", "ExtraClassifier", "ExtraRegressor"), _mean),
    **dict.fromkeys(("TreeClassifier", "TreeRegressor"), _mean),
    **dict.fromkeys(("Logistic", "Ridge", "Sparse", "LeastSquares", "LogOdds"), _linear),
    **dict.fromkeys(("StochasticClassifier", "StochasticRegressor"), _stochastic),
    **dict.fromkeys(("Poisson", "Gamma", "Tweedie"), _exponential),
    "Generalised": _generalised,
    "GaussianBayes": _bayes,
    **dict.fromkeys(("PerceptronClassifier", "PerceptronRegressor"), _perceptron),
    **dict.fromkeys(("TorchClassifier", "TorchRegressor", "KerasClassifier", "KerasRegressor"), _network),
    **dict.fromkeys(("DummyClassifier", "DummyRegressor"), _dummy),
}
