"""Intervals of few rows, where percentiles of a bootstrap cover less than they say.

With 60 rows, six of them positive, the percentile interval of a ROC AUC holds the true value in 83 % of the cases, that
of F1 in 77 %, that of log loss in 88 %. These hold it in 93 to 97 %, as benchmarks/coverage.py measures, but for areas
and mean precisions that are nearly 1, for a rare one of several labels, and for squares of errors whose tails are so
heavy that the squares have no variance.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np
import numpy.typing as npt

from penstock.metrics.labels import SMALLEST_PROBABILITY
from penstock.metrics.numbers import losses
from penstock.metrics.studentised import Ends, studentised
from penstock.metrics.weighted import Floats, positive_index
from penstock.table import Target

# From here on percentiles hold what they say.
MOST_ROWS = 2_000
Z = 1.959963984540054
# Two rows have one spread alone that could measure a replicate.
FEWEST_ROWS = 3
SHARES = ("f1", "precision", "recall", "specificity", "balanced_accuracy", "mcc")
# What is a mean of losses, or the root of one; so is each pinball loss.
ROOTS = ("rmse", "rmsle")
MEANS = (*ROOTS, "mae", "mape", "poisson_deviance", "gamma_deviance")
# What is known of tails: a Brier score is bounded, and where probabilities are right a log loss above x is no likelier
# than exp(-x). Of numbers nothing is known.
TAILS: dict[str, float | None] = {"brier": None, "log_loss": 0.0}
# In standard errors, how far the logit of a replicate counts.
FARTHEST = 3
# Draws from what the four counts of a table of errors leave open.
DRAWS = 2_000


def interval_of_few(
    target: Target,
    metric: str,
    y: npt.NDArray[np.generic],
    predicted: Floats,
    value: float,
    drawn: Floats,
    resamples: Callable[[], Iterable[Floats]],
) -> Ends | None:
    """Return the ends of a 95 % interval for a metric of few rows; None where percentiles are all there is.

    A share of right answers has Wilson's interval, and so has F1 by way of the share of right ones among all that are
    or were called positive; precision, recall and specificity are such shares, a balanced accuracy is the mean of two
    whose intervals are put together (Zou and Donner's MOVER), and Matthews' coefficient has the one of four shares of
    the rows under Jeffreys' prior. A mean of losses has the studentised bootstrap's, and so has R², as one less the
    ratio of two such means. An area, a mean precision and whatever is told of more than two labels have one on the
    logit's scale: the error of the area of two labels has the degrees of freedom that its rows of either label leave
    it, an area of 0 or 1 has Newcombe's interval, and a mean precision of 1 Wilson's of as many positive rows.

    Parameters
    ----------
    target : Target
        What is predicted.
    metric : str
        Which metric.
    y, predicted : numpy.ndarray
        True values and predictions, as for `penstock.metrics.scores.scores`.
    value : float
        The metric of all rows.
    drawn : numpy.ndarray
        The metric of each replicate, shape (n_replicates,).
    resamples : callable
        Gives the weights of the replicates anew, in parts of shape (n, n_rows).

    References
    ----------
    Wilson, E. B. (1927), Probable inference, the law of succession, and statistical inference, JASA 22, 209-212.
    Efron, B. and Tibshirani, R. (1993), An Introduction to the Bootstrap, section 12.5 (bootstrap-t).
    Zou, G. Y. and Donner, A. (2008), Construction of confidence limits about effect measures: a general approach,
    Statistics in Medicine 27, 1693-1702 (MOVER).
    Newcombe, R. G. (2006), Confidence intervals for an effect size measure based on the Mann-Whitney statistic, part 2,
    Statistics in Medicine 25, 559-573 (method 5).
    DeLong, E. R., DeLong, D. M. and Clarke-Pearson, D. L. (1988), Comparing the areas under two or more correlated
    receiver operating characteristic curves, Biometrics 44, 837-845 (what either label adds to an area's error).
    Brunner, E. and Munzel, U. (2000), The nonparametric Behrens-Fisher problem: asymptotic theory and a small-sample
    approximation, Biometrical Journal 42, 17-25 (its degrees of freedom).
    Boyd, K., Eng, K. H. and Page, C. D. (2013), Area under the precision-recall curve: point estimates and confidence
    intervals, ECML PKDD (logit intervals).
    """
    n = len(y)
    if metric == "accuracy":
        return wilson(value, n)
    if target.task == "binary" and metric in SHARES:
        return _of_shares(target, metric, y.astype(np.int64), predicted)
    lost = _losses(target, metric, y, predicted) if n >= FEWEST_ROWS else None
    if lost is not None:
        return _of_losses(metric, lost, resamples())
    if target.task == "binary" and metric in ("roc_auc", "average_precision"):
        return _of_ranks(target, metric, y, predicted, value, drawn)
    if target.task == "multiclass" and metric in ("roc_auc", *SHARES):
        return _of_labels(value, drawn, n, least=-1.0 if metric == "mcc" else 0.0)
    return None


def wilson(share: float, n: float) -> Ends:
    """Return Wilson's 95 % interval of a share of `n`.

    Examples
    --------
    >>> [round(end, 3) for end in wilson(1.0, 20)]
    [0.839, 1.0]
    """
    centre = (share + Z**2 / (2 * n)) / (1 + Z**2 / n)
    half = Z / (1 + Z**2 / n) * (share * (1 - share) / n + Z**2 / (4 * n**2)) ** 0.5
    return max(0.0, centre - half), min(1.0, centre + half)


def newcombe(area: float, positives: int, negatives: int) -> Ends:
    """Return Newcombe's 95 % interval of an area under the ROC curve, which needs no spread of the scores.

    Examples
    --------
    >>> [round(end, 2) for end in newcombe(1.0, 10, 30)]
    [0.87, 1.0]
    """
    grid = np.linspace(0.0, 1.0, 10_001)
    extra = (positives + negatives) / 2 - 1
    variance = grid * (1 - grid) * (1 + extra * (1 - grid) / (2 - grid) + extra * grid / (1 + grid))
    inside = grid[np.abs(area - grid) <= Z * np.sqrt(variance / (positives * negatives))]
    return float(inside.min(initial=area)), float(inside.max(initial=area))


def _of_f1(named: npt.NDArray[np.bool_], true: npt.NDArray[np.bool_]) -> Ends | None:
    either = int(np.sum(named | true))
    if not either:
        return None
    # F1 is 2 s / (1 + s) of the share s of rows that are and were called positive, among those that are or were.
    low, high = wilson(float(np.sum(named & true)) / either, either)
    return 2 * low / (1 + low), 2 * high / (1 + high)


def _of_shares(target: Target, metric: str, codes: npt.NDArray[np.int64], predicted: Floats) -> Ends | None:
    positive = positive_index(target)
    named, true = predicted.argmax(axis=1) == positive, codes == positive
    if metric == "f1":
        return _of_f1(named, true)
    of = {"precision": named, "recall": true, "specificity": ~true}
    if metric in of:
        return _share_among(of[metric], ~named if metric == "specificity" else named & true)
    if metric == "mcc":
        return _of_matthews(named, true)
    sides = [(named[true], true[true]), (named[~true], true[~true])]
    if not all(len(side) for side, _ in sides):
        return None
    shares = [float(np.mean(side == truth)) for side, truth in sides]
    ends = [wilson(share, len(side)) for share, (side, _) in zip(shares, sides, strict=True)]
    down, up = (sum((share - end[k]) ** 2 for share, end in zip(shares, ends, strict=True)) ** 0.5 for k in (0, 1))
    middle = sum(shares) / 2
    return max(0.0, middle - down / 2), min(1.0, middle + up / 2)


def _of_matthews(named: npt.NDArray[np.bool_], true: npt.NDArray[np.bool_]) -> Ends:
    cells = [named & true, named & ~true, ~named & true, ~named & ~true]
    # The same draws for the same counts, in every run.
    shares = np.random.default_rng(len(true)).dirichlet([float(cell.sum()) + 0.5 for cell in cells], DRAWS)
    hit, false_alarm, missed, rest = shares.T
    product = (hit + false_alarm) * (missed + rest) * (hit + missed) * (false_alarm + rest)
    low, high = np.quantile((hit * rest - false_alarm * missed) / np.sqrt(product), [0.025, 0.975])
    return float(low), float(high)


def _share_among(rows: npt.NDArray[np.bool_], right: npt.NDArray[np.bool_]) -> Ends:
    n = int(rows.sum())
    # Of no row called positive nothing is known of how often that would have been right.
    return wilson(float(np.sum(rows & right)) / n, n) if n else (0.0, 1.0)


def _losses(target: Target, metric: str, y: npt.NDArray[np.generic], predicted: Floats) -> tuple[Floats, Floats] | None:
    """Return what each row loses and what that is measured by, where the metric is made of the means of the two."""
    ones = np.ones(len(y))
    if not target.is_classification:
        true = y.astype(np.float64)
        if metric == "r2":
            return (predicted - true) ** 2, (true - true.mean()) ** 2
        is_mean = metric in MEANS or metric.startswith("pinball_")
        return (losses(metric, true, predicted), ones) if is_mean else None
    rows, codes = np.arange(len(y)), y.astype(np.int64)
    if metric == "log_loss":
        return -np.log(np.clip(predicted[rows, codes], SMALLEST_PROBABILITY, 1.0)), ones
    if metric == "brier":
        truth = np.zeros_like(predicted)
        truth[rows, codes] = 1.0
        return ((predicted - truth) ** 2).sum(axis=1) * (0.5 if target.task == "binary" else 1.0), ones
    return None


def _of_losses(metric: str, lost: tuple[Floats, Floats], resamples: Iterable[Floats]) -> Ends:
    low, high = studentised(*lost, resamples, TAILS.get(metric, 0.5))
    if metric == "r2":
        return 1 - high, 1 - low
    return (low**0.5, high**0.5) if metric in ROOTS else (low, high)


def _of_ranks(
    target: Target, metric: str, y: npt.NDArray[np.generic], predicted: Floats, value: float, drawn: Floats
) -> Ends | None:
    index = positive_index(target)
    if metric == "roc_auc":
        return _of_area(y == index, predicted[:, index], value, drawn)
    return _of_precisions(value, drawn, int(np.sum(y == index)), len(y))


def _of_labels(value: float, drawn: Floats, n: int, least: float) -> Ends | None:
    """Return the interval of a mean over labels, or of a coefficient, that lies between `least` and 1."""
    width = 1 - least
    share = (value - least) / width
    if not share > 0:
        return None
    # None of the rows counts against the model: neither does any replicate.
    ends = _on_logits(share, (drawn - least) / width, n - 1) if share < 1 else wilson(share, n)
    return (least + width * ends[0], least + width * ends[1]) if ends else None


def _of_area(positive: npt.NDArray[np.bool_], score: Floats, value: float, drawn: Floats) -> Ends | None:
    m, n = int(positive.sum()), int((~positive).sum())
    freedom = _freedom(score[positive], score[~positive]) if 0.0 < value < 1.0 else 0.0
    return _on_logits(value, drawn, freedom) if freedom > 0 else newcombe(value, m, n)


def _freedom(positives: Floats, negatives: Floats) -> float:
    """Return the degrees of freedom of an area's error: few rows of one label leave its spread uncertain, too."""
    parts = []
    for ours, theirs in ((positives, negatives), (negatives, positives)):
        if len(ours) < 2:
            return 0.0
        rising = np.sort(theirs)
        above = (np.searchsorted(rising, ours, side="left") + np.searchsorted(rising, ours, side="right")) / 2
        parts.append((float(np.var(above / len(rising), ddof=1)) / len(ours), len(ours) - 1))
    whole = sum(part for part, _ in parts)
    return whole**2 / sum(part**2 / left for part, left in parts) if whole > 0 else 0.0


def _of_precisions(value: float, drawn: Floats, positives: int, n: int) -> Ends | None:
    from scipy.stats import t

    if value == 1.0:
        return wilson(value, positives)
    drawn = drawn[np.isfinite(drawn)]
    spread = float(drawn.std(ddof=1)) / (value * (1 - value)) if len(drawn) > 1 else 0.0
    if not spread > 0:
        return None
    at = np.log(value / (1 - value))
    with np.errstate(divide="ignore"):
        # A mean of 1 is infinitely far away.
        logits = np.clip(np.log(drawn / (1 - drawn)), at - FARTHEST * spread, at + FARTHEST * spread)
    return _from_logits(at, float(t.ppf(0.975, n - 1)) * float(logits.std(ddof=1)))


def _on_logits(value: float, drawn: Floats, freedom: float) -> Ends | None:
    from scipy.stats import t

    drawn = drawn[np.isfinite(drawn)]
    spread = float(drawn.std(ddof=1)) if len(drawn) > 1 else 0.0
    if not spread > 0:
        return None
    half = float(t.ppf(0.975, freedom)) * spread / (value * (1 - value))
    return _from_logits(np.log(value / (1 - value)), half)


def _from_logits(at: float, half: float) -> Ends:
    # Beyond 700 the exponential overflows, and the ends are 0 and 1 anyway.
    low, high = (float(1 / (1 + np.exp(np.clip(-end, -700, 700)))) for end in (at - half, at + half))
    return low, high
