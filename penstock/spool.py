"""Tables larger than memory on their way into the store: written row block by row block, hashed as they go."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import IO, Self

import pyarrow as pa

from penstock.receipts import FrameRef
from penstock.store import Store

# Rows of a written block. The bytes, and so the digest, must not depend on how the rows arrived.
BLOCK_ROWS = 1 << 17


class Spool:
    """One table that is written while it is read; nothing is in the store before `finish`.

    All tables that are added have the same columns; where their types differ, they are promoted at the end.

    Examples
    --------
    >>> import tempfile
    >>> import pyarrow as pa
    >>> with Spool(Store(tempfile.mkdtemp())) as spool:
    ...     spool.add(pa.table({"a": ["1"]}))
    ...     spool.add(pa.table({"a": ["2"]}))
    ...     spool.finish().n_rows
    2
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._folder = tempfile.TemporaryDirectory(prefix="penstock-spool-", dir=store.scratch())
        self._segments: list[_Segment] = []
        self.n_rows = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        for segment in self._segments:
            segment.close()
        self._folder.cleanup()

    def add(self, table: pa.Table) -> None:
        """Write some more rows."""
        table = table.replace_schema_metadata(None)
        if not self._segments or not self._segments[-1].takes(table.schema):
            if self._segments:
                self._segments[-1].close()
            self._segments.append(_Segment(Path(self._folder.name) / f"{len(self._segments)}.arrow", table.schema))
        self._segments[-1].add(table)
        self.n_rows += table.num_rows

    def finish(self) -> FrameRef:
        """Put the table into the store."""
        for segment in self._segments:
            segment.close()
        if len(self._segments) == 1:
            only = self._segments[0]
            file = self._store.take_file(only.path, only.digest, "arrow")
            return FrameRef(
                digest=file.digest,
                path=file.path,
                size=file.size,
                n_rows=self.n_rows,
                columns=tuple(only.schema.names),
            )
        return self._store.put_table(pa.concat_tables(self._tables(), promote_options="permissive"))

    def _tables(self) -> Iterator[pa.Table]:
        for segment in self._segments:
            with pa.memory_map(str(segment.path)) as source:
                yield pa.ipc.open_file(source).read_all()


class _Hashing:
    """A file that is hashed while it is written; Arrow's writer asks no more of a sink."""

    closed = False

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self.sha256 = hashlib.sha256()

    def write(self, data: bytes) -> int:
        self.sha256.update(data)
        return self._file.write(data)

    def flush(self) -> None:
        self._file.flush()

    def writable(self) -> bool:
        return True

    def close(self) -> None:
        self.closed = True


class _Segment:
    """Rows of one schema, as an Arrow IPC file."""

    def __init__(self, path: Path, schema: pa.Schema) -> None:
        self.path = path
        self.schema = schema
        self._file = path.open("wb")
        self._sink = _Hashing(self._file)
        self._writer = pa.ipc.new_file(pa.PythonFile(self._sink, mode="w"), schema)
        self._waiting: list[pa.Table] = []
        self._n_waiting = 0
        self._open = True

    @property
    def digest(self) -> str:
        return self._sink.sha256.hexdigest()

    def takes(self, schema: pa.Schema) -> bool:
        return bool(self.schema.equals(schema))

    def add(self, table: pa.Table) -> None:
        self._waiting.append(table)
        self._n_waiting += table.num_rows
        if self._n_waiting >= BLOCK_ROWS:
            whole = pa.concat_tables(self._waiting)
            cut = whole.num_rows - whole.num_rows % BLOCK_ROWS
            self._write(whole.slice(0, cut))
            rest = whole.slice(cut)
            self._waiting, self._n_waiting = [rest], rest.num_rows

    def _write(self, table: pa.Table) -> None:
        for start in range(0, table.num_rows, BLOCK_ROWS):
            block = table.slice(start, BLOCK_ROWS).combine_chunks()
            for batch in block.to_batches():
                self._writer.write_batch(batch)

    def close(self) -> None:
        if not self._open:
            return
        self._open = False
        if self._n_waiting:
            self._write(pa.concat_tables(self._waiting))
        self._waiting = []
        self._writer.close()
        self._file.close()
