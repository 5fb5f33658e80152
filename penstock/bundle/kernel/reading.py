"""A raw row's cells to cast ones, with what there is to say of them: quickly where they are usual, else with care.

What is quick gives what the careful way gives, which is `penstock.cells` for the value, and `Observed` for what there
is to say of it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from penstock.bundle.observed import Observed
from penstock.bundle.predictions import Warned
from penstock.cells import EXPECTED, Misfit, NotCast, missing_numbers, parse_cell
from penstock.models.encoding.numbers import LARGEST
from penstock.table import Column

# Of so many different texts each column remembers what they come to, none longer than so many characters.
MOST_REMEMBERED, LONGEST_REMEMBERED = 4096, 200


class Remark(NamedTuple):
    """What there is to say of a cell: `misfit` where it does not read or is refused, else `warned`."""

    at: int
    misfit: Misfit | None
    refused: bool
    warned: Warned | None


class Cell(NamedTuple):
    """What a raw value comes to: its cast value, what there is to say of it, and what is made of it."""

    value: Any  # str or datetime64, None where it is missing
    remark: Remark | None
    made: Any  # whatever the column's user makes of the cast value


@dataclass(frozen=True, slots=True)
class _Number:
    """A column of numbers: between its ends a plain one is cast, and nothing is to be said of it.

    `whole` numbers have no fraction; with `truth` the plain values are booleans; `may_lack` says that nothing is to be
    said of a missing one.
    """

    at: int
    column: Column
    low: float
    high: float
    whole: bool
    truth: bool
    may_lack: bool


class Reading:
    """The features of a row.

    Parameters
    ----------
    features : sequence of Column
        The columns, in the order of the cast frame.
    observed : Observed
        What training saw of them.
    """

    def __init__(self, features: Sequence[Column], observed: Observed) -> None:
        self._observed = observed
        self.columns = list(features)
        self._numbers = [self._number(at, c) for at, c in enumerate(features) if c.is_numeric]
        # As tuples: the loop over them is what a row costs.
        self._hot = [(n.at, n.column.name, n.low, n.high, n.whole, n.truth, n.may_lack) for n in self._numbers]
        self.moment_at = [at for at, c in enumerate(features) if c.kind == "datetime"]
        self.text_at = [at for at, c in enumerate(features) if c.kind in ("category", "text")]

    @property
    def number_names(self) -> list[str]:
        """The columns that are cast to numbers."""
        return [n.column.name for n in self._numbers]

    def _number(self, at: int, column: Column) -> _Number:
        low, high = self._observed.quiet(at)
        if column.kind not in ("integer", "float") or missing_numbers(column.missing):
            low, high = math.inf, -math.inf
        return _Number(
            at,
            column,
            low=max(low, -LARGEST),
            high=min(high, LARGEST),
            whole=column.kind == "integer",
            truth=column.kind == "boolean" and column.domain is None,
            may_lack=self._observed.warning(at, None) is None,
        )

    def numbers(self, row: Mapping[str, Any], remarks: list[Remark]) -> list[float]:
        """Return the numbers of a row, NaN where they are missing; remarks are appended."""
        found: list[float] = []
        get = row.get
        for at, name, low, high, whole, truth, may_lack in self._hot:
            value: Any = get(name)
            kind = type(value)
            if (kind is float or kind is int) and low <= value <= high and not (whole and value % 1):
                found.append(float(value))
            elif value is None and may_lack:
                found.append(math.nan)
            elif truth and kind is bool:
                found.append(1.0 if value else 0.0)
            else:
                read, remark = self.careful(at, value)
                found.append(math.nan if read is None else read)
                if remark is not None:
                    remarks.append(remark)
        return found

    def careful(self, at: int, value: object) -> tuple[Any, Remark | None]:
        """Return the cast value of a cell, None where it is missing, and what there is to say of it."""
        column = self.columns[at]
        try:
            cast = parse_cell(column, value)
        except NotCast:
            misfit = Misfit(row=0, column=column.name, expected=EXPECTED[column.kind])
            return None, Remark(at, misfit, False, None)
        if isinstance(cast, np.datetime64) and np.isnat(cast):
            cast = None
        refused = self._observed.misfit(at, cast)
        if refused is not None:
            return cast, Remark(at, refused, True, None)
        warned = self._observed.warning(at, cast)
        return cast, None if warned is None else Remark(at, None, False, warned)


class Remembering:
    """What the different texts of one column come to, remembered as far as there is room.

    Parameters
    ----------
    reading : Reading
        How cells are cast.
    at : int
        Which of its columns.
    make : callable
        Makes of a cast value whatever is needed of it.
    """

    def __init__(self, reading: Reading, at: int, make: Any) -> None:
        self.name = reading.columns[at].name
        self._reading = reading
        self._at = at
        self._make = make
        self._known: dict[Any, Cell] = {}

    def of(self, row: Mapping[str, Any]) -> Cell:
        """Return what a row's cell comes to."""
        return self.cell(row.get(self.name))

    def cell(self, value: Any) -> Cell:
        """Return what a raw value comes to."""
        kind = type(value)
        # Of numbers only whole ones: a float or a boolean may equal one and read otherwise.
        if kind is str or value is None or kind is int:
            found = self._known.get(value)
            return found if found is not None else self._learn(value)
        return self._read(value)

    def _learn(self, value: str | int | None) -> Cell:
        cell = self._read(value)
        if len(self._known) < MOST_REMEMBERED and not (isinstance(value, str) and len(value) > LONGEST_REMEMBERED):
            self._known[value] = cell
        return cell

    def _read(self, value: object) -> Cell:
        cast, remark = self._reading.careful(self._at, value)
        return Cell(cast, remark, self._make(cast))
