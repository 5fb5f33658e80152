"""The interval of a mean of few losses: each replicate measured by its own error, and rare large losses reckoned with.

Few rows seldom show the largest losses, so their mean is too low more often than too high, and resampling cannot tell:
what was not drawn once is not drawn again. The largest tenth of the losses is therefore drawn from a tail that is
fitted to it, where the high end of the interval is found.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np

from penstock.metrics.ranks import Floats, Ints

Ends = tuple[float, float]
# The shape of a tail is hard to tell of fewer losses; of fewer rows than four times as many, these are no tail.
FEWEST_OF_TAIL = 8
# A tail of shape 1 has no mean.
HEAVIEST, LIGHTEST = 0.9, -0.5
# What is believed of the shape beforehand counts as so many losses.
BELIEF = 10
# Below this share of the mean a spread is rounding: a replicate may be one row over and over.
LEAST_SPREAD = 1e-6


class Tail(NamedTuple):
    """What the largest losses follow: a generalised Pareto distribution above a threshold, one of several."""

    rows: Ints
    threshold: float
    shapes: Floats
    scales: Floats
    chances: Floats


def studentised(losses: Floats, base: Floats, resamples: Iterable[Floats], believed: float | None) -> Ends:
    """Return a 95 % interval of the mean of some losses, as a share of the mean of a base, by the bootstrap-t.

    Parameters
    ----------
    losses : numpy.ndarray
        What each row loses, from 0 on, shape (n_rows,).
    base : numpy.ndarray
        What that is measured by, shape (n_rows,); of ones, where the mean itself is asked for.
    resamples : iterable of numpy.ndarray
        The weights of the replicates, in parts of shape (n, n_rows).
    believed : float, optional
        The shape that the tail of the losses has as far as is known beforehand, as for `tail_of`; None where a loss has
        a largest value, and no tail.

    References
    ----------
    Efron, B. and Tibshirani, R. (1993), An Introduction to the Bootstrap, section 12.5 (bootstrap-t).
    Cowell, F. A. and Flachaire, E. (2007), Income distribution and inequality measurement: the problem of extreme
    values, Journal of Econometrics 141, 1044-1072 (replicates of a Pareto tail).
    DuMouchel, W. H. (1983), Estimating the stable index in order to measure tail thickness: a critique, Annals of
    Statistics 11, 1019-1031 (a tenth as the tail).

    Examples
    --------
    >>> weights = np.random.default_rng(0).multinomial(8, np.full(8, 1 / 8), 500).astype(float)
    >>> studentised(np.ones(8), np.ones(8), [weights], 0.5)
    (1.0, 1.0)
    """
    n, ratio = len(losses), float(losses.mean() / base.mean())
    if not ratio > 0:
        return ratio, ratio
    # As shares of their means, so that squares of any losses can be told.
    losses, base = losses / losses.mean(), base / base.mean()
    columns = np.column_stack([losses, losses**2, losses * base, base, base**2])
    error = float(_ratios(columns.sum(axis=0, keepdims=True), n)[1][0])
    if not error > LEAST_SPREAD:
        return ratio, ratio
    tail = None if believed is None else tail_of(losses, believed)
    # The same draws for as many rows, in every run.
    random = np.random.default_rng(n)
    scaled, beyond = [], []
    for weights in resamples:
        drawn, spread = _ratios(weights @ columns, n)
        told = spread > LEAST_SPREAD * drawn
        scaled.append((drawn[told] - 1) / spread[told])
        if tail is not None:
            beyond.append(_beyond(tail, weights, columns, random))
    found = np.concatenate(scaled)
    if not len(found):
        return ratio, ratio
    high, low = np.quantile(found, 0.975), np.quantile(np.concatenate(beyond or scaled), 0.025)
    return ratio * max(0.0, 1 - float(high) * error), ratio * max(1.0, 1 - float(low) * error)


def tail_of(losses: Floats, believed: float) -> Tail | None:
    """Return what the largest tenth of the losses follows; None where they are too few, or all alike.

    Zhang and Stephens' estimate weighs shapes by how likely they make the losses; here the weights stay beside the
    shapes, for few losses leave it open which one holds.

    Parameters
    ----------
    losses : numpy.ndarray
        Shape (n_rows,).
    believed : float
        What shapes are drawn towards, as in Pareto smoothing: 0 is an exponential tail, from 1/2 on the losses have no
        variance.

    References
    ----------
    Zhang, J. and Stephens, M. A. (2009), A new and efficient estimation method for the generalized Pareto distribution,
    Technometrics 51, 316-325.
    Vehtari, A., Simpson, D., Gelman, A., Yao, Y. and Gabry, J. (2024), Pareto smoothed importance sampling, Journal of
    Machine Learning Research 25, appendix G.

    Examples
    --------
    >>> tail_of(np.ones(100), 0.5) is None
    True
    >>> found = tail_of(1 / np.linspace(1, 0.001, 200), 0.5)
    >>> len(found.rows), round(float(found.shapes @ found.chances), 1)
    (20, 0.8)
    """
    k = max(FEWEST_OF_TAIL, len(losses) // 10)
    if len(losses) < 4 * FEWEST_OF_TAIL:
        return None
    order = np.argsort(losses, kind="stable")
    threshold = float(losses[order[-k - 1]])
    above = losses[order[-k:]] - threshold
    if not above[-1] > 0:
        return None
    # Many losses may be the threshold itself.
    quarter = float(above[int(k / 4 + 0.5) - 1]) or float(above.mean())
    m = 30 + int(k**0.5)
    slopes = 1 / above[-1] + (1 - np.sqrt(m / (np.arange(m) + 0.5))) / (3 * quarter)
    slopes = slopes[slopes != 0]
    shapes = np.log1p(-slopes[:, None] * above).mean(axis=1)
    likelihood = k * (np.log(-slopes / shapes) - shapes - 1)
    chances = np.exp(likelihood - likelihood.max())
    drawn = np.clip((k * shapes + BELIEF * believed) / (k + BELIEF), LIGHTEST, HEAVIEST)
    # At 0 the distribution is exponential, of which this is as good as the limit.
    drawn[np.abs(drawn) < LEAST_SPREAD] = LEAST_SPREAD
    return Tail(order[-k:], threshold, drawn, -shapes / slopes, chances / chances.sum())


def _ratios(sums: Floats, n: int) -> tuple[Floats, Floats]:
    """Return the ratios of two means and their standard errors, by the delta method.

    `sums` has a row a replicate: of losses, their squares, losses by base, base and its squares.
    """
    loss, squares, products, base, base_squares = (sums / n).T
    with np.errstate(divide="ignore", invalid="ignore"):
        relative = squares / loss**2 - 2 * products / (loss * base) + base_squares / base**2
        ratio = loss / base
        return ratio, ratio * np.sqrt(np.maximum(relative, 0.0) / max(1, n - 1))


def _beyond(tail: Tail, weights: Floats, columns: Floats, random: np.random.Generator) -> Floats:
    """Return how far each replicate with such a tail is from the ratio that it was drawn of, in its own errors."""
    n, k = len(columns), len(tail.rows)
    kept = columns.copy()
    kept[tail.rows, :3] = 0.0
    sums = weights @ kept
    which = np.repeat(np.arange(len(weights) * k), weights[:, tail.rows].astype(np.int64).ravel())
    replicate, row = which // k, tail.rows[which % k]
    chosen = random.choice(len(tail.shapes), len(weights), p=tail.chances)
    shape, scale = tail.shapes[chosen], tail.scales[chosen]
    # From (0, 1], of which the logarithm is finite.
    chance = np.log(1.0 - random.random(len(which)))
    loss = tail.threshold + (scale / shape)[replicate] * np.expm1(-shape[replicate] * chance)
    for j, values in enumerate((loss, loss**2, loss * columns[row, 3])):
        sums[:, j] += np.bincount(replicate, values, minlength=len(weights))
    drawn, spread = _ratios(sums, n)
    truth = (kept[:, 0].sum() + k * (tail.threshold + scale / (1 - shape))) / columns[:, 3].sum()
    told = spread > LEAST_SPREAD * drawn
    return np.asarray((drawn[told] - truth[told]) / spread[told])
