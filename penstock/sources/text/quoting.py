"""Where rows of delimited text begin and end, quotes being what they are.

A quote opens a cell only at the cell's beginning, is doubled inside it, and has to be followed by a delimiter or the
end of the line. A row in which that does not hold is set aside, alone: one lost quote must not swallow the rows behind
it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

Places = npt.NDArray[np.int64]

WHITESPACE = "whitespace"
# A row longer than this has lost a quote, or is no row.
LONGEST_ROW = 1 << 24
UNCLOSED = "a quote is opened and not closed"
AFTER_QUOTE = "text behind a closing quote"
# What a delimiter of several bytes is replaced by, for Arrow divides at single bytes.
STAND_IN = b"\x1f"
_BLANKS = b" \t"


@dataclass(frozen=True, slots=True)
class Dialect:
    """How cells are divided and quoted, and what begins a line that is no row."""

    delimiter: str = ","
    quote: str | None = '"'
    double_quote: bool = True
    escape: str | None = None
    comment: str | None = None
    newline: bytes = b"\n"

    @property
    def byte(self) -> bytes:
        """The one byte that divides cells once a row is ready for Arrow."""
        if self.delimiter == WHITESPACE:
            return b"\t"
        return self.delimiter.encode() if self.delimiter.isascii() else STAND_IN

    @property
    def separators(self) -> bytes:
        """The bytes that may stand before an opening quote and behind a closing one."""
        return b"\r\n" + (_BLANKS if self.delimiter == WHITESPACE else self.byte)


class Gap(NamedTuple):
    """What is no row: a comment, or a row that cannot be parsed, and why."""

    start: int
    stop: int
    reason: str | None = None


class Structure(NamedTuple):
    """Some text seen through: what lies before `end` is whole rows, quoted from `opens` to `closes`, and gaps."""

    end: int
    opens: Places
    closes: Places
    gaps: list[Gap]


def structure(text: bytes, dialect: Dialect, *, final: bool) -> Structure:
    """See through the quotes and comments of a text that begins with a row; `final` where it ends with one."""
    text = masked(text, dialect)
    quotes = _places(text, dialect.quote)
    marks = _comments(text, dialect)
    if marks or not _regular(text, quotes, dialect, final):
        return _Walk(text, quotes.tolist(), marks, dialect, final).structure()
    end = len(text) if final else _last_end(text, quotes, dialect.newline)
    return Structure(end, quotes[0::2], quotes[1::2], [])


def rows(text: bytes, dialect: Dialect) -> tuple[Places, Places]:
    """Return where the rows of a text begin and end, blank lines left out; the text has whole rows and no gaps."""
    seen = structure(text, dialect, final=True)
    text = masked(text, dialect)
    data = np.frombuffer(text, np.uint8)
    ends = np.flatnonzero((data == 10) | (data == 13))
    if len(seen.opens):
        before = np.searchsorted(seen.opens, ends) - 1
        ends = ends[(before < 0) | (ends > seen.closes[before])]
    starts = np.concatenate([[0], ends + 1])
    stops = np.concatenate([ends, [len(text)]])
    told = starts < stops
    if dialect.delimiter == WHITESPACE:
        told &= np.array([bool(text[a:b].strip(_BLANKS)) for a, b in zip(starts, stops, strict=True)])
    return starts[told], stops[told]


def masked(text: bytes, dialect: Dialect) -> bytes:
    """Return a text of the same length in which nothing is escaped: escaped characters have become letters."""
    if dialect.escape is None or (escape := dialect.escape.encode()) not in text:
        return text
    return re.sub(re.escape(escape) + rb".", b"xx", text, flags=re.DOTALL)


def divided(text: bytes, dialect: Dialect) -> bytes:
    """Return a text whose cells are divided by single bytes."""
    return text if dialect.delimiter.isascii() else text.replace(dialect.delimiter.encode(), STAND_IN)


def squeezed(text: bytes, dialect: Dialect) -> bytes:
    """Return whole rows that blanks divide with one tab between two cells, and none around a row."""
    if dialect.quote is None or (quote := re.escape(dialect.quote.encode())) not in text:
        text = re.sub(rb"[ \t]+", b"\t", text)
        return re.sub(rb"^\t|(?<=[\r\n])\t|\t(?=[\r\n]|\Z)", b"", text)
    cell = rb"(%b(?:[^%b]|%b%b)*+%b)" % ((quote,) * 5)
    around = rb"|(?:^|(?<=[\r\n]))[ \t]+|[ \t]+(?=[\r\n]|\Z)"
    return re.sub(cell + around + rb"|([ \t]+)", lambda found: found[1] or (b"\t" if found[2] else b""), text)


def _places(text: bytes, quote: str | None) -> Places:
    if quote is None or (mark := quote.encode()) not in text:
        return np.empty(0, np.int64)
    return np.flatnonzero(np.frombuffer(text, np.uint8) == mark[0])


def _comments(text: bytes, dialect: Dialect) -> list[int]:
    """Return where lines begin that could be comments, were they not inside a quoted cell."""
    if dialect.comment is None:
        return []
    mark, newline = dialect.comment.encode(), dialect.newline
    first = [0] if text.startswith(mark) else []
    return first + [found.end() - len(mark) for found in re.finditer(re.escape(newline + mark), text)]


def _regular(text: bytes, quotes: Places, dialect: Dialect, final: bool) -> bool:
    """Whether every second quote, from the first, opens a cell or is the latter of two that stand for one."""
    if not len(quotes):
        return True
    if final and len(quotes) % 2:
        return False
    data = np.frombuffer(text, np.uint8)
    good = np.zeros(256, bool)
    doubled = (dialect.quote or "").encode() if dialect.double_quote else b""
    good[list(dialect.separators + doubled)] = True
    opens, closes = quotes[0::2], quotes[1::2]
    opens = opens[1:] if opens[0] == 0 else opens
    closes = closes[:-1] if len(closes) and closes[-1] == len(text) - 1 else closes
    return bool(good[data[opens - 1]].all() and good[data[closes + 1]].all())


def _last_end(text: bytes, quotes: Places, newline: bytes) -> int:
    """Return the end of the last whole row of a text whose quotes are regular."""
    before = len(text)
    while (at := text.rfind(newline, 0, before)) >= 0:
        n_quotes = int(np.searchsorted(quotes, at))
        if n_quotes % 2 == 0:
            return at + 1
        before = int(quotes[n_quotes - 1])
    return 0


class _Walk:
    """A text seen through quote by quote, because something about them is not regular, or there are comments."""

    def __init__(self, text: bytes, quotes: list[int], marks: list[int], dialect: Dialect, final: bool) -> None:
        self._text = text
        self._quotes, self._marks = quotes, marks
        self._dialect = dialect
        self._final = final
        self._at = 0  # outside of quotes from here on
        self._row = 0  # the beginning of the row that lies there
        self._opens: list[int] = []
        self._closes: list[int] = []
        self._gaps: list[Gap] = []

    def structure(self) -> Structure:
        """Return what was seen."""
        whole = self._walk()
        if not whole:
            end = self._row
        elif self._final:
            end = len(self._text)
        else:
            end = max(self._row, self._text.rfind(self._dialect.newline, self._at) + 1)
        return Structure(end, np.array(self._opens, np.int64), np.array(self._closes, np.int64), self._gaps)

    def _walk(self) -> bool:
        """Go through quotes and comments; False where the text ends amid a row."""
        q = m = 0
        never = len(self._text)
        separators = self._dialect.separators
        while True:
            while q < len(self._quotes) and self._quotes[q] < self._at:
                q += 1
            while m < len(self._marks) and self._marks[m] < self._at:
                m += 1
            quote = self._quotes[q] if q < len(self._quotes) else never
            mark = self._marks[m] if m < len(self._marks) else never
            if quote == mark == never:
                return True
            if mark < quote:
                self._row = mark
                going = self._drop(mark, None)
            elif quote and self._text[quote - 1] not in separators:
                q += 1
                continue
            else:
                going = self._cell(q)
            if not going:
                return False

    def _cell(self, q: int) -> bool:
        """Pass the quoted cell that a quote opens, or drop its row; False where the text ends amid it."""
        text, begin = self._text, self._quotes[q]
        self._row = max(self._row, text.rfind(self._dialect.newline, self._at, begin) + 1)
        end = self._closing(q)
        behind = self._behind(end)
        if behind >= len(text) and not self._final and len(text) - self._row <= LONGEST_ROW:
            return False
        if end == len(text) or end - self._row > LONGEST_ROW:
            return self._drop(begin, UNCLOSED)
        if behind >= len(text) or text[behind] in self._dialect.separators:
            self._opens.append(begin)
            self._closes.append(end)
            self._at = end + 1
            return True
        return self._drop(begin, UNCLOSED if self._dialect.newline in text[begin:end] else AFTER_QUOTE)

    def _closing(self, q: int) -> int:
        """Return where the cell that a quote opens is closed; the text's length where it is not."""
        quotes, i = self._quotes, q + 1
        if self._dialect.double_quote:
            while i + 1 < len(quotes) and quotes[i + 1] == quotes[i] + 1:
                i += 2
        return quotes[i] if i < len(quotes) else len(self._text)

    def _behind(self, at: int) -> int:
        """Return where the first byte behind a closing quote lies that is not blank."""
        at += 1
        while at < len(self._text) and self._text[at] in _BLANKS and self._text[at] not in self._dialect.separators:
            at += 1
        return at

    def _drop(self, at: int, reason: str | None) -> bool:
        """Leave out a row, to the end of the line at a place; False where the text ends before that line does."""
        end = self._text.find(self._dialect.newline, at)
        if end < 0 and not self._final:
            return False
        stop = len(self._text) if end < 0 else end + 1
        self._gaps.append(Gap(self._row, stop, reason))
        self._at = self._row = stop
        return True
