"""The audit: what each step did to how many rows and cells, with a few examples. Bounded, whatever the table's size.

Values of private columns are counted and never shown.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Literal

import pandas as pd

from penstock.frozen import Frozen

MOST_EXAMPLES = 5
MOST_COLUMNS = 50
MOST_CHARACTERS = 40


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
    `flagged` counts held-out rows that a row step objects to and keeps.
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
    """The whole account of the wrangle stage. `n_flagged` held-out rows are predicted with a warning."""

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


def bounded(counts: Mapping[str, int]) -> tuple[dict[str, int], int]:
    """Return the largest counts, and how many were left out."""
    largest = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return dict(largest[:MOST_COLUMNS]), max(0, len(largest) - MOST_COLUMNS)


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
