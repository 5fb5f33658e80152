"""JSON documents and JSON lines. Values keep their types; what is nested is flattened by rules."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path
from typing import IO, ClassVar, Literal

import orjson
import pyarrow as pa

from penstock.errors import SourceError
from penstock.sources.base import FileSource
from penstock.sources.intake import Intake
from penstock.sources.records.encoding import Encoding
from penstock.sources.records.flattening import Flatten, Names, pieces_of
from penstock.sources.records.jsondocs import Orient, records_of
from penstock.sources.records.jsonlines import line_pieces
from penstock.sources.records.jsontext import BadJson, as_utf8, encoding_of, parse
from penstock.sources.records.typed import Piece, tables_of
from penstock.spool import Mixed

# Larger files of lines are read twice rather than held: once for the columns and their types, once for the rows.
_HELD = 1 << 28
_HEAD = 1 << 20


class JsonSource(FileSource):
    """One or more JSON documents, or files of JSON lines.

    `records` is the path to the records inside a document (`data.items`), `orient` how they are laid out: `records`
    (a list of objects), `columns` (an object of lists or of objects), `split` (`columns` and `data`), `index` (an
    object of objects, whose keys become the column `index`), `rows` (lists, the first of which holds the names).
    `lines` tells JSON lines from one document; `flatten` says what becomes of what is nested.
    """

    kind: Literal["json"] = "json"
    records: str | None = None
    orient: Orient = "auto"
    lines: bool | Literal["auto"] = "auto"
    encoding: Encoding | None = None
    flatten: Flatten = Flatten()

    ragged: ClassVar[bool] = True
    mixed: ClassVar[Mixed] = "text"
    suffixes: ClassVar[tuple[str, ...]] = (".json", ".jsonl", ".ndjson", ".geojson")

    def tables(self, file: Path, where: str, intake: Intake) -> Iterator[pa.Table]:
        """Give the rows of one file with typed columns.

        Raises
        ------
        SourceError
            It is no JSON, it cannot be told where its records are, or two columns get one name.
        """
        with file.open("rb") as stream:
            yield from self._rows(stream, file.stat().st_size, where, intake)

    def parse(self, data: bytes, where: str) -> pa.Table:
        """Return the table of a JSON text; every record of it has to be one.

        Raises
        ------
        SourceError
            As for a file, and where a line or an item is no record.
        """
        intake = Intake(0.0)
        tables = list(self._rows(io.BytesIO(data), len(data), where, intake))
        intake.check(sum(t.num_rows for t in tables), where)
        if not tables:
            raise SourceError("There is no record", where=where, expected="at least one")
        return pa.concat_tables(tables)

    def _rows(self, stream: IO[bytes], size: int, where: str, intake: Intake) -> Iterator[pa.Table]:
        head = stream.read(_HEAD)
        if not head.strip(b" \t\r\n\x00\xef\xbb\xbf\xff\xfe"):
            raise SourceError("The file is empty", where=where, expected="JSON with at least one record")
        names = Names(self.flatten.separator)
        if not self._has_lines(head, size, where):
            stream.seek(0)
            rows = records_of(self._document(stream.read(), where), self.records, self.orient, where, intake)
            yield from tables_of(lambda: pieces_of(rows, self.flatten, where), names, where)
            return
        accounts = iter([intake])

        def pieces() -> Iterator[Piece]:
            stream.seek(0)
            # The second reading sets the same lines aside, which are counted already.
            return line_pieces(stream, self.encoding, self.flatten, where, next(accounts, Intake(1.0)))

        yield from tables_of(pieces, names, where, keep=size <= _HELD)

    def _has_lines(self, head: bytes, size: int, where: str) -> bool:
        if self.lines != "auto":
            return self.lines
        found, n_mark = encoding_of(head[:4])
        encoding = self.encoding if self.encoding and not n_mark else found
        text = head[n_mark:].decode(encoding, errors="ignore").lstrip()
        first, _, rest = text.partition("\n")
        follows = rest.lstrip().startswith("{")
        if text.startswith("["):
            # A list is a document whatever the file is called, unless it is a spoilt first line.
            return _named_lines(where) and follows and _is_json(first)
        return _named_lines(where) or (text.startswith("{") and follows and _is_json(first))

    def _document(self, data: bytes, where: str) -> object:
        data = as_utf8(data, self.encoding, where)
        try:
            return parse(data)
        except BadJson as error:
            raise SourceError(
                "The file is not JSON",
                where=f"{where}:{error.line}:{error.column}",
                got=error.reason,
                expected="one JSON document, or JSON lines (`lines: true`)",
            ) from None


def _named_lines(where: str) -> bool:
    return any(part in ("jsonl", "ndjson") for part in where.lower().rpartition("/")[2].split(".")[1:])


def _is_json(line: str) -> bool:
    try:
        orjson.loads(line)
    except orjson.JSONDecodeError:
        return False
    return True
