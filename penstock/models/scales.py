"""The scale on which a candidate learns a number: its own, or a logarithm whose undoing is corrected for bias."""

from __future__ import annotations

import math
from typing import Literal

import numpy as np
import numpy.typing as npt

from penstock.frozen import Frozen
from penstock.metrics.weighted import Floats
from penstock.table import Target

# Below this skewness a logarithm rarely helps; a normal distribution has 0, an exponential one 2.
SKEWED = 1.0
# How far beyond the logarithms that were learned from an estimate may lie: exp makes much of a little.
BEYOND = 1.0
# These are least at the median, and the median of exp is the exp of the median: there is no bias to correct.
OF_THE_MEDIAN = ("mae", "mape", "smape", "mase")


class Scale(Frozen):
    """What a model learns in place of the target: the target itself, or log(target + shift)."""

    kind: Literal["plain", "log"] = "plain"
    shift: float = 0.0
    # The ends between which an estimate on this scale is held.
    low: float = -math.inf
    high: float = math.inf

    def to(self, y: npt.NDArray[np.generic]) -> npt.NDArray[np.generic]:
        """Return the target on this scale, shape (n_rows,)."""
        return y if self.kind == "plain" else np.log(y.astype(np.float64) + self.shift)

    def back(self, estimates: Floats, smear: float | Floats = 1.0) -> Floats:
        """Return estimates in the target's own units.

        Parameters
        ----------
        estimates : numpy.ndarray
            On this scale; probabilities pass through as they are.
        smear : float or numpy.ndarray
            What `smearing` found: one factor, or one for each row.

        Examples
        --------
        >>> Scale(kind="log", shift=1.0).back(np.log([1.0, 3.0]), 1.5).round(9).tolist()
        [0.5, 3.5]
        """
        if self.kind == "plain":
            return estimates
        return np.asarray(np.exp(np.clip(estimates, self.low, self.high)) * smear - self.shift)

    @property
    def words(self) -> str:
        """What is said of it beside a candidate; nothing of the target's own scale."""
        return "" if self.kind == "plain" else "on a log scale"


PLAIN = Scale()


def log_scale(target: Target, y: npt.NDArray[np.generic]) -> Scale | None:
    """Return the logarithm that is worth trying; None where the target is negative somewhere, or hardly skewed.

    Examples
    --------
    >>> number = Target(name="price", task="regression")
    >>> log_scale(number, np.exp(np.linspace(0, 9, 50))).shift
    0.0
    >>> log_scale(number, np.linspace(-1, 1, 50)) is None
    True
    """
    if target.is_classification or not len(y):
        return None
    values = y.astype(np.float64)
    low = float(values.min())
    if low < 0 or not np.isfinite(values).all() or np.ptp(values) == 0:
        return None
    shift = 0.0 if low > 0 else 1.0
    logs = np.log(values + shift)
    if not _skewness(values) > max(SKEWED, abs(_skewness(logs))):
        return None
    return Scale(kind="log", shift=shift, low=float(logs.min()) - BEYOND, high=float(logs.max()) + BEYOND)


def _skewness(values: Floats) -> float:
    centred = values - values.mean()
    spread = float(np.mean(centred**2)) ** 1.5
    return float(np.mean(centred**3)) / spread if spread > 0 else 0.0


def smearing(scale: Scale, y: npt.NDArray[np.generic], estimates: Floats) -> float:
    """Return the factor by which exp of an estimate falls short of the mean.

    Parameters
    ----------
    scale : Scale
        On which the estimates are.
    y : numpy.ndarray
        True values in their own units, shape (n_rows,).
    estimates : numpy.ndarray
        Of models that had not seen these rows, shape (n_rows,).

    References
    ----------
    Duan, N. (1983), Smearing estimate: a nonparametric retransformation method, Journal of the American Statistical
    Association 78, 605-610.
    """
    if scale.kind == "plain" or not len(y):
        return 1.0
    return float(np.mean(np.exp(scale.to(y).astype(np.float64) - estimates)))
