"""The table step `drop`: all columns but some."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from penstock.reshape.base import TableStep
from penstock.reshape.table import At, Tabular
from penstock.slices import Words


class DropColumns(TableStep):
    """Leave these columns out.

    Examples
    --------
    >>> import pandas as pd
    >>> table = Tabular(pd.DataFrame({"a": [1.0], "b": [2.0]}), {"a": "integer", "b": "integer"})
    >>> DropColumns(columns="b").on(table, At("t", 1, "drop", {})).names
    ['a']
    """

    kind: Literal["drop"] = "drop"
    columns: Words = Field(min_length=1)

    def on(self, table: Tabular, at: At) -> Tabular:
        """Return the other columns.

        Raises
        ------
        PlanError
            One is not there, or none is left.
        """
        at.require(table, self.columns)
        kinds = {name: kind for name, kind in table.kinds.items() if name not in self.columns}
        if not kinds:
            raise at.plan_error("The step `drop` leaves no column", todo="Name fewer columns.")
        return table.made({name: table.frame[name] for name in kinds}, kinds, table.private & set(kinds))
