"""Parquet files. Columns keep their Arrow types."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar, Literal

import pyarrow as pa

from penstock.errors import SourceError
from penstock.sources.base import FileSource
from penstock.sources.columns import check_names
from penstock.sources.intake import Intake
from penstock.sources.plain import plain_types


class ParquetSource(FileSource):
    """One or more Parquet files."""

    kind: Literal["parquet"] = "parquet"

    suffixes: ClassVar[tuple[str, ...]] = (".parquet", ".pq")

    def tables(self, file: Path, where: str, intake: Intake) -> Iterator[pa.Table]:
        """Give the table of one file.

        Raises
        ------
        SourceError
            It is no Parquet file, has no row, or a name is blank or stands twice.
        """
        from pyarrow import parquet

        try:
            table = parquet.read_table(file, partitioning=None)
        except (pa.ArrowException, OSError) as error:
            raise SourceError(
                "The file cannot be read as Parquet", where=where, got=str(error).splitlines()[0][:200]
            ) from error
        check_names(table.column_names, where)
        if not table.num_rows:
            raise SourceError("The file has no rows", where=where)
        yield plain_types(table)
