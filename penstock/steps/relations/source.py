"""One source as the wrangle stage has it: raw, typed, and how its columns read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
import pyarrow as pa

from penstock.arrays.typed import read_typed
from penstock.errors import SpecError
from penstock.receipts import TypedTable
from penstock.store import Store
from penstock.table import Column, TableSchema, closest


@dataclass(frozen=True)
class SourceTable:
    """One source: raw, typed, and how it reads.

    What is joined to it stands beside its own columns.
    """

    name: str
    raw: pa.Table
    typed: pd.DataFrame
    misfits: pd.DataFrame
    table_schema: TableSchema

    def column(self, name: str, purpose: str) -> Column:
        """Return how a column reads.

        Raises
        ------
        SpecError
            There is none of that name; the error names the nearest.
        """
        found = next((c for c in self.table_schema.columns if c.name == name), None)
        if found is None or name not in self.raw.column_names:
            names = [c.name for c in self.table_schema.columns if c.name in set(self.raw.column_names)]
            raise SpecError(
                f"The table {self.name!r} has no column {name!r}",
                where=purpose,
                expected=closest(name, names),
                todo="Name the columns as the tables have them; one that another join brings is TABLE_COLUMN.",
            )
        return found

    def where(self, kept: np.ndarray) -> SourceTable:
        """Return some of its rows, whose misfits are told no more."""
        return replace(
            self,
            raw=self.raw.filter(pa.array(kept)),
            typed=self.typed[kept].reset_index(drop=True),
            misfits=self.misfits.iloc[:0],
        )

    def frame(self, names: Sequence[str]) -> pd.DataFrame:
        """Return some of its columns, typed; a cell that does not read as its column's kind is missing."""
        unread = [name for name in names if name not in self.typed.columns]
        cast = self.table_schema.cast(self.raw, unread).frame if unread else None
        found = {name: self.typed[name] if cast is None or name not in cast else cast[name] for name in names}
        return pd.DataFrame(found, index=pd.RangeIndex(self.raw.num_rows), copy=False)

    def moments(self, name: str, purpose: str) -> np.ndarray:
        """Return a column of times in microseconds since 1970, UTC, int64; the least integer where there is none.

        Raises
        ------
        SpecError
            It does not hold moments.
        """
        column = self.column(name, purpose)
        if column.kind != "datetime":
            raise SpecError(
                f"The column {name!r} of {self.name!r} is no date and time, and rows cannot be looked up as of it",
                where=purpose,
                got=f"kind {column.kind}",
                expected="kind datetime",
                todo="Name another column, or declare it: columns: {COLUMN: {kind: datetime}}",
            )
        moments: np.ndarray = self.frame([name])[name].to_numpy().astype("datetime64[us]").astype(np.int64)
        return moments


def read_table(table: TypedTable, store: Store) -> SourceTable:
    """Read what the arrays stage made of a source."""
    return SourceTable(
        name=table.name,
        raw=store.read_table(table.raw),
        typed=read_typed(table.typed, store),
        misfits=store.read_frame(table.misfits),
        table_schema=TableSchema.model_validate_json(store.read_bytes(table.table_schema)),
    )
