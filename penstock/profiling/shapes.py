"""The shapes of sorted numbers, of dates and of texts: counts in bins, most frequent values, weekdays, signs."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
import pyarrow.compute as pc

from penstock.arrays.profile import ColumnProfile, Numbers
from penstock.profiling.records import Histogram, Moments, Texts

BINS = 30
# Whole numbers that span no more than this have a bar each.
EACH = 40
# A range so many times as wide as that of the middle 98 % would put all of these into one bar.
FAR = 10.0
# Words and signs are looked for in so many different texts.
MOST_TEXTS = 20_000
_SIGNS = {
    "letters": r"\p{L}",
    "digits": r"[0-9]",
    "blanks": r"\s",
    "punctuation": r"[!-/:-@\[-`{-~]",
    "beyond ASCII": r"[^\x00-\x7F]",
}
DAY = 86_400_000_000


def bins_of(ordered: Any, numbers: Numbers | None) -> Histogram | None:
    """Count sorted numbers in bins of one width.

    Parameters
    ----------
    ordered : numpy.ndarray
        Finite, sorted, shape (n,).
    numbers : Numbers, optional
        What is known of them; with it, values far beyond the others do not widen the bins.

    Examples
    --------
    >>> bins_of(np.array([1.0, 2.0, 2.0, 3.0]), Numbers(whole=True)).counts
    (1, 2, 1)
    """
    if not len(ordered) or ordered[0] == ordered[-1]:
        return None
    low, high = float(ordered[0]), float(ordered[-1])
    if not np.isfinite(high - low):
        return None
    if numbers is not None and numbers.whole and high - low < EACH:
        edges = np.arange(low - 0.5, high + 1.0)
    else:
        edges = np.linspace(*_middle(ordered, numbers, low, high), BINS + 1)
    if not (np.diff(edges) > 0).all():
        return None
    at = np.searchsorted(ordered, edges, "left")
    at[-1] = np.searchsorted(ordered, edges[-1], "right")
    return Histogram(
        edges=tuple(edges.tolist()),
        counts=tuple(np.diff(at).tolist()),
        below=int(at[0]),
        above=len(ordered) - int(at[-1]),
    )


def _middle(ordered: Any, numbers: Numbers | None, low: float, high: float) -> tuple[float, float]:
    if numbers is None:
        return low, high
    first, last = (float(ordered[round(share * (len(ordered) - 1))]) for share in (0.01, 0.99))
    width = last - first
    if not width or high - low <= FAR * width:
        return low, high
    return max(low, first - width / 4), min(high, last + width / 4)


def frequent(ordered: Any, distinct: int, most: int) -> tuple[list[tuple[float, int]], int]:
    """Return the most frequent of sorted values with their counts, and how many rows hold another.

    Where every value is there once, none is the most frequent one.

    Examples
    --------
    >>> frequent(np.array([1.0, 2.0, 2.0, 3.0]), 3, 2)
    ([(2.0, 2), (1.0, 1)], 1)
    """
    n = len(ordered)
    if distinct == n and n > 1:
        return [], n
    if not n:
        return [], 0
    starts = np.flatnonzero(np.append(True, ordered[1:] != ordered[:-1]))
    counts = np.diff(np.append(starts, n))
    if len(counts) > most:
        least = np.partition(counts, len(counts) - most)[len(counts) - most]
        at = np.flatnonzero(counts >= least)
    else:
        at = np.arange(len(counts))
    # Sorted by value already: of equally frequent ones the lowest come first.
    at = at[np.argsort(-counts[at], kind="stable")][:most]
    found = [(ordered[starts[i]].item() + 0, int(counts[i])) for i in at]
    return found, n - sum(count for _, count in found)


def order_of(values: Any) -> Literal["ascending", "descending", "constant", "none"]:
    """Return whether numbers rise or fall from row to row.

    Examples
    --------
    >>> order_of(np.array([1.0, 1.0, 3.0]))
    'ascending'
    """
    if len(values) < 2:
        return "constant"
    # Most columns are in no order, which their head tells.
    head = values[:1000]
    if (head[1:] < head[:-1]).any() and (head[1:] > head[:-1]).any():
        return "none"
    rises, falls = bool((values[1:] >= values[:-1]).all()), bool((values[1:] <= values[:-1]).all())
    if rises and falls:
        return "constant"
    return "ascending" if rises else "descending" if falls else "none"


def moments_of(ticks: Any) -> Moments | None:
    """Count moments, int64 microseconds since 1970, by weekday, hour and month.

    Examples
    --------
    >>> moments_of(np.array([0])).weekdays
    (0, 0, 0, 1, 0, 0, 0)
    """
    if not len(ticks):
        return None
    days = ticks // DAY
    within = ticks - days * DAY
    months = ticks.view("datetime64[us]").astype("datetime64[M]").view(np.int64) % 12
    # The first of January 1970 was a Thursday.
    weekdays = np.bincount((days + 3) % 7, minlength=7)
    hours = np.bincount(within // (DAY // 24), minlength=24).tolist() if within.any() else []
    return Moments(
        weekdays=tuple(weekdays.tolist()), hours=tuple(hours), months=tuple(np.bincount(months, minlength=12).tolist())
    )


def clock_of(seconds: float) -> str:
    """Return seconds since midnight as a clock shows them.

    Examples
    --------
    >>> clock_of(3723.0)
    '01:02:03'
    """
    whole = int(seconds)
    return f"{whole // 3600:02d}:{whole // 60 % 60:02d}:{whole % 60:02d}"


def texts_of(texts: Any, counts: Any, profile: ColumnProfile) -> Texts | None:
    """Tell what different texts are made of.

    Parameters
    ----------
    texts : pyarrow.Array
        The different texts, shape (n,).
    counts : numpy.ndarray
        The rows of each, shape (n,).
    profile : ColumnProfile
        What is known of the column.
    """
    if profile.lengths is None or not profile.n:
        return None
    lengths = pc.utf8_length(texts).to_numpy(zero_copy_only=False)
    first, weights = texts.slice(0, MOST_TEXTS), counts[:MOST_TEXTS]
    n = int(weights.sum())
    words = pc.count_substring_regex(first, r"\S+").to_numpy(zero_copy_only=False)
    signs = {
        name: float(weights[pc.match_substring_regex(first, pattern).to_numpy(zero_copy_only=False)].sum()) / n
        for name, pattern in _SIGNS.items()
    }
    return Texts(
        n=len(first),
        mean_length=profile.lengths.total / profile.n,
        lengths=_lengths(lengths, counts),
        mean_words=float((words * weights).sum()) / n,
        most_words=int(words.max()),
        signs=signs,
    )


def _lengths(lengths: Any, counts: Any) -> Histogram | None:
    low, high = int(lengths.min()), int(lengths.max())
    if low == high:
        return None
    edges = np.arange(low, high + 2) - 0.5 if high - low < EACH else np.linspace(low, high, BINS + 1)
    binned, _ = np.histogram(lengths, edges, weights=counts)
    return Histogram(edges=tuple(edges.tolist()), counts=tuple(int(c) for c in np.round(binned)))
