"""The step `expanding`: all that came before, summed up."""

from __future__ import annotations

from typing import Literal

import numpy as np
from pydantic import Field

from penstock.blocks import FloatMatrix
from penstock.slices import Words
from penstock.steps.base import Kinds
from penstock.steps.time.history.past import View
from penstock.steps.time.history.settings import Runnings
from penstock.steps.time.history.step import HistoryStep
from penstock.steps.time.history.summary import families_of, kind_of, summed_up
from penstock.steps.time.history.tree import Family


class Expanding(HistoryStep):
    """Add what a column's values in all earlier rows of the group come to, as `<column>_<take>_before`.

    Missing values are left out; `std` is that of a sample.

    Examples
    --------
    >>> import pandas as pd
    >>> visits = pd.DataFrame({"visit": [1.0, 2.0, 3.0], "who": ["x", "x", "x"], "dose": [4.0, 8.0, 0.0]})
    >>> Expanding(order="visit", by="who", of="dose").learn(visits).apply(visits)["dose_mean_before"].tolist()
    [nan, 4.0, 6.0]
    """

    kind: Literal["expanding"] = "expanding"
    of: Words = Field(min_length=1)
    take: Runnings = ("mean",)

    @property
    def looked_at(self) -> tuple[str, ...]:
        """The columns whose earlier values are looked up."""
        return self.of

    @property
    def families(self) -> tuple[Family, ...]:
        """What stretches of rows are summed up by."""
        return families_of(self.take)

    def made(self, kinds: Kinds) -> Kinds:
        """Return the new columns."""
        return {self.named(c, take, "before"): kind_of(take, kinds[c]) for c in self.of for take in self.take}

    def told(self, view: View) -> FloatMatrix:
        """Return what all earlier rows come to."""
        return summed_up(view, np.zeros(len(view.upto), dtype=np.int64), self.take)
