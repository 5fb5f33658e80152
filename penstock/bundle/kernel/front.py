"""The front of a kernel: a raw row to encoded arrays and to what there is to say of it, without a frame."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, Protocol

import numpy as np

from penstock.blocks import CODES, Blocks, Texts
from penstock.bundle.kernel.assembly import MISSING, ByCell, Row
from penstock.bundle.kernel.batch import Batch, Columns
from penstock.bundle.kernel.columns import Layout, Runs, laid_out
from penstock.bundle.kernel.engines.engine import Floats
from penstock.bundle.kernel.reading import Reading, Remark, Remembering
from penstock.bundle.observed import Observed
from penstock.cells import Misfit
from penstock.models.encoding.encoding import Encoding
from penstock.table import Column


class Encoded(NamedTuple):
    """A row as the engine takes it, and what there is to say of it, in the order of the columns."""

    arrays: dict[str, Floats]
    remarks: list[Remark]


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
        self._columns: Columns | None = None
        if layout is not None and by_cell:
            self._assembly = assembly = ByCell(layout, self._reading, encodings)
            self._columns = Columns(self._reading, observed, assembly)
        else:
            self._assembly = _ByBlocks(self._reading, moments, texts, steps, encodings)

    def encode_many(self, columns: Mapping[str, Any], n_rows: int) -> Batch | None:
        """Return raw columns of `n_rows` values encoded; None where they have to go the long way."""
        return self._columns.encode(columns, n_rows) if self._columns is not None and n_rows else None

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
