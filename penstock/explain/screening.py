"""What there is time to ask about: how many rows, and of many columns which."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from penstock.explain.asking import PAST, REPEATS, Asking
from penstock.judging import Judged
from penstock.metrics.weighted import Floats, Ints
from penstock.receipts import Trained

# Cells that may be sent in all, and what more a row costs where hundreds of deep trees are asked.
MOST_CELLS = 700_000
# By kind; of all others what their cost is counted to be.
COSTLY = {"random_forest": 4.0, "extra_trees": 4.0, "hist_gradient_boosting": 2.0, "neighbours": 20.0, "svm": 8.0}
# Of a row in an ensemble, what a plain model takes, in milliseconds.
PLAIN_MS = 0.25
MOST_FEATURES = 40
FEWEST_FEATURES = 10
MOST_ROWS = 2_000
GROUPS = 10
ROWS_A_GROUP = 20


def costliness(trained: Trained) -> float:
    """Return how many times longer than a plain model what was chosen takes to answer: by its kind, or as counted."""
    counted = next((row.cost_ms for row in trained.leaderboard if row.chosen), None)
    return max(1.0, COSTLY.get(trained.family, 1.0), (counted or 0.0) / PLAIN_MS)


def rows_to_ask(n_columns: int, costly: float, most: int = MOST_ROWS, fewest: int = 200) -> int:
    """Return about how many rows there is time for, of a model that takes so many times longer than a plain one.

    Examples
    --------
    >>> rows_to_ask(9, 1.0), rows_to_ask(40, 4.0), rows_to_ask(500, 1.0)
    (2000, 200, 200)
    """
    n_features = min(n_columns, MOST_FEATURES)
    each = REPEATS * max(n_features, 1) * max(n_columns, 1) * costly
    return int(np.clip(MOST_CELLS // each, fewest, most))


def screened(judged: Judged, asking: Asking, costly: float, seed: int) -> list[str]:
    """Return the columns that there is time to ask about: of many, those that go with the predictions most.

    Parameters
    ----------
    judged : Judged
        All held-out rows: the more of them, the less noise seems to tell something.
    asking : Asking
        Those that are asked about.
    costly : float
        How many times longer than a plain model the twin takes to answer.
    seed : int
        Which rows are looked at.
    """
    names = [c.name for c in asking.columns]
    each = asking.weight * REPEATS * max(len(names), 1) * costly
    most = int(np.clip(MOST_CELLS // max(each, 1), FEWEST_FEATURES, MOST_FEATURES))
    if len(names) > most:
        more = Asking.of(judged, MOST_ROWS, seed)
        rated = {name: association(more.frame[name], more.own) for name in names}
        names = sorted(names, key=lambda name: -rated[name])[:most]
    return [PAST, *names] if asking.has_past else names


def association(values: pd.Series[Any], predicted: Floats) -> float:
    """Return which share of the predictions' variance lies between parts of a column, or its levels, from 0 to 1.

    Examples
    --------
    >>> association(pd.Series([1.0, 1.0, 2.0, 2.0]), np.array([0.1, 0.1, 0.7, 0.7]))
    1.0
    """
    # With many groups of few rows even noise would seem to tell something.
    groups = int(np.clip(len(values) // ROWS_A_GROUP, 2, GROUPS))
    codes = _groups(values, groups)
    outputs = predicted.reshape(len(predicted), -1)
    outputs = outputs - outputs.mean(axis=0)
    total = float((outputs**2).sum())
    if total <= 0:
        return 0.0
    counts = np.bincount(codes)
    sums = np.stack([np.bincount(codes, weights=column) for column in outputs.T])
    return float((sums**2 / np.maximum(counts, 1)).sum() / total)


def _groups(values: pd.Series[Any], groups: int) -> Ints:
    if pd.api.types.is_string_dtype(values) or values.dtype == object:
        codes, _ = pd.factorize(values)
        counts = np.bincount(codes + 1)
        kept = np.argsort(-counts, kind="stable")[:groups]
        place = np.full(len(counts), groups, dtype=np.int64)
        place[kept] = np.arange(len(kept))
        return place[codes + 1]
    numbers = numbers_of(values)
    known = numbers[np.isfinite(numbers)]
    edges = np.unique(np.quantile(known, np.linspace(0, 1, groups + 1)[1:-1])) if len(known) else known
    return np.where(np.isfinite(numbers), np.searchsorted(edges, numbers), len(edges) + 1).astype(np.int64)


def numbers_of(values: pd.Series[Any]) -> Floats:
    """Return a column of numbers or moments as numbers; moments as seconds since 1970."""
    if pd.api.types.is_datetime64_any_dtype(values):
        seconds = values.to_numpy(dtype="datetime64[us]").astype(np.int64) / 1e6
        return np.where(values.isna().to_numpy(), np.nan, seconds)
    return values.to_numpy(dtype=np.float64)
