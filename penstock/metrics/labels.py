"""Scores of labels and of their probabilities, for many weightings at once."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from penstock.metrics.ranks import Floats, Ints

SMALLEST_PROBABILITY = 1e-15


def label_scores(
    codes: Ints, predicted: Floats, answers: Ints, names: Sequence[str], weights: Floats, positive: int | None
) -> dict[str, Floats]:
    """Return those of some metrics that are sums over rows, or made of such sums.

    Parameters
    ----------
    codes, answers : numpy.ndarray
        Indices of the true labels and of those that are answered, shape (n_rows,).
    predicted : numpy.ndarray
        Probabilities, shape (n_rows, n_labels).
    names : sequence of str
        Which metrics.
    weights : numpy.ndarray
        Shape (n_weightings, n_rows).
    positive : int, optional
        The index of the positive one of two labels; None where there are more.

    References
    ----------
    Brier, G. W. (1950), Verification of forecasts expressed in terms of probability, Monthly Weather Review 78.
    Brodersen, K. H. et al. (2010), The balanced accuracy and its posterior distribution, Proceedings of the 20th
    International Conference on Pattern Recognition.
    Gorodkin, J. (2004), Comparing two K-category assignments by a K-category correlation coefficient, Computational
    Biology and Chemistry 28 (`mcc`; of two labels it is that of Matthews, 1975).
    Cohen, J. (1968), Weighted kappa, Psychological Bulletin 70 (`quadratic_kappa`).
    Baccianella, S., Esuli, A. and Sebastiani, F. (2009), Evaluation measures for ordinal regression, Proceedings of the
    9th International Conference on Intelligent Systems Design and Applications (`mean_rank_error`, weighed by row).
    """
    n_rows, n_labels = predicted.shape
    rows = np.arange(n_rows)
    truth, guess = np.zeros_like(predicted), np.zeros_like(predicted)
    truth[rows, codes] = 1.0
    guess[rows, answers] = 1.0
    # The binary Brier score looks at one label, the multiclass one sums over all of them.
    brier = ((predicted - truth) ** 2).sum(axis=1) * (1.0 if positive is None else 0.5)
    chance = np.clip(predicted[rows, codes], SMALLEST_PROBABILITY, 1.0)
    columns = [np.ones(n_rows), answers == codes, -np.log(chance), brier, truth * guess, truth, guess]
    sums = weights @ np.column_stack(columns)
    n, right = sums[:, 0], sums[:, 1]
    hits, true, guessed = np.split(sums[:, 4:], [n_labels, 2 * n_labels], axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        recall = np.where(true > 0, hits / true, np.nan)
        every = {
            "accuracy": right / n,
            "log_loss": sums[:, 2] / n,
            "brier": sums[:, 3] / n,
            "balanced_accuracy": _mean_known(recall),
            "mcc": _correlation(n, right, true, guessed),
        }
        # A label that is nowhere answered has no precision that would be right: it counts as 0.
        precision = np.where(guessed > 0, hits / guessed, np.where(true > 0, 0.0, np.nan))
        # One that is neither true nor answered anywhere has no F1 and does not count in the mean.
        f1 = np.where(true + guessed > 0, 2 * hits / (true + guessed), np.nan)
    for name, each in (("f1", f1), ("precision", precision), ("recall", np.where(true > 0, recall, np.nan))):
        every[name] = _mean_known(each) if positive is None else each[:, positive]
    if positive is not None:
        every["f1"] = np.nan_to_num(every["f1"])
        every["precision"] = np.nan_to_num(every["precision"])
        every["specificity"] = recall[:, 1 - positive]
    if "mean_rank_error" in names:
        with np.errstate(divide="ignore", invalid="ignore"):
            every["mean_rank_error"] = weights @ np.abs(codes - answers).astype(np.float64) / n
    if "quadratic_kappa" in names:
        every["quadratic_kappa"] = _quadratic_kappa(codes, answers, weights)
    return {name: every[name] for name in names if name in every}


def _mean_known(each: Floats) -> Floats:
    there = ~np.isnan(each)
    return np.asarray(np.where(there, each, 0.0).sum(axis=1) / np.maximum(there.sum(axis=1), 1))


def _correlation(n: Floats, right: Floats, true: Floats, guessed: Floats) -> Floats:
    """Return the correlation of true labels with answers; 0 where one of them does not vary."""
    both = right * n - (true * guessed).sum(axis=1)
    alone = (n**2 - (true**2).sum(axis=1)) * (n**2 - (guessed**2).sum(axis=1))
    return np.asarray(np.where(alone > 0, both / np.sqrt(np.maximum(alone, 0.0)), 0.0))


def _quadratic_kappa(codes: Ints, answers: Ints, weights: Floats) -> Floats:
    t, g = codes.astype(np.float64), answers.astype(np.float64)
    n, own, own2, other, other2, apart = (
        weights @ np.column_stack([np.ones_like(t), t, t**2, g, g**2, (t - g) ** 2])
    ).T
    # The squared distance that independent answers of the same shares would have, by their moments.
    by_chance = own2 + other2 - 2 * own * other / np.where(n > 0, n, 1.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(np.where(by_chance > 0, 1 - apart / by_chance, np.nan))
