"""Rows answered by a kernel from their raw cells: what `Bundle.predict` says of them, without a frame."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from penstock.answering.decision import Decision
from penstock.answering.widths import Offsets
from penstock.bundle.kernel.engines.engine import Engine, Floats
from penstock.bundle.kernel.front import Front, misfits_of
from penstock.bundle.kernel.reading import Remark
from penstock.bundle.noting import misfit_notes, unknown_notes
from penstock.bundle.predictions import Note, Predictions
from penstock.bundle.rows import Given, Rows
from penstock.cells import Misfit
from penstock.table import Column, Target

if TYPE_CHECKING:
    from penstock.bundle.bundle import Bundle
    from penstock.bundle.observed import Observed

_ONLY: Rows = np.zeros(1, dtype=np.int64)


@dataclass(frozen=True, eq=False)
class Quick:
    """What answers rows quickly.

    Attributes
    ----------
    front, engine
        What encodes it, and what answers it then.
    target : Target
        What is predicted.
    known : frozenset of str
        The fields that the model knows, or ignores without a word.
    old_names : collection of str
        Names that fields had before: a row that has one is none for the quick way.
    model, version : str
        Who answers.
    lookups : mapping of str to str
        The version of each table that is looked up in; where there are any, a single row goes the long way.
    offsets, decision
        How ends of an interval and labels are made of estimates.
    """

    front: Front
    engine: Engine
    target: Target
    known: frozenset[str]
    old_names: Collection[str]
    model: str
    version: str
    lookups: Mapping[str, str]
    offsets: Offsets | None
    decision: Decision | None

    @classmethod
    def of(cls, bundle: Bundle, features: Sequence[Column], observed: Observed) -> Quick:
        """Return what answers rows of a bundle that has a kernel."""
        assert bundle.kernel is not None
        steps = (*bundle.plan.cells, *bundle.kernel.steps)
        return cls(
            front=Front(features, observed, steps, bundle.kernel.encodings),
            engine=bundle.kernel.engine,
            target=bundle.target,
            known=frozenset((*bundle.schema.names, bundle.target.name)),
            old_names=bundle.promises.old_names,
            model=bundle.name,
            version=bundle.version,
            lookups=bundle.lookup_versions,
            offsets=bundle.aim.offsets,
            decision=bundle.aim.decision,
        )

    def of_rows(self, raw: object) -> Predictions | None:
        """Return the answer to a list of one row; None where it is anything else, or goes the long way."""
        if type(raw) is not list or len(raw) != 1 or not isinstance(raw[0], Mapping):
            return None
        return self.answer(raw[0])

    def answer(self, row: Mapping[str, Any]) -> Predictions | None:
        """Return the answer to a raw row; None where it has to go the long way."""
        if self.lookups:
            return None
        unknown = () if row.keys() <= self.known else [name for name in row if name not in self.known]
        if unknown and not all(type(name) is str and name not in self.old_names for name in unknown):
            return None
        arrays, remarks = self.front.encode(row)
        estimates = self.engine.answer(arrays)
        misfits, notes = _told(remarks) if remarks else ((), ())
        if unknown:
            notes = (*notes, *unknown_notes(unknown))
        return self._predictions(estimates, notes, misfits)

    def of_columns(
        self, columns: Mapping[str, Any], given: Given, before: Sequence[Note], after: Sequence[Note]
    ) -> Predictions | None:
        """Return the answers to raw columns; None where they have to go the long way.

        Parameters
        ----------
        columns : mapping of str to sequence
            The columns that the model knows, and what was looked up beside them.
        given : Given
            What was sent.
        before, after : sequence of Note
            What is said of the rows already: it comes before and after what is found here.
        """
        batch = self.front.encode_many(columns, given.n_rows)
        if batch is None:
            return None
        unknown = [name for name in given.columns if name not in self.known]
        found = (*misfit_notes(batch.misfits), *batch.notes, *unknown_notes(unknown))
        return self._predictions(self.engine.answer(batch.arrays), (*before, *found, *after), batch.misfits)

    def _predictions(self, estimates: Floats, notes: tuple[Note, ...], misfits: tuple[Misfit, ...]) -> Predictions:
        low, high = self.offsets.around(estimates) if self.offsets is not None else (None, None)
        return Predictions(
            target=self.target,
            estimates=estimates,
            notes=notes,
            misfits=misfits,
            model=self.model,
            version=self.version,
            lookups=self.lookups,
            low=low,
            high=high,
            decision=self.decision,
        )


def _told(remarks: list[Remark]) -> tuple[tuple[Misfit, ...], tuple[Note, ...]]:
    misfits = misfits_of(remarks)
    warned = [Note(remark.warned, _ONLY) for remark in remarks if remark.warned is not None]
    return misfits, (*misfit_notes(misfits), *warned)
