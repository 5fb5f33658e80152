"""Permutation importance: how much worse a model is where one thing that a caller sends is exchanged between rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from penstock.explain.asking import PAST, REPEATS, Asking, Clock
from penstock.metrics.metric import Metric
from penstock.metrics.scores import averaged
from penstock.metrics.weighted import defined_metrics
from penstock.receipts import Interval

REPLICATES = 200


def importance(asking: Asking, names: Sequence[str], metric: Metric, seed: int, clock: Clock) -> dict[str, Any]:
    """Return by how much the metric falls where a column's cells are exchanged between rows at random.

    What a model can read out of other columns too is not missed: of two columns that tell the same, neither matters.

    Parameters
    ----------
    asking : Asking
        Held-out rows and the twin.
    names : sequence of str
        The columns that are asked about; a forecast's past is one of them.
    metric : Metric
        What is measured.
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
    if metric.name not in defined_metrics(asking.target, asking.y, asking.context):
        return {**told, "asked": 0, "note": f"{metric.title} is not defined on the held-out rows"}
    if len(asking) < 2 or not np.isfinite(asking.own).all():
        return {**told, "asked": 0, "note": "there are too few held-out rows with a finite prediction"}
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
