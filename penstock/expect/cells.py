"""A table as expectations look at it: the typed cells of any column, and which of them are missing or unreadable."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

from penstock.casting import canonical_array, cast_column
from penstock.errors import SpecError
from penstock.steps.relations.source import SourceTable
from penstock.table import Column, TableSchema, closest

Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Cells:
    """One column: float64, datetime64[us] or a series of `str`, of n_rows values.

    `missing` are cells without a value; `odd` those that do not read as the column's kind, whose value is missing too.
    """

    column: Column
    values: Any  # an array or series, by kind
    missing: Mask
    odd: Mask

    @property
    def present(self) -> Mask:
        """Which cells have a value that reads."""
        return ~(self.missing | self.odd)


@dataclass(frozen=True)
class Looked:
    """One table.

    Parameters
    ----------
    name : str
        The source's name.
    raw : pyarrow.Table
        Its rows as they came.
    schema : TableSchema
        How they read.
    typed : pandas.DataFrame, optional
        Columns that are cast already.
    misfits : mapping of str to array
        By column, the rows in which `typed` has nothing because the cell does not read.
    """

    name: str
    raw: pa.Table
    schema: TableSchema
    typed: pd.DataFrame | None = None
    misfits: Mapping[str, npt.NDArray[np.int64]] = field(default_factory=dict)
    _known: dict[str, Cells] = field(default_factory=dict, repr=False)

    @property
    def n_rows(self) -> int:
        """How many rows it has."""
        return int(self.raw.num_rows)

    def column(self, name: str) -> Column:
        """Return how a column reads.

        Raises
        ------
        SpecError
            There is none of that name; the error says which was probably meant.
        """
        found = next((c for c in self.schema.columns if c.name == name), None)
        if found is None or name not in self.raw.column_names:
            raise SpecError(
                f"An expectation names a column that {self.name!r} does not have: {name!r}",
                where=f"expect, table {self.name!r}",
                expected=closest(name, self.raw.column_names),
                todo="Correct `expect` in the spec, or in the lock beside it.",
            )
        if found.role == "target" and self.schema.target is not None and self.schema.target.reading is not None:
            return self.schema.target.reading
        # Ids are compared as they are written.
        return found.model_copy(update={"kind": "text"}) if found.role == "id" else found

    def cells(self, name: str) -> Cells:
        """Return a column's cells, cast once."""
        if name not in self._known:
            self._known[name] = self._cells(self.column(name))
        return self._known[name]

    def _cells(self, column: Column) -> Cells:
        name, odd = column.name, np.zeros(self.n_rows, dtype=bool)
        values: Any
        if self.typed is not None and name in self.typed.columns:
            values = self.typed[name]
            odd[self.misfits.get(name, np.empty(0, dtype=np.int64))] = True
        else:
            values, bad = cast_column(column, self.raw[name])
            odd[[m.row for m in bad]] = True
            values = pd.Series(values)
        missing = np.asarray(values.isna(), dtype=bool) & ~odd
        if column.is_numeric or column.kind == "datetime":
            values = values.to_numpy()
        return Cells(column, values, missing, odd)

    def texts(self, name: str) -> pa.Array:
        """Return a column's cells as canonical text, null where they have no value."""
        cells = self.cells(name)
        raw = self.raw[name]
        text = canonical_array(raw.combine_chunks() if isinstance(raw, pa.ChunkedArray) else raw)
        nothing = pa.array(cells.missing)
        return pa.compute.if_else(nothing, pa.scalar(None, pa.string()), text)


def looked_at(table: SourceTable) -> Looked:
    """Return a table of the arrays stage."""
    rows = {
        str(name): group.to_numpy(dtype=np.int64) for name, group in table.misfits.groupby("column", sort=False)["row"]
    }
    return Looked(table.name, table.raw, table.table_schema, table.typed, rows)
