"""At least one of every step of the room; the more of its settings are used, the better."""

from __future__ import annotations

from penstock.steps.base import StepBase
from penstock.steps.missing.fill import Fill

MISSING: tuple[StepBase, ...] = (
    Fill(),
    Fill(columns=("dose", "city"), flag=("dose",)),
)
