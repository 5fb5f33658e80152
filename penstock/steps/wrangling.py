"""The wrangle stage's slice of the spec, with what the lock adds to it."""

from __future__ import annotations

from penstock.frozen import Frozen
from penstock.slices import Forecast, Join, Split
from penstock.split import SplitRule
from penstock.steps.union import Step


class Wrangling(Frozen):
    """How tables become one clean frame.

    `name` salts the split. `steps` are the user's; where there are none, those of the lock, and where there is no lock
    an automatic plan.
    """

    name: str
    joins: tuple[Join, ...] = ()
    split: Split = Split()
    steps: tuple[Step, ...] | None = None
    locked_plan: tuple[Step, ...] | None = None
    locked_split: SplitRule | None = None
    forecast: Forecast | None = None
