"""At least one of every step of the room; the more of its settings are used, the better."""

from __future__ import annotations

from penstock.steps.base import StepBase
from penstock.steps.categories.bin import Bin
from penstock.steps.categories.from_number import CategoryFromNumber
from penstock.steps.categories.ordinal import Ordinal
from penstock.steps.categories.rare import Rare
from penstock.steps.categories.tidy import Tidy

CATEGORIES: tuple[StepBase, ...] = (
    Rare(),
    Rare(columns=("note",), at_least=2, at_most=3, at_least_share=0.1),
    Tidy(),
    Tidy(columns=("city",), accents=True, blanks=False),
    CategoryFromNumber(columns=("age", "dose"), edges=(-1, 0, 2.5)),
    CategoryFromNumber(columns=("age",), edges=(0,), give="number"),
    Ordinal(columns=("city", "note"), levels=("Bonn", "oslo", "Oslo")),
    Bin(columns=("age",), bins=3),
    Bin(bins=4, by="width", give="number"),
)
