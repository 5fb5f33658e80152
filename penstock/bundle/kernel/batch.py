"""Many raw rows to encoded arrays and to what there is to say of them, column by column, without a frame.

What it gives is what a row gets alone, and what the frames of the long way give: of texts each distinct one is looked
at once, numbers are looked at all together.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa

from penstock.bundle.kernel.assembly import ByCell
from penstock.bundle.kernel.engines.engine import Floats
from penstock.bundle.kernel.reading import Cell, Reading, Remark
from penstock.bundle.observed import Observed
from penstock.bundle.predictions import Note, Warned
from penstock.casting import cast_column, check_numbers, encode, misfits_at, plain_chunks
from penstock.cells import Misfit
from penstock.table import Column

# Types whose values `float` reads, and those of which equal values read alike.
_NUMBERS, _TRUTHS, _ALIKE = ({float, int, type(None)}, {bool, type(None)}, {str, int, type(None)})


class Batch(NamedTuple):
    """Rows as the engine takes them, and what there is to say of them."""

    arrays: dict[str, Floats]
    misfits: tuple[Misfit, ...]
    notes: list[Note]


class Told:
    """What is found out about columns on the way: it is said in an order of its own in the end."""

    def __init__(self) -> None:
        self.unread: dict[int, list[Misfit]] = {}
        self.refused: dict[int, list[Misfit]] = {}
        self.warned: dict[int, list[tuple[Warned, np.ndarray]]] = {}

    def misfits(self) -> tuple[Misfit, ...]:
        """Return first the cells that do not read, then those outside their domain, each column by column."""
        return tuple(m for found in (self.unread, self.refused) for at in sorted(found) for m in found[at])

    def notes(self) -> list[Note]:
        """Return the warnings, column by column; of a misfit nothing else is said."""
        notes: list[Note] = []
        for at in sorted(self.warned):
            wrong = [m.row for m in (*self.unread.get(at, ()), *self.refused.get(at, ()))]
            for warned, rows in self.warned[at]:
                left = np.setdiff1d(rows, wrong) if wrong else rows
                if len(left):
                    notes.append(Note(warned, left.astype(np.int64)))
        return notes


class Columns:
    """The features of many rows.

    Parameters
    ----------
    reading : Reading
        How cells are cast.
    observed : Observed
        What training saw of them.
    assembly : ByCell
        What becomes of cast cells.
    """

    def __init__(self, reading: Reading, observed: Observed, assembly: ByCell) -> None:
        self._reading = reading
        self._observed = observed
        self._assembly = assembly
        self._number_at = [at for at, c in enumerate(reading.columns) if c.is_numeric]

    def encode(self, columns: Mapping[str, Any], n_rows: int) -> Batch:
        """Return raw columns of `n_rows` values, one at least, encoded; a cell that does not read counts as missing."""
        told = Told()
        nothing = [None] * n_rows
        every = self._reading.columns
        numbers = [self._number(at, columns.get(every[at].name, nothing), told) for at in self._number_at]
        moments = [self._moment(at, columns.get(every[at].name, nothing), told) for at in self._reading.moment_at]
        texts = [
            self._texts(place, at, columns.get(every[at].name, nothing), told)
            for place, at in enumerate(self._reading.text_at)
        ]
        arrays = self._assembly.of_many(numbers, moments, texts, n_rows)
        return Batch(arrays, told.misfits(), told.notes())

    def _number(self, at: int, values: Any, told: Told) -> np.ndarray:
        column = self._reading.columns[at]
        plain = _plain_numbers(column, values)
        cast, bad = cast_column(column, values) if plain is None else plain
        if bad:
            told.unread[at] = bad
        if (refused := self._observed.refused(at, cast)) is not None:
            told.refused[at] = refused
        if warned := self._observed.warned(at, cast):
            told.warned[at] = warned
        return np.asarray(cast)

    def _moment(self, at: int, values: Any, told: Told) -> np.ndarray:
        cast, bad = cast_column(self._reading.columns[at], values)
        if bad:
            told.unread[at] = bad
        gone = np.isnat(cast)
        lacks = self._observed.warning(at, None) if gone.any() else None
        if lacks is not None:
            told.warned[at] = [(lacks, np.flatnonzero(gone))]
        return np.asarray(cast)

    def _texts(self, place: int, at: int, values: Any, told: Told) -> tuple[np.ndarray, list[Cell]]:
        """Return codes into the distinct cells of a column, and these."""
        codes, distinct = _taken_apart(values)
        cells = [self._assembly.texts[place].cell(value) for value in distinct]
        odd = [(code, cell.remark) for code, cell in enumerate(cells) if cell.remark is not None]
        if odd:
            rows_of = {code: np.flatnonzero(codes == code) for code, _ in odd}
            _tell(self._reading.columns[at], at, [(remark, rows_of[code]) for code, remark in odd], told)
        return codes, cells


def _plain_numbers(column: Column, values: Any) -> tuple[np.ndarray, list[Misfit]] | None:
    """Return numbers as JSON has them, cast; None for anything else."""
    if not isinstance(values, list):
        return None
    kinds = set(map(type, values))
    if column.kind == "boolean":
        allowed = kinds <= _TRUTHS
    else:
        allowed = column.kind in ("integer", "float") and kinds <= _NUMBERS
    if not allowed:
        return None
    try:
        done = np.array([math.nan if v is None else v for v in values] if type(None) in kinds else values, np.float64)
    except OverflowError:
        return None
    if column.kind == "boolean":
        return done, []
    cast, bad = check_numbers(column, done)
    return cast, misfits_at(column, bad)


def _taken_apart(values: Any) -> tuple[np.ndarray, list[Any]]:
    """Return codes of raw values into the distinct ones, and these."""
    if isinstance(values, pa.Array | pa.ChunkedArray):
        chunks = plain_chunks(values)
        if pa.types.is_string(chunks.type):
            found = encode(chunks)
            distinct = found.values.to_pylist()
            return np.where(found.codes < 0, len(distinct), found.codes), [*distinct, None]
        values = chunks.to_pylist()
    if set(map(type, values)) <= _ALIKE:
        place = {value: code for code, value in enumerate(dict.fromkeys(values))}
        return np.array([place[value] for value in values], dtype=np.intp), list(place)
    # Of values that may equal each other and read otherwise, each counts for itself.
    return np.arange(len(values)), list(values)


def _tell(column: Column, at: int, odd: Sequence[tuple[Remark, np.ndarray]], told: Told) -> None:
    for into, refused in ((told.unread, False), (told.refused, True)):
        found = [(r.misfit.expected, rows) for r, rows in odd if r.misfit is not None and r.refused is refused]
        if found:
            rows = np.sort(np.concatenate([rows for _, rows in found])).tolist()
            into[at] = [Misfit(row=row, column=column.name, expected=found[0][0]) for row in rows]
    warned: dict[Warned, list[np.ndarray]] = {}
    for remark, rows in odd:
        if remark.warned is not None:
            warned.setdefault(remark.warned, []).append(rows)
    if warned:
        # Of missing ones it is told first.
        ordered = sorted(warned.items(), key=lambda pair: pair[0].code != "missing_field")
        told.warned[at] = [(each, np.sort(np.concatenate(rows))) for each, rows in ordered]
