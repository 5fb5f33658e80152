"""Tables that are in memory already: frames, arrays, records; for runs from Python."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal, Self

import numpy as np
import pandas as pd
import pyarrow as pa

from penstock.cells import NotCast, canonical_text
from penstock.errors import NoRows, SourceError, StoreError
from penstock.receipts import FileRef, FrameRef, Part, Snapshot
from penstock.sources.base import SourceBase
from penstock.sources.columns import check_names
from penstock.sources.intake import Intake
from penstock.sources.plain import plain_types
from penstock.store import Store

_MEDIA = "application/vnd.apache.arrow.file"


class MemorySource(SourceBase):
    """A table that was in memory, and is in the store since: made by `MemorySource.of`, not by hand.

    Examples
    --------
    >>> import tempfile
    >>> source = MemorySource.of("rows", {"a": [1, 2], "b": ["x", None]}, Store(tempfile.mkdtemp()))
    >>> source.table.n_rows, source.table.columns
    (2, ('a', 'b'))
    """

    kind: Literal["memory"] = "memory"
    table: FrameRef

    @classmethod
    def of(cls, name: str, data: object, store: Store, columns: Sequence[str] | None = None) -> Self:
        """Put a table into the store, and take it as a source.

        Parameters
        ----------
        name : str
            What the source is called.
        data : pandas.DataFrame, pyarrow.Table, numpy.ndarray, mapping of str to array, or sequence of mappings
            The rows. An index that has a name becomes a column. A two-dimensional array has columns `column_0` onwards.
        store : Store
            The store of the artifacts directory that the run will have.
        columns : sequence of str, optional
            The columns' names; they replace those that the data has.

        Raises
        ------
        SourceError
            It is none of these, has no rows, or a name is blank or stands twice.
        """
        table = plain_types(_table_of(data))
        if columns is not None:
            table = _renamed(table, columns)
        where = f"memory:{name}"
        check_names(table.column_names, where)
        if not table.num_rows:
            raise NoRows("The table has no rows", where=where, expected="at least one row")
        return cls(name=name, table=store.put_table(table))

    @property
    def uri(self) -> str:
        """The name, as a `memory:` address."""
        return f"memory:{self.name}"

    def state(self) -> str:
        """Return the digest of the table."""
        return self.table.digest

    def peek(self, store: Store) -> pa.Table:
        """Return the whole table: it is there."""
        return store.read_table(self.table)

    def collect(self, store: Store, earlier: Snapshot | None = None) -> Snapshot:
        """Take the table as it lies in the store.

        Raises
        ------
        SourceError
            It is not in this store.
        """
        try:
            store.verify(self.table)
        except StoreError as error:
            raise SourceError(
                "The table is not in this artifacts directory",
                where=self.uri,
                got=error.what,
                todo="Run again from where the table is in memory, with the same artifacts directory.",
            ) from error
        file = FileRef(digest=self.table.digest, path=self.table.path, size=self.table.size, media=_MEDIA)
        return self.taken((Part(name=self.name, file=file),), self.table, Intake(), store)


def _table_of(data: object) -> pa.Table:
    if isinstance(data, pa.Table | pa.RecordBatch):
        return pa.table(data)
    if isinstance(data, pd.DataFrame):
        return _from_frame(data)
    if isinstance(data, np.ndarray):
        return _from_array(data)
    if isinstance(data, Mapping):
        return _from_frame(pd.DataFrame({str(k): _one_column(v) for k, v in data.items()}))
    if isinstance(data, Sequence) and not isinstance(data, str | bytes) and all(isinstance(r, Mapping) for r in data):
        from penstock.sources.records.flattening import table_of

        return table_of(data)
    if hasattr(data, "__arrow_c_stream__"):
        # Polars, DuckDB and others hand over their tables like this.
        return pa.table(data)
    raise SourceError(
        "This is no table",
        where="memory",
        got=type(data).__name__,
        expected="a DataFrame, an Arrow table, a two-dimensional array, a dict of arrays, or a list of records",
    )


def _one_column(values: Any) -> Any:  # whatever pandas takes for a column
    if isinstance(values, np.ndarray) and values.ndim != 1:
        raise SourceError("A column is not one-dimensional", where="memory", got=f"shape {values.shape}")
    return values


def _from_array(data: np.ndarray) -> pa.Table:
    if data.dtype.names is not None:
        return _from_frame(pd.DataFrame({name: data[name] for name in data.dtype.names}))
    if data.ndim != 2:
        raise SourceError(
            "The array is not two-dimensional", where="memory", got=f"shape {data.shape}", expected="(rows, columns)"
        )
    return _from_frame(pd.DataFrame({f"column_{i}": data[:, i] for i in range(data.shape[1])}))


def _from_frame(frame: pd.DataFrame) -> pa.Table:
    if any(name is not None for name in frame.index.names):
        frame = frame.reset_index()
    labels: list[Any] = list(frame.columns)
    names = ["_".join(map(str, n)) if isinstance(n, tuple) else str(n) for n in labels]
    return pa.Table.from_arrays([_from_series(frame.iloc[:, i]) for i in range(len(names))], names=names)


def _from_series(values: pd.Series) -> pa.Array:
    if isinstance(values.dtype, pd.SparseDtype | pd.PeriodDtype | pd.IntervalDtype):
        values = values.astype(object)
    if isinstance(values.dtype, np.dtype) and values.dtype.kind == "c":
        raise SourceError("Complex numbers have no place in a table of features", where=f"memory ({values.name})")
    try:
        made = pa.array(values, from_pandas=True)
    except (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError, OverflowError):
        # Numbers and text in one column: as text nothing is lost.
        made = pa.array([None if _is_missing(v) else _text(v) for v in values.tolist()], pa.string())
    return made.combine_chunks() if isinstance(made, pa.ChunkedArray) else made


def _is_missing(value: object) -> bool:
    return value is None or value is pd.NaT or value is pd.NA or (isinstance(value, float) and value != value)  # noqa: PLR0124


def _text(value: object) -> str:
    try:
        return canonical_text(value)
    except NotCast:
        return str(value)


def _renamed(table: pa.Table, columns: Sequence[str]) -> pa.Table:
    if len(columns) != table.num_columns:
        raise SourceError(
            "There are not as many names as columns",
            where="memory",
            got=f"{len(columns)} names for {table.num_columns} columns",
        )
    return table.rename_columns(list(columns))
