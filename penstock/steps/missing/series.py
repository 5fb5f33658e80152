"""Values in their order, by group, among which a row's neighbours are found."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np

from penstock.blocks import Blocks, require
from penstock.steps.groups import Groups, lacking


def places_of(blocks: Blocks, order: str) -> tuple[np.ndarray, np.ndarray]:
    """Return where rows stand in an order, and which of them stand there at all.

    Returns
    -------
    tuple of numpy.ndarray
        Microseconds since 1970 (int64) for a date or time, else the numbers; and a mask. Both of shape (n_rows,).
    """
    require((order,), (*blocks.number_names, *blocks.moments))
    if order in blocks.moments:
        moments = blocks.moments[order]
        return moments.astype(np.int64), ~np.isnat(moments)
    at: np.ndarray = blocks.matrix((order,)).reshape(-1)
    return at, ~np.isnan(at)


@dataclass(frozen=True)
class Neighbour:
    """For each row the distance to a neighbour, inf where there is none, and what it holds; both of shape (n_rows,)."""

    distance: np.ndarray
    value: np.ndarray

    @classmethod
    def none(cls, at: np.ndarray) -> Self:
        """Return that no row has one."""
        return cls(np.full(len(at), np.inf), np.full(len(at), np.nan))

    def or_farther(self, other: Self) -> Neighbour:
        """Return the nearer of two, this one where both are as near."""
        other_is_nearer = other.distance < self.distance
        return Neighbour(
            np.where(other_is_nearer, other.distance, self.distance), np.where(other_is_nearer, other.value, self.value)
        )

    def value_within(self, distance: float) -> np.ndarray:
        """Return what neighbours hold that are no farther away; NaN elsewhere."""
        return np.where(self.distance <= distance, self.value, np.nan)


@dataclass(frozen=True)
class Held:
    """What one column holds where it is filled, sorted by group, then order, then position.

    `key` is the group times the number of distinct places, and one more, plus the rank of the place.
    """

    key: np.ndarray
    place: np.ndarray
    value: np.ndarray


@dataclass(frozen=True)
class Series:
    """The filled values of some columns, one `Held` a column; `places` holds the distinct places, sorted."""

    groups: Groups
    places: np.ndarray
    held: tuple[Held, ...]

    @classmethod
    def of(cls, blocks: Blocks, names: tuple[str, ...], order: str, by: tuple[str, ...]) -> Self:
        """Return the values that rows hold which stand in the order and in a group."""
        groups, codes = Groups.of(blocks, by)
        at, in_order = places_of(blocks, order)
        usable = in_order & ~lacking(blocks, by)
        rows = np.flatnonzero(usable)
        places, rank = np.unique(at[rows], return_inverse=True)
        keys = codes[rows] * (len(places) + 1) + rank
        sort = np.argsort(keys, kind="stable")
        rows, keys = rows[sort], keys[sort]
        values = blocks.matrix(names)
        held = []
        for j in range(len(names)):
            filled = ~np.isnan(values[rows, j])
            chosen = rows[filled]
            held.append(Held(keys[filled], at[chosen], values[chosen, j]))
        return cls(groups, places, tuple(held))

    def n_values(self, column: int) -> int:
        """Return how many values one of the columns has."""
        return len(self.held[column].value)

    def group_of(self, blocks: Blocks) -> np.ndarray:
        """Return the group of each row, -1 for one that is unknown or missing; int64 of shape (n_rows,)."""
        return np.where(lacking(blocks, self.groups.by), -1, self.groups.codes(blocks))

    def before(self, column: int, at: np.ndarray, groups: np.ndarray) -> Neighbour:
        """Return each row's last neighbour that stands before it or in the same place."""
        held = self.held[column]
        key = groups * (len(self.places) + 1) + np.searchsorted(self.places, at, side="right")
        # A key's own rank is one less than the number of places up to it, so keys below count as before.
        found = np.searchsorted(held.key, key, side="left") - 1
        return self._at(held, found, at, groups)

    def after(self, column: int, at: np.ndarray, groups: np.ndarray) -> Neighbour:
        """Return each row's first neighbour that stands behind it or in the same place."""
        held = self.held[column]
        key = groups * (len(self.places) + 1) + np.searchsorted(self.places, at, side="left")
        found = np.searchsorted(held.key, key, side="left")
        return self._at(held, found, at, groups)

    def _at(self, held: Held, found: np.ndarray, at: np.ndarray, groups: np.ndarray) -> Neighbour:
        if not len(held.key):
            return Neighbour.none(at)
        inside = np.clip(found, 0, len(held.key) - 1)
        # No key has the group -1, so a row without one finds nothing.
        same = (inside == found) & (held.key[inside] // (len(self.places) + 1) == groups)
        # Subtracting in float64: two moments may be farther apart than an int64 of microseconds reaches.
        with np.errstate(over="ignore"):
            distance = np.abs(at.astype(np.float64) - held.place[inside].astype(np.float64))
        return Neighbour(np.where(same, distance, np.inf), np.where(same, held.value[inside], np.nan))
