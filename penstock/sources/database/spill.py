"""Rows of a query on their way into the store: on disk until their columns' types are settled."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Self

import pyarrow as pa

from penstock.receipts import FrameRef
from penstock.sources.database.types import FLOAT, INTEGER, as_type, is_wide, settled
from penstock.spool import Spool
from penstock.store import Store


class Spill:
    """Blocks of rows with the same columns, whose types may differ from block to block.

    Examples
    --------
    >>> with Spill(Store(tempfile.mkdtemp())) as spill:
    ...     spill.add(pa.table({"a": [1, 2]}))
    ...     spill.add(pa.table({"a": [2.5]}))
    ...     spill.schema({}).field("a").type, spill.n_rows
    (DataType(double), 3)
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._folder = tempfile.TemporaryDirectory(prefix="penstock-sql-", dir=store.scratch())
        self._schemas: list[pa.Schema] = []
        self._files: list[Path | pa.Table] = []
        self._writer: pa.RecordBatchFileWriter | None = None
        self.n_rows = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self._close()
        self._folder.cleanup()

    @property
    def names(self) -> list[str]:
        """The columns' names."""
        return list(self._schemas[0].names) if self._schemas else []

    def add(self, block: pa.Table) -> None:
        """Write a block; one without rows tells the columns."""
        if not self._schemas or not self._schemas[-1].equals(block.schema):
            self._schemas.append(block.schema)
            self._close()
        if block.num_rows:
            if self._writer is None:
                path = Path(self._folder.name) / f"{len(self._files)}.arrow"
                self._files.append(path)
                self._writer = pa.ipc.new_file(str(path), block.schema)
            self._writer.write_table(block)
            self.n_rows += block.num_rows

    def put(self, table: pa.Table) -> None:
        """Place a table that lies on disk already behind the rows so far."""
        self._close()
        self._schemas.append(table.schema)
        self._files.append(table)
        self.n_rows += table.num_rows

    def schema(self, declared: dict[str, pa.DataType]) -> pa.Schema:
        """Return the types that hold all values; `declared` decides where these leave it open."""
        self._close()
        meet = {
            name
            for name in self.names
            if {INTEGER, FLOAT} <= {*(s.field(name).type for s in self._schemas), declared.get(name)}
        }
        wide = {name for name in meet for table in self._tables() if is_wide(table.column(name))}
        return settled(self._schemas, declared, wide)

    def columns(self, schema: pa.Schema, names: list[str]) -> pa.Table:
        """Return some columns of all rows, in memory."""
        chosen = pa.schema([schema.field(name) for name in names])
        tables = [_typed(table.select(names), chosen) for table in self._tables()]
        return pa.concat_tables(tables) if tables else chosen.empty_table()

    def kept(self, schema: pa.Schema, keep: pa.Array | None = None) -> FrameRef:
        """Put the rows into the store, those alone that `keep` marks.

        Parameters
        ----------
        schema : pyarrow.Schema
            The types to have.
        keep : pyarrow.Array of bool, shape (n_rows,), optional
            Which rows; all of them without it.
        """
        start = 0
        with Spool(self._store) as spool:
            spool.add(schema.empty_table())
            for batch in self._batches():
                block = _typed(pa.Table.from_batches([batch]), schema)
                spool.add(block if keep is None else block.filter(keep.slice(start, batch.num_rows)))
                start += batch.num_rows
            return spool.finish()

    def _batches(self) -> Iterator[pa.RecordBatch]:
        self._close()
        for file in self._files:
            if isinstance(file, pa.Table):
                yield from file.to_batches()
                continue
            # Read and not mapped: mapped pages would stay in memory until the end.
            with pa.OSFile(str(file)) as source:
                reader = pa.ipc.open_file(source)
                yield from (reader.get_batch(i) for i in range(reader.num_record_batches))

    def _tables(self) -> Iterator[pa.Table]:
        self._close()
        for file in self._files:
            if isinstance(file, pa.Table):
                yield file
            else:
                with pa.memory_map(str(file)) as source:
                    yield pa.ipc.open_file(source).read_all()

    def _close(self) -> None:
        if self._writer is not None:
            self._writer.close()
            self._writer = None


def _typed(table: pa.Table, schema: pa.Schema) -> pa.Table:
    columns = [
        pa.chunked_array([as_type(chunk, field.type) for chunk in table.column(field.name).chunks], field.type)
        for field in schema
    ]
    return pa.Table.from_arrays(columns, schema=schema)
