"""The step `difference`: how a value has changed since earlier rows."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from penstock.blocks import FloatMatrix
from penstock.slices import Words
from penstock.steps.base import Kinds
from penstock.steps.time.history.past import View, side_by_side
from penstock.steps.time.history.settings import Backs, Changes
from penstock.steps.time.history.step import TailStep


class Difference(TailStep):
    """Add a row's value minus that of the k-th earlier row of the same group, as `<column>_difference_<k>`.

    With `take: [ratio]` it is `<column>_ratio_<k>`: the value divided by the earlier one, missing where that is 0.

    Examples
    --------
    >>> import pandas as pd
    >>> meter = pd.DataFrame({"day": [1.0, 2.0], "read": [100.0, 140.0]})
    >>> learned = Difference(order="day", of="read", take=("difference", "ratio")).learn(meter)
    >>> learned.apply(pd.DataFrame({"day": [3.0], "read": [147.0]})).to_dict("list")
    {'day': [3.0], 'read': [147.0], 'read_difference_1': [7.0], 'read_ratio_1': [1.05]}
    """

    kind: Literal["difference"] = "difference"
    of: Words = Field(min_length=1)
    k: Backs = (1,)
    take: Changes = ("difference",)

    @property
    def rows_needed(self) -> int:
        """How many rows a stretch has."""
        return max(self.k)

    @property
    def looked_at(self) -> tuple[str, ...]:
        """The columns whose earlier values are looked up."""
        return self.of

    def made(self, kinds: Kinds) -> Kinds:
        """Return the new columns."""
        return {
            self.named(column, f"{change}_{k}"): "float" for column in self.of for k in self.k for change in self.take
        }

    def told(self, view: View) -> FloatMatrix:
        """Return the changes; where they have no finite value, they are missing."""
        changes = [
            view.own - view.back(k) if change == "difference" else view.own / view.back(k)
            for k in self.k
            for change in self.take
        ]
        return side_by_side(changes)
