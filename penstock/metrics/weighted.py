"""Every metric as a function of row weights, for many weightings at once.

A plain score is the metric with every weight 1; a bootstrap replicate is the metric with each row's weight the number
of times it was drawn. So scores and intervals cannot disagree about what a metric means.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from penstock.table import Target

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
SMALLEST_PROBABILITY = 1e-15
# Below this share of the median size, a true value makes the relative error meaningless.
NEAR_ZERO = 0.01


@dataclass(frozen=True)
class Context:
    """What is known of the rows of a forecast beside what is true of them.

    Attributes
    ----------
    scale : numpy.ndarray
        The mean absolute error of the seasonal naive forecast of a row's series in training, shape (n_rows,).
    block : numpy.ndarray
        From 0 on, which rows stand or fall together and are resampled as one, int64, shape (n_rows,).
    """

    scale: Floats
    block: Ints

    def take(self, rows: npt.NDArray[np.generic]) -> Context:
        """Return the context of some rows, its blocks numbered anew."""
        return Context(self.scale[rows], np.unique(self.block[rows], return_inverse=True)[1].astype(np.int64))


def positive_index(target: Target) -> int:
    """Return which label counts as positive; the last one where nothing is declared."""
    return target.labels.index(target.positive) if target.positive in target.labels else len(target.labels) - 1


def relative_error_makes_sense(y: Floats) -> bool:
    """Whether no true value lies so near to zero that MAPE would measure that value alone."""
    size = np.abs(y)
    return bool(len(y)) and bool(size.min() > 0) and bool(size.min() >= NEAR_ZERO * np.median(size))


def defined_metrics(target: Target, y: npt.NDArray[np.generic]) -> tuple[str, ...]:
    """Return the names of the metrics that these true values allow, in a fixed order."""
    if target.task == "forecast":
        return ("mase", "mae", "rmse", "smape")
    if target.task == "regression":
        spread = len(y) > 1 and bool(np.ptp(y.astype(np.float64)) > 0)
        mape = relative_error_makes_sense(y.astype(np.float64))
        return ("rmse", "mae", *(("r2",) if spread else ()), *(("mape",) if mape else ()))
    present = len(np.unique(y))
    if target.task == "multiclass":
        return ("log_loss", *(("roc_auc",) if present > 1 else ()), "accuracy", "f1", "brier")
    if present < 2:
        return ("log_loss", "brier", "accuracy", "f1")
    return ("roc_auc", "average_precision", "log_loss", "brier", "accuracy", "f1")


def weighted_scores(
    target: Target,
    y: npt.NDArray[np.generic],
    predicted: Floats,
    names: Sequence[str],
    weights: Floats,
    context: Context | None = None,
) -> dict[str, Floats]:
    """Return metrics under each of several weightings.

    Parameters
    ----------
    target : Target
        What is predicted.
    y : numpy.ndarray
        True values, shape (n_rows,): int64 indices of labels, or float64.
    predicted : numpy.ndarray
        Probabilities of shape (n_rows, n_labels), or values of shape (n_rows,), float64.
    names : sequence of str
        Which metrics.
    weights : numpy.ndarray
        Shape (n_weightings, n_rows), float64.
    context : Context, optional
        The scales of a forecast's series; without them MASE is MAE.

    Returns
    -------
    dict of str to numpy.ndarray
        One float64 array of shape (n_weightings,) for each metric; NaN where a weighting leaves only one class.

    References
    ----------
    Hyndman, R. J. and Koehler, A. B. (2006), Another look at measures of forecast accuracy, International Journal of
    Forecasting 22, section 3 (MASE).
    Makridakis, S. (1993), Accuracy measures: theoretical and practical concerns, International Journal of Forecasting 9
    (sMAPE, here a share from 0 to 2).
    """
    if target.task == "forecast":
        return _forecast(y.astype(np.float64), predicted, names, weights, context)
    if target.task == "regression":
        return _regression(y.astype(np.float64), predicted, names, weights)
    codes = y.astype(np.int64)
    done = _classification_sums(target, codes, predicted, names, weights)
    if target.task == "binary":
        positive = positive_index(target)
        if "roc_auc" in names:
            done["roc_auc"] = rank_auc(codes == positive, predicted[:, positive], weights)
        if "average_precision" in names:
            done["average_precision"] = average_precision(codes == positive, predicted[:, positive], weights)
    elif "roc_auc" in names:
        done["roc_auc"] = _macro_auc(codes, predicted, weights)
    return {name: done[name] for name in names}


def _regression(y: Floats, predicted: Floats, names: Sequence[str], weights: Floats) -> dict[str, Floats]:
    error = predicted - y
    # Centred first: the variance is a difference of sums, which would cancel for values far from zero.
    centred = y - y.mean()
    with np.errstate(divide="ignore", invalid="ignore"):
        relative = np.abs(error) / np.abs(y) if "mape" in names else np.zeros_like(y)
    columns = np.column_stack([np.ones_like(y), error**2, np.abs(error), centred, centred**2, relative])
    n, squared, absolute, total, total_squared, ratio = (weights @ columns).T
    with np.errstate(divide="ignore", invalid="ignore"):
        spread = total_squared - total**2 / n
        every = {
            "rmse": np.sqrt(squared / n),
            "mae": absolute / n,
            "r2": np.where(spread > 0, 1 - squared / spread, np.nan),
            "mape": ratio / n,
        }
    return {name: every[name] for name in names}


def _forecast(
    y: Floats, predicted: Floats, names: Sequence[str], weights: Floats, context: Context | None
) -> dict[str, Floats]:
    error = np.abs(predicted - y)
    size = np.abs(predicted) + np.abs(y)
    scaled = error if context is None else error / context.scale
    relative = np.divide(2.0 * error, size, out=np.zeros_like(error), where=size > 0)
    n, squared, absolute, in_scale, ratio = (
        weights @ np.column_stack([np.ones_like(y), error**2, error, scaled, relative])
    ).T
    with np.errstate(divide="ignore", invalid="ignore"):
        every = {"mase": in_scale / n, "mae": absolute / n, "rmse": np.sqrt(squared / n), "smape": ratio / n}
    return {name: every[name] for name in names}


def _classification_sums(
    target: Target, codes: Ints, predicted: Floats, names: Sequence[str], weights: Floats
) -> dict[str, Floats]:
    n_rows, n_labels = predicted.shape
    guessed = predicted.argmax(axis=1)
    truth = np.zeros_like(predicted)
    truth[np.arange(n_rows), codes] = 1.0
    guess = np.zeros_like(predicted)
    guess[np.arange(n_rows), guessed] = 1.0
    # The binary Brier score looks at one label, the multiclass one sums over all of them.
    brier = ((predicted - truth) ** 2).sum(axis=1) * (0.5 if target.task == "binary" else 1.0)
    chance = np.clip(predicted[np.arange(n_rows), codes], SMALLEST_PROBABILITY, 1.0)
    columns = np.column_stack([np.ones(n_rows), guessed == codes, -np.log(chance), brier, truth * guess, truth + guess])
    sums = weights @ columns
    n = sums[:, 0]
    hits, counted = sums[:, 4 : 4 + n_labels], sums[:, 4 + n_labels :]
    every = {"accuracy": sums[:, 1] / n, "log_loss": sums[:, 2] / n, "brier": sums[:, 3] / n}
    every["f1"] = _f1(hits, counted, positive_index(target) if target.task == "binary" else None)
    return {name: every[name] for name in names if name in every}


def _f1(hits: Floats, counted: Floats, positive: int | None) -> Floats:
    with np.errstate(divide="ignore", invalid="ignore"):
        each = np.where(counted > 0, 2 * hits / counted, 0.0)
    if positive is not None:
        return np.asarray(each[:, positive])
    # A label that is neither true nor guessed anywhere has no F1 and does not count in the mean.
    there = (counted > 0).sum(axis=1)
    return np.asarray(each.sum(axis=1) / np.maximum(there, 1))


def rank_auc(positive: npt.NDArray[np.bool_], score: Floats, weights: Floats) -> Floats:
    """Return the area under the ROC curve: the chance that a positive row scores above a negative one.

    Parameters
    ----------
    positive : numpy.ndarray
        Shape (n_rows,), bool.
    score : numpy.ndarray
        Shape (n_rows,), float64; ties count half.
    weights : numpy.ndarray
        Shape (n_weightings, n_rows), float64.

    References
    ----------
    Hanley, J. A. and McNeil, B. J. (1982), The meaning and use of the area under a ROC curve, Radiology 143, 29-36.

    Examples
    --------
    >>> rank_auc(np.array([False, True, True]), np.array([0.2, 0.2, 0.9]), np.ones((1, 3))).tolist()
    [0.75]
    """
    negatives = np.flatnonzero(~positive)
    negatives = negatives[np.argsort(score[negatives], kind="stable")]
    positives = np.flatnonzero(positive)
    below = np.searchsorted(score[negatives], score[positives], side="left")
    up_to = np.searchsorted(score[negatives], score[positives], side="right")
    passed = _running_sum(weights[:, negatives])
    held = weights[:, positives]
    above = np.einsum("ij,ij->i", held, passed[:, below] + passed[:, up_to]) / 2
    pairs = held.sum(axis=1) * passed[:, -1]
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(np.where(pairs > 0, above / pairs, np.nan))


def average_precision(positive: npt.NDArray[np.bool_], score: Floats, weights: Floats) -> Floats:
    """Return the mean, over positive rows, of the precision at the row's own score.

    Parameters and shapes are those of `rank_auc`.

    Examples
    --------
    >>> average_precision(np.array([True, False, True]), np.array([0.9, 0.8, 0.7]), np.ones((1, 3))).round(4).tolist()
    [0.8333]
    """
    falling = -score
    order = np.argsort(falling, kind="stable")
    positives, negatives = order[positive[order]], order[~positive[order]]
    at_positive = falling[positives]
    true_until = np.searchsorted(at_positive, at_positive, side="right")
    false_until = np.searchsorted(falling[negatives], at_positive, side="right")
    held = weights[:, positives]
    hits = _running_sum(held)[:, true_until]
    misses = _running_sum(weights[:, negatives])[:, false_until]
    total = held.sum(axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        precision = np.where(hits > 0, hits / (hits + misses), 0.0)
        return np.asarray(np.where(total > 0, np.einsum("ij,ij->i", held, precision) / total, np.nan))


def _running_sum(weights: Floats) -> Floats:
    done = np.zeros((weights.shape[0], weights.shape[1] + 1))
    np.cumsum(weights, axis=1, out=done[:, 1:])
    return done


def _macro_auc(codes: Ints, predicted: Floats, weights: Floats) -> Floats:
    each = np.stack([rank_auc(codes == k, predicted[:, k], weights) for k in range(predicted.shape[1])])
    there = ~np.isnan(each)
    with np.errstate(divide="ignore", invalid="ignore"):
        mean = np.where(there, each, 0.0).sum(axis=0) / there.sum(axis=0)
    return np.asarray(np.where(there.any(axis=0), mean, np.nan))
