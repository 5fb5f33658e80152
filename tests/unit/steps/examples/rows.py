"""At least one of every step of the room; the more of its settings are used, the better."""

from __future__ import annotations

from penstock.steps.base import StepBase
from penstock.steps.rows.duplicates import Duplicates
from penstock.steps.rows.incomplete import DropIncomplete
from penstock.steps.rows.misfits import Misfits

ROWS_STEPS: tuple[StepBase, ...] = (
    Duplicates(),
    Duplicates(at_most=0.1),
    Misfits(),
    DropIncomplete(),
    DropIncomplete(columns=("city", "seen"), over=0),
)
