"""At least one of every step of the room; the more of its settings are used, the better."""

from __future__ import annotations

from penstock.steps.base import StepBase
from penstock.steps.categories.rare import Rare
from penstock.steps.categories.tidy import Tidy

CATEGORIES: tuple[StepBase, ...] = (
    Rare(),
    Rare(columns=("note",), at_least=2, at_most=3),
    Tidy(),
    Tidy(columns=("city",)),
)
