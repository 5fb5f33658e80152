"""Typed values as numbers whose order is that of the values, and back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from penstock.casting import canonical_array
from penstock.steps.relations.lookup import Take
from penstock.table import Kind

Floats = npt.NDArray[np.float64]
MOMENT = pa.timestamp("us", "UTC")
# What floats can count to exactly.
_EXACT = 2.0**53
_COUNTS: frozenset[str] = frozenset({"count", "distinct"})
_OWN: frozenset[str] = frozenset({"min", "max", "first", "last"})


@dataclass(frozen=True)
class Coded:
    """A column as float64, NaN where it is missing; `kind` and `levels` lead back.

    Examples
    --------
    >>> coded = Coded.of(pa.array(["b", None, "a"]))
    >>> coded.values.tolist(), coded.back("min", np.array([0.0, np.nan])).to_pylist()
    ([1.0, nan, 0.0], ['a', None])
    """

    values: Floats
    kind: pa.DataType
    levels: pa.Array | None = None

    @classmethod
    def of(cls, column: pa.Array | pa.ChunkedArray) -> Coded:
        """Take a stored column of one of the types that `stored` gives."""
        column = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
        kind = column.type
        if not pa.types.is_string(kind):
            plain = column.cast(pa.int64()) if pa.types.is_temporal(kind) else column
            return cls(plain.cast(pa.float64(), safe=False).to_numpy(zero_copy_only=False), kind)
        encoded = column.dictionary_encode()
        order = pc.sort_indices(encoded.dictionary)
        ranks = np.empty(len(order) + 1)
        ranks[order.to_numpy()] = np.arange(len(order))
        ranks[-1] = np.nan
        codes = pc.fill_null(encoded.indices, len(order)).to_numpy(zero_copy_only=False)
        return cls(ranks[codes], kind, encoded.dictionary.take(order))

    def back(self, take: Take, made: Floats) -> pa.Array:
        """Return what an aggregate made of the numbers, with the type that it has: counts are whole numbers."""
        gone = np.isnan(made)
        if take in _COUNTS:
            return pa.array(np.where(gone, 0.0, made).astype(np.int64), mask=gone)
        if take not in _OWN:
            return pa.array(made, mask=gone)
        if self.levels is not None:
            return self.levels.take(pa.array(np.where(gone, 0.0, made).astype(np.int64), mask=gone))
        if pa.types.is_floating(self.kind):
            return pa.array(made, mask=gone)
        whole = pa.array(np.where(gone, 0.0, made).astype(np.int64), mask=gone)
        return whole.cast(self.kind)


def stored(values: pd.Series[Any], kind: Kind, counts: npt.NDArray[np.bool_] | None) -> pa.Array:
    """Return a typed column as it travels: in the Arrow type of its kind, null where it does not count.

    Parameters
    ----------
    values : pandas.Series
        float64, datetime64[us] or `str`, of shape (n_rows,).
    kind : str
        The column's kind.
    counts : numpy.ndarray, optional
        Which rows count, bool of shape (n_rows,); by default all.
    """
    gone = values.isna().to_numpy(dtype=bool)
    if counts is not None:
        gone = gone | ~counts
    if kind in ("category", "text"):
        texts = pa.array(values, pa.string(), from_pandas=True)
        return pc.if_else(pa.array(gone), pa.scalar(None, pa.string()), texts)
    if kind == "datetime":
        micros = values.to_numpy().astype("datetime64[us]").astype(np.int64)
        return pa.array(np.where(gone, 0, micros), mask=gone).cast(MOMENT)
    numbers = np.where(gone, 0.0, values.to_numpy(dtype=np.float64))
    if kind == "boolean":
        return pa.array(numbers == 1.0, mask=gone)
    if kind == "time":
        return pa.array(np.rint(numbers * 1e6).astype(np.int64), mask=gone).cast(pa.time64("us"))
    if kind == "integer" and np.abs(numbers).max(initial=0.0) < _EXACT:
        return pa.array(numbers.astype(np.int64), mask=gone)
    return pa.array(numbers, mask=gone)


def level_texts(values: pd.Series[Any]) -> pa.Array:
    """Return the one text of every value of a typed column, null where it is missing."""
    return canonical_array(pa.array(values, from_pandas=True))
