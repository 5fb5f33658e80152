"""What any stretch of a group's rows comes to, in a time that grows with the logarithm of its length.

Every group has blocks of 2, 4, 8, … rows, counted from its first row, with what they come to; a stretch is put together
from at most two of each size. A sum so loses nothing to cancellation, as a difference of running totals would, and it
depends on the rows of its own group alone: what other groups hold, or what comes later, changes no bit of it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np

from penstock.blocks import FloatMatrix

Family = Literal["total", "low", "high", "spread"]
# What a block comes to, by one or more matrices of shape (n_blocks, n_columns).
Nodes = tuple[FloatMatrix, ...]


def _total(values: FloatMatrix) -> Nodes:
    there = ~np.isnan(values)
    return there.astype(np.float64), np.where(there, values, 0.0)


def _added(one: Nodes, other: Nodes) -> Nodes:
    return one[0] + other[0], one[1] + other[1]


def _spread(values: FloatMatrix) -> Nodes:
    return (*_total(values), np.zeros(values.shape))


def _joined(one: Nodes, other: Nodes) -> Nodes:
    """Join count, mean and sum of squared deviations of two blocks (Chan, Golub and LeVeque 1983)."""
    count = one[0] + other[0]
    share = other[0] / np.maximum(count, 1.0)
    apart = other[1] - one[1]
    weight = one[0] * share
    # An empty block has mean 0, which is apart from the other without meaning anything.
    between = np.where(weight > 0, np.square(apart) * weight, 0.0)
    return count, one[1] + apart * share, one[2] + other[2] + between


@dataclass(frozen=True)
class _Way:
    leaf: Callable[[FloatMatrix], Nodes]
    merge: Callable[[Nodes, Nodes], Nodes]
    empty: tuple[float, ...]


_WAYS: dict[Family, _Way] = {
    "total": _Way(_total, _added, (0.0, 0.0)),
    "low": _Way(lambda v: (np.where(np.isnan(v), np.inf, v),), lambda a, b: (np.minimum(a[0], b[0]),), (np.inf,)),
    "high": _Way(lambda v: (np.where(np.isnan(v), -np.inf, v),), lambda a, b: (np.maximum(a[0], b[0]),), (-np.inf,)),
    "spread": _Way(_spread, _joined, (0.0, 0.0, 0.0)),
}


@dataclass(frozen=True)
class Tree:
    """The blocks of two rows, of four, and so on; those of one row are made of the values when they are needed.

    Block `j` of size 2^l of a group that starts at row `s` stands at `(s >> l) + j`; no two blocks share a place.
    """

    family: Family
    levels: tuple[Nodes, ...]

    @classmethod
    def of(cls, family: Family, values: FloatMatrix, starts: np.ndarray) -> Tree:
        """Return the tree over values of shape (n_rows, n_columns); groups begin at `starts`, shape (n_groups + 1,)."""
        way, levels = _WAYS[family], []
        below = way.leaf(values)
        first, sizes = starts[:-1], np.diff(starts)
        level = 0
        with np.errstate(over="ignore", invalid="ignore"):
            while (sizes > 1).any():
                first, sizes = first[sizes > 1], sizes[sizes > 1]
                level, half = level + 1, sizes >> 1
                within = np.arange(half.sum()) - np.repeat(np.cumsum(half) - half, half)
                left = np.repeat(first >> (level - 1), half) + 2 * within
                made = way.merge(tuple(m[left] for m in below), tuple(m[left + 1] for m in below))
                here = np.repeat(first >> level, half) + within
                below = tuple(np.zeros((len(values) >> level, values.shape[1])) for _ in made)
                for matrix, nodes in zip(below, made, strict=True):
                    matrix[here] = nodes
                levels.append(below)
                sizes = half
        return cls(family, tuple(levels))

    def over(self, values: FloatMatrix, start: np.ndarray, low: np.ndarray, high: np.ndarray) -> Nodes:
        """Return what stretches come to.

        Parameters
        ----------
        values : numpy.ndarray
            Those that the tree was made of.
        start, low, high : numpy.ndarray
            Where a group starts, and the stretch within it: from `low` up to `high`, which is left out. int64 of shape
            (n,) each.

        Returns
        -------
        tuple of numpy.ndarray
            Shape (n, n_columns) each. `total`: count and sum; `low`, `high`: minimum, maximum, infinite where there is
            no value; `spread`: count, mean, and sum of squared deviations.
        """
        way, shape = _WAYS[self.family], (len(low), values.shape[1])
        before = tuple(np.full(shape, empty) for empty in way.empty)
        behind = tuple(np.full(shape, empty) for empty in way.empty)
        open_ = np.flatnonzero(low < high)
        start, low, high, level = start[open_], low[open_], high[open_], 0
        with np.errstate(over="ignore", invalid="ignore"):
            while len(open_):
                odd = (low & 1) == 1
                if odd.any():
                    rows = open_[odd]
                    block = self._at(values, level, (start[odd] >> level) + low[odd])
                    _put(before, rows, way.merge(_taken(before, rows), block))
                odd = (high & 1) == 1
                if odd.any():
                    rows = open_[odd]
                    block = self._at(values, level, (start[odd] >> level) + high[odd] - 1)
                    _put(behind, rows, way.merge(block, _taken(behind, rows)))
                low, high, level = (low + 1) >> 1, high >> 1, level + 1
                more = low < high
                open_, start, low, high = open_[more], start[more], low[more], high[more]
            return way.merge(before, behind)

    def _at(self, values: FloatMatrix, level: int, places: np.ndarray) -> Nodes:
        return _WAYS[self.family].leaf(values[places]) if level == 0 else _taken(self.levels[level - 1], places)


def _taken(nodes: Nodes, rows: np.ndarray) -> Nodes:
    return tuple(matrix[rows] for matrix in nodes)


def _put(nodes: Nodes, rows: np.ndarray, new: Nodes) -> None:
    for matrix, values in zip(nodes, new, strict=True):
        matrix[rows] = values
