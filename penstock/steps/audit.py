"""The audit: what each step did to how many rows and cells, with a few examples. Bounded, whatever the table's size.

Values of private columns are counted and never shown.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Literal

import numpy as np
import pandas as pd

from penstock.frozen import Frozen
from penstock.suspicion.suspicion import Suspicion

MOST_EXAMPLES = 5
MOST_COLUMNS = 50
MOST_CHARACTERS = 40
# What an example says was there before a step added the column.
NO_COLUMN = "(no column)"


class Example(Frozen):
    """One cell before and after a step; `row` counts from 0 in the base source."""

    row: int
    column: str
    before: str | None
    after: str | None


class StepAudit(Frozen):
    """What one step did.

    `share` is the share of all cells that changed; for row steps the share of rows that went. `columns` counts changed
    cells by column, the most changed first, `more_columns` tells how many columns beyond the first fifty there are.
    `flagged` counts held-out rows that a row step objects to and keeps. `added` counts, by column that the step adds,
    the cells with a value in it.
    """

    step: str
    nature: Literal["typing", "join", "label", "row", "cell", "learned"]
    rows_in: int
    rows_out: int
    cells_changed: int = 0
    share: float = 0.0
    flagged: int = 0
    columns: dict[str, int] = {}
    more_columns: int = 0
    added: dict[str, int] = {}
    examples: tuple[Example, ...] = ()
    seconds: float = 0.0
    why: str = ""
    note: str = ""


class ColumnReading(Frozen):
    """What the raw cells of one column looked like; every count is of raw cells of the source.

    `missing` counts cells by the token that stood there, `null` for none at all. `blanks` are cells with blanks around
    the value; `misfits` those that could not be read.
    """

    table: str
    column: str
    missing: dict[str, int] = {}
    decimal_commas: int = 0
    thousands: int = 0
    prefixes: int = 0
    suffixes: int = 0
    blanks: int = 0
    misfits: int = 0


class LabelReading(Frozen):
    """How the target was spelled: each spelling that was merged into a label, and how often it occurred."""

    merged: dict[str, int] = {}
    blanks: int = 0
    cells: int = 0


class JoinReading(Frozen):
    """What a join found."""

    table: str
    rows: int
    duplicates_removed: int
    keyless: int
    matched: int
    orphans: int
    columns: int


class Audit(Frozen):
    """The whole account of the wrangle stage. `n_flagged` held-out rows are predicted with a warning.

    `suspicious` are columns that nobody left out, and that somebody should look at.
    """

    n_rows: int
    n_labelled: int
    n_train: int
    n_heldout: int
    n_rejected: int
    n_flagged: int
    readings: tuple[ColumnReading, ...] = ()
    more_readings: int = 0
    labels: LabelReading = LabelReading()
    joins: tuple[JoinReading, ...] = ()
    steps: tuple[StepAudit, ...] = ()
    suspicious: tuple[Suspicion, ...] = ()
    notes: tuple[str, ...] = ()

    def step(self, name: str) -> StepAudit:
        """Return the entry of the first step of a kind.

        Raises
        ------
        KeyError
            The plan has no such step.
        """
        for entry in self.steps:
            if entry.step == name:
                return entry
        raise KeyError(name)

    def reading(self, column: str, table: str = "") -> ColumnReading:
        """Return what was found of a raw column, named as in its source; an empty reading where nothing was odd."""
        for entry in self.readings:
            if entry.column == column and entry.table == table:
                return entry
        return ColumnReading(table=table, column=column)


class Watch:
    """Seconds since it was made."""

    def __init__(self) -> None:
        self._start = time.perf_counter()

    @property
    def seconds(self) -> float:
        """The seconds, rounded to tenths of a millisecond."""
        return round(time.perf_counter() - self._start, 4)


def compare(
    before: pd.DataFrame, after: pd.DataFrame, rows: np.ndarray, private: frozenset[str]
) -> tuple[dict[str, int], tuple[Example, ...]]:
    """Return how many cells changed in each column, and a few of them.

    Parameters
    ----------
    before, after : pandas.DataFrame
        The same rows in the same order; columns that only one of them has are not compared.
    rows : numpy.ndarray
        Positions of the rows in the base source, int64 of shape (n_rows,).
    private : frozenset of str
        Columns whose values are not shown.

    Returns
    -------
    tuple
        Counts by column, only of columns that changed; and at most five examples, from different columns first.
    """
    present = set(after.columns)
    changed = {
        name: where
        for name in before.columns
        if name in present and (where := _changes(before[name], after[name])).any()
    }
    counts = {name: int(where.sum()) for name, where in changed.items()}
    shown = {name: np.flatnonzero(where)[:MOST_EXAMPLES] for name, where in changed.items() if name not in private}
    picked = [(name, int(at[i])) for i in range(MOST_EXAMPLES) for name, at in shown.items() if i < len(at)]
    return counts, tuple(
        Example(
            row=int(rows[at]), column=name, before=as_text(before[name].iloc[at]), after=as_text(after[name].iloc[at])
        )
        for name, at in picked[:MOST_EXAMPLES]
    )


def filled(
    before: pd.DataFrame, after: pd.DataFrame, rows: np.ndarray, private: frozenset[str]
) -> tuple[dict[str, int], tuple[Example, ...]]:
    """Return how many cells have a value in each column that only the later frame has, and the first of some.

    Parameters
    ----------
    before, after : pandas.DataFrame
        The same rows in the same order.
    rows : numpy.ndarray
        Positions of the rows in the base source, int64 of shape (n_rows,).
    private : frozenset of str
        Columns whose values are not shown, nor those of columns named after them.
    """
    known = set(before.columns)
    there = {str(name): after[name].notna().to_numpy(dtype=bool) for name in after.columns if name not in known}
    counts = {name: int(where.sum()) for name, where in there.items()}
    told = [name for name, n in counts.items() if n and not name.startswith(tuple(private))]
    first = [(name, int(np.argmax(there[name]))) for name in told[:MOST_EXAMPLES]]
    return counts, tuple(
        Example(row=int(rows[at]), column=name, before=NO_COLUMN, after=as_text(after[name].iloc[at]))
        for name, at in first
    )


def _changes(before: pd.Series, after: pd.Series) -> np.ndarray:
    gone, empty = before.isna().to_numpy(dtype=bool), after.isna().to_numpy(dtype=bool)
    differ = (before != after).to_numpy(dtype=bool)
    return np.asarray((gone != empty) | (differ & ~gone & ~empty), dtype=bool)


def bounded(counts: Mapping[str, int]) -> tuple[dict[str, int], int]:
    """Return the largest counts, and how many were left out."""
    largest = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return dict(largest[:MOST_COLUMNS]), max(0, len(largest) - MOST_COLUMNS)


def columns_told(counts: Mapping[str, int], n_rows: int, most: int = 3) -> str:
    """Return the columns with the largest counts, each with its share of the rows, or its count where that is small.

    Examples
    --------
    >>> columns_told({"age": 177, "deck": 688, "port": 2}, 891)
    'deck (77%), age (20%), port (2)'
    """
    largest = sorted(counts.items(), key=lambda item: (-item[1], item[0]))[:most]
    return ", ".join(f"{name} ({n / n_rows:.0%})" if n >= 0.01 * n_rows else f"{name} ({n:,})" for name, n in largest)


def as_text(value: object) -> str | None:
    """Return a value as a reader sees it, cut to forty characters; None where it is missing.

    Examples
    --------
    >>> as_text(17.0), as_text(float("nan")), as_text("x" * 50)
    ('17', None, 'xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx…')
    """
    if value is None or (not isinstance(value, str) and pd.isna(value)):  # type: ignore[call-overload]
        return None
    text = f"{value:.6g}" if isinstance(value, float) else str(value)
    return text if len(text) <= MOST_CHARACTERS else text[: MOST_CHARACTERS - 1] + "…"
