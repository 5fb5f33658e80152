"""Aggregates of ranges of rows: a column in the order of its keys, and what any stretch of one key amounts to.

A table that is reduced asks for each key's whole range, a window for what lies between two moments. Whatever a range
gives hangs on its rows and on earlier ones of its key, never on later ones, to the last bit.

References
----------
Prefix sums are compensated (Kahan 1965). Distinct values in a range are counted as those rows whose value did not stand
before in it, by a wavelet matrix (Information Systems 47, 2015, 15-32).
"""

from __future__ import annotations

import functools
from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pandas as pd

from penstock.steps.relations.keys import FEW
from penstock.steps.relations.lookup import Take

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


class Ranges:
    """One column, sorted by key.

    Parameters
    ----------
    values : numpy.ndarray
        float64 of shape (n_rows,); where it is NaN the row does not count.
    starts : numpy.ndarray
        Where each key's rows begin, int64, with the number of rows at the end: shape (n_keys + 1,).

    Examples
    --------
    >>> column = Ranges(np.array([1.0, 2.0, np.nan, 5.0]), np.array([0, 3, 4]))
    >>> lo, hi = np.array([0, 1, 3, 3]), np.array([3, 3, 4, 3])
    >>> column.over("sum", lo, hi).tolist(), column.over("mean", lo, hi).tolist()
    ([3.0, 2.0, 5.0, 0.0], [1.5, 2.0, 5.0, nan])
    """

    def __init__(self, values: Floats, starts: Ints) -> None:
        there = ~np.isnan(values)
        self._values = values[there]
        # Where a row stands among those that count.
        self._at: Ints | None = None if there.all() else np.concatenate([[0], np.cumsum(there, dtype=np.int64)])
        self._starts = starts if self._at is None else self._at[starts]

    def over(self, take: Take, lo: Ints, hi: Ints) -> Floats:
        """Return an aggregate of each range [lo, hi), of rows of one key, float64; NaN where there is none of nothing.

        Parameters
        ----------
        take : str
            What is made of the range. `std` is that of a sample, and missing for a single row.
        lo, hi : numpy.ndarray
            int64 of shape (n_ranges,).
        """
        if self._at is not None:
            lo, hi = self._at[lo], self._at[hi]
        n = hi - lo
        if take == "count":
            return n.astype(np.float64)
        if take == "distinct":
            return self._distinct(lo, hi).astype(np.float64)
        made: Callable[[Ints, Ints], Floats] = {
            "sum": self._sum,
            "mean": lambda a, b: self._sum(a, b) / (b - a),
            "std": self._std,
            "min": lambda a, b: self._extreme(np.minimum, a, b),
            "max": lambda a, b: self._extreme(np.maximum, a, b),
            "first": lambda a, _: self._values[a],
            "last": lambda _, b: self._values[b - 1],
        }[take]
        found = np.full(len(n), 0.0 if take == "sum" else np.nan)
        there = n >= (2 if take == "std" else 1)
        if there.any():
            found[there] = made(lo[there], hi[there])
        return found

    @functools.cached_property
    def _key(self) -> Ints:
        return np.repeat(np.arange(len(self._starts) - 1), np.diff(self._starts))

    @functools.cached_property
    def _sums(self) -> Floats:
        return self._prefix(self._values)

    @functools.cached_property
    def _centred(self) -> tuple[Floats, Floats]:
        # Around the key's first value: around its mean, later rows would change what earlier ones give.
        first: Floats = self._values[np.minimum(self._starts[:-1], len(self._values) - 1)]
        away = self._values - first[self._key]
        return self._prefix(away), self._prefix(away * away)

    def _prefix(self, values: Floats) -> Floats:
        """Return the sums of each key's values up to each row."""
        return np.asarray(pd.Series(values).groupby(self._key, sort=False).cumsum(), dtype=np.float64)

    def _between(self, sums: Floats, lo: Ints, hi: Ints) -> Floats:
        begin = self._starts[self._key[lo]]
        return sums[hi - 1] - np.where(lo > begin, sums[np.maximum(lo - 1, 0)], 0.0)

    def _sum(self, lo: Ints, hi: Ints) -> Floats:
        return self._between(self._sums, lo, hi)

    def _std(self, lo: Ints, hi: Ints) -> Floats:
        n = (hi - lo).astype(np.float64)
        sums, squares = (self._between(each, lo, hi) for each in self._centred)
        return np.asarray(np.sqrt(np.maximum(squares - sums * sums / n, 0.0) / (n - 1.0)), dtype=np.float64)

    def _extreme(self, pick: np.ufunc, lo: Ints, hi: Ints) -> Floats:
        if len(lo) <= FEW:
            few = zip(lo.tolist(), hi.tolist(), strict=True)
            return np.array([pick.reduce(self._values[a:b]) for a, b in few], dtype=np.float64)
        found: Floats = np.empty(len(lo))
        # Two stretches of a power of two cover each range; one level after the other is made and left behind.
        level = np.frexp((hi - lo).astype(np.float64))[1] - 1
        spans, size = self._values, 1
        for k in range(int(level.max(initial=0)) + 1):
            mine = level == k
            found[mine] = pick(spans[lo[mine]], spans[hi[mine] - size])
            spans, size = pick(spans[:-size], spans[size:]) if size < len(spans) else spans, size * 2
        return found

    def _distinct(self, lo: Ints, hi: Ints) -> Ints:
        if len(lo) <= FEW:
            ranges = zip(lo.tolist(), hi.tolist(), strict=True)
            return np.array([len(np.unique(self._values[a:b])) for a, b in ranges], dtype=np.int64)
        begin = np.minimum(lo, max(len(self._values) - 1, 0))
        if not len(self._values):
            return np.zeros(len(lo), dtype=np.int64)
        if (lo[hi > lo] == self._starts[self._key[begin[hi > lo]]]).all():
            news = np.concatenate([[0], np.cumsum(self._before < self._starts[self._key])])
            return np.where(hi > lo, news[hi] - news[begin], 0)
        return _fewer_than(self._before + 1, lo, hi, lo + 1)

    @functools.cached_property
    def _before(self) -> Ints:
        """Where each row's value stood last under the same key, -1 where it did not."""
        codes = pd.factorize(self._values)[0].astype(np.int64)
        order = np.lexsort((np.arange(len(codes)), codes, self._key))
        same = (codes[order][1:] == codes[order][:-1]) & (self._key[order][1:] == self._key[order][:-1])
        before = np.full(len(codes), -1, dtype=np.int64)
        before[order[1:][same]] = order[:-1][same]
        return before


def _fewer_than(values: Ints, lo: Ints, hi: Ints, bound: Ints) -> Ints:
    """Return how many of `values[lo:hi]` are below `bound`, for many ranges at once; all are at least 0."""
    found = np.zeros(len(lo), dtype=np.int64)
    highest = max(int(values.max(initial=0)), int(bound.max(initial=0)))
    for bit in range(highest.bit_length() - 1, -1, -1):
        one = (values >> bit) & 1 == 1
        zeros = np.concatenate([[0], np.cumsum(~one)])
        zeros_lo, zeros_hi = zeros[lo], zeros[hi]
        up = (bound >> bit) & 1 == 1
        found += np.where(up, zeros_hi - zeros_lo, 0)
        lo = np.where(up, zeros[-1] + lo - zeros_lo, zeros_lo)
        hi = np.where(up, zeros[-1] + hi - zeros_hi, zeros_hi)
        values = np.concatenate([values[~one], values[one]])
    return found
