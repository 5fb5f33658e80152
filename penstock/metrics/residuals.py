"""What errors of held-out rows still tell: bias, uneven spread, tails, memory; and how far probabilities are off."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from penstock.metrics.ranks import Floats, Ints

FEWEST = 30
# Log-odds of certainty are taken for those of this.
SMALLEST = 1e-6
NEWTON_STEPS = 50


class Estimate(NamedTuple):
    """A number with its 95 % interval."""

    value: float
    low: float
    high: float

    @property
    def told(self) -> str:
        """The number and the ends of its interval."""
        return f"{self.value:.3g} [{self.low:.3g}, {self.high:.3g}]"

    def holds(self, value: float) -> bool:
        """Whether the interval holds a value."""
        return self.low <= value <= self.high


class Test(NamedTuple):
    """A test's statistic, its p-value, and what it comes to as a number that can be read."""

    statistic: float
    p: float
    effect: float


def mean_with_interval(values: Floats, comparisons: int = 1) -> Estimate:
    """Return a mean with Student's interval, wide enough for so many comparisons together (Bonferroni).

    Examples
    --------
    >>> mean_with_interval(np.array([1.0, 2.0, 3.0])).told
    '2 [-0.484, 4.48]'
    """
    from scipy.stats import t

    mean = float(values.mean())
    half = float(t.ppf(1 - 0.025 / comparisons, len(values) - 1) * values.std(ddof=1) / len(values) ** 0.5)
    return Estimate(mean, mean - half, mean + half)


def uneven_spread(error: Floats, predicted: Floats) -> Test:
    """Test whether squared errors depend on the prediction; the effect is how many times larger errors are up there.

    Koenker's studentised form of the test of Breusch and Pagan, which does not take errors for normal. The effect is
    the ratio of the root mean squared errors of the upper and the lower third of rows by prediction.

    Parameters
    ----------
    error, predicted : numpy.ndarray
        Shape (n_rows,).

    References
    ----------
    Breusch, T. S. and Pagan, A. R. (1979), A simple test for heteroscedasticity, Econometrica 47, 1287-1294.
    Koenker, R. (1981), A note on studentizing a test for heteroscedasticity, Journal of Econometrics 17, 107-112.
    """
    from scipy.stats import chi2

    squared = (error - error.mean()) ** 2
    if np.ptp(predicted) == 0 or np.ptp(squared) == 0:
        return Test(0.0, 1.0, 1.0)
    statistic = len(error) * float(np.corrcoef(squared, predicted)[0, 1]) ** 2
    order = np.argsort(predicted, kind="stable")
    third = len(order) // 3
    low, high = (float(np.sqrt(np.mean(error[rows] ** 2))) for rows in (order[:third], order[-third:]))
    return Test(statistic, float(chi2.sf(statistic, 1)), high / low if low > 0 else float("inf"))


def tails(error: Floats) -> Test:
    """Test whether errors are normal, by skewness and kurtosis; the effect is the excess kurtosis.

    References
    ----------
    Jarque, C. M. and Bera, A. K. (1987), A test for normality of observations and regression residuals, International
    Statistical Review 55, 163-172.
    """
    from scipy.stats import jarque_bera, kurtosis

    if np.ptp(error) == 0:
        return Test(0.0, 1.0, 0.0)
    found = jarque_bera(error)
    return Test(float(found.statistic), float(found.pvalue), float(kurtosis(error)))


def memory(ordered: Floats) -> Test:
    """Test whether an error depends on the one before it; the effect is their correlation.

    Parameters
    ----------
    ordered : numpy.ndarray
        Errors in the order of time, shape (n_times,), or (n_times, n_series) of several series at the same times.

    References
    ----------
    Ljung, G. M. and Box, G. E. P. (1978), On a measure of lack of fit in time series models, Biometrika 65, 297-303,
    with one lag.
    """
    from scipy.stats import chi2

    series = ordered.reshape(len(ordered), -1)
    series = series - series.mean(axis=0)
    n, whole = series.size, float((series**2).sum())
    if whole == 0 or len(series) < 3:
        return Test(0.0, 1.0, 0.0)
    correlation = float((series[1:] * series[:-1]).sum()) / whole
    statistic = n * (n + 2) * correlation**2 / (n - series.shape[1])
    return Test(statistic, float(chi2.sf(statistic, 1)), correlation)


def calibration_of(positive: npt.NDArray[np.bool_], probability: Floats) -> tuple[Estimate, Estimate] | None:
    """Return slope and intercept of a logistic regression of what is true on the log-odds that are predicted.

    The slope is 1 where probabilities are right; less than 1 where they are too extreme. The intercept is taken with
    the slope held at 1 (calibration in the large): above 0 where probabilities are too low.

    Parameters
    ----------
    positive : numpy.ndarray
        Whether the label is true, bool, shape (n_rows,).
    probability : numpy.ndarray
        What is predicted of it, shape (n_rows,).

    Returns
    -------
    tuple of Estimate or None
        With Wald intervals; None where the labels do not bear it: too few rows, or all alike, or told apart without an
        error.

    References
    ----------
    Cox, D. R. (1958), Two further applications of a model for binary regression, Biometrika 45, 562-565.
    Van Calster, B. et al. (2016), A calibration hierarchy for risk models was defined, Journal of Clinical Epidemiology
    74, 167-176.
    """
    bounded = np.clip(probability, SMALLEST, 1 - SMALLEST)
    odds = np.log(bounded) - np.log1p(-bounded)
    n_rarer = min(int(positive.sum()), int((~positive).sum()))
    if n_rarer < FEWEST // 3 or np.ptp(odds) == 0:
        return None
    both = _logistic(np.column_stack([np.ones_like(odds), odds]), positive, np.zeros_like(odds))
    alone = _logistic(np.ones((len(odds), 1)), positive, odds)
    return None if both is None or alone is None else (both[1], alone[0])


def _logistic(X: Floats, positive: npt.NDArray[np.bool_], offset: Floats) -> list[Estimate] | None:
    """Return unpenalised coefficients with Wald intervals, by Newton's method; None where it does not settle."""
    beta = np.zeros(X.shape[1])
    for _ in range(NEWTON_STEPS):
        share = 1 / (1 + np.exp(-np.clip(X @ beta + offset, -30, 30)))
        information = (X * (share * (1 - share))[:, None]).T @ X
        try:
            step = np.linalg.solve(information, X.T @ (positive - share))
            spread = np.sqrt(np.diag(np.linalg.inv(information)))
        except np.linalg.LinAlgError:
            return None
        beta = beta + np.clip(step, -2, 2)
        if float(np.abs(step).max()) < 1e-8:
            both = zip(beta.tolist(), (1.96 * spread).tolist(), strict=True)
            return [Estimate(b, b - half, b + half) for b, half in both]
    return None


def quantile_bins(values: Floats, n_bins: int = 5) -> tuple[Ints, Floats]:
    """Return the bin of every value by quantile, -1 for a missing one, and the inner edges.

    Examples
    --------
    >>> codes, edges = quantile_bins(np.array([1.0, 2.0, 3.0, np.nan]), 2)
    >>> codes.tolist(), edges.tolist()
    ([0, 0, 1, -1], [2.0])
    """
    known = np.isfinite(values)
    if not known.any():
        return np.full(len(values), -1, dtype=np.int64), np.empty(0)
    edges = np.unique(np.quantile(values[known], np.linspace(0, 1, n_bins + 1)[1:-1]))
    codes = np.where(known, np.searchsorted(edges, values, side="left"), -1)
    return codes.astype(np.int64), edges
