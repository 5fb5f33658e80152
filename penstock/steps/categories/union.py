"""The steps of this room: a class here is of no use until this union knows it."""

from __future__ import annotations

from penstock.steps.categories.bin import Bin
from penstock.steps.categories.from_number import CategoryFromNumber
from penstock.steps.categories.ordinal import Ordinal
from penstock.steps.categories.rare import Rare
from penstock.steps.categories.tidy import Tidy

CategoryStep = Bin | CategoryFromNumber | Ordinal | Rare | Tidy
