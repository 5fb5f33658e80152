"""Parquet files. Columns keep their types."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar, Literal

import pyarrow as pa

from penstock.sources.columnar import PIECE_ROWS, ColumnarSource, checked


class ParquetSource(ColumnarSource):
    """One or more Parquet files, or a partitioned data set of them."""

    kind: Literal["parquet"] = "parquet"

    format: ClassVar[str] = "Parquet"
    suffixes: ClassVar[tuple[str, ...]] = (".parquet", ".pq")

    def _stored(self, file: Path, where: str) -> Iterator[pa.Table]:
        from pyarrow import parquet

        with parquet.ParquetFile(file) as stored:
            checked(stored.schema_arrow, where)
            for batch in stored.iter_batches(PIECE_ROWS):
                yield pa.Table.from_batches([batch])
