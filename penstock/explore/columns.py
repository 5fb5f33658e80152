"""Columns of a frame in the store, of training rows alone, each read when it is asked for and kept by nobody."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

# Beyond this the ticks of an axis overflow; below the inverse of it they would be nothing but digits.
MOST_SIZE = 1e30


class Columns:
    """The columns of a table, at some of its rows.

    Parameters
    ----------
    table : pyarrow.Table
        Mapped into memory; columns of float64, text and moments.
    rows : ndarray of int64, shape (n_rows,)
        Positions in it, in order.
    names : sequence of str
        The columns that may be read.
    """

    def __init__(self, table: pa.Table, rows: Ints, names: Sequence[str]) -> None:
        self._table = table.select(list(names))
        self._rows = rows
        self._whole = len(rows) == table.num_rows
        self.names = tuple(names)

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self._rows)

    def kind(self, name: str) -> Literal["number", "moment", "text"]:
        """Return what a column holds."""
        told = self._table.schema.field(name).type
        if pa.types.is_floating(told) or pa.types.is_integer(told) or pa.types.is_boolean(told):
            return "number"
        return "moment" if pa.types.is_temporal(told) else "text"

    def of_kind(self, kind: Literal["number", "moment", "text"]) -> list[str]:
        """Return the names of the columns of a kind."""
        return [name for name in self.names if self.kind(name) == kind]

    def numbers(self, name: str) -> Floats:
        """Return numbers that can be drawn, of shape (n_rows,), NaN for those that cannot."""
        return drawable(self._taken(self._table[name].to_numpy()).astype(np.float64, copy=False))

    def moments(self, name: str) -> npt.NDArray[np.datetime64]:
        """Return moments, of shape (n_rows,)."""
        moments: npt.NDArray[np.datetime64] = self._taken(self._table[name].to_numpy()).astype("datetime64[us]")
        return moments

    def texts(self, name: str) -> tuple[Ints, list[str]]:
        """Return codes into distinct texts, of shape (n_rows,), -1 for missing, and the texts."""
        coded = self._table[name].cast(pa.string()).dictionary_encode().combine_chunks()
        # Texts in one or no piece come as an array, in more as chunks of one dictionary.
        whole = coded.chunk(0) if isinstance(coded, pa.ChunkedArray) else coded
        codes = np.asarray(whole.indices.fill_null(-1).to_numpy(zero_copy_only=False), dtype=np.int64)
        return self._taken(codes), whole.dictionary.to_pylist()

    def missing(self, name: str) -> npt.NDArray[np.bool_] | None:
        """Return which cells are missing, of shape (n_rows,); None where none is."""
        column = self._table[name]
        if not column.null_count:
            return None
        gone: npt.NDArray[np.bool_] = self._taken(column.is_null().to_numpy())
        return gone if gone.any() else None

    def raw(self, name: str, at: Ints | None = None) -> Any:
        """Return a column as it stands in Arrow, of all rows or some by position among these."""
        return self._table[name].take(pa.array(self._rows if at is None else self._rows[at]))

    def frame(self, at: Ints) -> Any:
        """Return some of the rows, by position among these, as a pandas frame of all columns."""
        return self._table.take(pa.array(self._rows[at])).to_pandas()

    def _taken(self, values: npt.NDArray[Any]) -> npt.NDArray[Any]:
        return values if self._whole else values[self._rows]


def drawable(values: Floats) -> Floats:
    """Return numbers without those so large or so small that the ticks of an axis overflow.

    Examples
    --------
    >>> drawable(np.array([1.0, np.inf, 1e308, 1e-310]))
    array([ 1., nan, nan,  0.])
    """
    size = np.abs(values)
    small, large = size < 1 / MOST_SIZE, size >= MOST_SIZE
    if not (small & (size > 0)).any() and not large.any():
        return values
    return np.where(large, np.nan, np.where(small, 0.0, values))
