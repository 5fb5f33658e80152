"""How a delimited text file is written, judged by its first records: encoding, delimiter, header."""

from __future__ import annotations

import codecs
import csv
import io
from collections import Counter
from pathlib import Path

from penstock.cells import PLAIN_NUMBER_PATTERN
from penstock.errors import SourceError

SAMPLE = 1 << 18
_RECORDS = 200
# Where several divide the sample evenly, the one that is rarer inside ordinary cells is meant.
_DELIMITERS = ("\t", ";", "|", ",")
_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_MAGIC = (
    (b"PK\x03\x04", "a ZIP archive or an Excel workbook"),
    (b"\xd0\xcf\x11\xe0", "an old Excel workbook"),
    (b"PAR1", "a Parquet file"),
    (b"ARROW1", "an Arrow file"),
    (b"SQLite format 3\x00", "an SQLite database"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"%PDF", "a PDF document"),
)


def encoding_of(data: bytes, where: str) -> str:
    """Return how bytes are encoded: by their mark, else UTF-8, else Windows-1252.

    Raises
    ------
    SourceError
        They are no text.
    """
    for mark, encoding in _BOMS:
        if data.startswith(mark):
            return encoding
    for magic, words in _MAGIC:
        if data.startswith(magic):
            raise SourceError("The file is not delimited text", where=where, got=words, expected="CSV or the like")
    if b"\x00" in data[:SAMPLE]:
        raise SourceError("The file is not delimited text", where=where, got="binary data", expected="CSV or the like")
    try:
        codecs.utf_8_decode(data, "strict", True)
    except UnicodeDecodeError:
        return "cp1252"
    return "utf-8"


def records(text: str, delimiter: str, n: int = _RECORDS) -> list[list[str]]:
    """Return the first records of a text, blank lines left out."""
    found: list[list[str]] = []
    try:
        for record in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter):
            if record:
                found.append(record)
            if len(found) >= n:
                break
    except csv.Error:
        pass
    return found


def delimiter_of(text: str) -> str:
    r"""Return the delimiter that divides the first records most evenly; a comma where nothing does.

    Examples
    --------
    >>> delimiter_of("a;b\n1,5;2\n3,5;4\n")
    ';'
    """
    best, best_score = ",", 0.0
    for delimiter in _DELIMITERS:
        widths = Counter(len(r) for r in records(text, delimiter))
        if not widths:
            continue
        width, count = widths.most_common(1)[0]
        score = count / widths.total() if width > 1 else 0.0
        # The first record counts most: a header holds the delimiter, and hardly ever a decimal comma.
        first = len(records(text, delimiter, 1)[0])
        score *= 1.0 if first == width else 0.5
        if score > best_score:
            best, best_score = delimiter, score
    return best


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
        text = data.decode(encoding or _sample_encoding(data, str(path)), errors="ignore")
    except (OSError, SourceError, LookupError):
        return False
    return headerless(records(text, delimiter or delimiter_of(text), 60))


def _sample_encoding(data: bytes, where: str) -> str:
    # A sample may end amid a character, which must not make UTF-8 look like something else.
    return encoding_of(data[:-4] if len(data) == SAMPLE else data, where)
