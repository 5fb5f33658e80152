"""The table step `sort`: rows in order."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from penstock.reshape.base import TableStep
from penstock.reshape.table import At, Tabular
from penstock.slices import Words


class SortRows(TableStep):
    """Put rows in the order of some columns; equal ones keep theirs, and what is missing comes last.

    Examples
    --------
    >>> import pandas as pd
    >>> table = Tabular(pd.DataFrame({"a": [1.0, None, 3.0]}), {"a": "integer"})
    >>> SortRows(by="a", descending=True).on(table, At("t", 1, "sort", {})).frame["a"].tolist()
    [3.0, 1.0, nan]
    """

    kind: Literal["sort"] = "sort"
    by: Words = Field(min_length=1)
    descending: bool | Words = False

    def on(self, table: Tabular, at: At) -> Tabular:
        """Return the rows in order.

        Raises
        ------
        PlanError
            A column is not there.
        """
        falling = self.by if self.descending is True else self.descending or ()
        at.require(table, (*self.by, *falling))
        rising = [name not in falling for name in self.by]
        order = table.frame[list(self.by)].sort_values(
            list(self.by), ascending=rising, kind="stable", na_position="last"
        )
        return table.take(order.index.to_numpy())
