"""Which of the candidates stand in the ensemble, and with which weights."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from penstock.metrics.metric import Metric
from penstock.metrics.scores import score
from penstock.metrics.weighted import Context, Floats, Ints
from penstock.table import Target

# How often a candidate is added; each time weighs 1/25.
ADDED = 25
# More rows than these tell weights apart no better, and each comparison costs a pass over them.
MOST_ROWS = 12_000
# What a gain in log loss counts beside one in a metric that looks at ranks or a threshold and has steps.
SMOOTH_SHARE = 0.2
SMOOTH = ("log_loss", "brier")
# The ensemble is taken when it gains more than so many standard errors of the folds' differences.
ERRORS = 1.0


@dataclass(frozen=True)
class Pool:
    """Candidates with out-of-fold predictions for the same rows.

    Attributes
    ----------
    y : numpy.ndarray
        True values, shape (n_rows,).
    fold_of : numpy.ndarray
        The fold of every row, shape (n_rows,).
    predicted : sequence of numpy.ndarray
        For each candidate, shape (n_rows, n_labels) or (n_rows,), in the target's own units.
    costs : sequence of float
        What each takes for one row, in milliseconds.
    most : float
        What an ensemble may take for one row, in milliseconds.
    context : Context, optional
        Of a forecast, what its scores hang on.
    """

    target: Target
    metric: Metric
    y: npt.NDArray[np.generic]
    fold_of: Ints
    predicted: Sequence[Floats]
    costs: Sequence[float]
    most: float
    context: Context | None = None

    def score(self, metric: str, predicted: Floats, rows: Ints) -> float:
        """Return a metric of some rows, given the predictions for them."""
        context = self.context.take(rows) if self.context is not None else None
        return score(self.target, metric, self.y[rows], predicted, context)


class _Aim:
    """What is climbed: the metric, and for one with steps a share of log loss, each in units of the best one's gain."""

    def __init__(self, pool: Pool, rows: Ints) -> None:
        self._pool, self._rows = pool, rows
        self._smooth = pool.target.is_classification and pool.metric.name not in SMOOTH
        every = [pool.predicted[i][rows] for i in range(len(pool.predicted))]
        own = [pool.metric.sign * self._of(pool.metric.name, p) for p in every]
        self._unit = _spread(own)
        self._smooth_unit = _spread([-self._of("log_loss", p) for p in every]) if self._smooth else 1.0

    def __call__(self, predicted: Floats) -> float:
        value = self._pool.metric.sign * self._of(self._pool.metric.name, predicted) / self._unit
        if self._smooth:
            value -= SMOOTH_SHARE * self._of("log_loss", predicted) / self._smooth_unit
        return value if np.isfinite(value) else -np.inf

    def _of(self, metric: str, predicted: Floats) -> float:
        return self._pool.score(metric, predicted, self._rows)


def _spread(values: Sequence[float]) -> float:
    finite = [v for v in values if np.isfinite(v)]
    spread = float(np.ptp(finite)) if finite else 0.0
    return spread if spread > 0 else 1.0


def greedy(pool: Pool, rows: Ints) -> Floats:
    """Return weights that sum to 1, shape (n_candidates,), for the best ensemble that is found on some rows.

    The best candidate comes first; then, again and again, whichever makes the mean of all so far best, with
    replacement, as long as its cost allows. The best mean on the way is what is returned.

    References
    ----------
    Caruana, R., Niculescu-Mizil, A., Crew, G. and Ksikes, A. (2004), Ensemble selection from libraries of models, ICML.
    """
    aim = _Aim(pool, rows)
    own = [p[rows] for p in pool.predicted]
    counts = np.zeros(len(own), dtype=np.int64)
    total = np.zeros_like(own[0])
    best, kept = -np.inf, counts
    for n in range(1, ADDED + 1):
        spent = sum(cost for cost, count in zip(pool.costs, counts, strict=True) if count)
        open_ones = [i for i, count in enumerate(counts) if count or spent + pool.costs[i] <= pool.most]
        if not open_ones:
            break
        values = [aim((total + own[i]) / n) for i in open_ones]
        chosen = open_ones[int(np.argmax(values))]
        counts[chosen] += 1
        total = total + own[chosen]
        if max(values) > best + 1e-9:
            best, kept = max(values), counts.copy()
    return kept / max(1, int(kept.sum()))


def mean_of(predicted: Sequence[Floats], weights: Floats) -> Floats:
    """Return the weighted mean of predictions; those of weight 0 are not looked at."""
    return np.asarray(sum(w * p for p, w in zip(predicted, weights, strict=True) if w > 0))


def ensemble(pool: Pool, seed: int) -> Floats | None:
    """Return the weights of an ensemble that beats the best single candidate by more than its noise; None otherwise.

    Whether it does is asked of folds that the weights were not chosen on: for each fold weights and the best single
    candidate are chosen on all others, and the two are compared there.

    Parameters
    ----------
    pool : Pool
        Two or more candidates.
    seed : int
        Which rows, where there are more than are looked at.
    """
    rows = np.flatnonzero(pool.fold_of >= 0)
    if len(pool.predicted) < 2:
        return None
    if len(rows) > MOST_ROWS:
        rows = np.sort(np.random.default_rng(seed).permutation(rows)[:MOST_ROWS])
    weights = greedy(pool, rows)
    if np.count_nonzero(weights) < 2:
        return None
    gains = _gains(pool, rows)
    if len(gains) < 2:
        return None
    error = float(np.std(gains, ddof=1)) / len(gains) ** 0.5
    return weights if float(np.mean(gains)) > max(ERRORS * error, 0.0) else None


def _gains(pool: Pool, rows: Ints) -> list[float]:
    gains = []
    for fold in np.unique(pool.fold_of[rows]):
        inside, outside = rows[pool.fold_of[rows] == fold], rows[pool.fold_of[rows] != fold]
        if not len(outside):
            continue
        aim = _Aim(pool, outside)
        affordable = [i for i, cost in enumerate(pool.costs) if cost <= pool.most]
        alone = max(affordable, key=lambda i: aim(pool.predicted[i][outside]))
        weights = greedy(pool, outside)
        together = mean_of([p[inside] for p in pool.predicted], weights)
        difference = pool.metric.sign * (
            pool.score(pool.metric.name, together, inside)
            - pool.score(pool.metric.name, pool.predicted[alone][inside], inside)
        )
        if np.isfinite(difference):
            gains.append(difference)
    return gains
