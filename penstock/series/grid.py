"""The grid: every series at its step, with nothing where there is no row."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from penstock.errors import DataError

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Moments = npt.NDArray[np.datetime64]
NOWHERE = -1
# Beyond so many places for each row the series are gaps, and memory would be lost on them.
MOST_PLACES, MOST_SPREAD = 2_000_000, 200


@dataclass(frozen=True)
class Grid:
    """Series side by side in flat arrays of shape (n_places,).

    Attributes
    ----------
    groups : tuple of str
        The name of every series.
    first : numpy.ndarray
        The index of every series' first place, int64 of shape (n_series,).
    start : numpy.ndarray
        Where every series' places begin in the flat arrays, and where the last one's end; shape (n_series + 1,).
    row : numpy.ndarray
        The row at every place, -1 where there is none.
    value : numpy.ndarray
        The actual value at every place, NaN where there is none.
    last : numpy.ndarray
        The place of the last actual value at or before every place, -1 where there is none.
    """

    groups: tuple[str, ...]
    first: Ints
    start: Ints
    row: Ints
    value: Floats
    last: Ints

    @classmethod
    def of(cls, groups: Sequence[str], group: Ints, index: Ints, value: Floats, name: str = "") -> Grid:
        """Lay rows out, each at its index in its series.

        Parameters
        ----------
        groups : sequence of str
            The names of the series.
        group, index : numpy.ndarray
            Which series and which place every row has, int64, shape (n_rows,); no two rows have the same.
        value : numpy.ndarray
            Actual values, NaN where there is none, shape (n_rows,).
        name : str
            The source, for messages.

        Raises
        ------
        DataError
            Places are so far apart that nearly all would be empty.
        """
        n = len(groups)
        first = np.full(n, np.iinfo(np.int64).max)
        final = np.full(n, np.iinfo(np.int64).min)
        np.minimum.at(first, group, index)
        np.maximum.at(final, group, index)
        empty = first > final
        first = np.where(empty, 0, first)
        sizes = np.where(empty, 0, final - first + 1)
        if sizes.sum() > max(MOST_PLACES, MOST_SPREAD * len(index)):
            raise DataError(
                "The series are nearly all gaps",
                where=name,
                got=f"{len(index):,} rows in {int(sizes.sum()):,} steps",
                todo="Look for a row with a wrong date, or name a longer step: every: 1d",
            )
        start = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)
        place = start[group] + index - first[group]
        row = np.full(int(start[-1]), NOWHERE, dtype=np.int64)
        row[place] = np.arange(len(index))
        values = np.full(int(start[-1]), np.nan)
        values[place] = value
        return cls(tuple(groups), first, start, row, values, _last_known(values, start))

    def places(self, group: Ints, index: Ints) -> Ints:
        """Return where indices of series lie in the flat arrays, -1 where a series does not reach."""
        known = group >= 0
        safe = np.where(known, group, 0)
        offset = index - self.first[safe] if len(self.first) else np.full(len(index), NOWHERE)
        size = self.start[safe + 1] - self.start[safe] if len(self.first) else np.zeros(len(index), dtype=np.int64)
        inside = known & (offset >= 0) & (offset < size)
        return np.where(inside, (self.start[safe] if len(self.first) else 0) + offset, NOWHERE)

    def values_at(self, group: Ints, index: Ints) -> Floats:
        """Return actual values, NaN where there is none; any shape that the two share."""
        place = self.places(group, index)
        return np.where(place >= 0, self.value[place], np.nan) if len(self.value) else np.full(place.shape, np.nan)

    def rows_at(self, group: Ints, index: Ints) -> Ints:
        """Return the rows at indices of series, -1 where there is none."""
        place = self.places(group, index)
        return np.where(place >= 0, self.row[place], NOWHERE) if len(self.row) else place

    def origins(self, group: Ints, index: Ints) -> tuple[Ints, npt.NDArray[np.bool_]]:
        """Return the index of the last actual value at or before indices of series, and whether there is one."""
        known = (group >= 0) & (len(self.last) > 0)
        safe = np.where(known, group, 0)
        if not len(self.last):
            return np.zeros(len(group), dtype=np.int64), known
        size = self.start[safe + 1] - self.start[safe]
        offset = np.minimum(index - self.first[safe], size - 1)
        known = known & (offset >= 0)
        found = np.where(known, self.last[np.where(known, self.start[safe] + offset, 0)], NOWHERE)
        known = known & (found >= 0)
        return np.where(known, found - self.start[safe] + self.first[safe], 0), known

    def ends(self) -> tuple[Ints, npt.NDArray[np.bool_]]:
        """Return the index of every series' last actual value, and whether it has any."""
        group = np.arange(len(self.groups))
        return self.origins(group, np.full(len(group), np.iinfo(np.int64).max // 2))


def _last_known(values: Floats, start: Ints) -> Ints:
    place = np.where(np.isnan(values), NOWHERE, np.arange(len(values)))
    last = np.maximum.accumulate(place) if len(place) else place
    # What lies before a series belongs to another one.
    begins = np.repeat(start[:-1], np.diff(start))
    return np.where(last >= begins, last, NOWHERE)


def check_once(
    group: Ints, index: Ints, named: Sequence[str], rows: Ints, moments: Moments, every: str, where: str
) -> None:
    """Refuse two rows in one place of one series.

    Parameters
    ----------
    group, index, rows : numpy.ndarray
        The series, the place and the number in its source of every row, shape (n_rows,).
    named : sequence of str
        The series by name; empty texts where they are private, or where there is only one.
    moments : numpy.ndarray
        The moment of every row, datetime64.
    every : str
        The step, for messages.
    where : str
        The source, for messages.

    Raises
    ------
    DataError
        Naming the first rows.
    """
    if not len(index):
        return
    order = np.lexsort((rows, index, group))
    again = (np.diff(group[order]) == 0) & (np.diff(index[order]) == 0)
    if not again.any():
        return
    twice = np.flatnonzero(again)
    shown = []
    for at in twice[:3]:
        one, other = int(order[at]), int(order[at + 1])
        series = f" of {named[int(group[one])]!r}" if named and named[int(group[one])] else ""
        shown.append(f"rows {int(rows[one])} and {int(rows[other])}{series} ({moments[one].astype('datetime64[s]')})")
    raise DataError(
        f"Two rows stand for one time of one series, {len(twice):,} times",
        where=where,
        got="; ".join(shown),
        expected=f"one row every {every}"
        + ("" if named and any(named) else "; `group` names the column of the series"),
        todo="Aggregate or remove them at the source, name the column that tells series apart (group: COLUMN), or a "
        "shorter step (every: …).",
    )
