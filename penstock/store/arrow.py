"""Arrow IPC files written block by block and hashed as they go; equal tables give equal bytes."""

from __future__ import annotations

import contextlib
import hashlib
import queue
import threading
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from penstock.store.writing import Outflow

# Blocks that may wait for the writer: one is enough that neither side stands still.
_WAITING = 1
_BLOCK_ROWS = 1 << 16
_ORDINARY_WIDTH = 32


def block_rows(schema: pa.Schema) -> int:
    """Return how many rows make a block: fewer of a wide table, so that a block fits into memory.

    Examples
    --------
    >>> block_rows(pa.schema([("a", pa.int64())])), block_rows(pa.schema([(f"c{i}", pa.int64()) for i in range(1000)]))
    (65536, 2048)
    """
    rows = _BLOCK_ROWS
    while rows > 64 and rows * len(schema) > _BLOCK_ROWS * _ORDINARY_WIDTH:
        rows //= 2
    return rows


class ArrowFile:
    """An Arrow IPC file that is made by a thread of its own.

    Parameters
    ----------
    path : pathlib.Path
        The file; it is not at its good name yet.
    schema : pyarrow.Schema
        Of all blocks.
    durable : bool
        Whether it will have to reach the disk.

    Raises
    ------
    OSError
        From every method: the file cannot be written.
    """

    def __init__(self, path: Path, schema: pa.Schema, durable: bool = True) -> None:
        self.path = path
        self.schema = schema
        self._sink = HashingFile(path, durable)
        self._blocks: queue.Queue[pa.Table | None] = queue.Queue(_WAITING)
        self._failed: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="arrow-file", daemon=True)
        self._thread.start()

    def write(self, block: pa.Table) -> None:
        """Write some rows as one block; it may still be waiting when this returns."""
        if self._failed is not None:
            raise self._failed
        self._blocks.put(block)

    def close(self) -> str:
        """Finish the file, and return the sha256 of its bytes, in hex."""
        if self._thread.is_alive():
            self._blocks.put(None)
            self._thread.join()
        if self._failed is not None:
            raise self._failed
        return self._sink.sha256.hexdigest()

    def abandon(self) -> None:
        """Stop writing; what is there of the file is of no use."""
        with contextlib.suppress(OSError):
            self.close()

    def _run(self) -> None:
        try:
            with pa.ipc.new_file(pa.PythonFile(self._sink, mode="w"), self.schema) as writer:
                while (block := self._blocks.get()) is not None:
                    for batch in canonical(block).to_batches():
                        writer.write_batch(batch)
                    del block
        except BaseException as error:  # raised again in the thread that writes or closes
            self._failed = error
            while self._blocks.get() is not None:
                pass
        finally:
            self._end()

    def _end(self) -> None:
        try:
            self._sink.finish()
        except OSError as error:
            self._failed = self._failed or error


class HashingFile:
    """A file that is hashed while it is written; Arrow's writer asks no more of a sink."""

    def __init__(self, path: Path, durable: bool = True) -> None:
        self.path = path
        self._out = Outflow(path, durable)
        self.sha256 = hashlib.sha256()
        self.closed = False

    def write(self, data: bytes) -> int:
        """Hash and write some bytes."""
        self.sha256.update(data)
        whole = memoryview(data)
        self._out.write(whole)
        return whole.nbytes

    def flush(self) -> None:
        """Leave it to `finish`."""

    def writable(self) -> bool:
        """Say yes: Arrow asks."""
        return True

    def close(self) -> None:
        """Close the sink alone."""
        self.closed = True

    def finish(self) -> None:
        """Close the file itself; Arrow's writer closes but the sink."""
        self._out.close()


def canonical(table: pa.Table) -> pa.Table:
    """Return the same values in one chunk a column, with nothing left of how they came about.

    Metadata go, and so does what lies under a null or behind the last row. A column of more than two gibibytes of text
    keeps several chunks.
    """
    columns = [_canonical(column) for column in table.columns]
    return pa.Table.from_arrays(columns, schema=table.schema.remove_metadata())


def _canonical(column: pa.ChunkedArray) -> pa.ChunkedArray:
    # One chunk stays where it is: combine_chunks would copy it.
    whole = column if column.num_chunks == 1 else column.combine_chunks()
    chunks = whole.chunks if isinstance(whole, pa.ChunkedArray) else [whole]
    return pa.chunked_array([_plain(chunk) for chunk in chunks], column.type)


def _plain(array: pa.Array) -> pa.Array:
    kind = array.type
    if pa.types.is_dictionary(kind) or not len(array):
        return array
    if array.null_count and not pa.types.is_nested(kind):
        return _without_hidden(array)
    return array if _is_exact(array) else pa.concat_arrays([array, array.slice(0, 0)])


def _is_exact(array: pa.Array) -> bool:
    """Whether an array's memory ends where its values end; Arrow would write some of what lies behind them."""
    kind = array.type
    if array.offset or not pa.types.is_primitive(kind) or pa.types.is_boolean(kind):
        return False
    return bool(array.buffers()[1].size * 8 == len(array) * kind.bit_width)


_UNSIGNED = {8: pa.uint8(), 16: pa.uint16(), 32: pa.uint32(), 64: pa.uint64()}


def _without_hidden(array: pa.Array) -> pa.Array:
    """Return an array with nulls that has zeros below them."""
    whole = pa.concat_arrays([array, array.slice(0, 0)])
    kind = whole.type
    if pa.types.is_boolean(kind):
        filled = pc.fill_null(whole, False)
    elif pa.types.is_string(kind) or pa.types.is_large_string(kind):
        filled = pc.fill_null(whole, "")
    elif pa.types.is_binary(kind) or pa.types.is_large_binary(kind):
        filled = pc.fill_null(whole, b"")
    elif pa.types.is_primitive(kind) and kind.bit_width in _UNSIGNED:
        filled = pc.fill_null(whole.view(_UNSIGNED[kind.bit_width]), 0)
    else:
        return whole
    return pa.Array.from_buffers(kind, len(whole), [whole.buffers()[0], *filled.buffers()[1:]], whole.null_count)
