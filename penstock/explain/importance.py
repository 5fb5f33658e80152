"""Permutation importance: how much worse a model is where one thing that a caller sends is exchanged between rows."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from penstock.explain.asking import PAST, Asking, Clock
from penstock.metrics.metric import Metric
from penstock.metrics.scores import averaged
from penstock.metrics.weighted import Floats, Ints, defined_metrics
from penstock.receipts import Interval

REPEATS = 3
# Cells that may be sent in all, and what more a row costs where hundreds of deep trees are asked.
MOST_CELLS = 1_000_000
COSTLY = {"random_forest": 4, "hist_gradient_boosting": 2}
REPLICATES = 200
MOST_FEATURES = 40
FEWEST_FEATURES = 10
GROUPS = 10


def importance(asking: Asking, metric: Metric, family: str, seed: int, clock: Clock) -> dict[str, Any]:
    """Return by how much the metric falls where a column's cells are exchanged between rows at random.

    What a model can read out of other columns too is not missed: of two columns that tell the same, neither matters.

    Parameters
    ----------
    asking : Asking
        Held-out rows and the twin.
    metric : Metric
        What is measured.
    family : str
        What kind of model the twin is, which says how long it takes to answer.
    seed : int
        How cells are exchanged, and rows resampled.
    clock : Clock
        When to stop.

    Returns
    -------
    dict
        `features`, the most important first, each with mean, low and high of its 95 % interval over rows; in how many
        of the features that there are; and a note where something is to be said.

    References
    ----------
    Breiman, L. (2001), Random forests, Machine Learning 45, section 10.
    Fisher, A., Rudin, C. and Dominici, F. (2019), All models are wrong, but many are useful, Journal of Machine
    Learning Research 20, section 3.
    """
    told: dict[str, Any] = {"metric": metric.name, "n": len(asking), "repeats": REPEATS, "features": []}
    told["of"] = len(asking.columns) + asking.has_past
    if metric.name not in defined_metrics(asking.target, asking.y):
        return {**told, "asked": 0, "note": f"{metric.title} is not defined on the held-out rows"}
    if len(asking) < 2 or not np.isfinite(asking.own).all():
        return {**told, "asked": 0, "note": "there are too few held-out rows with a finite prediction"}
    names = _screened(asking, family)
    features: list[dict[str, Any]] = []
    for place, name in enumerate(names):
        if clock.over:
            break
        found = _measured(asking, metric, name, seed + place)
        if found is not None:
            features.append({"feature": name, "mean": found.value, "low": found.low, "high": found.high})
    features.sort(key=lambda row: -row["mean"])
    notes = []
    if len(names) < told["of"]:
        notes.append("the others go together least with the predictions and were not asked about")
    if len(features) < len(names):
        notes.append(f"{len(names) - len(features)} took too long to ask about")
    if all(row["mean"] == 0 for row in features):
        notes.append("nothing that is sent changes the predictions")
    return {**told, "asked": len(features), "features": features, "note": "; ".join(notes)}


def _measured(asking: Asking, metric: Metric, name: str, seed: int) -> Interval | None:
    seeds = [seed + 1_000 * k for k in range(REPEATS)]
    if name == PAST:
        others = asking.without_past(seeds)
    elif asking.frame[name].nunique(dropna=False) < 2:
        return Interval(value=0.0, low=0.0, high=0.0, n=len(asking))
    else:
        others = asking.ask(name, [np.random.default_rng(s).permutation(len(asking)) for s in seeds])
    if not all(np.isfinite(other).all() for other in others):
        return None
    drawn: dict[str, Any] = {"replicates": REPLICATES, "seed": seed, "context": asking.context}
    found = averaged(asking.target, metric.name, asking.y, asking.own, others, **drawn)
    return found if np.isfinite([found.value, found.low, found.high]).all() else None


def _screened(asking: Asking, family: str) -> list[str]:
    """Return the columns that there is time to ask about: of many, those that go with the predictions most."""
    names = [c.name for c in asking.columns]
    each = asking.weight * REPEATS * max(len(names), 1) * COSTLY.get(family, 1)
    most = int(np.clip(MOST_CELLS // each, FEWEST_FEATURES, MOST_FEATURES))
    if len(names) > most:
        rated = {name: association(asking.frame[name], asking.own) for name in names}
        names = sorted(names, key=lambda name: -rated[name])[:most]
    return [PAST, *names] if asking.has_past else names


def rows_to_ask(n_columns: int, family: str, most: int = 2_000, fewest: int = 200) -> int:
    """Return about how many rows there is time for.

    Examples
    --------
    >>> rows_to_ask(9, "lightgbm"), rows_to_ask(40, "random_forest"), rows_to_ask(500, "linear")
    (2000, 200, 200)
    """
    n_features = min(n_columns, MOST_FEATURES)
    each = REPEATS * max(n_features, 1) * max(n_columns, 1) * COSTLY.get(family, 1)
    return int(np.clip(MOST_CELLS // each, fewest, most))


def association(values: pd.Series[Any], predicted: Floats) -> float:
    """Return which share of the predictions' variance lies between tenths of a column, or its levels, from 0 to 1.

    Examples
    --------
    >>> association(pd.Series([1.0, 1.0, 2.0, 2.0]), np.array([0.1, 0.1, 0.7, 0.7]))
    1.0
    """
    codes = _groups(values)
    outputs = predicted.reshape(len(predicted), -1)
    outputs = outputs - outputs.mean(axis=0)
    total = float((outputs**2).sum())
    if total <= 0:
        return 0.0
    counts = np.bincount(codes)
    sums = np.stack([np.bincount(codes, weights=column) for column in outputs.T])
    return float((sums**2 / np.maximum(counts, 1)).sum() / total)


def _groups(values: pd.Series[Any]) -> Ints:
    if pd.api.types.is_string_dtype(values) or values.dtype == object:
        codes, _ = pd.factorize(values)
        counts = np.bincount(codes + 1)
        kept = np.argsort(-counts, kind="stable")[:GROUPS]
        place = np.full(len(counts), GROUPS, dtype=np.int64)
        place[kept] = np.arange(len(kept))
        return place[codes + 1]
    numbers = numbers_of(values)
    known = numbers[np.isfinite(numbers)]
    edges = np.unique(np.quantile(known, np.linspace(0.1, 0.9, 9))) if len(known) else known
    return np.where(np.isfinite(numbers), np.searchsorted(edges, numbers), len(edges) + 1).astype(np.int64)


def numbers_of(values: pd.Series[Any]) -> Floats:
    """Return a column of numbers or moments as numbers; moments as seconds since 1970."""
    if pd.api.types.is_datetime64_any_dtype(values):
        seconds = values.to_numpy(dtype="datetime64[us]").astype(np.int64) / 1e6
        return np.where(values.isna().to_numpy(), np.nan, seconds)
    return values.to_numpy(dtype=np.float64)
