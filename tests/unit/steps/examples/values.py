"""At least one of every step of the room; the more of its settings are used, the better."""

from __future__ import annotations

from penstock.steps.base import StepBase
from penstock.steps.values.bounds import Bounds
from penstock.table import Domain

VALUES: tuple[StepBase, ...] = (
    Bounds(domains={"age": Domain(low=0, high=120), "city": Domain(values=("Oslo", "Bonn"))}),
    Bounds(domains={"dose": Domain(high=10.0)}, action="clip"),
)
