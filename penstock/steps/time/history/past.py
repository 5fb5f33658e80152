"""Rows that came before, sorted by group and time, and what a later row sees of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd

from penstock.blocks import FloatMatrix
from penstock.steps.time.history.tree import Family, Tree


@dataclass(frozen=True)
class Entries:
    """Rows in any order: groups (int64), times (int64 microseconds or float64), and values of shape (n_rows, n)."""

    groups: np.ndarray
    times: np.ndarray
    values: FloatMatrix

    def __len__(self) -> int:
        return len(self.groups)

    def take(self, rows: np.ndarray) -> Entries:
        """Return some of the rows."""
        return Entries(self.groups[rows], self.times[rows], self.values[rows])

    def and_(self, later: Entries) -> Entries:
        """Return these rows and then others."""
        return Entries(
            np.concatenate([self.groups, later.groups]),
            np.concatenate([self.times, later.times]),
            np.concatenate([self.values, later.values]),
        )

    def without_copies_of(self, others: Entries) -> Entries:
        """Return the rows that agree with none of the others in group, time and all values."""
        both = others.and_(self)
        columns = [pd.Series(both.groups), pd.Series(both.times), *map(pd.Series, both.values.T)]
        same = pd.concat(columns, axis=1, keys=range(len(columns))).groupby(list(range(len(columns))), dropna=False)
        which = same.ngroup().to_numpy()
        return self.take(~np.isin(which[len(others) :], which[: len(others)]))


def side_by_side(matrices: Sequence[FloatMatrix]) -> FloatMatrix:
    """Return the first columns of all matrices, then the second ones, and so on, shape (n_rows, n_columns * n)."""
    stacked = np.stack(matrices, axis=2)
    return stacked.reshape(stacked.shape[0], stacked.shape[1] * stacked.shape[2])


def never(times: np.ndarray) -> Any:
    """Return what stands, among such times, for one that is before all others."""
    return -np.inf if times.dtype.kind == "f" else np.iinfo(np.int64).min


@dataclass(frozen=True)
class Past:
    """Rows sorted by group and time; of one time, in the order in which they came.

    `groups` are those that have rows, ascending, `starts` where their rows begin (one more than there are groups),
    `cut_at` the time of a group's last row that was not kept, or `never`. `instants` are the distinct times, `marks`
    say of each row its group and time in one number. All rows that a stretch is made of are of one group.
    """

    groups: np.ndarray
    starts: np.ndarray
    cut_at: np.ndarray
    instants: np.ndarray
    marks: np.ndarray
    values: FloatMatrix
    trees: Mapping[Family, Tree]

    @classmethod
    def of(cls, rows: Entries, families: tuple[Family, ...], cut_at: Mapping[int, Any] | None = None) -> Past:
        """Return rows sorted; `cut_at` tells of groups whose earlier rows were not kept."""
        order = np.lexsort((rows.times, rows.groups))
        rows = rows.take(order)
        first = np.flatnonzero(np.diff(rows.groups, prepend=rows.groups[:1] - 1)) if len(rows) else np.empty(0, np.intp)
        groups, starts = rows.groups[first], np.append(first, len(rows)).astype(np.int64)
        instants, ranks = np.unique(rows.times, return_inverse=True)
        marks = np.repeat(np.arange(len(groups)), np.diff(starts)) * (len(instants) + 1) + ranks
        ends = np.full(len(groups), never(instants), instants.dtype)
        if cut_at:
            ends = np.array([cut_at.get(group, never(instants)) for group in groups.tolist()], instants.dtype)
        return cls(
            groups=groups,
            starts=starts,
            cut_at=ends,
            instants=instants,
            marks=marks,
            values=rows.values,
            trees={family: Tree.of(family, rows.values, starts) for family in families},
        )

    def __len__(self) -> int:
        return len(self.marks)

    def has(self, groups: np.ndarray) -> np.ndarray:
        """Return which of some groups have rows here, bool of shape (n,)."""
        return self._places(groups)[1]

    def count(self, place: np.ndarray, bound: np.ndarray, side: Literal["left", "right"]) -> np.ndarray:
        """Return how many rows of the group at a place lie before a time; with `right`, those at that time as well."""
        ranks = np.searchsorted(self.instants, bound, side=side)
        found: np.ndarray = np.searchsorted(self.marks, place * (len(self.instants) + 1) + ranks) - self.starts[place]
        return found

    def entries(self, groups: np.ndarray) -> Entries:
        """Return the rows of those of some groups that have any."""
        place, there = self._places(groups)
        place = np.unique(place[there])
        sizes = np.diff(self.starts)[place]
        at = np.arange(sizes.sum()) + np.repeat(self.starts[place] - (np.cumsum(sizes) - sizes), sizes)
        times = self.instants[self.marks[at] % (len(self.instants) + 1)] if len(at) else self.instants[:0]
        return Entries(np.repeat(self.groups[place], sizes), times, self.values[at])

    def cuts(self, groups: np.ndarray) -> dict[int, Any]:
        """Return, for those of some groups that were cut, the time of the last row that was not kept."""
        place, there = self._places(groups)
        place = np.unique(place[there])
        place = place[self.cut_at[place] != never(self.instants)]
        return dict(zip(self.groups[place].tolist(), self.cut_at[place].tolist(), strict=True))

    def tail(self, keep: int, gap: float, window: float) -> Past:
        """Return what rows beyond the last of each group need: `keep` rows, and those of a window, beyond a gap."""
        place = np.arange(len(self.groups))
        last = (
            self.instants[self.marks[self.starts[1:] - 1] % (len(self.instants) + 1)] if len(place) else self.instants
        )
        first = self.count(place, last - gap, "right") - keep
        if window:
            first = np.minimum(first, self.count(place, last - gap - window, "left"))
        first = np.maximum(first, 0)
        rows, sizes = self.entries(self.groups), np.diff(self.starts)
        kept = np.arange(len(self)) - np.repeat(self.starts[:-1], sizes) >= np.repeat(first, sizes)
        shorter = first > 0
        cut = rows.times[self.starts[:-1][shorter] + first[shorter] - 1]
        at = dict(zip(self.groups[shorter].tolist(), cut.tolist(), strict=True))
        return Past.of(rows.take(kept), tuple(self.trees), at)

    def _places(self, groups: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        place = np.searchsorted(self.groups, groups)
        if not len(self.groups):
            return place, np.zeros(len(groups), dtype=bool)
        place = np.minimum(place, len(self.groups) - 1)
        return place, self.groups[place] == groups


@dataclass(frozen=True)
class View:
    """What some rows see of a past: all rows of their group that were known before their own time.

    With a gap a row is known only so much after its time. `own` are the rows' own values of the columns looked at,
    `start` is where their group begins, `upto` how many of its rows they see, shape (n,) each.
    """

    past: Past
    times: np.ndarray
    own: FloatMatrix
    gap: float
    place: np.ndarray
    start: np.ndarray
    upto: np.ndarray
    cut_at: np.ndarray

    @classmethod
    def of(cls, past: Past, rows: Entries, gap: float) -> View:
        """Return what rows, with their own values, see of a past."""
        place, there = past._places(rows.groups)
        place = np.where(there, place, 0)
        upto = np.where(there, past.count(place, rows.times - gap, "right" if gap else "left"), 0)
        cut_at = np.full(len(rows), never(past.instants), past.instants.dtype)
        cut_at[there] = past.cut_at[place[there]]
        return cls(past, rows.times, rows.values, gap, place, past.starts[place], upto, cut_at)

    @property
    def whole(self) -> np.ndarray:
        """Whether all rows of the group that ever were are there, bool of shape (n,)."""
        uncut: np.ndarray = self.cut_at == never(self.cut_at)
        return uncut

    def back(self, k: int) -> FloatMatrix:
        """Return the values of the k-th row back, missing where there are not so many."""
        found = np.full((len(self.upto), self.past.values.shape[1]), np.nan)
        there = self.upto >= k
        found[there] = self.past.values[self.start[there] + self.upto[there] - k]
        return found

    def last_time(self) -> tuple[np.ndarray, np.ndarray]:
        """Return where there is a last row, bool of shape (n,), and the times of those that there are."""
        there = self.upto > 0
        marks = self.past.marks[self.start[there] + self.upto[there] - 1]
        return there, self.past.instants[marks % (len(self.past.instants) + 1)]

    def window(self, length: float) -> tuple[np.ndarray, np.ndarray]:
        """Return where a window of some length begins within the group, and whether none of its rows was cut."""
        side: Literal["left", "right"] = "right" if self.gap else "left"
        bound = self.times - self.gap - length
        low = np.where(self.upto > 0, self.past.count(self.place, bound, side), 0)
        uncut = self.cut_at <= bound if self.gap else self.cut_at < bound
        return np.minimum(low, self.upto), self.whole | uncut
