"""The table step `filter`: rows for which a condition holds."""

from __future__ import annotations

from typing import Literal

from pydantic import field_validator

from penstock.expressions.language import columns_of, parse
from penstock.reshape.base import TableStep
from penstock.reshape.table import At, Tabular
from penstock.steps.telling import told_rows


class FilterRows(TableStep):
    """Keep the rows for which a condition holds; where it cannot be known, it does not.

    Examples
    --------
    >>> import pandas as pd
    >>> table = Tabular(pd.DataFrame({"units": [0.0, 3.0, None]}), {"units": "integer"})
    >>> FilterRows(where="units > 0").on(table, At("sales", 1, "filter", {})).frame["units"].tolist()
    [3.0]
    """

    kind: Literal["filter"] = "filter"
    where: str

    @field_validator("where")
    @classmethod
    def _reads(cls, where: str) -> str:
        parse(where)
        return where

    def on(self, table: Tabular, at: At) -> Tabular:
        """Return the rows for which the condition holds.

        Raises
        ------
        PlanError
            The condition does not fit the columns.
        DataError
            It holds for no row.
        """
        kept = at.mask(self.where, table)
        if not kept.any():
            named = table.frame[list(columns_of(parse(self.where)))]
            raise at.data_error(
                "The step `filter` leaves no row",
                got=f"{self.where}, of rows such as {told_rows(named, table.private)}",
                expected="a condition that some rows fulfil",
                todo="Correct the condition.",
            )
        return table.take(kept)
