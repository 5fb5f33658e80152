"""Chunks of delimited text turned into tables of text by Arrow, several at once."""

from __future__ import annotations

import os
import re
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import chain, islice
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv

from penstock.errors import SourceError
from penstock.sources.text.lines import Aside, Chunk, without
from penstock.sources.text.quoting import STAND_IN, WHITESPACE, Dialect, Gap, Places, rows, squeezed
from penstock.sources.text.shape import Shape

_MOST_WORKERS = 4


class Piece(NamedTuple):
    """Some rows, all cells being text, and those among them that could not be parsed."""

    table: pa.Table
    aside: list[Aside]


class Parser:
    """How chunks of one file are parsed.

    Parameters
    ----------
    dialect : Dialect
        How cells are divided and quoted.
    shape : Shape
        How many cells a row has, and which of them are columns.
    encoding : str
        What undecodable bytes are said not to be.
    where : str
        What errors call the file.
    """

    def __init__(self, dialect: Dialect, shape: Shape, encoding: str, where: str) -> None:
        self.shape = shape
        self._dialect = dialect
        self._encoding = encoding
        self._where = where
        cells = [f"f{i}" for i in range(shape.width)]
        self._cells = cells
        # Text as it came: no cell becomes null, a number or a date here. Whether it is UTF-8 has been looked at.
        self._convert = csv.ConvertOptions(
            column_types=dict.fromkeys(cells, pa.string()),
            check_utf8=False,
            strings_can_be_null=False,
            quoted_strings_can_be_null=False,
        )

    def __call__(self, chunk: Chunk, *, header: bool) -> Piece:
        """Return a chunk's rows; the first is left out where it is the header.

        Raises
        ------
        SourceError
            The header is not text, or Arrow cannot make a table of the rest.
        """
        work = _Work(chunk, self._dialect)
        if header:
            self._pass_header(work)
        aside = chunk.aside()
        if not _is_text(work.data):
            aside += self._take_out_undecodable(work)
        table, skipped = self._read(work.data)
        misfits = [(row, n_cells) for row, n_cells, is_blank in skipped if not is_blank]
        aside += work.asides([row for row, _ in misfits], [self.shape.ragged(n) for _, n in misfits])
        full = self._overfull(table)
        if len(full):
            read = np.delete(np.arange(work.n_rows), [row for row, _, _ in skipped])
            aside += work.asides(read[full], ["a cell in a column that has no name"] * len(full))
            table = table.filter(pa.array(np.isin(np.arange(table.num_rows), full, invert=True)))
        return Piece(self._named(table, chunk.data), sorted(aside, key=lambda row: row.line))

    def _pass_header(self, work: _Work) -> None:
        cells = work.cells(0)
        n = 0
        while not cells.strip():
            n += 1
            cells = work.cells(n)
        if not _is_text(cells):
            raise SourceError(
                f"The header is not {self._encoding} text",
                where=f"{self._where}:{work.asides([n], [''])[0].line}",
                got=repr(cells[:60]),
                todo="Correct `encoding`.",
            )
        work.leave_out(list(range(n + 1)))

    def _take_out_undecodable(self, work: _Work) -> list[Aside]:
        rows = [(i, work.cells(i)) for i in range(work.n_rows)]
        bad = [(i, b"\x00" in cells) for i, cells in rows if not _is_text(cells)]
        which = [i for i, _ in bad]
        reasons = ["a zero byte" if zero else f"bytes that are not {self._encoding} text" for _, zero in bad]
        aside = work.asides(which, reasons)
        work.leave_out(which)
        return aside

    def _read(self, data: bytes) -> tuple[pa.Table, list[tuple[int, int, bool]]]:
        """Return a table, and of the rows that were skipped the place, the number of cells and whether it is blank."""
        skipped: list[tuple[int, int, bool]] = []

        def skip(row: Any) -> str:  # Arrow's InvalidRow
            skipped.append((row.number - 1, row.actual_columns, not row.text.strip()))
            return "skip"

        dialect = self._dialect
        data = _ready(data, dialect)
        if not data.strip(b"\r\n"):
            return pa.table({name: pa.array([], pa.string()) for name in self._cells}), []
        try:
            table = csv.read_csv(
                pa.BufferReader(data),
                # In one block and by one thread: only then does Arrow number the rows.
                csv.ReadOptions(column_names=self._cells, block_size=len(data) + 1, use_threads=False),
                csv.ParseOptions(
                    delimiter=dialect.byte.decode(),
                    quote_char=dialect.quote or False,
                    double_quote=dialect.double_quote,
                    escape_char=dialect.escape or False,
                    newlines_in_values=True,
                    invalid_row_handler=skip,
                ),
                self._convert,
            )
        except pa.ArrowInvalid as error:
            words = "The file cannot be read as a table"
            raise SourceError(words, where=self._where, got=str(error).splitlines()[0]) from None
        return table, skipped

    def _overfull(self, table: pa.Table) -> npt.NDArray[np.int64]:
        """Return the rows that have something where there is no column."""
        full = np.zeros(table.num_rows, bool)
        for i in self.shape.unnamed:
            full |= pc.not_equal(table.column(i), "").to_numpy(zero_copy_only=False)
        return np.flatnonzero(full)

    def _named(self, table: pa.Table, data: bytes) -> pa.Table:
        table = table.select(list(self.shape.columns)).rename_columns(list(self.shape.names))
        if self._dialect.delimiter.isascii() or STAND_IN not in data:
            return table
        back = {"pattern": STAND_IN.decode(), "replacement": self._dialect.delimiter}
        columns = [pc.replace_substring(column, **back) for column in table.columns]
        return pa.table(columns, names=table.column_names)


class _Work:
    """The rows of a chunk that are still to be parsed, and where in the chunk they lie."""

    def __init__(self, chunk: Chunk, dialect: Dialect) -> None:
        self.data = chunk.data
        self._chunk = chunk
        self._dialect = dialect
        self._bounds: tuple[Places, Places] | None = None
        self._left: Places | None = None

    @property
    def n_rows(self) -> int:
        """How many there are."""
        return len(self._rows())

    def cells(self, row: int) -> bytes:
        """Return one row as it is written."""
        starts, stops = self._where()
        at = self._rows()[row]
        return self._chunk.data[starts[at] : stops[at]]

    def asides(self, which: Sequence[int] | Places, reasons: Sequence[str]) -> list[Aside]:
        """Return what there is to tell of some rows that cannot be parsed."""
        if not len(which):
            return []
        starts, stops = self._where()
        at = self._rows()[np.asarray(which)]
        return self._chunk.asides(starts[at], stops[at], reasons)

    def leave_out(self, which: Sequence[int]) -> None:
        """Take some rows out, given in their order."""
        starts, _ = self._where()
        gone = np.zeros(len(starts), bool)
        if self._left is not None:
            gone[:] = True
            gone[self._left] = False
        gone[self._rows()[np.asarray(which, np.int64)]] = True
        self._left = np.flatnonzero(~gone)
        out = np.flatnonzero(gone)
        ends = np.append(starts, len(self._chunk.data))[out + 1]
        self.data = without(self._chunk.data, map(Gap, starts[out].tolist(), ends.tolist()))

    def _where(self) -> tuple[Places, Places]:
        # Asked for only when something is wrong, or for the header.
        if self._bounds is None:
            self._bounds = rows(self._chunk.data, self._dialect)
        return self._bounds

    def _rows(self) -> Places:
        return np.arange(len(self._where()[0])) if self._left is None else self._left


def side_by_side(parse: Parser, text: Iterable[Chunk]) -> Iterator[Piece]:
    """Parse chunks, several at once where there are several, and give what they hold in their order."""
    jobs = in_turn(text, header=parse.shape.header)
    first = list(islice(jobs, 2))
    if len(first) < 2:
        yield from (parse(chunk, header=header) for chunk, header in first)
        return
    n = max(2, min(_MOST_WORKERS, os.cpu_count() or 1))
    waiting: deque[Future[Piece]] = deque()
    with ThreadPoolExecutor(n, thread_name_prefix="parse") as pool:
        try:
            for chunk, header in chain(first, jobs):
                waiting.append(pool.submit(parse, chunk, header=header))
                if len(waiting) > n:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()


def in_turn(text: Iterable[Chunk], *, header: bool) -> Iterator[tuple[Chunk, bool]]:
    """Give chunks, each with whether it begins with the header: the first that is not blank does."""
    for chunk in text:
        yield chunk, header and bool(chunk.data.strip())
        header = header and not chunk.data.strip()


def _is_text(data: bytes) -> bool:
    """Whether bytes are UTF-8 without a zero; Arrow looks faster than Python, and lets other threads run."""
    if b"\x00" in data:
        return False
    bounds = pa.py_buffer(np.array([0, len(data)], np.int32))
    try:
        pa.Array.from_buffers(pa.string(), 1, [None, bounds, pa.py_buffer(data)]).validate(full=True)
    except pa.ArrowInvalid:
        return False
    return True


def _ready(data: bytes, dialect: Dialect) -> bytes:
    """Return rows as Arrow reads them."""
    if dialect.delimiter == WHITESPACE:
        data = squeezed(data, dialect)
    if dialect.escape == "\\" and b"\\N" in data:
        # Where backslashes escape, a cell of \N alone is how databases write a null; Arrow would take it for an N.
        around = re.escape(dialect.byte + b"\r\n")
        data = re.sub(rb"(?<![^%b])\\N(?![^%b])" % (around, around), rb"\\\\N", data)
    return data
