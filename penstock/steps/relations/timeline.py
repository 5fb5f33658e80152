"""Rows in the order of key and time, and how far a moment reaches among the rows of a key."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from penstock.casting import cast_column
from penstock.steps.relations.keys import KeyIndex
from penstock.table import Column

Ints = npt.NDArray[np.int64]
MICROS = 1_000_000
NO_MOMENT = int(np.iinfo(np.int64).min)


class Timeline:
    """The rows of a table by key, and by time within each.

    Parameters
    ----------
    keys : pyarrow.Array
        Texts of shape (n_rows,), none null.
    times : numpy.ndarray
        Microseconds, int64 of shape (n_rows,).

    Attributes
    ----------
    index : KeyIndex
        The keys, each once.
    order : numpy.ndarray
        The rows in order, int64; of one time they keep theirs.
    starts : numpy.ndarray
        Where the rows of each key begin, and the number of rows at the end.

    Examples
    --------
    >>> line = Timeline(pa.array(["b", "a", "b"]), np.array([20, 10, 10]))
    >>> line.order.tolist(), line.starts.tolist()
    ([2, 0, 1], [0, 2, 3])
    >>> line.reach(np.array([0, 0]), np.array([20, 20]), "right").tolist(), line.reach(0, 20, "left").tolist()
    ([2, 2], 1)
    """

    def __init__(self, keys: pa.Array, times: Ints) -> None:
        encoded = keys.dictionary_encode()
        codes = encoded.indices.to_numpy(zero_copy_only=False).astype(np.int64)
        self.index = KeyIndex(encoded.dictionary)
        self.order: Ints = np.lexsort((times, codes)).astype(np.int64)
        self.starts: Ints = np.searchsorted(codes[self.order], np.arange(len(encoded.dictionary) + 1)).astype(np.int64)
        self.times: Ints = times[self.order]
        self._moments: Ints = np.unique(times)
        # One number tells key and time, so that one search finds a place for any number of rows.
        self._ranks = codes[self.order] * (len(self._moments) + 1) + np.searchsorted(self._moments, self.times)

    def reach(self, keys: Any, times: Any, side: Literal["left", "right"]) -> Ints:
        """Return the position behind the last row of a key before a time (`left`) or not after it (`right`).

        Parameters
        ----------
        keys : numpy.ndarray
            Positions in the index, all at least 0, int64 of shape (n_asked,).
        times : numpy.ndarray
            Microseconds, int64 of shape (n_asked,).
        """
        ranks = keys * (len(self._moments) + 1) + np.searchsorted(self._moments, times, side=side)
        found: Ints = np.asarray(np.searchsorted(self._ranks, ranks, side="left"), dtype=np.int64)
        return found


def micros_of(column: Column, columns: Mapping[str, Any], n_rows: int) -> Ints:
    """Return the times of rows as they are sent, in microseconds, UTC; `NO_MOMENT` where there is none."""
    values = columns.get(column.name)
    if values is None:
        return np.full(n_rows, NO_MOMENT, dtype=np.int64)
    moments: Ints = np.asarray(cast_column(column, values)[0]).astype("datetime64[us]").astype(np.int64)
    return moments


def stored_micros(values: pa.ChunkedArray) -> Ints:
    """Return a stored column of times in microseconds; none of them is missing."""
    micros: Ints = np.asarray(pc.cast(values.combine_chunks(), pa.int64()))
    return micros
