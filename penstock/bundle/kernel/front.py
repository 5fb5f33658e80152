"""The front of a kernel: a raw row to encoded arrays and to what there is to say of it, without a frame."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, Protocol

import numpy as np

from penstock.blocks import CODES, Blocks, Texts
from penstock.bundle.kernel.columns import Layout, Number, Runs, laid_out
from penstock.bundle.kernel.engines.engine import Floats
from penstock.bundle.kernel.reading import Reading, Remark, Remembering
from penstock.bundle.observed import Observed
from penstock.cells import Misfit
from penstock.models.encoding.column import TextColumn
from penstock.models.encoding.encoding import Encoding
from penstock.models.encoding.numbers import LARGEST
from penstock.steps.time.calendar import Calendar
from penstock.table import Column

Row = Mapping[str, Any]
MISSING = np.datetime64("NaT", "us")


class Encoded(NamedTuple):
    """A row as the engine takes it, and what there is to say of it, in the order of the columns."""

    arrays: dict[str, Floats]
    remarks: list[Remark]


class Part(NamedTuple):
    """What stands for one text in one encoding."""

    codes: list[float]
    dense: list[float]
    indicators: list[float]


class _Assembly(Protocol):
    """What makes arrays of a row whose numbers are cast; remarks on other cells are appended."""

    def of(self, row: Row, numbers: list[float], remarks: list[Remark]) -> dict[str, Floats]:
        """Return the array of each encoding."""


class Front:
    """From a raw row to what an engine takes of it.

    Steps that treat each column by itself are gone through cell by cell, and what a text comes to is remembered. Where
    a step looks at more than that, all of them run on blocks of one row.

    Parameters
    ----------
    features : sequence of Column
        The columns that are cast, in the order of the cast frame.
    observed : Observed
        What training saw of them.
    steps : sequence of Learned or CellStep
        All that runs, the cell steps before the cut among them, in order.
    encodings : mapping of str to Encoding
        What the rows behind them become; all were learned from the same columns.
    """

    def __init__(
        self, features: Sequence[Column], observed: Observed, steps: Sequence[Runs], encodings: Mapping[str, Encoding]
    ) -> None:
        self._reading = Reading(features, observed)
        names = [column.name for column in features]
        texts = [names[at] for at in self._reading.text_at]
        moments = [names[at] for at in self._reading.moment_at]
        layout = laid_out(Layout.of(self._reading.number_names, moments, texts), steps)
        # No plan lets a moment reach a model; a pipeline made without one may.
        by_cell = layout is not None and not any(encoding.moment_at_ for encoding in encodings.values())
        self._assembly: _Assembly
        if layout is not None and by_cell:
            self._assembly = _ByCell(layout, self._reading, encodings)
        else:
            self._assembly = _ByBlocks(self._reading, moments, texts, steps, encodings)

    def encode(self, row: Row) -> Encoded:
        """Return a raw row encoded; a cell that does not read counts as missing."""
        remarks: list[Remark] = []
        numbers = self._reading.numbers(row, remarks)
        arrays = self._assembly.of(row, numbers, remarks)
        if len(remarks) > 1:
            remarks.sort(key=_place)
        return Encoded(arrays, remarks)


def _place(remark: Remark) -> int:
    return remark.at


def misfits_of(remarks: Sequence[Remark]) -> tuple[Misfit, ...]:
    """Return the misfits among remarks: first the cells that do not read, then those outside their domain."""
    unread = [r.misfit for r in remarks if r.misfit is not None and not r.refused]
    refused = [r.misfit for r in remarks if r.misfit is not None and r.refused]
    return (*unread, *refused)


class _ByCell:
    """Each cell by itself."""

    def __init__(self, layout: Layout, reading: Reading, encodings: Mapping[str, Encoding]) -> None:
        first = next(iter(encodings.values()))
        numbers = [layout.numbers[first.columns_[i]] for i in first.number_at_]
        # Between these ends a number stays as it is.
        self._numbers = [(n, n.at, max(n.low, -LARGEST), min(n.high, LARGEST)) for n in numbers]
        self._n_more = layout.n_numbers - len(reading.number_names)
        self._texts_at = [layout.texts[first.columns_[i]] for i in first.text_at_]
        self._order = [text.at for text in self._texts_at]
        self._encodings = [_Plain(name, encoding) for name, encoding in encodings.items()]
        self._moments = [
            Remembering(reading, at, _calendars_of([(k, step) for i, k, step in layout.calendars if i == place]))
            for place, at in enumerate(reading.moment_at)
        ]
        self._texts = [Remembering(reading, at, self._of_text(place)) for place, at in enumerate(reading.text_at)]

    def _of_text(self, place: int) -> Callable[[str | None], list[Part]]:
        if place not in self._order:
            return lambda _: []
        k = self._order.index(place)
        text = self._texts_at[k]
        return lambda value: [each.part(k, text.of(value)) for each in self._encodings]

    def of(self, row: Row, numbers: list[float], remarks: list[Remark]) -> dict[str, Floats]:
        """Return the arrays of a row."""
        if self._n_more:
            numbers += [0.0] * self._n_more
            for moment in self._moments:
                cell = moment.of(row)
                for first, values in cell.made:
                    numbers[first : first + len(values)] = values
                if cell.remark is not None:
                    remarks.append(cell.remark)
        settled = [
            (0.0 if number.flags else value) if low <= (value := numbers[at]) <= high else _settled(number, value)
            for number, at, low, high in self._numbers
        ]
        cells = [text.of(row) for text in self._texts]
        remarks += [cell.remark for cell in cells if cell.remark is not None]
        parts = [cells[place].made for place in self._order]
        return {each.name: each.array(settled, [made[e] for made in parts]) for e, each in enumerate(self._encodings)}


def _settled(number: Number, value: float) -> float:
    """Return what becomes of a number that is missing, outside its ends, or beyond single precision."""
    if number.low <= value <= number.high:
        return 0.0 if number.flags else _bounded(value)
    return 1.0 if number.flags else _bounded(number.fill)


def _bounded(value: float) -> float:
    # NaN stays, as the first of what is compared.
    return min(max(value, -LARGEST), LARGEST)


def _calendars_of(steps: Sequence[tuple[int, Calendar]]) -> Callable[[Any], list[tuple[int, list[float]]]]:
    def made(moment: np.datetime64 | None) -> list[tuple[int, list[float]]]:
        at = np.array([MISSING if moment is None else moment], dtype="datetime64[us]")
        return [(first, _alone(step, at)) for first, step in steps]

    return made


def _alone(step: Calendar, at: np.ndarray) -> list[float]:
    (name,) = step.columns or ("",)
    values: list[float] = step.on(Blocks(1, (), np.empty((1, 0)), {name: at}, {})).numbers[0].tolist()
    return values


class _Plain:
    """One encoding, put together from numbers and parts."""

    def __init__(self, name: str, encoding: Encoding) -> None:
        self.name = name
        self._encoding = encoding
        self._columns: list[TextColumn] = encoding.texts_
        self._flags = [0.0] * len(encoding.flagged_)
        self._has_codes = encoding.n_codes_ > 0
        self._has_dense = encoding.n_dense_ > len(encoding.number_at_)
        self._has_indicators = encoding.n_indicators_ > 0
        self._scales = encoding.scaler_ is not None

    def part(self, place: int, text: str | None) -> Part:
        """Return what stands for a text of the encoding's column in a place."""
        part = Part([], [], [])
        self._columns[place].add(text, *part)
        return Part(part.codes, [_bounded(value) for value in part.dense], part.indicators)

    def array(self, numbers: list[float], parts: list[Part]) -> Floats:
        """Return the row's array, float64 of shape (1, n_features)."""
        cells: list[float] = []
        if self._has_codes:
            for part in parts:
                cells += part.codes
        cells += numbers
        if self._has_dense:
            for part in parts:
                cells += part.dense
        if self._has_indicators:
            for part in parts:
                cells += part.indicators
        cells += self._flags
        made = np.array([cells], dtype=np.float64)
        return self._encoding.scaled(made) if self._scales else made


class _ByBlocks:
    """All steps on blocks of one row."""

    def __init__(
        self,
        reading: Reading,
        moments: Sequence[str],
        texts: Sequence[str],
        steps: Sequence[Runs],
        encodings: Mapping[str, Encoding],
    ) -> None:
        self._number_names = tuple(reading.number_names)
        self._moments = [Remembering(reading, reading.moment_at[i], _nothing) for i in range(len(moments))]
        self._texts = [Remembering(reading, reading.text_at[i], _nothing) for i in range(len(texts))]
        self._steps = steps
        self._encodings = encodings

    def of(self, row: Row, numbers: list[float], remarks: list[Remark]) -> dict[str, Floats]:
        """Return the arrays of a row."""
        moments: dict[str, np.ndarray] = {}
        texts: dict[str, Texts] = {}
        for moment in self._moments:
            cell = moment.of(row)
            moments[moment.name] = np.array([MISSING if cell.value is None else cell.value], dtype="datetime64[us]")
            remarks += [cell.remark] if cell.remark is not None else []
        for text in self._texts:
            cell = text.of(row)
            texts[text.name] = _one_text(cell.value)
            remarks += [cell.remark] if cell.remark is not None else []
        blocks = Blocks(1, self._number_names, np.array([numbers], dtype=np.float64, order="F"), moments, texts)
        for step in self._steps:
            blocks = step.on(blocks)
        return {name: _encoded(encoding, blocks) for name, encoding in self._encodings.items()}


def _nothing(_: object) -> None:
    return None


def _one_text(text: str | None) -> Texts:
    return Texts(np.array([-1 if text is None else 0], dtype=CODES), () if text is None else (text,))


def _encoded(encoding: Encoding, blocks: Blocks) -> Floats:
    names = encoding.columns_
    codes: list[float] = []
    dense = [float(blocks.number(names[i])[0]) for i in encoding.number_at_]
    indicators: list[float] = []
    for i, part in zip(encoding.moment_at_, encoding.moments_, strict=True):
        values = part.of(blocks.moments[names[i]])[0].tolist()
        dense += values[: len(part.dense)]
        indicators += values[len(part.dense) :]
    for i, column in zip(encoding.text_at_, encoding.texts_, strict=True):
        texts = blocks.texts[names[i]]
        column.add(None if texts.codes[0] < 0 else texts.levels[int(texts.codes[0])], codes, dense, indicators)
    flags = [0.0] * len(encoding.flagged_)
    return encoding.scaled(np.array([codes + dense + indicators + flags], dtype=np.float64))
