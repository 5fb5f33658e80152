"""The shapes of sorted numbers, of dates and of texts: counts in bins, most frequent values, weekdays, signs."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
import pyarrow.compute as pc

from penstock.arrays.profile import ColumnProfile, Level, Numbers
from penstock.profiling.records import Histogram, Moments, Texts

BINS = 30
# Whole numbers that span no more than this have a bar each.
EACH = 40
# A range so many times as wide as that of the middle 98 % would put all of these into one bar.
FAR = 10.0
# Words and signs are looked for in so many different texts.
MOST_TEXTS = 20_000
MOST_WORDS, LONGEST = 15, 60
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


def ends_of(ordered: Any, most: int) -> tuple[list[tuple[float, int]], list[tuple[float, int]]]:
    """Return the lowest and the highest different values of sorted ones, each with its count.

    Examples
    --------
    >>> ends_of(np.array([1.0, 1.0, 2.0, 3.0]), 2)
    ([(1.0, 2), (2.0, 1)], [(3.0, 1), (2.0, 1)])
    """
    lowest: list[tuple[float, int]] = []
    highest: list[tuple[float, int]] = []
    at = 0
    while at < len(ordered) and len(lowest) < most:
        stop = int(np.searchsorted(ordered, ordered[at], "right"))
        lowest.append((ordered[at].item() + 0, stop - at))
        at = stop
    at = len(ordered)
    while at > 0 and len(highest) < most:
        start = int(np.searchsorted(ordered, ordered[at - 1], "left"))
        highest.append((ordered[at - 1].item() + 0, at - start))
        at = start
    return lowest, highest


def deviation_of(ordered: Any) -> float | None:
    """Return the median of how far finite sorted numbers lie from their median.

    References
    ----------
    F. R. Hampel, "The Influence Curve and its Role in Robust Estimation", 1974.

    Examples
    --------
    >>> deviation_of(np.array([1.0, 2.0, 3.0, 100.0]))
    1.0
    """
    if not len(ordered):
        return None
    with np.errstate(over="ignore"):
        middle = ordered[(len(ordered) - 1) // 2] / 2 + ordered[len(ordered) // 2] / 2
        away = np.abs(ordered - middle)
    low, high = (len(away) - 1) // 2, len(away) // 2
    parts = np.partition(away, (low, high))
    found = float(parts[low]) / 2 + float(parts[high]) / 2
    return found if np.isfinite(found) else None


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
        words=_words(first, weights),
    )


def _words(texts: Any, weights: Any) -> tuple[Level, ...]:
    """Return the most frequent words of texts that have several, weighed by the rows of each."""
    split = pc.utf8_split_whitespace(pc.utf8_lower(pc.utf8_trim_whitespace(texts)))
    lengths = pc.list_value_length(split).to_numpy(zero_copy_only=False)
    if not len(lengths) or lengths.max() < 2:
        return ()
    encoded = split.flatten().dictionary_encode()
    counts = np.bincount(encoded.indices.to_numpy(), weights=np.repeat(weights, lengths))
    # Of equally frequent ones those met first.
    order = np.argsort(-counts, kind="stable")[:MOST_WORDS]
    found = encoded.dictionary.take(order).to_pylist()
    return tuple(Level(value=word[:LONGEST], count=int(counts[i])) for word, i in zip(found, order, strict=True))


def _lengths(lengths: Any, counts: Any) -> Histogram | None:
    low, high = int(lengths.min()), int(lengths.max())
    if low == high:
        return None
    edges = np.arange(low, high + 2) - 0.5 if high - low < EACH else np.linspace(low, high, BINS + 1)
    binned, _ = np.histogram(lengths, edges, weights=counts)
    return Histogram(edges=tuple(edges.tolist()), counts=tuple(int(c) for c in np.round(binned)))
