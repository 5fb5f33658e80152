"""What a score hides: confusion matrix, ROC, precision and recall, gain, calibration, and errors along predictions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypedDict

import numpy as np
import numpy.typing as npt

from penstock.answering.decision import Decision, codes_of
from penstock.metrics.weighted import Floats, Ints, positive_index
from penstock.table import Target

MOST_POINTS = 200
MOST_ROWS = 500
MOST_LABELS = 10
CALIBRATION_BINS = 10
HISTOGRAM_BINS = 20
TENTHS = 10


class Spread(TypedDict):
    """A mean with its 95 % interval."""

    mean: float
    low: float
    high: float


class Tenth(TypedDict):
    """The errors of a tenth of the rows by prediction; `at` is the mean prediction, None where it is not told."""

    n: int
    at: float | None
    bias: Spread
    absolute: Spread


class Histogram(TypedDict):
    """How many predicted probabilities of a label fall into each twentieth, of rows that have it and of the others."""

    own: list[int]
    others: list[int]


class Curve(TypedDict):
    """Points of a curve; for calibration, `n` is the number of rows in each bin."""

    x: list[float]
    y: list[float]
    n: list[int]


def confusion(target: Target, y: Ints, probabilities: Floats, decision: Decision | None = None) -> list[list[int]]:
    """Return counts of shape (n_labels, n_labels): row the true label, column the one that is answered."""
    k = len(target.labels)
    pairs = y.astype(np.int64) * k + codes_of(probabilities, decision)
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


def gain_curve(positive: npt.NDArray[np.bool_], score: Floats) -> Curve:
    """Return which share of the positive rows is found in which share of all rows, taken from the highest score down.

    Examples
    --------
    >>> gain_curve(np.array([True, False, True, False]), np.array([0.9, 0.2, 0.8, 0.1]))["y"]
    [0.0, 0.5, 1.0, 1.0, 1.0]
    """
    hits, misses = _counts_from_the_top(positive, score)
    taken = hits + misses
    return _thin(taken / max(taken[-1], 1), hits / max(hits[-1], 1))


def probability_histogram(positive: npt.NDArray[np.bool_], probability: Floats) -> Histogram:
    """Return how predicted probabilities are spread over twenty equal bins from 0 to 1."""
    place = np.clip((probability * HISTOGRAM_BINS).astype(np.int64), 0, HISTOGRAM_BINS - 1)
    own = np.bincount(place[positive], minlength=HISTOGRAM_BINS)
    others = np.bincount(place[~positive], minlength=HISTOGRAM_BINS)
    return {"own": own.tolist(), "others": others.tolist()}


def error_tenths(y: Floats, predicted: Floats, *, private: bool = False) -> list[Tenth]:
    """Return mean and mean absolute error of each tenth of the rows by prediction, with Student's intervals.

    Parameters
    ----------
    y, predicted : numpy.ndarray
        Shape (n_rows,), float64.
    private : bool
        Whether the predictions themselves are not told.
    """
    order = np.argsort(predicted, kind="stable")
    parts = [part for part in np.array_split(order, TENTHS) if len(part) > 1]
    error = predicted - y
    return [
        {
            "n": len(part),
            "at": None if private else float(predicted[part].mean()),
            "bias": _mean_of(error[part]),
            "absolute": _mean_of(np.abs(error[part])),
        }
        for part in parts
    ]


def _mean_of(values: Floats) -> Spread:
    from scipy.stats import t

    mean = float(values.mean())
    half = float(t.ppf(0.975, len(values) - 1) * values.std(ddof=1) / len(values) ** 0.5)
    return {"mean": mean, "low": mean - half, "high": mean + half}


def calibration_curve(positive: npt.NDArray[np.bool_], probability: Floats) -> Curve:
    """Return mean predicted probability against the observed share, in at most ten bins of equally many rows."""
    return _binned(probability, positive.astype(np.float64))


def error_curve(y: Floats, predicted: Floats) -> Curve:
    """Return mean prediction against mean true value, in at most ten bins of equally many rows."""
    return _binned(predicted, y)


def curves(
    target: Target,
    y: npt.NDArray[np.generic],
    predicted: Floats,
    *,
    private: bool = False,
    decision: Decision | None = None,
) -> Mapping[str, object]:
    """Return everything that the report draws of held-out predictions, as JSON-ready values.

    Rows are counted and drawn as they are, whatever they weigh.

    Of a private number only errors are told: neither single rows nor how high it is.
    """
    if not target.is_classification:
        truth = y.astype(np.float64)
        tenths = error_tenths(truth, predicted, private=private) if target.task == "regression" else []
        if private:
            return {"error_tenths": tenths}
        error = predicted - truth
        quantiles = np.quantile(error, [0.0, 0.05, 0.25, 0.5, 0.75, 0.95, 1.0])
        rows = np.unique(np.linspace(0, len(truth) - 1, min(len(truth), MOST_ROWS)).round().astype(int))
        return {
            "along_prediction": error_curve(truth, predicted),
            "error_quantiles": quantiles.tolist(),
            "error_tenths": tenths,
            "points": {"predicted": predicted[rows].tolist(), "true": truth[rows].tolist()},
        }
    codes = y.astype(np.int64)
    wanted = [positive_index(target)] if target.task == "binary" else _commonest(codes, len(target.labels))
    by_label = {}
    for k in wanted:
        positive = codes == k
        if positive.any() and not positive.all():
            by_label[target.labels[k]] = {
                "roc": roc_curve(positive, predicted[:, k]),
                "precision_recall": precision_recall_curve(positive, predicted[:, k]),
                "gain": gain_curve(positive, predicted[:, k]),
                "calibration": calibration_curve(positive, predicted[:, k]),
                "histogram": probability_histogram(positive, predicted[:, k]),
            }
    return {
        "confusion": confusion(target, codes, predicted, decision),
        "labels": list(target.labels),
        "curves": by_label,
    }


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
