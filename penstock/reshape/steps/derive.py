"""The table step `derive`: new columns by expressions."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, field_validator

from penstock.blocks import Texts
from penstock.expressions.language import parse
from penstock.reshape.base import TableStep
from penstock.reshape.table import At, Tabular


class DeriveColumns(TableStep):
    """Add columns that expressions make of others; each may use those before it.

    Examples
    --------
    >>> import pandas as pd
    >>> table = Tabular(pd.DataFrame({"price": [2.0, 4.0], "n": [3.0, None]}), {"price": "float", "n": "integer"})
    >>> DeriveColumns(columns={"total": "price * n"}).on(table, At("t", 1, "derive", {})).frame["total"].tolist()
    [6.0, nan]
    """

    kind: Literal["derive"] = "derive"
    columns: dict[str, str] = Field(min_length=1)

    @field_validator("columns")
    @classmethod
    def _read(cls, columns: dict[str, str]) -> dict[str, str]:
        for text in columns.values():
            parse(text)
        return columns

    def on(self, table: Tabular, at: At) -> Tabular:
        """Return the columns, and the new ones behind them.

        Raises
        ------
        PlanError
            An expression does not fit the columns, or a name is taken.
        """
        at.refuse_taken(self.columns, table.kinds)
        for name, text in self.columns.items():
            made = at.compiled(text, table)
            values = made.on(table.blocks(made.columns))
            private = {name} if table.private & set(made.columns) else set()
            table = table.made(
                {
                    **{c: table.frame[c] for c in table.kinds},
                    name: values.array() if isinstance(values, Texts) else values,
                },
                {**table.kinds, name: made.kind},
                table.private | private,
            )
        return table
