"""The table step `rename`: other names for columns."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from penstock.reshape.base import TableStep
from penstock.reshape.table import At, Tabular


class RenameColumns(TableStep):
    """Give columns other names: `{old: new}`.

    Examples
    --------
    >>> import pandas as pd
    >>> table = Tabular(pd.DataFrame({"a": [1.0], "b": [2.0]}), {"a": "integer", "b": "integer"})
    >>> RenameColumns(columns={"a": "b", "b": "a"}).on(table, At("t", 1, "rename", {})).names
    ['b', 'a']
    """

    kind: Literal["rename"] = "rename"
    columns: dict[str, str] = Field(min_length=1)

    def on(self, table: Tabular, at: At) -> Tabular:
        """Return the columns under their new names.

        Raises
        ------
        PlanError
            One is not there, or two would have one name.
        """
        at.require(table, self.columns)
        names = {old: self.columns.get(old, old) for old in table.kinds}
        at.refuse_taken(names.values(), ())
        return table.made(
            {new: table.frame[old] for old, new in names.items()},
            {new: table.kinds[old] for old, new in names.items()},
            {names[old] for old in table.private},
        )
