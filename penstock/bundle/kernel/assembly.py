"""Cast cells to the arrays that an engine takes, where every step treats each column by itself."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from penstock.blocks import Blocks
from penstock.bundle.kernel.columns import Layout, Number
from penstock.bundle.kernel.engines.engine import Floats
from penstock.bundle.kernel.reading import Cell, Reading, Remark, Remembering
from penstock.models.encoding.column import TextColumn
from penstock.models.encoding.encoding import Encoding
from penstock.models.encoding.numbers import LARGEST
from penstock.steps.time.calendar import Calendar

Row = Mapping[str, Any]
MISSING = np.datetime64("NaT", "us")


class Part(NamedTuple):
    """What stands for one text in one encoding."""

    codes: list[float]
    dense: list[float]
    indicators: list[float]


class ByCell:
    """Cast cells to arrays where every step treats each column by itself.

    Parameters
    ----------
    layout : Layout
        What the columns behind the steps come of.
    reading : Reading
        How cells are cast.
    encodings : mapping of str to Encoding
        What they become.
    """

    def __init__(self, layout: Layout, reading: Reading, encodings: Mapping[str, Encoding]) -> None:
        first = next(iter(encodings.values()))
        numbers = [layout.numbers[first.columns_[i]] for i in first.number_at_]
        # Between these ends a number stays as it is.
        self._numbers = [(n, n.at, max(n.low, -LARGEST), min(n.high, LARGEST)) for n in numbers]
        self._calendars = layout.calendars
        self._n_more = layout.n_numbers - len(reading.number_names)
        self._texts_at = [layout.texts[first.columns_[i]] for i in first.text_at_]
        self._order = [text.at for text in self._texts_at]
        self._encodings = [_Plain(name, encoding) for name, encoding in encodings.items()]
        self._moments = [
            Remembering(reading, at, _calendars_of([(k, step) for i, k, step in layout.calendars if i == place]))
            for place, at in enumerate(reading.moment_at)
        ]
        self.texts = [Remembering(reading, at, self._of_text(place)) for place, at in enumerate(reading.text_at)]

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
        cells = [text.of(row) for text in self.texts]
        remarks += [cell.remark for cell in cells if cell.remark is not None]
        parts = [cells[place].made for place in self._order]
        return {each.name: each.array(settled, [made[e] for made in parts]) for e, each in enumerate(self._encodings)}

    def of_many(
        self,
        numbers: Sequence[np.ndarray],
        moments: Sequence[np.ndarray],
        texts: Sequence[tuple[np.ndarray, list[Cell]]],
        n_rows: int,
    ) -> dict[str, Floats]:
        """Return the arrays of many rows.

        Parameters
        ----------
        numbers, moments : sequence of numpy.ndarray
            The cast columns, float64 and datetime64[us] of shape (n_rows,).
        texts : sequence of (numpy.ndarray, list of Cell)
            Codes of shape (n_rows,) into the distinct cells of each column of texts, and these.
        n_rows : int
            How many rows there are.
        """
        more = [*numbers]
        for place, _, step in self._calendars:
            (name,) = step.columns or ("",)
            made = step.on(Blocks(n_rows, (), np.empty((n_rows, 0)), {name: moments[place]}, {})).numbers
            more += [made[:, j] for j in range(made.shape[1])]
        settled = [_all_settled(number, more[number.at]) for number, *_ in self._numbers]
        ordered = [texts[place] for place in self._order]
        return {
            each.name: each.arrays(
                settled, [(codes, [cell.made[e] for cell in cells]) for codes, cells in ordered], n_rows
            )
            for e, each in enumerate(self._encodings)
        }


def _all_settled(number: Number, values: np.ndarray) -> np.ndarray:
    """Return what becomes of a column of numbers, but for what lies beyond single precision."""
    inside = (values >= number.low) & (values <= number.high)
    if number.flags:
        return (~inside).astype(np.float64)
    return values if inside.all() else np.where(inside, values, number.fill)


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

    def arrays(
        self, numbers: Sequence[np.ndarray], parts: Sequence[tuple[np.ndarray, list[Part]]], n_rows: int
    ) -> Floats:
        """Return the array of many rows, of shape (n_rows, n_features): codes into parts stand for texts."""
        encoding = self._encoding
        made = np.zeros((n_rows, encoding.n_codes_ + encoding.n_dense_ + encoding.n_indicators_ + len(self._flags)))
        places = [0, encoding.n_codes_ + len(numbers), encoding.n_codes_ + encoding.n_dense_]
        for j, values in enumerate(numbers):
            made[:, encoding.n_codes_ + j] = values
        for codes, distinct in parts:
            for k, table in enumerate(zip(*distinct, strict=True)):
                width = len(table[0])
                if width:
                    made[:, places[k] : places[k] + width] = np.array(table, dtype=np.float64)[codes]
                    places[k] += width
        return encoding.scaled(made)
