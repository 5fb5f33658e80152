"""Which way a feature moves the prediction: accumulated local effects of numbers and dates, effects of levels.

Effects are changes of the prediction, zero on the average of the rows, so they tell nothing of its own height.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from penstock.explain.asking import PAST, Asking, Clock
from penstock.explain.screening import numbers_of
from penstock.metrics.weighted import Floats, Ints, positive_index
from penstock.table import Column

MOST_FEATURES = 6
MOST_BINS = 20
ROWS_A_BIN = 12
MOST_LEVELS = 8
FEWEST_OF_LEVEL = 5
MOST_LABELS = 3
REPLICATES = 200


def effects(asking: Asking, ranked: Sequence[str], seed: int, clock: Clock) -> dict[str, Any]:
    """Return the effects of the first few features that have one.

    Private columns are left out, and everything of a private target.

    Parameters
    ----------
    asking : Asking
        Held-out rows and the twin.
    ranked : sequence of str
        Features, the most important first.
    seed : int
        How rows are resampled.
    clock : Clock
        When to stop.

    Returns
    -------
    dict
        `features`, each with its `kind` and its `lines`: by label the change of the prediction, with its 95 % interval
        over rows; and a note where something is to be said.

    References
    ----------
    Apley, D. W. and Zhu, J. (2020), Visualizing the effects of predictor variables in black box supervised learning
    models, Journal of the Royal Statistical Society B 82, sections 2 and 3.
    """
    told: dict[str, Any] = {"n": len(asking), "features": [], "note": ""}
    if asking.is_private:
        return {**told, "note": "the target is private: how its prediction moves is not told"}
    if not len(asking) or not np.isfinite(asking.own).all():
        return told
    weights = _weights(len(asking), seed)
    known = {c.name: c for c in asking.columns}
    private = 0
    for name in ranked:
        if name == PAST:
            continue
        if known[name].private:
            private += 1
            continue
        if len(told["features"]) == MOST_FEATURES or clock.over:
            break
        found = effect_of(asking, known[name], weights)
        if found is not None:
            told["features"].append(found)
    if private:
        told["note"] = f"{private} of the features are private: their effects are not told"
    return told


def effect_of(asking: Asking, column: Column, weights: Floats) -> dict[str, Any] | None:
    """Return the effect of one column; None where it has but one value, or where nothing moves.

    Parameters
    ----------
    asking : Asking
        Held-out rows and the twin.
    column : Column
        Which.
    weights : numpy.ndarray
        How often each row is drawn: the first row of ones, then one row a resample.
    """
    values = asking.frame[column.name]
    by_level = column.kind in ("category", "text", "boolean")
    found = _levels(asking, column, values, weights) if by_level else _accumulated(asking, column, values, weights)
    if found is None or not all(np.isfinite([line["y"], line["low"], line["high"]]).all() for line in found["lines"]):
        return None
    return {"feature": column.name, **found}


def _weights(n: int, seed: int) -> Floats:
    drawn = np.random.default_rng(seed).multinomial(n, np.full(n, 1 / n), size=REPLICATES)
    return np.concatenate([np.ones((1, n)), drawn.astype(np.float64)])


def _outputs(asking: Asking) -> list[tuple[str, int | None]]:
    """Return the labels whose probability is looked at, and where it stands; of a number the number itself."""
    target = asking.target
    if not target.is_classification:
        return [("", None)]
    if target.task == "binary":
        return [(target.labels[positive_index(target)], positive_index(target))]
    counts = np.bincount(asking.y.astype(np.int64), minlength=len(target.labels))
    kept = np.sort(np.argsort(-counts, kind="stable")[:MOST_LABELS])
    return [(target.labels[k], int(k)) for k in kept.tolist()]


def _of(predicted: Floats, place: int | None) -> Floats:
    return predicted if place is None else predicted[:, place]


def _line(label: str, drawn: Floats) -> dict[str, Any]:
    """Return one label's effects; those of the first weighting are the effects, the others give the interval."""
    low, high = np.percentile(drawn[1:], [2.5, 97.5], axis=0)
    own = drawn[0]
    return {
        "label": label,
        "y": own.round(8).tolist(),
        "low": np.minimum(low, own).round(8).tolist(),
        "high": np.maximum(high, own).round(8).tolist(),
    }


def _accumulated(asking: Asking, column: Column, values: pd.Series[Any], weights: Floats) -> dict[str, Any] | None:
    numbers = numbers_of(values)
    rows = np.flatnonzero(np.isfinite(numbers))
    if len(rows) < 2 * ROWS_A_BIN:
        return None
    edges, sources = _edges(numbers, rows)
    if len(edges) < 2:
        return None
    # The bin of a row: its value lies above the lower edge and up to the upper one; the least value is in the first.
    bins = np.maximum(np.searchsorted(edges, numbers[rows], side="left"), 1) - 1
    lower, upper = np.arange(len(asking)), np.arange(len(asking))
    lower[rows], upper[rows] = sources[bins], sources[bins + 1]
    below, above = asking.ask(column.name, [lower, upper])
    member = np.zeros((len(rows), len(edges) - 1))
    member[np.arange(len(rows)), bins] = 1.0
    counts = weights[:, rows] @ member
    lines = []
    for label, place in _outputs(asking):
        moved = (_of(above, place) - _of(below, place))[rows]
        steps = (weights[:, rows] @ (member * moved[:, None])) / np.maximum(counts, 1e-12)
        curve = np.concatenate([np.zeros((len(weights), 1)), np.cumsum(steps, axis=1)], axis=1)
        middle = (curve[:, 1:] + curve[:, :-1]) / 2
        curve -= ((counts * middle).sum(axis=1) / np.maximum(counts.sum(axis=1), 1e-12))[:, None]
        lines.append(_line(label, curve))
    kind = "time" if column.kind == "datetime" else "number"
    return {
        "kind": kind,
        "x": edges.tolist(),
        "levels": [],
        "n": member.sum(axis=0).astype(int).tolist(),
        "lines": lines,
    }


def _edges(numbers: Floats, rows: Ints) -> tuple[Floats, Ints]:
    """Return edges of bins of about equally many rows, each a value that a row has, and which row."""
    n = int(np.clip(len(rows) // ROWS_A_BIN, 1, MOST_BINS))
    known = numbers[rows]
    edges = np.unique(np.quantile(known, np.linspace(0, 1, n + 1), method="inverted_cdf"))
    order = np.argsort(known, kind="stable")
    return edges, rows[order[np.searchsorted(known[order], edges)]]


def _levels(asking: Asking, column: Column, values: pd.Series[Any], weights: Floats) -> dict[str, Any] | None:
    codes, levels = pd.factorize(values)
    counts = np.bincount(codes[codes >= 0], minlength=len(levels))
    kept = np.argsort(-counts, kind="stable")[:MOST_LEVELS]
    # A level of a handful of rows says little, and may tell who is in them.
    kept = kept[counts[kept] >= FEWEST_OF_LEVEL]
    if len(kept) < 2:
        return None
    answers = asking.ask(column.name, [np.full(len(asking), int(np.argmax(codes == k))) for k in kept])
    share = counts[kept] / counts[kept].sum()
    lines = []
    for label, place in _outputs(asking):
        by_level = np.stack([_of(answer, place) for answer in answers], axis=1)
        means = (weights @ by_level) / weights.sum(axis=1, keepdims=True)
        lines.append(_line(label, means - (means @ share)[:, None]))
    names = [spelling(levels[k]) for k in kept]
    return {"kind": "levels", "x": [], "levels": names, "n": counts[kept].tolist(), "lines": lines}


def spelling(level: object) -> str:
    """Return a level as text.

    Examples
    --------
    >>> spelling(1.0), spelling(True), spelling("red")
    ('1', 'True', 'red')
    """
    return str(int(level)) if isinstance(level, float) and level.is_integer() else str(level)[:80]
