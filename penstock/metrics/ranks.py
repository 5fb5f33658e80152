"""Scores of an order: how well a score tells positive rows from others, for many weightings at once."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


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


def macro_auc(codes: Ints, predicted: Floats, weights: Floats) -> Floats:
    """Return the mean, over labels, of the area under the curve of each against all others.

    References
    ----------
    Provost, F. and Domingos, P. (2003), Tree induction for probability-based ranking, Machine Learning 52, section 4
    (one against the rest; here every label counts the same).
    """
    each = np.stack([rank_auc(codes == k, predicted[:, k], weights) for k in range(predicted.shape[1])])
    there = ~np.isnan(each)
    with np.errstate(divide="ignore", invalid="ignore"):
        mean = np.where(there, each, 0.0).sum(axis=0) / there.sum(axis=0)
    return np.asarray(np.where(there.any(axis=0), mean, np.nan))
