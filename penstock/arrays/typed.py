"""Typed columns as they lie on disk: one contiguous array a column, with a mask, read without a copy.

A missing number is NaN under the mask and a missing moment NaT, so that NumPy and pandas may look at the very bytes
that Arrow sees as null.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from penstock.receipts import FrameRef
from penstock.store import Store
from penstock.store.arrow import HashingFile
from penstock.store.writing import writing


class StoredColumns:
    """The columns of a raw table, each brought from the store when it is asked for and let go with its last use.

    Parameters
    ----------
    ref : FrameRef
        The raw table.
    store : Store
        Where it lies; one on this machine is memory-mapped anew for each column, so that no page of a column that is
        done with counts as memory in use.
    """

    def __init__(self, ref: FrameRef, store: Store) -> None:
        self.column_names = list(ref.columns)
        self.num_rows = ref.n_rows
        self._path: Path | None = None
        self._table: Any = None
        if store.is_local:
            store.verify(ref)
            self._path = store.local_path(ref)
        else:
            self._table = store.read_table(ref)

    def __getitem__(self, name: str) -> pa.ChunkedArray:
        if self._path is None:
            return self._table[name]
        options = pa.ipc.IpcReadOptions(included_fields=[self.column_names.index(name)], use_threads=False)
        with pa.memory_map(str(self._path)) as source:
            return pa.ipc.open_file(source, options=options).read_all().column(0)


def arrow_column(values: Any) -> pa.Array:
    """Return a cast column as one Arrow array on the same memory, with a mask where values are missing.

    Parameters
    ----------
    values : numpy.ndarray or pandas extension array
        float64, datetime64[us] or text, shape (n_rows,).

    Examples
    --------
    >>> arrow_column(np.array([1.0, np.nan])).null_count
    1
    """
    array = pa.array(values, from_pandas=True)
    if isinstance(array, pa.ChunkedArray):
        array = array.combine_chunks() if array.num_chunks != 1 else array.chunk(0)
    # What pandas stands on; the other form would be copied when it is read.
    return array.cast(pa.large_string()) if pa.types.is_string(array.type) else array


def write_typed(columns: Mapping[str, pa.Array], store: Store) -> FrameRef:
    """Write columns of one length as one record batch: memory-mapped, each is one contiguous array.

    What lies under a mask is written as it is, unlike by `Store.put_table`: NumPy reads it as NaN.
    """
    table = pa.table(dict(columns))
    with store.incoming() as folder, writing(store.root):
        sink = HashingFile(folder / "typed")
        try:
            with pa.ipc.new_file(pa.PythonFile(sink, mode="w"), table.schema) as writer:
                writer.write_table(table)
        finally:
            sink.finish()
        return store.take_table(sink.path, sink.sha256.hexdigest(), table.num_rows, table.column_names)


def read_typed(ref: FrameRef, store: Store) -> pd.DataFrame:
    """Return a frame that `write_typed` wrote, with float64, datetime64[us] and `str` columns, read-only.

    In a store on this machine no value is copied: a page is read from disk when it is looked at.
    """
    table = store.read_table(ref)
    data = {name: _view(table[name]) for name in table.column_names}
    return pd.DataFrame(data, index=pd.RangeIndex(table.num_rows), copy=False)


def _view(column: pa.ChunkedArray) -> Any:
    kind = column.type
    if pa.types.is_floating(kind) or pa.types.is_timestamp(kind):
        dtype = np.dtype("float64") if pa.types.is_floating(kind) else np.dtype("datetime64[us]")
        parts = [np.frombuffer(c.buffers()[1], dtype, len(c), c.offset * 8) for c in column.chunks if len(c)]
        return parts[0] if len(parts) == 1 else np.concatenate([np.empty(0, dtype), *parts])
    return column.to_pandas()
