"""Delimited text cut into chunks of whole rows, each knowing which lines of the file it holds."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from penstock.errors import SourceError
from penstock.sources.text.quoting import LONGEST_ROW, STAND_IN, Dialect, Gap, Places, divided, structure


class Aside(NamedTuple):
    """A row that cannot be parsed, by the line that it begins on; `cut` where the file ends amid it."""

    line: int
    reason: str
    text: str
    cut: bool = False


@dataclass(frozen=True, slots=True)
class Chunk:
    """Some lines as they came, the first being number `line`, and the rows in them: what `data` has and `gaps` lack."""

    raw: bytes
    data: bytes
    line: int
    dialect: Dialect
    gaps: Sequence[Gap]
    final: bool

    def aside(self) -> list[Aside]:
        """Return the rows that are set aside because of their quotes."""
        bad = [gap for gap in self.gaps if gap.reason is not None]
        return self._told(bad) if bad else []

    def asides(self, starts: Places, stops: Places, reasons: Iterable[str]) -> list[Aside]:
        """Return what there is to tell of rows of `data` that cannot be parsed, given where they begin and end."""
        begins, ends = self._in_raw(starts).tolist(), (self._in_raw(stops - 1) + 1).tolist()
        return self._told([Gap(*gap) for gap in zip(begins, ends, reasons, strict=True)])

    def lines(self, starts: Places) -> Places:
        """Return the lines of the file on which rows of `data` begin, given where they begin."""
        ends = np.flatnonzero(np.frombuffer(self.raw, np.uint8) == self.dialect.newline[0])
        found: Places = self.line + np.searchsorted(ends, self._in_raw(starts))
        return found

    def _told(self, rows: Sequence[Gap]) -> list[Aside]:
        ends = np.flatnonzero(np.frombuffer(self.raw, np.uint8) == self.dialect.newline[0])
        lines = self.line + np.searchsorted(ends, [row.start for row in rows])
        cut = len(self.raw) if self.final and not self.raw.endswith((b"\n", b"\r")) else -1
        return [
            Aside(int(line), row.reason or "", _shown(self.raw[row.start : row.stop], self.dialect), row.stop == cut)
            for line, row in zip(lines, rows, strict=True)
        ]

    def _in_raw(self, places: Places) -> Places:
        if not self.gaps:
            return places
        sizes = np.cumsum([gap.stop - gap.start for gap in self.gaps])
        # A gap begins in `data` where all that was left out before it is left out.
        begins = np.array([gap.start for gap in self.gaps]) - np.concatenate([[0], sizes[:-1]])
        passed = np.searchsorted(begins, places, side="right")
        raw: Places = places + np.concatenate([[0], sizes])[passed]
        return raw


def chunks(blocks: Iterable[bytes], dialect: Dialect, line: int, where: str) -> Iterator[Chunk]:
    """Cut UTF-8 text into chunks of whole rows.

    Parameters
    ----------
    blocks : iterable of bytes
        The text, in pieces of any size.
    dialect : Dialect
        How it is written.
    line : int
        The number of its first line.
    where : str
        What errors call it.

    Raises
    ------
    SourceError
        A line is longer than any row can be.
    """
    rest = b""
    for block in blocks:
        text = _divided(rest, block, dialect, where)
        seen = structure(text, dialect, final=False)
        rest = text[seen.end :]
        if seen.end:
            yield _chunk(text[: seen.end], seen.gaps, line, dialect, final=False)
            # Faster than to count in bytes where lines are short.
            line += int(np.count_nonzero(np.frombuffer(text, np.uint8, seen.end) == dialect.newline[0]))
        elif len(rest) > 2 * LONGEST_ROW:
            raise SourceError(
                "A line is longer than a row can be",
                where=f"{where}:{line}",
                got=f"no end of a row in {len(rest):,} bytes",
                expected="delimited text, one row a line",
                todo="Correct `encoding` or the kind of the source.",
            )
    if rest:
        yield _chunk(rest, structure(rest, dialect, final=True).gaps, line, dialect, final=True)


def _chunk(raw: bytes, gaps: Sequence[Gap], line: int, dialect: Dialect, *, final: bool) -> Chunk:
    return Chunk(raw, without(raw, gaps), line, dialect, gaps, final)


def without(text: bytes, gaps: Iterable[Gap]) -> bytes:
    """Return a text without its gaps."""
    kept, at = [], 0
    for gap in gaps:
        kept.append(text[at : gap.start])
        at = gap.stop
    return b"".join([*kept, text[at:]]) if at else text


def _divided(rest: bytes, block: bytes, dialect: Dialect, where: str) -> bytes:
    """Return some more text, each of its delimiters being one byte."""
    text = rest + block
    if dialect.delimiter.isascii():
        return text
    if STAND_IN in block:
        raise SourceError(
            f"The delimiter {dialect.delimiter!r} cannot be used in a file that holds control characters",
            where=where,
            got=f"the character {STAND_IN.decode()!r}",
            todo="Take it out at the source, or divide the cells by an ASCII character.",
        )
    return divided(text, dialect)


def _shown(row: bytes, dialect: Dialect) -> str:
    text = row.rstrip(b"\r\n").decode("utf-8", "replace")
    return text if dialect.delimiter.isascii() else text.replace(STAND_IN.decode(), dialect.delimiter)
