"""The table step `melt`: a row for each of several columns."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
import pandas as pd
from pydantic import Field

from penstock.reshape.base import TableStep
from penstock.reshape.table import At, Tabular
from penstock.slices import Words
from penstock.table import NUMERIC, Kind

MOST_CELLS = 200_000_000
_TEXTS = frozenset({"category", "text"})


class MeltColumns(TableStep):
    """Turn wide rows into long ones: of each row one for each of `columns`, with its name and its value.

    `keep` are the columns that every such row has too, and `into` the names of the two new ones. Without `columns` all
    that are not kept are melted; they must be alike: numbers, texts or moments. The rows that one row becomes stand
    together. `drop_missing` leaves those without a value out.

    Examples
    --------
    >>> import pandas as pd
    >>> wide = Tabular(pd.DataFrame({"id": [1.0, 2.0], "a": [3.0, 4.0], "b": [5.0, None]}),
    ...                {"id": "integer", "a": "integer", "b": "integer"})
    >>> MeltColumns(keep="id", into=("what", "n")).on(wide, At("long", 1, "melt", {})).frame.to_dict("list")
    {'id': [1.0, 1.0, 2.0, 2.0], 'what': ['a', 'b', 'a', 'b'], 'n': [3.0, 5.0, 4.0, nan]}
    """

    kind: Literal["melt"] = "melt"
    keep: Words = ()
    columns: Words | None = Field(default=None, min_length=1)
    into: tuple[str, str] = ("column", "value")
    drop_missing: bool = False

    def on(self, table: Tabular, at: At) -> Tabular:
        """Return the long rows.

        Raises
        ------
        PlanError
            A column is not there, the melted ones are not alike, or a name is taken.
        DataError
            There would be too many rows.
        """
        at.require(table, (*self.keep, *(self.columns or ())))
        melted = list(self.columns) if self.columns is not None else [n for n in table.names if n not in self.keep]
        if not melted:
            raise at.plan_error("The step `melt` has no column to melt", todo="Keep fewer columns.")
        at.refuse_taken(self.into, self.keep)
        kind = self._kind(table, melted, at)
        n, k = table.n_rows, len(melted)
        if n * k * (len(self.keep) + 2) > MOST_CELLS:
            raise at.data_error(
                "The step `melt` would make a table that is too large",
                got=f"{n:,} rows of {k:,} melted columns each",
                expected=f"at most {MOST_CELLS:,} cells",
                todo="Name fewer `columns`, or filter before.",
            )
        row, which = np.repeat(np.arange(n), k), np.tile(np.arange(k), n)
        values = _values(table, melted)
        if self.drop_missing:
            there = ~np.asarray(pd.isna(values), dtype=bool)
            row, which, values = row[there], which[there], values[there]
        names = pd.array(melted, dtype=pd.StringDtype(na_value=np.nan))
        kept = {name: table.frame[name].array.take(row) for name in self.keep}
        return table.made(
            {**kept, self.into[0]: names.take(which), self.into[1]: values},
            {**{name: table.kinds[name] for name in self.keep}, self.into[0]: "category", self.into[1]: kind},
            (table.private & set(self.keep)) | ({self.into[1]} if table.private & set(melted) else set()),
        )

    def _kind(self, table: Tabular, melted: list[str], at: At) -> Kind:
        kinds = [table.kinds[name] for name in melted]
        sorts = ["number" if k in NUMERIC else "text" if k in _TEXTS else "moment" for k in kinds]
        odd = next((i for i, sort in enumerate(sorts) if sort != sorts[0]), None)
        if odd is not None:
            raise at.plan_error(
                "The step `melt` would put values of different kinds into one column",
                got=f"{melted[0]!r} of kind {kinds[0]}, {melted[odd]!r} of kind {kinds[odd]}",
                expected="numbers, or texts, or moments alone",
                todo="Name those that are alike under `columns`, or declare their kinds under `columns` of the spec.",
            )
        if len(set(kinds)) == 1:
            return kinds[0]
        return "text" if sorts[0] == "text" else "float"


def _values(table: Tabular, melted: list[str]) -> Any:
    """Return the cells of some columns row by row."""
    if table.frame[melted[0]].dtype.kind in "fM":
        return table.frame[melted].to_numpy().ravel()
    n, k = table.n_rows, len(melted)
    # Column after column is how they lie in memory; row by row is how they are wanted.
    stacked = pd.concat([table.frame[name] for name in melted], ignore_index=True).array
    return stacked.take(np.arange(n * k).reshape(k, n).T.ravel())
