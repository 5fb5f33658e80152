"""JSON lines: one object a line, read block by block; a line that is none is set aside."""

from __future__ import annotations

import codecs
import contextlib
from collections.abc import Iterator
from typing import IO, Any

import numpy as np
import orjson
import pyarrow as pa
import pyarrow.compute as pc

from penstock.errors import SourceError
from penstock.sources.intake import Intake
from penstock.sources.records.flattening import Flatten, piece_of
from penstock.sources.records.jsontext import BadJson, encoding_of, long_numbers, lost_keys, n_keys, not_in, parse
from penstock.sources.records.typed import EXACT, Path, Piece, side_by_side

# What becomes of a block is still near the processor when its columns are made.
_BLOCK = 1 << 20
_LONGEST_LINE = 1 << 28
_SAMPLE_LINES = 100
# Arrow's parser calls itself for each level, and a deep enough text ends the process.
_MOST_OPENINGS = 100


def line_pieces(file: IO[bytes], encoding: str | None, flatten: Flatten, where: str, intake: Intake) -> Iterator[Piece]:
    """Give the records of JSON lines as pieces of typed columns.

    Raises
    ------
    SourceError
        The bytes are not in the encoding, or one line is far too long.
    """
    reader = _Reader(flatten, where, intake)
    for first_line, data in _blocks(file, encoding, where):
        yield reader.read(data, first_line)


def _blocks(file: IO[bytes], encoding: str | None, where: str) -> Iterator[tuple[int, bytes]]:
    """Give whole lines in UTF-8, and the number of the first of them."""
    line, rest = 1, b""
    for chunk in _utf8(file, encoding, where):
        cut = chunk.rfind(b"\n") + 1
        if not cut:
            rest += chunk
            if len(rest) > _LONGEST_LINE:
                raise SourceError(
                    f"A line is longer than {_LONGEST_LINE >> 20} MiB",
                    where=f"{where}:{line}",
                    expected="JSON lines: one object a line",
                    todo="Say `lines: false` if the file is one JSON document.",
                )
            continue
        data = rest + chunk[:cut]
        rest = chunk[cut:]
        yield line, data
        line += data.count(b"\n")
    if rest.strip():
        yield line, rest + b"\n"


def _utf8(file: IO[bytes], encoding: str | None, where: str) -> Iterator[bytes]:
    head = file.read(4)
    found, n_mark = encoding_of(head)
    name = codecs.lookup(found if n_mark or encoding is None else encoding).name
    chunk = head[n_mark:] + file.read(_BLOCK)
    if name == "utf-8":
        while chunk:
            yield chunk
            chunk = file.read(_BLOCK)
        return
    decoder = codecs.getincrementaldecoder(name)()
    try:
        while chunk:
            yield decoder.decode(chunk).encode()
            chunk = file.read(_BLOCK)
        yield decoder.decode(b"", final=True).encode()
    except UnicodeError as error:
        raise not_in(name, where) from error


class _Reader:
    """Reads blocks of lines: with Arrow where that is safe and says the same, else line by line."""

    def __init__(self, flatten: Flatten, where: str, intake: Intake) -> None:
        self._flatten = flatten
        self._where = where
        self._intake = intake
        self._texts: dict[str, Any] | None = None
        self._may_be_fast = True

    def read(self, data: bytes, first_line: int) -> Piece:
        piece = self._fast(data) if self._may_be_fast and _is_tame(data) else None
        if piece is not None:
            return piece
        # What was learnt of these lines may come from some that are set aside.
        self._texts = None
        return self._slow(data, first_line)

    def _slow(self, data: bytes, first_line: int) -> Piece:
        lines = data.split(b"\n")
        lines.pop()
        try:
            rows = list(map(orjson.loads, lines))
        except orjson.JSONDecodeError:
            rows = []
        if rows and all(type(row) is dict for row in rows):
            return self._checked(data, lines, rows, first_line)
        numbered = [(n, line) for n, line in enumerate(lines, first_line) if line and not line.isspace()]
        rows = [row for n, line in numbered if (row := self._one(n, line)) is not None]
        return piece_of(rows, self._flatten, self._where)

    def _checked(self, data: bytes, lines: list[bytes], rows: list[dict[str, Any]], first_line: int) -> Piece:
        """Return rows that were read fast, those that may have lost something read anew."""
        doubtful = set(long_numbers(data))
        piece = None
        with contextlib.suppress(SourceError):
            # What is nested too deep is found line by line.
            piece = piece_of(rows, self._flatten, self._where)
        if piece is None or lost_keys(data, piece.n_keys):
            doubtful |= {i for i, line in enumerate(lines) if lost_keys(line, n_keys([rows[i]]))}
        if piece is not None and not doubtful:
            return piece
        again = [self._one(first_line + i, lines[i]) if i in doubtful else row for i, row in enumerate(rows)]
        return piece_of([row for row in again if row is not None], self._flatten, self._where)

    def _one(self, number: int, line: bytes) -> dict[str, Any] | None:
        try:
            value = parse(line)
            if type(value) is dict:
                return value
            reason = f"{_called(value)} where an object is expected"
        except BadJson as error:
            reason = f"no JSON: {error.reason} (character {error.column})"
        self._intake.set_aside(self._where, number, reason, line.decode(errors="replace").rstrip("\r"))
        return None

    def _fast(self, data: bytes) -> Piece | None:
        n_lines = data.count(b"\n")
        sample = self._learn(data) if self._texts is None else []
        if not self._may_be_fast:
            return None
        order: list[Path] = []
        # Arrow takes text for moments where all of a block looks so; it is told the columns of text, and asked again.
        for _ in range(3):
            columns = self._arrow(data, n_lines)
            if columns is None:
                return None
            order = order or [*sample, *columns]
            moments = [p for p, c in columns.items() if pa.types.is_timestamp(c.type)]
            if not moments:
                plain = {path: _plain(columns[path]) for path in side_by_side(order) if path in columns}
                return None if None in plain.values() else Piece(n_lines, plain)
            for path in moments:
                self._know_text(path)
        return None

    def _arrow(self, data: bytes, n_lines: int) -> dict[Path, pa.Array] | None:
        from pyarrow import json

        try:
            table = json.read_json(
                pa.BufferReader(data),
                json.ReadOptions(use_threads=False, block_size=len(data) + 1),
                json.ParseOptions(explicit_schema=pa.schema(_text_fields(self._texts or {}))),
            )
        except pa.ArrowInvalid:
            return None
        columns: dict[Path, pa.Array] = {}
        if table.num_rows != n_lines or not self._unnest((), table.combine_chunks().to_struct_array(), columns):
            return None
        return columns

    def _unnest(self, path: Path, array: pa.Array, columns: dict[Path, pa.Array]) -> bool:
        if isinstance(array, pa.ChunkedArray):
            array = array.chunk(0) if array.num_chunks == 1 else array.combine_chunks()
        for child, values in zip(array.type, array.flatten(), strict=True):
            inner = (*path, child.name)
            if pa.types.is_nested(child.type) and not pa.types.is_struct(child.type):
                self._may_be_fast = False
                return False
            if not pa.types.is_struct(child.type):
                columns[inner] = values
            elif len(inner) > self._flatten.max_depth:
                self._may_be_fast = False
                return False
            elif child.type.num_fields == 0:
                columns[inner] = pa.nulls(len(values))
            elif not self._unnest(inner, values, columns):
                return False
        return True

    def _learn(self, data: bytes) -> list[Path]:
        """Look at some lines: which columns are text, whether there are lists; return the columns in order."""
        self._texts = {}
        order: list[Path] = []
        try:
            rows = [orjson.loads(line) for line in data.split(b"\n", _SAMPLE_LINES)[:_SAMPLE_LINES] if line]
        except orjson.JSONDecodeError:
            return order
        for row in rows:
            self._look((), row, order)
        return order

    def _look(self, path: Path, row: dict[str, Any], order: list[Path]) -> None:
        for key, value in row.items():
            inner = (*path, key)
            if type(value) is dict and value:
                self._look(inner, value, order)
            elif type(value) is list:
                self._may_be_fast = False
            else:
                order.append(inner)
                if type(value) is str:
                    self._know_text(inner)

    def _know_text(self, path: Path) -> None:
        node = self._texts if self._texts is not None else {}
        for key in path[:-1]:
            child = node.setdefault(key, {})
            if child is None:
                return
            node = child
        node.setdefault(path[-1], None)


def _is_tame(data: bytes) -> bool:
    """Whether Arrow's parser can be trusted with some lines: each is an object, none is nested deep, all is UTF-8."""
    n_lines = data.count(b"\n")
    if data.count(b"\n{") + data.startswith(b"{") != n_lines:
        return False
    if not data.isascii():
        try:
            codecs.utf_8_decode(data, "strict", True)
        except UnicodeDecodeError:
            return False
    return _most_openings(data) <= _MOST_OPENINGS


def _most_openings(data: bytes) -> int:
    """Return how many braces and brackets a line opens at most; fewer are not told exactly."""
    together = data.count(b"{") + data.count(b"[") - data.count(b"\n")
    if together < _MOST_OPENINGS:
        return together + 1
    codes = np.frombuffer(data, np.uint8)
    # "[" is 0x5b and "{" is 0x7b.
    openings = np.flatnonzero((codes | 0x20) == 0x7B)
    ends = np.flatnonzero(codes == 0x0A)
    return int(np.diff(np.searchsorted(openings, ends), prepend=0).max())


def _text_fields(texts: dict[str, Any]) -> list[pa.Field]:
    return [pa.field(k, pa.string() if v is None else pa.struct(_text_fields(v))) for k, v in texts.items()]


def _plain(array: pa.Array) -> pa.Array | None:
    """Return a column as the slow way gives it, or None where Arrow may have rounded it."""
    if array.null_count == len(array):
        return pa.nulls(len(array))
    if pa.types.is_float64(array.type):
        numbers = pc.if_else(pc.is_nan(array), None, array)
        ends = pc.min_max(numbers).as_py()
        if ends["min"] is not None and (ends["min"] < -EXACT or ends["max"] > EXACT):
            return None
        return numbers if ends["min"] is not None else pa.nulls(len(array))
    known = pa.types.is_string(array.type) or pa.types.is_int64(array.type) or pa.types.is_boolean(array.type)
    return array if known else None


def _called(value: object) -> str:
    if value is None:
        return "null"
    return {list: "a list", str: "text", bool: "a boolean"}.get(type(value), "a number")
