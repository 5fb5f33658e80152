"""One map from a model's probabilities to better ones, learned on rows that the model had not seen."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from penstock.frozen import Frozen
from penstock.metrics.weighted import Floats, Ints
from penstock.rowwise import SMALLEST, stretched

# How strongly the map is held to the identity, in rows that say nothing against it.
HELD_BY = 1.0
FEWEST_ROWS = 100
# A map is taken when its gain is more than so many standard errors.
ERRORS = 1.0


class Calibration(Frozen):
    """Logarithms of probabilities are stretched by one slope, and each label's is moved.

    For two labels that is Platt's map of the log odds, for more it is temperature scaling, with a bias for each label
    where that helps. The slope is positive, so the order of a binary model's scores stays as it is.

    References
    ----------
    Platt, J. (1999), Probabilistic outputs for support vector machines, Advances in Large Margin Classifiers.
    Guo, C. et al. (2017), On calibration of modern neural networks, ICML (temperature and vector scaling).
    """

    slope: float
    biases: tuple[float, ...]

    def apply(self, shares: Floats, places: Ints | None = None) -> Floats:
        """Return calibrated probabilities.

        Parameters
        ----------
        shares : numpy.ndarray
            Shape (n_rows, n_classes).
        places : numpy.ndarray, optional
            Which labels the columns are; by default all of them in order.

        Examples
        --------
        >>> Calibration(slope=2.0, biases=(0.0, 0.0)).apply(np.array([[0.25, 0.75]])).round(3).tolist()
        [[0.1, 0.9]]
        """
        biases = np.asarray(self.biases)
        return stretched(shares, self.slope, biases if places is None else biases[places])


def calibrated(
    y: npt.NDArray[np.generic], shares: Floats, fold_of: Ints, weights: Floats | None = None
) -> Calibration | None:
    """Return the map that lowers the log loss of out-of-fold predictions by more than its noise; None where none does.

    Each map is judged on folds that it was not learned from.

    Parameters
    ----------
    y : numpy.ndarray
        Indices of the true labels, shape (n_rows,).
    shares : numpy.ndarray
        Out-of-fold probabilities, shape (n_rows, n_labels).
    fold_of : numpy.ndarray
        The fold of every row, shape (n_rows,).
    weights : numpy.ndarray, optional
        How much each row counts, shape (n_rows,).
    """
    codes, weights = y.astype(np.int64), np.ones(len(y)) if weights is None else weights
    if len(y) < FEWEST_ROWS or len(np.unique(codes)) < 2:
        return None
    before = _losses(codes, shares)
    best, most = None, 0.0
    fits = (_slope_alone, _slope_and_biases) if shares.shape[1] > 2 else (_slope_and_biases,)
    for fit in fits:
        after = np.empty(len(y))
        for fold in np.unique(fold_of):
            inside = fold_of == fold
            found = fit(codes[~inside], shares[~inside], weights[~inside])
            after[inside] = _losses(codes[inside], found.apply(shares[inside]))
        gain, error = _gain(before - after, weights)
        if gain > ERRORS * error and gain > most:
            best, most = fit, gain
    return best(codes, shares, weights) if best is not None else None


def _gain(differences: Floats, weights: Floats) -> tuple[float, float]:
    gain = float(np.average(differences, weights=weights))
    spread = float(np.average((differences - gain) ** 2, weights=weights)) ** 0.5
    return gain, spread / float(weights.sum() ** 2 / (weights**2).sum()) ** 0.5


def _losses(codes: Ints, shares: Floats) -> Floats:
    return np.asarray(-np.log(np.maximum(shares[np.arange(len(codes)), codes], SMALLEST)))


def _slope_alone(codes: Ints, shares: Floats, weights: Floats) -> Calibration:
    k = shares.shape[1]
    slope = _least(lambda p: (float(p[0]), np.zeros(k)), 1, codes, shares, weights)[0]
    return Calibration(slope=float(np.exp(slope)), biases=(0.0,) * k)


def _slope_and_biases(codes: Ints, shares: Floats, weights: Floats) -> Calibration:
    k = shares.shape[1]
    # The first label's bias is 0: only differences between biases count.
    found = _least(lambda p: (float(p[0]), np.concatenate([[0.0], p[1:]])), k, codes, shares, weights)
    return Calibration(slope=float(np.exp(found[0])), biases=(0.0, *(float(b) for b in found[1:])))


def _least(
    split: Callable[[Floats], tuple[float, Floats]],
    size: int,
    codes: Ints,
    shares: Floats,
    weights: Floats,
) -> Floats:
    """Return the logarithm of the slope, and the biases, of the least penalised log loss."""
    # A process that serves a calibrated model needs none of it.
    from scipy.optimize import minimize

    logs = np.log(np.maximum(shares, SMALLEST))
    rows = np.arange(len(codes))
    total = float(weights.sum())

    def loss(p: Floats) -> tuple[float, Floats]:
        log_slope, biases = split(p)
        slope = np.exp(log_slope)
        mapped = stretched(shares, slope, biases)
        value = float(weights @ -np.log(np.maximum(mapped[rows, codes], SMALLEST)))
        off = mapped * weights[:, None]
        off[rows, codes] -= weights
        pull = np.concatenate([[float((off * logs).sum()) * slope], off.sum(axis=0)[1:]])[:size]
        value += HELD_BY * float(p @ p)
        return value / total, (pull + 2 * HELD_BY * p) / total

    return np.asarray(minimize(loss, np.zeros(size), jac=True, method="L-BFGS-B").x)
