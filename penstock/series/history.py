"""What is known of series up to now: the tail that a model carries, and more recent rows that a caller sends."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from penstock.casting import canonical_array, cast_column
from penstock.cells import Misfit
from penstock.durations import told
from penstock.errors import RequestError, UserError
from penstock.series.grid import Floats, Grid, Ints, check_once
from penstock.series.moments import indices_of, moments_at, moments_of
from penstock.series.rule import SeriesRule
from penstock.table import Column, TableSchema
from penstock.target import as_array

Names = npt.NDArray[np.object_]
MOST_NAMED = 5


@dataclass(frozen=True)
class Known:
    """Rows of series, typed: the name of the series, the place, the actual value (NaN for none), and past columns."""

    group: Names
    index: Ints
    value: Floats
    past: dict[str, Any]  # NumPy for numbers and moments, pandas arrays for text

    def take(self, rows: npt.NDArray[np.generic]) -> Known:
        """Return some of the rows."""
        past = {name: values[rows] for name, values in self.past.items()}
        return Known(self.group[rows], self.index[rows], self.value[rows], past)


@dataclass(frozen=True)
class Past:
    """Series that can be asked what was known last.

    Attributes
    ----------
    codes : dict of str to int
        The series by name.
    grid : Grid
        Their places.
    past : dict of str to array
        The past columns, by the grid's rows.
    end : numpy.ndarray
        The index of every series' last actual value, int64, shape (n_series,).
    ended : numpy.ndarray
        Whether a series has any, bool, shape (n_series,).
    """

    codes: dict[str, int]
    grid: Grid
    past: dict[str, Any]
    end: Ints
    ended: npt.NDArray[np.bool_]

    @classmethod
    def of(cls, known: Known) -> Past:
        """Lay rows out."""
        codes, names = pd.factorize(known.group, sort=True)
        group = np.asarray(codes, dtype=np.int64)
        grid = Grid.of([str(n) for n in names], group, known.index, known.value, "history")
        end, ended = grid.ends()
        return cls({str(n): i for i, n in enumerate(names)}, grid, known.past, end, ended)


def names_of(columns: Mapping[str, Any], group: str | None, n_rows: int) -> Names:
    """Return the series of every row by name, None where it has none; object array of shape (n_rows,)."""
    if group is None:
        return np.full(n_rows, "", dtype=object)
    if group not in columns:
        return np.full(n_rows, None, dtype=object)
    texts = canonical_array(as_array(columns[group])).to_pylist()
    return np.array([text or None for text in texts], dtype=object)


def read_known(rule: SeriesRule, schema: TableSchema, columns: Mapping[str, Any], n_rows: int, *, sent: bool) -> Known:
    """Read rows of a history.

    Parameters
    ----------
    rule : SeriesRule
        The rule.
    schema : TableSchema
        How their columns read.
    columns : mapping of str to sequence
        Raw values by column.
    n_rows : int
        How many rows there are.
    sent : bool
        Whether a caller sent them: then what cannot be read is refused. Of rows that a model carries it is passed over.

    Raises
    ------
    RequestError
        A row has no time, no series, a value that does not read, or the time of another one.
    """
    lacking = [name for name in (rule.time, rule.group, rule.target) if name is not None and name not in columns]
    if lacking:
        raise RequestError(
            f"The history has no column {lacking[0]!r}",
            where=lacking[0],
            expected=f"rows with {', '.join(rule.columns)}",
        )
    read = [name for name in (rule.time, rule.clock, *rule.past) if name is not None]
    cast = schema.cast({name: columns[name] for name in columns if name in read}, read)
    frame = cast.frame if len(cast.frame) == n_rows else cast.frame.reindex(range(n_rows))
    group = names_of(columns, rule.group, n_rows)
    index, astray = indices_of(moments_of(frame, schema, rule.time, rule.clock), rule.every, rule.phase)
    nameless = np.array([name is None for name in group], dtype=bool)
    target = schema.target
    assert target is not None
    reading = target.reading or Column(name=rule.target, kind="float")
    value, wrong = cast_column(reading, as_array(columns[rule.target]))
    if sent:
        refuse_misfits((*cast.misfits, *wrong))
        _refuse(astray, f"has no time, or one between the steps of {told(rule.every)}", rule.time)
        _refuse(nameless, "belongs to no series", rule.group or "")
    good = np.flatnonzero(~astray & ~nameless)
    past = {name: _typed(frame[name]) for name in rule.past}
    known = Known(group, index, value, past).take(good)
    if sent:
        _check_once(rule, known)
    return known


def refuse_misfits(misfits: Sequence[Misfit]) -> None:
    """Refuse a history with a cell that does not read.

    Raises
    ------
    RequestError
        Naming its row and column.
    """
    for first in misfits[:1]:
        what = f"Row {first.row} of the history does not fit: {first.column!r} should be {first.expected}"
        raise RequestError(what, where=first.column)


def _refuse(wrong: npt.NDArray[np.bool_], why: str, where: str) -> None:
    if wrong.any():
        raise RequestError(f"{rows_named(np.flatnonzero(wrong))} of the history {why}", where=where)


def _check_once(rule: SeriesRule, known: Known) -> None:
    codes = np.asarray(pd.factorize(known.group)[0], dtype=np.int64)
    try:
        at = moments_at(known.index, rule.every, rule.phase)
        check_once(codes, known.index, (), np.arange(len(codes)), at, told(rule.every), "history")
    except UserError as error:
        raise RequestError("Two rows of the history stand for one time of one series", where=rule.time) from error


def _typed(series: pd.Series[Any]) -> Any:
    if series.dtype.kind == "M":
        return series.to_numpy().astype("datetime64[us]")
    return series.to_numpy(dtype=np.float64) if series.dtype.kind in "fiub" else series.array


def rows_named(rows: Sequence[int] | npt.NDArray[np.generic]) -> str:
    """Return rows by number for a message, the first few of them.

    Examples
    --------
    >>> rows_named([3]), rows_named(range(9))
    ('Row 3', 'Rows 0, 1, 2, 3, 4 and 4 more')
    """
    numbers = [int(row) for row in rows]
    shown = ", ".join(map(str, numbers[:MOST_NAMED]))
    more = f" and {len(numbers) - MOST_NAMED} more" if len(numbers) > MOST_NAMED else ""
    return f"Row{'s' if len(numbers) > 1 else ''} {shown}{more}"


def merge_known(stored: Known, sent: Known, wanted: frozenset[str]) -> tuple[Known, frozenset[str]]:
    """Lay rows that were sent over those that a model carries, of the series that are wanted.

    A row that was sent takes the place of a stored one. The last actual value that was sent of a series is its last
    one: stored rows after it are left out, so that who sends the past is answered as of then.

    Returns
    -------
    tuple
        The rows, and the series of which stored ones were left out.
    """
    sent = sent.take(np.flatnonzero(_isin(sent.group, wanted)))
    stored = stored.take(np.flatnonzero(_isin(stored.group, wanted)))
    ends: dict[str, int] = {}
    actual = ~np.isnan(sent.value)
    for name, end in pd.Series(sent.index[actual]).groupby(sent.group[actual]).max().items():
        ends[str(name)] = int(end)
    limit = pd.Series(stored.group).map(ends).to_numpy(dtype=np.float64)
    later = stored.index > np.where(np.isnan(limit), np.inf, limit)
    # Of the rows after the last actual one only the actual values matter: they would have been later ones.
    earlier = frozenset(str(name) for name in np.unique(stored.group[later & ~np.isnan(stored.value)].astype(str)))
    replaced = pd.MultiIndex.from_arrays([stored.group, stored.index]).isin(
        pd.MultiIndex.from_arrays([sent.group, sent.index])
    )
    kept = stored.take(np.flatnonzero(~later & ~np.asarray(replaced)))
    past = {name: _joined(kept.past[name], sent.past[name]) for name in stored.past}
    whole = Known(
        np.concatenate([kept.group, sent.group]),
        np.concatenate([kept.index, sent.index]),
        np.concatenate([kept.value, sent.value]),
        past,
    )
    return whole, earlier


def _isin(names: Names, wanted: frozenset[str]) -> npt.NDArray[np.bool_]:
    return np.asarray(pd.Series(names, dtype=object).isin(list(wanted)))


def _joined(one: Any, other: Any) -> Any:
    if isinstance(one, np.ndarray):
        return np.concatenate([one, other])
    return pd.concat([pd.Series(one), pd.Series(other)], ignore_index=True).array
