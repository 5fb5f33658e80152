"""The step `lag`: what a column held some rows earlier."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from penstock.blocks import FloatMatrix
from penstock.slices import Words
from penstock.steps.base import Kinds
from penstock.steps.time.history.past import View, side_by_side
from penstock.steps.time.history.settings import Backs
from penstock.steps.time.history.step import TailStep


class Lag(TailStep):
    """Add what a column held in the k-th earlier row of the same group, as `<column>_lag_<k>`.

    Only rows strictly before a row's own time count, and of several at one time the one further down the table is the
    later.

    Examples
    --------
    >>> import pandas as pd
    >>> sales = pd.DataFrame({"day": [1.0, 2.0, 3.0], "shop": ["a", "a", "b"], "sold": [5.0, 7.0, 9.0]})
    >>> learned = Lag(order="day", by="shop", of="sold").learn(sales)
    >>> rows = pd.DataFrame({"day": [2.0, 3.0, 9.0], "shop": ["a", "a", "c"], "sold": 0.0})
    >>> learned.apply(rows)["sold_lag_1"].tolist()
    [5.0, 7.0, nan]
    """

    kind: Literal["lag"] = "lag"
    of: Words = Field(min_length=1)
    k: Backs = (1,)

    @property
    def rows_needed(self) -> int:
        """How many rows a stretch has."""
        return max(self.k)

    @property
    def looked_at(self) -> tuple[str, ...]:
        """The columns whose earlier values are looked up."""
        return self.of

    def made(self, kinds: Kinds) -> Kinds:
        """Return the new columns with the kinds of those that they come from."""
        return {self.named(column, f"lag_{k}"): kinds[column] for column in self.of for k in self.k}

    def told(self, view: View) -> FloatMatrix:
        """Return the earlier values."""
        return side_by_side([view.back(k) for k in self.k])
