"""Delimited text files. Every cell is kept as the text that it came as."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, BinaryIO, ClassVar, Literal

import numpy as np
import pyarrow as pa
from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from penstock.errors import SourceError
from penstock.sources.base import FileSource
from penstock.sources.intake import Intake
from penstock.sources.text.charset import check_encoding
from penstock.sources.text.delimited import Delimited
from penstock.sources.text.lines import Aside
from penstock.sources.text.quoting import WHITESPACE, Places
from penstock.sources.text.sniff import Settings


def _names(value: object) -> object:
    return tuple(n.strip() for n in value.split(",")) if isinstance(value, str) else value


def _delimiter(value: object) -> object:
    return {"\\t": "\t", "tab": "\t"}.get(value, value) if isinstance(value, str) else value


def _one_character(value: str) -> str:
    if value != WHITESPACE and (len(value) != 1 or value in '\r\n"\x00\ufeff'):
        raise ValueError(f"one character, or {WHITESPACE!r}; got {value!r}")
    return value


def _one_mark(value: str) -> str:
    if value != "none" and (len(value) != 1 or not value.isascii() or value in "\r\n\x00"):
        raise ValueError(f"one ASCII character, or 'none'; got {value!r}")
    return value


def _one_line(value: str) -> str:
    if "\n" in value or "\r" in value:
        raise ValueError("what begins a comment has no line end in it")
    return value


class CsvSource(FileSource):
    """One or more delimited text files.

    `delimiter` (one character, or `whitespace` for any run of blanks and tabs), `encoding` and `quote` (one character,
    or `none`) are found out where they are not given; `escape` is a character that takes the meaning of the next one
    away. Without a header columns are called `column_0` onwards unless `names` are given; `names` alone mean that
    there is no header, `names` with `header: true` replace it. The first `skip` lines are left out, and lines that
    begin with `comment`.
    """

    kind: Literal["csv"] = "csv"
    delimiter: Annotated[str, BeforeValidator(_delimiter), AfterValidator(_one_character)] | None = None
    encoding: Annotated[str, AfterValidator(check_encoding)] | None = None
    quote: Annotated[str, AfterValidator(_one_mark)] | None = None
    double_quote: bool = True
    escape: Annotated[str, AfterValidator(_one_mark)] | None = None
    header: bool = True
    names: Annotated[tuple[str, ...], BeforeValidator(_names)] | None = None
    comment: Annotated[str, Field(min_length=1), AfterValidator(_one_line)] | None = None
    skip: int = Field(default=0, ge=0)

    @model_validator(mode="before")
    @classmethod
    def _names_mean_no_header(cls, values: Any) -> Any:  # what a caller hands to pydantic may be anything
        if isinstance(values, dict) and values.get("names") and "header" not in values:
            return {**values, "header": False}
        return values

    @model_validator(mode="after")
    def _check_marks(self) -> CsvSource:
        marks = [m for m in (self.delimiter, self.quote, self.escape) if m not in (None, "none")]
        if len(set(marks)) < len(marks):
            raise ValueError("`delimiter`, `quote` and `escape` have to be different characters")
        return self

    suffixes: ClassVar[tuple[str, ...]] = (".csv", ".tsv", ".tab", ".txt", ".data", ".dat")

    def tables(self, file: Path, where: str, intake: Intake) -> Iterator[pa.Table]:
        """Give the file's rows as text columns, piece by piece."""
        text = Delimited(lambda: file.open("rb", buffering=0), where, self._settings())
        for piece in text.pieces():
            for row in piece.aside:
                intake.set_aside(where, row.line, row.reason, row.text)
            yield piece.table
        for words in text.remarks:
            intake.remark(words)

    def lines_in(self, file: Path, where: str) -> Places:
        """Return the line on which each row begins."""
        text = Delimited(lambda: file.open("rb", buffering=0), where, self._settings())
        return np.concatenate([*text.lines(), np.empty(0, np.int64)])

    def parse(self, data: bytes, where: str) -> pa.Table:
        """Return a table of text columns; no row of it may be set aside.

        Raises
        ------
        SourceError
            The bytes are no text, a row cannot be parsed, most rows do not fit the header, there is no row, or a name
            is blank or stands twice.
        """
        pieces = list(Delimited(lambda: _as_file(data), where, self._settings()).pieces())
        if lost := [row for piece in pieces for row in piece.aside]:
            raise _unparsed(lost, where)
        return pa.concat_tables([piece.table for piece in pieces])

    def _settings(self) -> Settings:
        return Settings(
            delimiter=self.delimiter,
            encoding=self.encoding,
            quote=self.quote,
            double_quote=self.double_quote,
            escape=None if self.escape == "none" else self.escape,
            comment=self.comment,
            header=self.header,
            names=self.names,
            skip=self.skip,
        )


def _as_file(data: bytes) -> BinaryIO:
    return io.BytesIO(data)


def _unparsed(lost: list[Aside], where: str) -> SourceError:
    return SourceError(
        f"{len(lost):,} {'row' if len(lost) == 1 else 'rows'} cannot be parsed",
        where=f"{where}:{lost[0].line}",
        got=lost[0].reason,
        expected="rows of as many cells as the header has",
        todo="Correct the row at the source; a delimiter inside a cell needs quotes around the cell.",
    )
