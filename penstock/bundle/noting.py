"""What there is to say of rows that were sent: cells that do not read, values never seen, fields that nobody knows."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from penstock.bundle.observed import Observed, warn
from penstock.bundle.predictions import Note
from penstock.cells import Misfit
from penstock.steps.categories.folding import Folding
from penstock.steps.categories.tidy import Tidy
from penstock.steps.plan import Plan

if TYPE_CHECKING:
    import pandas as pd

# A caller may send any number of fields that nobody knows; a few are named.
MOST_UNKNOWN = 20


def notes_on(
    given: Iterable[str], known: Collection[str], observed: Observed, frame: pd.DataFrame, misfits: Sequence[Misfit]
) -> tuple[Note, ...]:
    """Return the warnings about a cast frame.

    Parameters
    ----------
    given : iterable of str
        The fields that were sent.
    known : collection of str
        Those that the model knows, or ignores without a word.
    observed : Observed
        What training saw.
    frame : pandas.DataFrame
        The cast features, shape (n_rows, n_features).
    misfits : sequence of Misfit
        The cells without a value that counts.
    """
    unknown = [name for name in given if name not in known]
    return (*misfit_notes(misfits), *observed.notes(frame, misfits), *unknown_notes(unknown))


def misfit_notes(misfits: Sequence[Misfit]) -> list[Note]:
    """Return the warnings about cells without a value that counts."""
    wrong: dict[tuple[str, str], list[int]] = {}
    for misfit in misfits:
        wrong.setdefault((misfit.column, misfit.expected), []).append(misfit.row)
    return [
        Note(warn("misfit", column, f"should be {expected}"), np.array(rows, dtype=np.int64))
        for (column, expected), rows in wrong.items()
    ]


def unknown_notes(names: Sequence[str]) -> list[Note]:
    """Return the warnings about fields that nobody knows."""
    told = "is no field of this model; it was ignored"
    return [Note(warn("unknown_field", name[:64], told)) for name in names[:MOST_UNKNOWN]]


def tidied(plan: Plan, features: Sequence[str]) -> dict[str, Folding]:
    """Return the columns in which spellings are made alike, and how."""
    tidies = [step for step in plan.learned if isinstance(step, Tidy)]
    return {name: step.folding for step in tidies for name in (step.columns if step.columns is not None else features)}
