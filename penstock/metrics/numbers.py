"""Scores of predicted numbers, for many weightings at once."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from penstock.metrics.ranks import Floats

# A deviance is not defined at a prediction of zero or below; this share of the mean stands in for one.
SMALLEST_SHARE = 1e-9


def number_scores(y: Floats, predicted: Floats, names: Sequence[str], weights: Floats) -> dict[str, Floats]:
    """Return metrics of a regression.

    Parameters
    ----------
    y, predicted : numpy.ndarray
        Shape (n_rows,), float64.
    names : sequence of str
        Which metrics.
    weights : numpy.ndarray
        Shape (n_weightings, n_rows).

    References
    ----------
    McCullagh, P. and Nelder, J. A. (1989), Generalized Linear Models, second edition, section 2.3 (deviances).
    Koenker, R. and Bassett, G. (1978), Regression quantiles, Econometrica 46 (`pinball_*`).
    Hyndman, R. J. and Koehler, A. B. (2006), Another look at measures of forecast accuracy, International Journal of
    Forecasting 22 (what percentage errors and errors of logarithms measure).
    """
    every: dict[str, Floats] = {}
    if "median_ae" in names:
        every["median_ae"] = _median(np.abs(predicted - y), weights)
    if "max_error" in names:
        every["max_error"] = np.where(weights > 0, np.abs(predicted - y), 0.0).max(axis=1, initial=0.0)
    means = {name: losses(name, y, predicted) for name in names if name not in every and name != "r2"}
    columns = np.column_stack([np.ones_like(y), *means.values()])
    n, *sums = (weights @ columns).T
    with np.errstate(divide="ignore", invalid="ignore"):
        for name, total in zip(means, sums, strict=True):
            every[name] = np.sqrt(total / n) if name in ("rmse", "rmsle") else total / n
    if "r2" in names:
        every["r2"] = _determination(y, predicted, weights)
    return {name: every[name] for name in names}


def losses(name: str, y: Floats, predicted: Floats) -> Floats:
    """Return what the rows add to a metric that is a mean over them, or the root of one, shape (n_rows,).

    Examples
    --------
    >>> losses("mape", np.array([2.0, 4.0]), np.array([1.0, 5.0])).tolist()
    [0.5, 0.25]
    """
    error = predicted - y
    if name.startswith("pinball_"):
        level = int(name.removeprefix("pinball_")) / 100
        return np.maximum(-level * error, (1 - level) * error)
    if name == "mape":
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.abs(error) / np.abs(y)
    if name == "rmsle":
        return np.asarray((np.log1p(np.maximum(predicted, 0.0)) - np.log1p(np.maximum(y, 0.0))) ** 2)
    if name in ("poisson_deviance", "gamma_deviance"):
        mean = np.maximum(predicted, SMALLEST_SHARE * max(float(y.mean()), SMALLEST_SHARE))
        ratio = np.where(y > 0, y, 1.0) / mean
        if name == "gamma_deviance":
            return np.asarray(2 * (y / mean - np.log(ratio) - 1))
        return np.asarray(2 * (np.where(y > 0, y * np.log(ratio), 0.0) - y + mean))
    return error**2 if name == "rmse" else np.abs(error)


def _determination(y: Floats, predicted: Floats, weights: Floats) -> Floats:
    # Centred first: the variance is a difference of sums, which would cancel for values far from zero.
    centred = y - y.mean()
    columns = np.column_stack([np.ones_like(y), (predicted - y) ** 2, centred, centred**2])
    n, squared, total, total_squared = (weights @ columns).T
    with np.errstate(divide="ignore", invalid="ignore"):
        spread = total_squared - total**2 / n
        return np.where(spread > 0, 1 - squared / spread, np.nan)


def _median(errors: Floats, weights: Floats) -> Floats:
    """Return the weighted medians: the mean of the two middle errors where half of the weight lies between them."""
    order = np.argsort(errors, kind="stable")
    passed = np.cumsum(weights[:, order], axis=1)
    half = passed[:, -1:] / 2
    last = len(errors) - 1
    low = np.minimum((passed < half).sum(axis=1), last)
    high = np.minimum((passed <= half).sum(axis=1), last)
    rising = errors[order]
    return np.asarray((rising[low] + rising[high]) / 2)
