"""Medians of many stretches of one array, exact, whichever of two ways finds them."""

from __future__ import annotations

import numpy as np

# Sorting the stretches themselves is quicker up to so many values in all.
_FEW = 2**18


def medians(values: np.ndarray, low: np.ndarray, high: np.ndarray) -> np.ndarray:
    """Return the median of each stretch, missing values left out.

    Parameters
    ----------
    values : numpy.ndarray
        float64 of shape (n_values,), NaN for missing.
    low, high : numpy.ndarray
        Where stretches begin, and where they end (left out), int64 of shape (n,).

    Returns
    -------
    numpy.ndarray
        float64 of shape (n,), NaN where a stretch has no value.

    Examples
    --------
    >>> medians(np.array([3.0, 1.0, np.nan, 2.0]), np.array([0, 0, 2]), np.array([2, 4, 3])).tolist()
    [2.0, 2.0, nan]
    """
    few = int((high - low).sum()) <= _FEW
    lower, upper = _by_sorting(values, low, high) if few else _by_bits(values, low, high)
    # Halved before they are added, for the sum of two large numbers may be none; equal ones stay what they are.
    return np.where(lower == upper, lower, lower / 2 + upper / 2)


def _by_sorting(values: np.ndarray, low: np.ndarray, high: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    sizes = high - low
    first = np.cumsum(sizes) - sizes
    which = np.repeat(np.arange(len(low)), sizes)
    taken = values[np.arange(len(which)) + np.repeat(low - first, sizes)]
    n_there = np.bincount(which[~np.isnan(taken)], minlength=len(low))
    # Missing values are last in each stretch.
    taken = taken[np.lexsort((taken, which))]
    lower, upper = np.full(len(low), np.nan), np.full(len(low), np.nan)
    some = n_there > 0
    lower[some] = taken[first[some] + (n_there[some] - 1) // 2]
    upper[some] = taken[first[some] + n_there[some] // 2]
    return lower, upper


def _by_bits(values: np.ndarray, low: np.ndarray, high: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Find middle values bit by bit of their rank, in a wavelet matrix that is built and used level by level.

    References
    ----------
    Claude, F., Navarro, G. and Ordóñez, A. (2015). The wavelet matrix: an efficient wavelet tree for large alphabets.
    Information Systems 47, 15-32.
    """
    there = ~np.isnan(values)
    before = np.concatenate([[0], np.cumsum(there)])
    distinct, ranks = np.unique(values[there], return_inverse=True)
    lower, upper = np.full(len(low), np.nan), np.full(len(low), np.nan)
    low, high = before[low], before[high]
    some = np.flatnonzero(high > low)
    low, high, n_there = np.tile(low[some], 2), np.tile(high[some], 2), (high - low)[some]
    left = np.concatenate([(n_there - 1) // 2, n_there // 2])
    found = np.zeros(len(left), dtype=np.int64)
    for bit in range(int(len(distinct) - 1).bit_length() - 1, -1, -1):
        ones = (ranks >> bit) & 1 == 1
        zeros_before = np.concatenate([[0], np.cumsum(~ones)])
        low_zeros, high_zeros = zeros_before[low], zeros_before[high]
        is_one = left >= high_zeros - low_zeros
        left = np.where(is_one, left - (high_zeros - low_zeros), left)
        low = np.where(is_one, zeros_before[-1] + low - low_zeros, low_zeros)
        high = np.where(is_one, zeros_before[-1] + high - high_zeros, high_zeros)
        found = found | (is_one.astype(np.int64) << bit)
        ranks = np.concatenate([ranks[~ones], ranks[ones]])
    lower[some], upper[some] = distinct[found[: len(some)]], distinct[found[len(some) :]]
    return lower, upper
