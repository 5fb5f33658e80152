"""The table step `select`: some of the columns."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from penstock.reshape.base import TableStep
from penstock.reshape.table import At, Tabular
from penstock.slices import Words


class SelectColumns(TableStep):
    """Keep these columns, in this order.

    Examples
    --------
    >>> import pandas as pd
    >>> table = Tabular(pd.DataFrame({"a": [1.0], "b": [2.0]}), {"a": "integer", "b": "integer"})
    >>> SelectColumns(columns="b").on(table, At("t", 1, "select", {})).names
    ['b']
    """

    kind: Literal["select"] = "select"
    columns: Words = Field(min_length=1)

    def on(self, table: Tabular, at: At) -> Tabular:
        """Return the columns.

        Raises
        ------
        PlanError
            One is not there, or named twice.
        """
        at.require(table, self.columns)
        at.refuse_taken(self.columns, ())
        kinds = {name: table.kinds[name] for name in self.columns}
        return table.made({name: table.frame[name] for name in kinds}, kinds, table.private & set(kinds))
