"""Arrow's own files: IPC files and streams, and Feather of both versions. Columns keep their types."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar, Literal

import pyarrow as pa

from penstock.sources.columnar import PIECE_ROWS, ColumnarSource, checked


class ArrowSource(ColumnarSource):
    """One or more Arrow files, or a partitioned data set of them; which of Arrow's formats is told by their bytes."""

    kind: Literal["arrow"] = "arrow"

    format: ClassVar[str] = "Arrow"
    suffixes: ClassVar[tuple[str, ...]] = (".arrow", ".feather", ".ipc", ".arrows")

    def _stored(self, file: Path, where: str) -> Iterator[pa.Table]:
        with file.open("rb") as start:
            magic = start.read(6)
        if magic.startswith(b"FEA1"):
            yield from _feather_1(file, where)
            return
        # Not mapped into memory: a file that another process cuts short would end this one.
        with pa.OSFile(str(file)) as source:
            if magic == b"ARROW1":
                with pa.ipc.open_file(source) as reader:
                    checked(reader.schema, where)
                    batches = (reader.get_batch(i) for i in range(reader.num_record_batches))
                    yield from _pieces(batches)
            else:
                with pa.ipc.open_stream(source) as stream:
                    checked(stream.schema, where)
                    yield from _pieces(iter(stream))


def _pieces(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.Table]:
    """Cut batches to size: a file may have been written as a single one."""
    for batch in batches:
        for start in range(0, batch.num_rows, PIECE_ROWS):
            yield pa.Table.from_batches([batch.slice(start, PIECE_ROWS)])


def _feather_1(file: Path, where: str) -> Iterator[pa.Table]:
    from pyarrow import feather

    with warnings.catch_warnings():
        # That Arrow will drop the format one day is no news for who only reads a file.
        warnings.simplefilter("ignore", DeprecationWarning)
        table = feather.read_table(file, memory_map=False)
    checked(table.schema, where)
    yield table
