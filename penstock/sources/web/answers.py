"""Bodies of an API's answers: which format they have, how many rows, and all of them as one table."""

from __future__ import annotations

import codecs
import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Literal, NamedTuple

import pyarrow as pa
from pydantic import ValidationError

from penstock.errors import SourceError
from penstock.sources.csv import CsvSource
from penstock.sources.intake import Intake
from penstock.sources.records.flattening import Flatten, Names, pieces_of
from penstock.sources.records.jsondocs import records_of
from penstock.sources.records.jsonlines import line_pieces
from penstock.sources.records.jsontext import BadJson, as_utf8, parse
from penstock.sources.records.typed import Piece, tables_of
from penstock.sources.web.body import charset_of
from penstock.sources.web.paging import value_at
from penstock.sources.xml import XmlSource

Format = Literal["json", "jsonl", "csv", "xml"]
_HEAD = 4096
_HTML = re.compile(rb"\s*(?:<!--.*?-->\s*)*<(?:!doctype\s+html|html|head|body)\b", re.IGNORECASE | re.DOTALL)
_NO_ROWS = "The file has no such rows"


class Body(NamedTuple):
    """One body: the file that holds it, what errors call it, and its `Content-Type`."""

    file: Path
    where: str
    media: str


class Reading(NamedTuple):
    """How bodies are read: the format, the path to the records, the XPath of the rows, the rules for what is nested."""

    format: Format | Literal["auto"]
    records: str | None
    rows: str | None
    flatten: Flatten


def format_of(body: Body, declared: str = "auto") -> Format:
    """Return a body's format: the declared one, or what its `Content-Type` says, or what it looks like.

    Raises
    ------
    SourceError
        It is empty, or a web page.
    """
    with body.file.open("rb") as file:
        head = file.read(_HEAD)
    text = head.removeprefix(codecs.BOM_UTF8).lstrip()
    if not text:
        raise SourceError("The answer is empty", where=body.where, expected="data with at least one row")
    if _HTML.match(text):
        raise SourceError(
            "The server answers with a web page where data were expected",
            where=body.where,
            got=_title(text),
            todo="Look whether it asks for a login or tells an error; for the tables of a page there is `kind: html`.",
        )
    if declared != "auto":
        return declared  # type: ignore[return-value]  # one of the four
    media = body.media.partition(";")[0].strip().lower()
    for mark, kind in _MEDIA:
        if mark.search(media):
            return kind
    if text[:1] in (b"{", b"["):
        return "jsonl" if _has_lines(text) else "json"
    return "xml" if text[:1] == b"<" else "csv"


_MEDIA: tuple[tuple[re.Pattern[str], Format], ...] = (
    (re.compile(r"ndjson|jsonl|jsonlines|json-lines|stream\+json"), "jsonl"),
    (re.compile(r"[/+]json$|javascript$"), "json"),
    (re.compile(r"csv|tab-separated"), "csv"),
    (re.compile(r"[/+]xml$"), "xml"),
)


def _has_lines(text: bytes) -> bool:
    first, line_break, rest = text.partition(b"\n")
    return bool(line_break) and first.rstrip().endswith(b"}") and rest.lstrip().startswith(b"{")


def _title(text: bytes) -> str:
    found = re.search(rb"<title[^>]*>([^<]{1,80})", text, re.IGNORECASE)
    return f"HTML, entitled {' '.join(found.group(1).decode('utf-8', 'replace').split())!r}" if found else "HTML"


def document_of(body: Body) -> Any:
    """Return what a JSON body says.

    Raises
    ------
    SourceError
        It is not JSON.
    """
    try:
        return parse(as_utf8(body.file.read_bytes(), None, body.where))
    except BadJson as error:
        raise SourceError(
            "The answer is not JSON",
            where=f"{body.where}, line {error.line}, column {error.column}",
            got=error.reason,
            todo="Correct `format`, or look at what the address answers.",
        ) from None


def has_records(document: Any, path: str | None) -> bool:
    """Whether a JSON document holds any record; an empty list of them is none, and neither is an envelope of one."""
    if path is not None:
        return bool(value_at(document, path, otherwise=True))
    if not isinstance(document, dict):
        return bool(document != [])
    lists = [v for v in document.values() if isinstance(v, list)]
    return not lists or any(lists)


def records_in(document: Any, reading: Reading, where: str, intake: Intake) -> list[dict[str, Any]]:
    """Return the records of a JSON document, of which there may be none.

    Raises
    ------
    SourceError
        It cannot be told where they are.
    """
    if not has_records(document, reading.records):
        return []
    return records_of(document, reading.records, "auto", where, intake)


def n_rows_of(body: Body, kind: Format, reading: Reading, document: Any) -> int:
    """Return how many rows a body holds."""
    if kind == "json":
        return len(records_in(document, reading, body.where, Intake(1.0)))
    if kind == "jsonl":
        with body.file.open("rb") as file:
            return sum(1 for line in file if line.strip())
    if kind == "csv" and _is_header_only(body.file):
        return 0
    try:
        return sum(table.num_rows for table in _text_tables(body, kind, reading, Intake(1.0)))
    except SourceError as error:
        if error.what == _NO_ROWS:
            return 0
        raise


def _is_header_only(file: Path) -> bool:
    with file.open("rb") as stream:
        return sum(1 for _, line in zip(range(1000), stream, strict=False) if line.strip()) <= 1


def tables_in(bodies: Sequence[Body], kind: Format, reading: Reading, intake: Intake) -> Iterator[pa.Table]:
    """Give the rows of all bodies, as tables that have the same columns.

    Raises
    ------
    SourceError
        A body is not of the format, or it cannot be told where its rows are.
    """
    # What is read twice is counted once.
    accounts = iter([intake])

    def pieces() -> Iterator[Piece]:
        account = next(accounts, Intake(1.0))
        for n, body in enumerate(bodies):
            n_remarks = len(account.remarks)
            yield from _pieces(body, kind, reading, account)
            if n:
                # What there is to tell of one page is to be told of all.
                del account.remarks[n_remarks:]

    if kind in ("json", "jsonl"):
        where = bodies[0].where
        yield from tables_of(pieces, Names(reading.flatten.separator), where, keep=len(bodies) == 1)
        return
    if kind == "csv" or len(bodies) == 1:
        yield from _all_text(bodies, kind, reading, intake)
        return
    # An element that no row of a page has is no column of that page.
    yield from _same_columns(lambda account: _all_text(bodies, kind, reading, account), intake)


def _pieces(body: Body, kind: Format, reading: Reading, intake: Intake) -> Iterator[Piece]:
    if kind == "json":
        rows = records_in(document_of(body), reading, body.where, intake)
        yield from pieces_of(rows, reading.flatten, body.where)
        return
    with body.file.open("rb") as file:
        yield from line_pieces(file, None, reading.flatten, body.where, intake)


def _all_text(bodies: Sequence[Body], kind: Format, reading: Reading, intake: Intake) -> Iterator[pa.Table]:
    for body in bodies:
        if not (len(bodies) > 1 and kind == "csv" and _is_header_only(body.file)):
            yield from _text_tables(body, kind, reading, intake)


def _text_tables(body: Body, kind: Format, reading: Reading, intake: Intake) -> Iterator[pa.Table]:
    source: CsvSource | XmlSource
    charset = charset_of(body.media)
    for encoding in (charset, None):
        try:
            if kind == "csv":
                source = CsvSource(name="answer", path=(body.where,), encoding=encoding)
            else:
                place = (body.where,)
                source = XmlSource(
                    name="answer", path=place, rows=reading.rows, encoding=encoding, flatten=reading.flatten
                )
            break
        except ValidationError:
            # An encoding that is known to Python but not fit for files: the file itself will tell.
            continue
    yield from source.tables(body.file, body.where, intake)


def _same_columns(read: Callable[[Intake], Iterator[pa.Table]], intake: Intake) -> Iterator[pa.Table]:
    """Give tables of text with all the columns that any of them has; what one lacks is missing there."""
    names: dict[str, None] = {}
    for table in read(Intake(1.0)):
        names.update(dict.fromkeys(table.column_names))
    for table in read(intake):
        have = set(table.column_names)
        absent = pa.nulls(table.num_rows, pa.string())
        yield pa.table({name: table.column(name) if name in have else absent for name in names})
