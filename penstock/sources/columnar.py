"""What Parquet and Arrow files have in common: typed columns, read piece by piece, and partitioned directories."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import ClassVar

import pyarrow as pa

from penstock.errors import NoRows, SourceError
from penstock.receipts import Part
from penstock.sources.base import FileSource
from penstock.sources.columns import check_names
from penstock.sources.intake import Intake
from penstock.sources.partitions import whole_numbers, with_partition
from penstock.sources.places.remote import too_large
from penstock.sources.plain import plain_types
from penstock.store import Store

# Rows of a piece; that many are in memory at once.
PIECE_ROWS = 1 << 17


class ColumnarSource(FileSource):
    """Files of typed columns. Directories called `key=value` give columns of that name.

    Values that are whole numbers in all of the data set become int64, others stay text;
    `__HIVE_DEFAULT_PARTITION__` is missing.
    """

    format: ClassVar[str]

    def tables(self, file: Path, where: str, intake: Intake) -> Iterator[pa.Table]:
        """Give the rows of one file, piece by piece, in plain types.

        Raises
        ------
        SourceError
            It is not of this kind, has no row, or a name is blank or stands twice.
        """
        n_rows = n_bytes = 0
        try:
            for table in self._stored(file, where):
                n_rows += table.num_rows
                n_bytes += table.nbytes
                if n_bytes > self.access.max_bytes:
                    raise too_large(where, self.access.max_bytes)
                # What a damaged file says of its own offsets must not be believed.
                table.validate(full=True)
                if table.num_rows:
                    yield plain_types(table, intake.remark)
        # ValueError: names that are no UTF-8. OverflowError: dates in lists that Python has no dates for.
        except (pa.ArrowException, OSError, MemoryError, ValueError, OverflowError) as error:
            first = (str(error).splitlines() or [""])[0][:200]
            words = f"The file cannot be read as {self.format}"
            raise SourceError(words, where=where, got=f"{type(error).__name__}: {first}") from error
        if not n_rows:
            raise NoRows("The file has no rows", where=where, expected="at least one row")

    @abstractmethod
    def _stored(self, file: Path, where: str) -> Iterator[pa.Table]:
        """Give the rows as they are stored, piece by piece, once the columns' names have been checked."""

    def peek(self, store: Store) -> pa.Table:
        """Return the first rows of the first file; the rest of it is not read."""
        names = [place.name for place in self._places()]
        return with_partition(super().peek(store), names[0], whole_numbers(names))

    def _pieces(self, parts: Sequence[Part], store: Store, intake: Intake) -> Iterator[tuple[pa.Table, str]]:
        whole = whole_numbers([part.name for part in parts])
        for table, where in super()._pieces(parts, store, intake):
            yield with_partition(table, where, whole), where


def checked(schema: pa.Schema, where: str) -> None:
    """Check that there are columns, each with a name of its own.

    Raises
    ------
    SourceError
        There are none, or a name is blank or stands twice.
    """
    if not schema.names:
        raise SourceError("The file has no columns", where=where)
    check_names(schema.names, where)
