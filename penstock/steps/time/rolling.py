"""The step `rolling`: the last so many rows, or the last so long, summed up."""

from __future__ import annotations

from typing import Literal, Self

import numpy as np
from pydantic import Field, model_validator

from penstock.blocks import FloatMatrix
from penstock.slices import Words
from penstock.steps.base import Kinds
from penstock.steps.time.history.past import View
from penstock.steps.time.history.settings import Reach, Takes, measured
from penstock.steps.time.history.step import TailStep
from penstock.steps.time.history.summary import families_of, kind_of, summed_up
from penstock.steps.time.history.tree import Family


class Rolling(TailStep):
    """Add what a column's values in the `last` earlier rows of the group, or in a `window` of time, come to.

    The new columns are `<column>_<take>_last_<n>` or `<column>_<take>_<window>`. A window holds the rows from so long
    before a row up to it, the row's own time left out; with `gap` it ends that much earlier, that end included, so
    that a week of daily rows always has seven. Missing values are left out; `std` is that of a sample.

    Examples
    --------
    >>> import pandas as pd
    >>> days = pd.to_datetime(["2026-03-01", "2026-03-02", "2026-03-05"])
    >>> sales = pd.DataFrame({"day": days, "sold": [2.0, 4.0, 9.0]})
    >>> learned = Rolling(order="day", of="sold", window="3d", take=("mean", "count")).learn(sales)
    >>> learned.apply(sales)[["sold_mean_3d", "sold_count_3d"]].to_dict("list")
    {'sold_mean_3d': [nan, 2.0, 4.0], 'sold_count_3d': [0.0, 1.0, 1.0]}
    """

    kind: Literal["rolling"] = "rolling"
    of: Words = Field(min_length=1)
    last: int | None = Field(default=None, ge=1)
    window: Reach | None = None
    take: Takes = ("mean",)

    @model_validator(mode="after")
    def _one_stretch(self) -> Self:
        if (self.last is None) == (self.window is None):
            raise ValueError("say either how many rows by `last`, or how long by `window`")
        return self

    @property
    def rows_needed(self) -> int:
        """How many rows a stretch has."""
        return self.last or 1

    @property
    def looked_at(self) -> tuple[str, ...]:
        """The columns whose earlier values are looked up."""
        return self.of

    @property
    def families(self) -> tuple[Family, ...]:
        """What stretches of rows are summed up by."""
        return families_of(self.take)

    @property
    def reaches(self) -> dict[str, str | float]:
        """How far back settings reach, by their names."""
        return super().reaches | ({} if self.window is None else {"window": self.window})

    @property
    def length(self) -> str | float | None:
        """The window, where there is one."""
        return self.window

    def made(self, kinds: Kinds) -> Kinds:
        """Return the new columns."""
        window = (
            self.window.replace(" ", "") if isinstance(self.window, str) else f"{self.window:g}" if self.window else ""
        )
        end = window or f"last_{self.last}"
        return {self.named(c, take, end): kind_of(take, kinds[c]) for c in self.of for take in self.take}

    def told(self, view: View) -> FloatMatrix:
        """Return what the stretches come to."""
        if self.window is not None:
            low, there = view.window(measured(self.window))
        else:
            low, there = np.maximum(view.upto - self.rows_needed, 0), view.whole | (view.upto >= self.rows_needed)
        told = summed_up(view, low, self.take)
        told[~there] = np.nan
        return told
