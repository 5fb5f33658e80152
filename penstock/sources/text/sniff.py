"""How a delimited text file is written, judged by its first rows: line ends, quotes, delimiter, header."""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from penstock.cells import PLAIN_NUMBER_PATTERN
from penstock.errors import SourceError
from penstock.sources.text.charset import SAMPLE, Charset, charset_of, refuse_others, utf8_blocks
from penstock.sources.text.lines import without
from penstock.sources.text.quoting import WHITESPACE, Dialect, divided, squeezed, structure

_RECORDS = 200
# Where several divide the sample evenly, the one that is rarer inside ordinary cells is meant.
_DELIMITERS = ("\x01", "\x1f", "\t", ";", "|", ",")
# Said of quotes that are none: more rows than these would be lost by them.
_MANY = 0.05
_SEVERAL = 3
_DECIMAL_COMMA = re.compile(r"[+-]?\d*,\d+(?:[eE][+-]?\d+)?")


@dataclass(frozen=True, slots=True)
class Settings:
    """What a user says of how a file is written; None is to be found out."""

    delimiter: str | None = None
    encoding: str | None = None
    quote: str | None = None
    double_quote: bool = True
    escape: str | None = None
    comment: str | None = None
    header: bool = True
    names: tuple[str, ...] | None = None
    skip: int = 0


class Guess(NamedTuple):
    """How a file is written, and what a reader should know of it."""

    dialect: Dialect
    remarks: list[str]


def newline_of(text: bytes) -> bytes:
    """Return what ends a line: a line feed, alone or behind a carriage return, or a carriage return alone."""
    feeds = text.count(b"\n")
    return b"\r" if text.count(b"\r") - text.count(b"\r\n") > feeds else b"\n"


def guess(sample: bytes, settings: Settings) -> Guess:
    """Return how a file is written of which a sample is given, as UTF-8."""
    newline = newline_of(sample)
    if settings.comment is not None:
        mark = re.escape(settings.comment.encode())
        sample = re.sub(rb"(?:^|(?<=%b))%b[^%b]*" % (newline, mark, newline), b"", sample)
    text = sample.decode("utf-8", "replace")

    def dialect(quote: str | None, delimiter: str | None) -> Dialect:
        found = delimiter or delimiter_of(text, quote, settings.escape)
        return Dialect(found, quote, settings.double_quote, settings.escape, settings.comment, newline)

    if settings.quote is not None:
        return _told(dialect(settings.quote if settings.quote != "none" else None, settings.delimiter), settings, text)
    usual = dialect('"', settings.delimiter)
    if '"' not in text and "'" in text and _apostrophes(sample, text, dialect("'", settings.delimiter), usual):
        found = _told(dialect("'", settings.delimiter), settings, text)
        return Guess(found.dialect, [*found.remarks, "cells are quoted by apostrophes"])
    if '"' in text and _loses_rows(sample, usual) and _even(sample, dialect(None, settings.delimiter)):
        found = _told(dialect(None, settings.delimiter), settings, text)
        return Guess(found.dialect, [*found.remarks, "quotes are taken as letters: they don't enclose cells"])
    return _told(usual, settings, text)


def _told(dialect: Dialect, settings: Settings, text: str) -> Guess:
    if settings.delimiter is None or settings.delimiter == WHITESPACE or settings.delimiter in text:
        return Guess(dialect, [])
    other = delimiter_of(text, dialect.quote, dialect.escape)
    width = len(next(iter(records(text, other, 1)), []))
    if width < 2:
        return Guess(dialect, [])
    words = f"the delimiter {settings.delimiter!r} is not in it; {other!r} would divide it into {width} columns"
    return Guess(dialect, [words])


def _loses_rows(sample: bytes, dialect: Dialect) -> bool:
    """Whether quotes break more rows than they enclose cells."""
    seen = structure(divided(sample, dialect), dialect, final=True)
    bad = sum(gap.reason is not None for gap in seen.gaps)
    return bad >= _SEVERAL and bad > len(seen.opens) and bad > _MANY * sample.count(dialect.newline)


def _even(sample: bytes, dialect: Dialect) -> bool:
    widths = {len(row) for row in first_rows(sample, dialect, whole=False)}
    return len(widths) == 1 and widths != {1}


def _apostrophes(sample: bytes, text: str, quoted: Dialect, usual: Dialect) -> bool:
    """Whether apostrophes enclose cells: those with delimiters in them, or all of a column."""
    if quoted.delimiter == WHITESPACE:
        return False
    n_enclosed = len(structure(divided(sample, quoted), quoted, final=True).opens)
    if n_enclosed >= _SEVERAL and _even(sample, quoted) and not _even(sample, usual):
        return True
    cells = [line.split(quoted.delimiter) for line in text.splitlines()[:_RECORDS] if line.strip()]
    if len(cells) < 3 or len(set(map(len, cells))) != 1:
        return False
    columns = ([cell for cell in column if cell] for column in zip(*cells[1:], strict=True))
    return any(len(told) > 1 and all(len(c) > 1 and c[0] == c[-1] == "'" for c in told) for told in columns)


def first_rows(sample: bytes, dialect: Dialect, *, whole: bool) -> list[list[str]]:
    """Return the cells of the first rows of a file, without comments, blank lines and rows whose quotes are broken.

    Parameters
    ----------
    sample : bytes
        The beginning of the file, as UTF-8.
    dialect : Dialect
        How it is written.
    whole : bool
        Whether the sample is all of it; else its last row may be cut and is left out.
    """
    text = divided(sample, dialect)
    seen = structure(text, dialect, final=whole)
    data = without(text[: seen.end or len(text)], seen.gaps)
    if dialect.delimiter == WHITESPACE:
        data = squeezed(data, dialect)
    return records(data.decode("utf-8", "replace"), dialect.byte.decode(), 5 * _RECORDS, dialect)


def records(text: str, delimiter: str, n: int = _RECORDS, dialect: Dialect | None = None) -> list[list[str]]:
    """Return the cells of the first rows of a text, blank lines left out."""
    found: list[list[str]] = []
    try:
        for record in _reader(text, delimiter, dialect or Dialect()):
            if record and not (len(record) == 1 and found and not record[0].strip()):
                found.append(record)
            if len(found) >= n:
                break
    except csv.Error:
        pass
    return found


def _reader(text: str, delimiter: str, dialect: Dialect) -> Iterator[list[str]]:
    lines = io.StringIO(text, newline="")
    if dialect.quote is None:
        return csv.reader(lines, delimiter=delimiter, quoting=csv.QUOTE_NONE, escapechar=dialect.escape)
    return csv.reader(
        lines,
        delimiter=delimiter,
        quotechar=dialect.quote,
        doublequote=dialect.double_quote,
        escapechar=dialect.escape,
    )


def delimiter_of(text: str, quote: str | None = '"', escape: str | None = None) -> str:
    r"""Return the delimiter that divides the first records most evenly; a comma where nothing does.

    Examples
    --------
    >>> delimiter_of("a;b\n1,5;2\n3,5;4\n")
    ';'
    >>> delimiter_of("  1  2.5 7\n 10 12.5 8\n")
    'whitespace'
    """
    best, best_score = "", 0.0
    for delimiter in _DELIMITERS:
        found = records(text, delimiter, _RECORDS, Dialect(delimiter, quote, escape=escape))
        widths = Counter(map(len, found))
        if not widths:
            continue
        width, count = widths.most_common(1)[0]
        score = count / widths.total() if width > 1 else 0.0
        # The first record counts most: a header holds the delimiter, and hardly ever a decimal comma.
        score *= 1.0 if len(found[0]) == width else 0.5
        if score > best_score:
            best, best_score = delimiter, score
    if best == "," and _decimals(text):
        # One column of numbers; what its cells hold is no delimiter.
        return ";"
    return best or (WHITESPACE if _aligned(text) else ",")


def _decimals(text: str) -> bool:
    """Whether a name without a comma stands above one column of numbers with decimal commas."""
    lines = [line.strip() for line in text.splitlines()[:_RECORDS] if line.strip()]
    return len(lines) > 1 and "," not in lines[0] and all(_DECIMAL_COMMA.fullmatch(c) for c in lines[1:] if "," in c)


def _aligned(text: str) -> bool:
    """Whether blanks divide all lines into as many cells, two columns of them or more being numbers."""
    cells = [line.split() for line in text.splitlines()[:_RECORDS] if line.strip()]
    # The last line of a sample may be cut.
    cells = cells[:-1] if len(cells) > 2 else cells
    if len(cells) < 2 or len(set(map(len, cells))) != 1:
        return False
    return sum(_mostly_numbers(list(column)) for column in zip(*cells[1:], strict=True)) >= 2


def headerless(first: list[list[str]]) -> bool:
    """Whether the first of some records looks like data.

    It does when a number stands in it above a column of numbers, or when its cells are no distinct names.

    Examples
    --------
    >>> headerless([["5.1", "setosa"], ["4.9", "setosa"]]), headerless([["width", "kind"], ["4.9", "setosa"]])
    (True, False)
    """
    if len(first) < 2:
        return False
    head, rest = first[0], [r for r in first[1:] if len(r) == len(first[0])]
    if not rest:
        return False
    names = [c.strip() for c in head]
    numeric = [i for i in range(len(head)) if _mostly_numbers([r[i] for r in rest])]
    if numeric:
        return any(_is_number(names[i]) for i in numeric)
    if len(set(names)) < len(names):
        return True
    again = sum(names[i] in {r[i].strip() for r in rest} for i in range(len(names)))
    return again * 2 > len(names)


def _is_number(cell: str) -> bool:
    return bool(PLAIN_NUMBER_PATTERN.match(cell.strip()))


def _mostly_numbers(cells: list[str]) -> bool:
    told = [c for c in cells if c.strip()]
    return bool(told) and sum(map(_is_number, told)) >= 0.9 * len(told)


def looks_headerless(path: str | Path, delimiter: str | None = None, encoding: str | None = None) -> bool:
    """Whether the first line of a delimited text file looks like data; a hint, and False for what cannot be read."""
    try:
        with Path(path).open("rb") as file:
            data = file.read(SAMPLE)
        refuse_others(data, str(path))
        # A sample may end amid a character, which must not make UTF-8 look like something else.
        charset = Charset(encoding) if encoding else charset_of([data[:-4] if len(data) == SAMPLE else data], str(path))
        sample = b"".join(utf8_blocks([data], charset))
        dialect = guess(sample, Settings(delimiter=delimiter)).dialect
        return headerless(first_rows(sample, dialect, whole=len(data) < SAMPLE)[:60])
    except (OSError, SourceError, LookupError, ValueError):
        return False
