"""Statistics of numbers, by group: a million values in one pass, and none that overflows."""

from __future__ import annotations

from typing import Literal

import numpy as np

Statistic = Literal["count", "mean", "std", "min", "max", "median", "mode"]
_LARGEST = np.finfo(np.float64).max


def by_group(values: np.ndarray, groups: np.ndarray, n_groups: int, take: Statistic) -> np.ndarray:
    """Return a statistic of what is present in each group.

    Parameters
    ----------
    values : numpy.ndarray
        float64 of shape (n_rows,), NaN for missing.
    groups : numpy.ndarray
        Which group each row belongs to, int64 of shape (n_rows,), none of them negative.
    n_groups : int
        How many groups there are.
    take : Statistic
        `median` is the lower one where two values share the middle, so that it is a value that occurs; `mode` is the
        smallest of equally frequent values; `std` is the sample's, which takes two values.

    Returns
    -------
    numpy.ndarray
        float64 of shape (n_groups,); NaN where a group has too few values, 0 where `count` finds none.

    Examples
    --------
    >>> values, groups = np.array([1.0, 2.0, 2.0, np.nan, 5.0]), np.array([0, 0, 0, 1, 2])
    >>> by_group(values, groups, 3, "median").tolist(), by_group(values, groups, 3, "count").tolist()
    ([2.0, nan, 5.0], [3.0, 0.0, 1.0])
    """
    present = ~np.isnan(values)
    values, groups = values[present], groups[present]
    counts = np.bincount(groups, minlength=n_groups)
    if take == "count":
        return counts.astype(np.float64)
    if take in ("mean", "std"):
        return _moment(values, groups, counts, take)
    return _ordered(values, groups, counts, take)


def overall(values: np.ndarray, take: Statistic) -> float:
    """Return the statistic of all that is present; NaN where that is too little.

    Examples
    --------
    >>> overall(np.array([3.0, np.nan, 1.0, 3.0]), "mode")
    3.0
    """
    if take not in ("count", "mean", "std"):
        # Sorting numbers alone is ten times as fast as sorting them by group. Of zeros either sign may come first.
        values = np.sort(values + 0.0)
    return float(by_group(values, np.zeros(len(values), dtype=np.int64), 1, take)[0])


def _moment(values: np.ndarray, groups: np.ndarray, counts: np.ndarray, take: Statistic) -> np.ndarray:
    if not len(values):
        return np.full(len(counts), np.nan)
    # A power of two takes nothing from the digits, and keeps sums of numbers near 1e308 within bounds.
    exponent = int(np.frexp(np.abs(values).max())[1])
    scaled = np.ldexp(values, -exponent)
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        found = np.bincount(groups, weights=scaled, minlength=len(counts)) / counts
        if take == "std":
            squares = np.bincount(groups, weights=(scaled - found[groups]) ** 2, minlength=len(counts))
            found = np.where(counts > 1, np.sqrt(squares / (counts - 1)), np.nan)
        moments: np.ndarray = np.clip(np.ldexp(found, exponent), -_LARGEST, _LARGEST)
    return moments


def _ordered(values: np.ndarray, groups: np.ndarray, counts: np.ndarray, take: Statistic) -> np.ndarray:
    found = np.full(len(counts), np.nan)
    some = counts > 0
    if not some.any():
        return found
    if not _is_ordered(values, groups):
        order = np.lexsort((values, groups))
        values, groups = values[order], groups[order]
    first = (np.cumsum(counts) - counts)[some]
    if take == "mode":
        found[some] = _modes(values, groups)
    else:
        behind = {"min": 0, "max": counts[some] - 1, "median": (counts[some] - 1) // 2}[take]
        found[some] = values[first + behind]
    return found


def _is_ordered(values: np.ndarray, groups: np.ndarray) -> bool:
    # Whoever takes several statistics of the same values sorts them once; looking costs a hundredth of sorting.
    same, later = groups[1:] == groups[:-1], groups[1:] > groups[:-1]
    return bool((later | (same & (values[1:] >= values[:-1]))).all())


def _modes(values: np.ndarray, groups: np.ndarray) -> np.ndarray:
    """Return each group's most frequent value, of values sorted by group and size."""
    begins = np.flatnonzero(np.r_[True, (np.diff(groups) != 0) | (values[1:] != values[:-1])])
    lengths = np.diff(np.r_[begins, len(values)])
    # The sort is stable: of equally long runs the first, which is the smallest value, comes first.
    order = begins[np.lexsort((-lengths, groups[begins]))]
    chosen: np.ndarray = values[order[np.r_[True, np.diff(groups[order]) != 0]]]
    return chosen
