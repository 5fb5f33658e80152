"""Scores of predictions, their bootstrap intervals, and the paired difference of two sets of predictions."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from penstock.metrics.intervals import MOST_ROWS as MOST_ROWS_OF_FEW
from penstock.metrics.intervals import interval_of_few
from penstock.metrics.metric import metric_for
from penstock.metrics.weighted import Context, Floats, Ints, defined_metrics, weighted_scores
from penstock.receipts import Interval
from penstock.table import Target

MOST_ROWS = 20_000
CELLS_AT_ONCE = 2_000_000
# A rank metric over k labels costs k times one over a binary target; below this the percentiles get rough.
FEWEST_REPLICATES = 200
FEWEST_BLOCKS = 200
RANK_CELLS = 20_000_000


def scores(
    target: Target, y: npt.NDArray[np.generic], predicted: Floats, context: Context | None = None
) -> dict[str, float]:
    """Return every metric that the true values allow.

    Parameters
    ----------
    target : Target
        What is predicted.
    y : numpy.ndarray
        True values, shape (n_rows,): int64 indices of labels, or float64.
    predicted : numpy.ndarray
        Probabilities of shape (n_rows, n_labels), or values of shape (n_rows,), float64.
    context : Context, optional
        What else scores hang on: weights, groups, costs, the user's metric, the scales of a forecast.

    Examples
    --------
    >>> target = Target(name="y", task="regression")
    >>> {k: round(v, 3) for k, v in scores(target, np.array([1.0, 3.0]), np.array([1.0, 2.0])).items()}
    {'rmse': 0.707, 'mae': 0.5, 'median_ae': 0.5, 'r2': 0.5, 'mape': 0.167}
    """
    done = weighted_scores(target, y, predicted, defined_metrics(target, y, context), np.ones((1, len(y))), context)
    return {name: float(value[0]) for name, value in done.items()}


def score(
    target: Target, metric: str, y: npt.NDArray[np.generic], predicted: Floats, context: Context | None = None
) -> float:
    """Return one metric; NaN where the true values do not allow it."""
    return float(weighted_scores(target, y, predicted, (metric,), np.ones((1, len(y))), context)[metric][0])


def bootstrap(
    target: Target,
    y: npt.NDArray[np.generic],
    predicted: Floats,
    *,
    replicates: int = 1000,
    seed: int,
    context: Context | None = None,
) -> dict[str, Interval]:
    """Return every metric with its 95 % interval over resampled rows; of a forecast, over resampled blocks.

    It is a percentile interval; for at most 2,000 rows the one that `penstock.metrics.intervals` chooses by metric.

    Where rows have a block, as the rows of a group do, blocks are drawn and not rows: rows of one group are alike, and
    drawn one by one they would make the interval too narrow. More than 20,000 rows are not resampled in full: a fixed
    random 20,000 of them are, or as many blocks as hold about so many, and the deviations from their score, shrunk by
    the root of their share, are laid about the score of all rows. A multiclass ROC AUC uses fewer replicates (never
    below 200) the more labels there are; a metric of the user's own uses 200.

    Parameters
    ----------
    target, y, predicted, context
        As for `scores`.
    replicates : int
        How many resamples.
    seed : int
        The same seed gives the same interval.

    References
    ----------
    Efron, B. and Tibshirani, R. (1993), An Introduction to the Bootstrap, chapter 13.
    Bickel, P. J., Götze, F. and van Zwet, W. R. (1997), Resampling fewer than n observations, Statistica Sinica 7.
    Davison, A. C. and Hinkley, D. V. (1997), Bootstrap Methods and their Application, section 3.8 (clusters).
    Field, C. A. and Welsh, A. H. (2007), Bootstrapping clustered data, Journal of the Royal Statistical Society B 69.
    """
    names = defined_metrics(target, y, context)
    values = scores(target, y, predicted, context)
    some = _sampled(len(y), seed, context)
    drawn = _replicates(target, y[some.rows], [predicted[some.rows]], names, replicates, seed, some.context)[0]
    centre = values if some.is_whole else scores(target, y[some.rows], predicted[some.rows], some.context)
    found = {name: _interval(values[name], centre.get(name, values[name]), drawn[name], some) for name in names}
    if context is not None and not context.is_plain:
        return found
    return {name: _of_few(target, y, predicted, name, found[name], drawn[name], replicates, seed) for name in names}


def paired(
    target: Target,
    metric: str,
    y: npt.NDArray[np.generic],
    a: Floats,
    b: Floats,
    *,
    replicates: int = 1000,
    seed: int,
    context: Context | None = None,
    theirs: Context | None = None,
) -> Interval:
    """Return how much better `a` predicts than `b` on the same rows, with its 95 % interval.

    Each replicate scores both on one resample, so what makes rows hard for both cancels out. A positive difference
    means that `a` is better, whatever the metric's direction; its unit is the metric's.

    Parameters
    ----------
    target, y, replicates, seed, context
        As for `bootstrap`.
    metric : str
        Which metric.
    a, b : numpy.ndarray
        Two sets of predictions for the same rows.
    theirs : Context, optional
        As `context`, for `b`, where its labels are answered otherwise.
    """
    return averaged(target, metric, y, a, (b,), replicates=replicates, seed=seed, context=context, theirs=theirs)


def averaged(
    target: Target,
    metric: str,
    y: npt.NDArray[np.generic],
    a: Floats,
    others: Sequence[Floats],
    *,
    replicates: int = 1000,
    seed: int,
    context: Context | None = None,
    theirs: Context | None = None,
) -> Interval:
    """Return how much better `a` predicts than several others do on average, on the same rows; see `paired`.

    Parameters
    ----------
    target, metric, y, a, replicates, seed, context, theirs
        As for `paired`.
    others : sequence of numpy.ndarray
        One or more sets of predictions for the same rows.
    """
    sign = sign_of(target, metric, context)
    other = theirs if theirs is not None else context

    def difference(rows: Ints) -> float:
        part, of_others = (c.take(rows) if c is not None else None for c in (context, other))
        means = np.mean([score(target, metric, y[rows], b[rows], of_others) for b in others])
        return float(sign * (score(target, metric, y[rows], a[rows], part) - means))

    everything = np.arange(len(y))
    some = _sampled(len(y), seed, context)
    rows = some.rows
    value = difference(everything)
    said = [a[rows], *(b[rows] for b in others)]
    contexts = [some.context, *([other.take(rows) if other is not None else None] * len(others))]
    one, *rest = _replicates(target, y[rows], said, (metric,), replicates, seed, some.context, contexts)
    drawn = sign * (one[metric] - np.mean([other[metric] for other in rest], axis=0))
    return _interval(value, value if some.is_whole else difference(rows), drawn, some)


def spread_of(
    target: Target,
    metric: str,
    y: npt.NDArray[np.generic],
    predicted: Floats,
    *,
    replicates: int = 1000,
    seed: int,
    context: Context | None = None,
) -> Interval:
    """Return one metric with its 95 % interval, as `bootstrap` does for all.

    Parameters
    ----------
    target, y, predicted, replicates, seed, context
        As for `bootstrap`.
    metric : str
        Which metric; the true values must allow it.
    """
    value = score(target, metric, y, predicted, context)
    some = _sampled(len(y), seed, context)
    kept = y[some.rows], predicted[some.rows]
    drawn = _replicates(target, kept[0], [kept[1]], (metric,), replicates, seed, some.context)[0][metric]
    centre = value if some.is_whole else score(target, metric, *kept, some.context)
    found = _interval(value, centre, drawn, some)
    if context is not None and not context.is_plain:
        return found
    return _of_few(target, y, predicted, metric, found, drawn, replicates, seed)


def _of_few(
    target: Target,
    y: npt.NDArray[np.generic],
    predicted: Floats,
    metric: str,
    found: Interval,
    drawn: Floats,
    replicates: int,
    seed: int,
) -> Interval:
    """Return the interval that holds what it says where rows are few, in the place of the percentiles."""
    if len(y) > MOST_ROWS_OF_FEW or not np.isfinite(found.value):
        return found
    ends = interval_of_few(
        target, metric, y, predicted, found.value, drawn, lambda: _resamples(len(y), replicates, seed, None)
    )
    if ends is None:
        return found
    return found.model_copy(update={"low": min(ends[0], found.value), "high": max(ends[1], found.value)})


def sign_of(target: Target, metric: str, context: Context | None) -> float:
    """Return 1 where more of a metric is better, -1 where less is."""
    if context is not None and context.own is not None and context.own.name == metric:
        return context.own.sign
    return metric_for(target.task, metric).sign


class _Sample(NamedTuple):
    """The rows that are resampled, and which share they are of the `n` that there are: of rows, or of blocks."""

    rows: Ints
    context: Context | None
    n: int
    share: float

    @property
    def is_whole(self) -> bool:
        return len(self.rows) == self.n


def _interval(value: float, centre: float, drawn: Floats, some: _Sample) -> Interval:
    drawn = drawn[np.isfinite(drawn)]
    if not len(drawn):
        return Interval(value=value, low=value, high=value, n=some.n)
    low, high = np.percentile(drawn, [2.5, 97.5])
    if not some.is_whole:
        shrink = some.share**0.5
        low, high = value + (low - centre) * shrink, value + (high - centre) * shrink
    return Interval(value=value, low=float(low), high=float(high), n=some.n)


def _sampled(n: int, seed: int, context: Context | None) -> _Sample:
    # The rows of a forecast have been chosen among before.
    if n <= MOST_ROWS or (context is not None and context.scale is not None):
        return _Sample(np.arange(n), context, n, 1.0)
    random = np.random.default_rng(seed)
    if context is None or context.block is None:
        rows = np.sort(random.permutation(n)[:MOST_ROWS])
        return _Sample(rows, context.take(rows) if context is not None else None, n, MOST_ROWS / n)
    sizes = np.bincount(context.block)
    order = random.permutation(len(sizes))
    kept = max(FEWEST_BLOCKS, int(np.searchsorted(np.cumsum(sizes[order]), MOST_ROWS, side="right")))
    rows = np.flatnonzero(np.isin(context.block, order[:kept]))
    return _Sample(rows, context.take(rows), n, min(1.0, kept / len(sizes)))


def _replicates(
    target: Target,
    y: npt.NDArray[np.generic],
    several: Sequence[Floats],
    names: Sequence[str],
    replicates: int,
    seed: int,
    context: Context | None,
    contexts: Sequence[Context | None] | None = None,
) -> list[dict[str, Floats]]:
    """Return, for each set of predictions, the metrics of every replicate; all sets see the same resamples."""
    contexts = contexts if contexts is not None else [context] * len(several)
    # Until which replicate a metric that takes its time is worked out.
    until: dict[str, int] = {}
    if target.task == "multiclass":
        until["roc_auc"] = max(FEWEST_REPLICATES, RANK_CELLS // (len(y) * len(target.labels)))
    if context is not None and context.own is not None:
        until[context.own.name] = FEWEST_REPLICATES
    parts: list[dict[str, list[Floats]]] = [{name: [] for name in names} for _ in several]
    done = 0
    for weights in _resamples(len(y), replicates, seed, context.block if context is not None else None):
        now = [name for name in names if done < until.get(name, replicates)]
        for part, predicted, own in zip(parts, several, contexts, strict=True):
            for name, value in weighted_scores(target, y, predicted, now, weights, own).items():
                part[name].append(value)
        done += len(weights)
    return [{name: np.concatenate(values) for name, values in part.items()} for part in parts]


def _resamples(n_rows: int, replicates: int, seed: int, block: Ints | None) -> Iterator[Floats]:
    """Yield how often each row is drawn, some replicates at a time: float64 of shape (n_replicates, n_rows)."""
    random = np.random.default_rng(seed)
    n = n_rows if block is None else int(block.max(initial=-1)) + 1
    at_once = max(1, min(replicates, CELLS_AT_ONCE // max(n_rows, 1)))
    for start in range(0, replicates, at_once):
        size = min(at_once, replicates - start)
        drawn = random.integers(0, n, (size, n)) + n * np.arange(size)[:, None]
        counts = np.bincount(drawn.ravel(), minlength=size * n).reshape(size, n).astype(np.float64)
        yield counts if block is None else counts[:, block]
