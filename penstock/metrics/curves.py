"""What a score hides: confusion matrix, ROC, precision and recall, calibration, and errors along the prediction."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypedDict

import numpy as np
import numpy.typing as npt

from penstock.metrics.weighted import Floats, Ints, positive_index
from penstock.table import Target

MOST_POINTS = 200
MOST_ROWS = 500
MOST_LABELS = 10
CALIBRATION_BINS = 10


class Curve(TypedDict):
    """Points of a curve; for calibration, `n` is the number of rows in each bin."""

    x: list[float]
    y: list[float]
    n: list[int]


def confusion(target: Target, y: Ints, probabilities: Floats) -> list[list[int]]:
    """Return counts of shape (n_labels, n_labels): row the true label, column the predicted one."""
    k = len(target.labels)
    pairs = y.astype(np.int64) * k + probabilities.argmax(axis=1)
    counts: list[list[int]] = np.bincount(pairs, minlength=k * k).reshape(k, k).tolist()
    return counts


def roc_curve(positive: npt.NDArray[np.bool_], score: Floats) -> Curve:
    """Return false positive rate against true positive rate, at most 200 points."""
    hits, misses = _counts_from_the_top(positive, score)
    return _thin(misses / max(misses[-1], 1), hits / max(hits[-1], 1))


def precision_recall_curve(positive: npt.NDArray[np.bool_], score: Floats) -> Curve:
    """Return recall against precision, at most 200 points."""
    hits, misses = _counts_from_the_top(positive, score)
    with np.errstate(divide="ignore", invalid="ignore"):
        precision = np.where(hits + misses > 0, hits / (hits + misses), 1.0)
    return _thin(hits / max(hits[-1], 1), precision)


def calibration_curve(positive: npt.NDArray[np.bool_], probability: Floats) -> Curve:
    """Return mean predicted probability against the observed share, in at most ten bins of equally many rows."""
    return _binned(probability, positive.astype(np.float64))


def error_curve(y: Floats, predicted: Floats) -> Curve:
    """Return mean prediction against mean true value, in at most ten bins of equally many rows."""
    return _binned(predicted, y)


def curves(target: Target, y: npt.NDArray[np.generic], predicted: Floats) -> Mapping[str, object]:
    """Return everything that the report draws of held-out predictions, as JSON-ready values."""
    if not target.is_classification:
        truth = y.astype(np.float64)
        error = predicted - truth
        quantiles = np.quantile(error, [0.0, 0.05, 0.25, 0.5, 0.75, 0.95, 1.0])
        rows = np.unique(np.linspace(0, len(truth) - 1, min(len(truth), MOST_ROWS)).round().astype(int))
        points = {"predicted": predicted[rows].tolist(), "true": truth[rows].tolist()}
        along = error_curve(truth, predicted)
        return {"along_prediction": along, "error_quantiles": quantiles.tolist(), "points": points}
    codes = y.astype(np.int64)
    wanted = [positive_index(target)] if target.task == "binary" else _commonest(codes, len(target.labels))
    by_label = {}
    for k in wanted:
        positive = codes == k
        if positive.any() and not positive.all():
            by_label[target.labels[k]] = {
                "roc": roc_curve(positive, predicted[:, k]),
                "precision_recall": precision_recall_curve(positive, predicted[:, k]),
                "calibration": calibration_curve(positive, predicted[:, k]),
            }
    return {"confusion": confusion(target, codes, predicted), "labels": list(target.labels), "curves": by_label}


def _commonest(codes: Ints, n_labels: int) -> list[int]:
    counts = np.bincount(codes, minlength=n_labels)
    return sorted(np.argsort(-counts, kind="stable")[:MOST_LABELS].tolist())


def _counts_from_the_top(positive: npt.NDArray[np.bool_], score: Floats) -> tuple[Floats, Floats]:
    order = np.argsort(-score, kind="stable")
    ends = np.append(np.flatnonzero(np.diff(score[order])), len(score) - 1)
    hits = np.cumsum(positive[order])[ends]
    misses = np.cumsum(~positive[order])[ends]
    return np.append(0.0, hits), np.append(0.0, misses)


def _thin(x: Floats, y: Floats) -> Curve:
    keep = np.unique(np.linspace(0, len(x) - 1, min(len(x), MOST_POINTS)).round().astype(int))
    return {"x": x[keep].round(6).tolist(), "y": y[keep].round(6).tolist(), "n": []}


def _binned(along: Floats, value: Floats) -> Curve:
    order = np.argsort(along, kind="stable")
    parts = [p for p in np.array_split(order, CALIBRATION_BINS) if len(p)]
    return {
        "x": [float(along[p].mean()) for p in parts],
        "y": [float(value[p].mean()) for p in parts],
        "n": [len(p) for p in parts],
    }
