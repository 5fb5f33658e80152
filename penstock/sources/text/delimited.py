"""Delimited text read piece by piece: every cell as it came, and rows that cannot be parsed beside them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from itertools import chain
from typing import BinaryIO, NamedTuple

import numpy as np

from penstock.errors import NoRows, SourceError
from penstock.sources.text.charset import SAMPLE, Charset, charset_of, refuse_others, utf8_blocks
from penstock.sources.text.lines import Chunk, chunks, without
from penstock.sources.text.parsing import Parser, Piece, in_turn, side_by_side
from penstock.sources.text.quoting import Dialect, Places, divided, rows, structure
from penstock.sources.text.shape import Shape, shape_of
from penstock.sources.text.sniff import Settings, first_rows, guess, newline_of

# Measured: larger blocks leave the processor's cache, smaller ones cost more calls.
BLOCK = 1 << 21
_READ = 1 << 20
# A header and a row of very wide tables have to be in the sample.
_ENOUGH_LINES = 20
_LARGEST_SAMPLE = 1 << 26
# By this line spreadsheets are told the delimiter.
_TOLD = re.compile(rb"\"?sep=([\x01-\x09\x0b\x0c\x0e-\x7f])\"?\r?\n")


class Delimited:
    """One file of delimited text.

    Parameters
    ----------
    opened : callable
        Opens the file anew, in binary.
    where : str
        What errors call it.
    settings : Settings
        How it is written.
    block : int
        How many bytes are read at once; what is read does not depend on it.

    Attributes
    ----------
    remarks : list of str
        What a reader should know of how it was understood.
    """

    def __init__(self, opened: Callable[[], BinaryIO], where: str, settings: Settings, block: int = BLOCK) -> None:
        self._opened = opened
        self._where = where
        self._settings = settings
        self._block = block
        self.remarks: list[str] = []

    def pieces(self) -> Iterator[Piece]:
        """Give the rows in their order, piece by piece.

        Raises
        ------
        SourceError
            The file is no such text, most rows do not fit the header, there is no row, or a name is blank or stands
            twice.
        """
        parse, text, shape = self._begun()
        yield from self._checked(side_by_side(parse, text), shape)

    def lines(self) -> Iterator[Places]:
        """Give the line on which each row begins that `pieces` gives, piece by piece; 0 where that cannot be told."""
        parse, text, _ = self._begun()
        for chunk, header in in_turn(text, header=parse.shape.header):
            piece = parse(chunk, header=header)
            yield _lines(chunk, piece, header=header)

    def _begun(self) -> tuple[Parser, Iterator[Chunk], Shape]:
        charset = self._find_charset()
        blocks = utf8_blocks(self._blocks(self._block), charset)
        head = self._head(blocks)
        found = guess(head.sample, head.settings)
        shape = self._shape(head, found.dialect)
        self.remarks += [f"{self._where}: {words}" for words in found.remarks]
        if charset.guessed and charset.name == "cp1252":
            self.remarks.append(f"{self._where}: it is not UTF-8 and was read as Windows-1252")
        parse = Parser(found.dialect, shape, charset.name, self._where)
        return parse, chunks(chain([head.text], blocks), found.dialect, head.line, self._where), shape

    def _blocks(self, size: int) -> Iterator[bytes]:
        with self._opened() as file:
            while block := file.read(size):
                yield block

    def _find_charset(self) -> Charset:
        with self._opened() as file:
            refuse_others(file.read(SAMPLE), self._where)
        if self._settings.encoding is not None:
            return Charset(self._settings.encoding)
        return charset_of(self._blocks(_READ), self._where)

    def _head(self, blocks: Iterator[bytes]) -> _Head:
        """Return as much of the text as tells how it is written; how much that is does not hang on blocks."""
        text, want = b"", SAMPLE
        while True:
            while len(text) <= want and (block := next(blocks, b"")):
                text += block
            if len(text) <= want or want >= _LARGEST_SAMPLE or self._n_lines(text[:want]) >= _ENOUGH_LINES:
                break
            want *= 2
        newline, at, line = newline_of(text), 0, 1 + self._settings.skip
        for _ in range(self._settings.skip):
            at = text.find(newline, at) + 1 or len(text)
        delimiter = self._settings.delimiter
        if delimiter is None and (told := _TOLD.match(text, at)):
            at, line, delimiter = told.end(), line + 1, told[1].decode()
        if not text[at:].strip():
            what = "Nothing is left of the file behind `skip`" if text.strip() else "The file is empty"
            raise SourceError(what, where=self._where, expected="a table with at least one row")
        return _Head(text[at:], text[at:want], len(text) <= want, line, replace(self._settings, delimiter=delimiter))

    def _n_lines(self, text: bytes) -> int:
        """Return how many lines of a text may hold rows."""
        newline, comment = newline_of(text), self._settings.comment
        return text.count(newline) - (text.count(newline + comment.encode()) if comment else 0) - self._settings.skip

    def _shape(self, head: _Head, dialect: Dialect) -> Shape:
        self._check_first(head, dialect)
        first = first_rows(head.sample, dialect, whole=head.whole)
        if not first:
            raise NoRows("The file has no rows", where=self._where, got="comments, blank lines or broken rows only")
        names, header = self._settings.names, self._settings.header
        shape, remarks = shape_of(first, names, self._where, header=header, delimiter=dialect.delimiter)
        self.remarks += remarks
        return shape

    def _check_first(self, head: _Head, dialect: Dialect) -> None:
        """Refuse a header whose quotes are broken: the row below would be taken for it."""
        sample = divided(head.sample, dialect)
        seen = structure(sample, dialect, final=head.whole)
        broken = next((gap for gap in seen.gaps if gap.reason is not None), None)
        if broken is None or not self._settings.header:
            return
        before = without(sample[: broken.start], [gap for gap in seen.gaps if gap.stop <= broken.start])
        if not before.strip():
            line = head.line + sample.count(dialect.newline, 0, broken.start)
            words, todo = "The header cannot be parsed", "Correct it at the source, or say `quote: none`."
            raise SourceError(words, where=f"{self._where}:{line}", got=broken.reason or "", todo=todo)

    def _checked(self, pieces: Iterable[Piece], shape: Shape) -> Iterator[Piece]:
        """Give the pieces, and see to it that there is a row among them."""
        n_rows, lost = 0, None
        for piece in pieces:
            n_rows += piece.table.num_rows
            lost = lost or next(iter(piece.aside), None)
            if any(row.cut for row in piece.aside):
                self.remarks.append(f"{self._where}: it ends amid a row; it may have been cut short")
            yield piece
        if n_rows:
            return
        if lost is not None:
            where = f"{self._where}:{lost.line}"
            raise SourceError("No row of the file can be parsed", where=where, got=lost.reason)
        words = "The file has a header and no rows" if shape.header else "The file has no rows"
        raise NoRows(words, where=self._where, expected="at least one row")


def _lines(chunk: Chunk, piece: Piece, *, header: bool) -> Places:
    starts, stops = rows(chunk.data, chunk.dialect)
    told = np.array([bool(chunk.data[a:b].strip()) for a, b in zip(starts.tolist(), stops.tolist(), strict=True)], bool)
    lines = chunk.lines(starts[told])
    lines = lines[~np.isin(lines, [row.line for row in piece.aside])][int(header) :]
    return lines if len(lines) == piece.table.num_rows else np.zeros(piece.table.num_rows, np.int64)


class _Head(NamedTuple):
    """The beginning of a text: what was read, what it is judged by, whether that is all, and its first line."""

    text: bytes
    sample: bytes
    whole: bool
    line: int
    settings: Settings
