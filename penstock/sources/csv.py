"""Delimited text files. Every cell is kept as the text that it came as."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

import pyarrow as pa
from pydantic import BeforeValidator, Field, model_validator

from penstock.errors import SourceError
from penstock.sources.base import FileSource
from penstock.sources.columns import check_names
from penstock.sources.intake import Intake
from penstock.sources.sniff import SAMPLE, delimiter_of, encoding_of, records


def _names(value: object) -> object:
    return tuple(n.strip() for n in value.split(",")) if isinstance(value, str) else value


class CsvSource(FileSource):
    """One or more delimited text files.

    `delimiter` and `encoding` are found out where they are not given. Without a header columns are called `column_0`
    onwards unless `names` are given; `names` alone mean that there is no header, `names` with `header: true` replace
    it. Lines that begin with `comment` are left out.
    """

    kind: Literal["csv"] = "csv"
    delimiter: Annotated[str, Field(min_length=1, max_length=1)] | None = None
    encoding: str | None = None
    header: bool = True
    names: Annotated[tuple[str, ...], BeforeValidator(_names)] | None = None
    comment: Annotated[str, Field(min_length=1)] | None = None

    @model_validator(mode="before")
    @classmethod
    def _names_mean_no_header(cls, values: Any) -> Any:  # what a caller hands to pydantic may be anything
        if isinstance(values, dict) and values.get("names") and "header" not in values:
            return {**values, "header": False}
        return values

    suffixes: ClassVar[tuple[str, ...]] = (".csv", ".tsv", ".txt", ".data", ".dat")

    def tables(self, file: Path, where: str, intake: Intake) -> Iterator[pa.Table]:
        """Give the file's rows as text columns."""
        yield self.parse(file.read_bytes(), where)

    def parse(self, data: bytes, where: str) -> pa.Table:
        """Return a table of text columns.

        Raises
        ------
        SourceError
            The bytes are no text, rows differ in length, there is no row, or a name is blank or stands twice.
        """
        data = self._as_utf8(data, where)
        sample = data[:SAMPLE].decode("utf-8", errors="ignore")
        delimiter = self.delimiter or delimiter_of(sample)
        first = records(sample, delimiter, 1)
        if not first:
            raise SourceError("The file is empty", where=where, expected="a table with at least one row")
        table = _read(data, delimiter, len(first[0]), where)
        names = [str(cell.as_py()) for cell in (c[0] for c in table.columns)] if self.header else None
        if names is not None:
            table = table.slice(1)
        if self.names is not None:
            names = list(self.names)
        if names is None:
            names = [f"column_{i}" for i in range(table.num_columns)]
        if len(names) != table.num_columns:
            raise SourceError(
                "There are not as many names as columns",
                where=where,
                got=f"{len(names)} names for {table.num_columns} columns",
                todo="Give one name for each column.",
            )
        check_names(names, where)
        if not table.num_rows:
            raise SourceError(
                "The file has a header and no rows" if self.header else "The file has no rows", where=where
            )
        return table.rename_columns(names)

    def _as_utf8(self, data: bytes, where: str) -> bytes:
        encoding = self.encoding or encoding_of(data, where)
        if encoding not in ("utf-8", "utf-8-sig"):
            try:
                # Windows-1252 leaves five bytes undefined; as they are no reason to refuse a table, they become marks.
                text = data.decode(encoding, errors="strict" if self.encoding else "replace")
            except (UnicodeDecodeError, LookupError) as error:
                raise SourceError(
                    f"The file is not {encoding} text", where=where, got=str(error), todo="Correct `encoding`."
                ) from error
            data = text.removeprefix("\ufeff").encode()
        elif data.startswith(b"\xef\xbb\xbf"):
            data = data[3:]
        if self.comment:
            mark = self.comment.encode()
            data = b"".join(line for line in data.splitlines(keepends=True) if not line.startswith(mark))
        return data


def _read(data: bytes, delimiter: str, n_columns: int, where: str) -> pa.Table:
    from pyarrow import csv

    bad: list[Any] = []

    def note(row: Any) -> str:  # Arrow's InvalidRow
        bad.append(row)
        return "skip"

    try:
        table = csv.read_csv(
            io.BytesIO(data),
            csv.ReadOptions(autogenerate_column_names=True, block_size=max(1 << 20, len(data) // 16)),
            csv.ParseOptions(delimiter=delimiter, newlines_in_values=b'"' in data, invalid_row_handler=note),
            # Text as it came: no cell becomes null, a number or a date here.
            csv.ConvertOptions(
                column_types={f"f{i}": pa.string() for i in range(n_columns)},
                strings_can_be_null=False,
                quoted_strings_can_be_null=False,
            ),
        )
    except (pa.ArrowInvalid, UnicodeDecodeError) as error:
        raise SourceError("The file cannot be read as a table", where=where, got=str(error).splitlines()[0]) from error
    if bad:
        raise _ragged(data, bad, where)
    return table


def _ragged(data: bytes, bad: list[Any], where: str) -> SourceError:
    line, row = min(((_line_of(data, row.text), row) for row in bad[:1000]), key=lambda pair: pair[0])
    return SourceError(
        f"{len(bad)} {'row has' if len(bad) == 1 else 'rows have'} another number of cells than the first row",
        where=f"{where}:{line}",
        got=f"{row.actual_columns} cells",
        expected=f"{row.expected_columns} cells",
        todo="Correct the row at the source; a delimiter inside a cell needs quotes around the cell.",
    )


def _line_of(data: bytes, text: str) -> int:
    # Arrow numbers rows only when it reads with one thread, and a quoted cell may hold line breaks.
    at = data.find(b"\n" + text.encode())
    return data.count(b"\n", 0, at + 1) + 1 if at >= 0 else 1
