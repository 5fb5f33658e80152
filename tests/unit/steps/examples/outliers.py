"""At least one of every step of the room; the more of its settings are used, the better."""

from __future__ import annotations

from penstock.steps.base import StepBase
from penstock.steps.outliers.isolated import Isolated

OUTLIERS: tuple[StepBase, ...] = (
    Isolated(),
    Isolated(columns=("dose",), far=1.5, gap=1.5, strange=1.0, at_most=0.2),
)
