"""Tables in files, by extension: csv, parquet, json, jsonl, arrow, xlsx; raw rows in, answers out."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import orjson
import pandas as pd
import pyarrow as pa

from penstock.errors import DataError, SourceError
from penstock.sources.csv import CsvSource
from penstock.sources.excel import ExcelSource
from penstock.sources.json import JsonSource
from penstock.store import write_atomically

# What a table is called that came as mere bytes.
UNNAMED = "the table"
FORMATS = ("csv", "parquet", "json", "jsonl", "arrow", "xlsx")


def read_rows(path: Path) -> pa.Table:
    """Return a file's raw rows, read as a source of training data is: no row of it may be unreadable.

    Raises
    ------
    SourceError
        The file is absent, of an unknown format, or not what its extension says.
    """
    reader = _reader(path)
    try:
        data = path.read_bytes()
    except OSError as error:
        raise SourceError(
            "The input cannot be read", where=str(path), got=str(error.strerror or error), todo="Correct --input."
        ) from error
    try:
        table = reader(data)
    except SourceError as error:
        error.where = error.where.replace(UNNAMED, str(path))
        raise
    except (ValueError, KeyError, pa.ArrowException) as error:
        raise SourceError(
            f"The input is not {path.suffix.removeprefix('.')}", where=str(path), got=str(error).splitlines()[0]
        ) from error
    if len(set(table.column_names)) < len(table.column_names):
        raise SourceError("Two columns have one name", where=str(path), todo="Rename one of them.")
    return table


def write_rows(path: Path, frame: pd.DataFrame) -> None:
    """Write a frame in the format of the path's extension, whole or not at all.

    Raises
    ------
    SourceError
        The extension is none of the known ones, or the path cannot be written.
    """
    data = _writer(path)(frame)
    try:
        write_atomically(path, data)
    except OSError as error:
        raise SourceError(
            "The output cannot be written", where=str(path), got=str(error.strerror or error), todo="Correct --output."
        ) from error


def check_format(path: Path) -> None:
    """Refuse a path whose extension names no format; called before the work, not after it."""
    if path.suffix.removeprefix(".").lower() not in FORMATS:
        raise SourceError(
            "The file's extension names no format that is known here",
            where=str(path),
            got=path.suffix or "none",
            expected=", ".join(f".{f}" for f in FORMATS),
        )


def parse_csv(data: bytes, encoding: str | None = None) -> pa.Table:
    """Return a CSV's columns as text, read as a source of training data is; the encoding is found out unless given.

    Raises
    ------
    SourceError
        The bytes are no such table.
    """
    return CsvSource(name="rows", path=(UNNAMED,), encoding=encoding).parse(data, UNNAMED)


def _json(data: bytes) -> pa.Table:
    return JsonSource(name="rows", path=(UNNAMED,)).parse(data, UNNAMED)


def _json_lines(data: bytes) -> pa.Table:
    return JsonSource(name="rows", path=(UNNAMED,), lines=True).parse(data, UNNAMED)


def _excel(data: bytes) -> pa.Table:
    return ExcelSource(name="rows", path=(UNNAMED,)).parse(data, UNNAMED)


def _parquet(data: bytes) -> pa.Table:
    from pyarrow import parquet

    return parquet.read_table(io.BytesIO(data))


def parse_arrow(data: bytes) -> pa.Table:
    """Return the table of an Arrow IPC file or stream."""
    try:
        return pa.ipc.open_file(io.BytesIO(data)).read_all()
    except pa.ArrowInvalid:
        return pa.ipc.open_stream(io.BytesIO(data)).read_all()


_READERS: dict[str, Callable[[bytes], pa.Table]] = {
    "csv": parse_csv,
    "parquet": _parquet,
    "json": _json,
    "jsonl": _json_lines,
    "arrow": parse_arrow,
    "xlsx": _excel,
}


def _reader(path: Path) -> Callable[[bytes], pa.Table]:
    check_format(path)
    return _READERS[path.suffix.removeprefix(".").lower()]


def _to_json(frame: pd.DataFrame, lines: bool) -> bytes:
    # Through objects, so that NaN becomes null and an integer label stays an integer.
    rows = frame.astype(object).where(frame.notna(), None).to_dict("records")
    option = orjson.OPT_SERIALIZE_NUMPY
    if lines:
        return b"".join(orjson.dumps(r, option=option, default=str) + b"\n" for r in rows)
    return orjson.dumps(rows, option=option, default=str)


def _to_arrow(frame: pd.DataFrame) -> bytes:
    sink = pa.BufferOutputStream()
    table = pa.Table.from_pandas(frame, preserve_index=False)
    with pa.ipc.new_file(sink, table.schema) as writer:
        writer.write_table(table)
    return bytes(sink.getvalue().to_pybytes())


def _buffered(write: Callable[[io.BytesIO], object]) -> bytes:
    buffer = io.BytesIO()
    write(buffer)
    return buffer.getvalue()


def _writer(path: Path) -> Callable[[pd.DataFrame], bytes]:
    check_format(path)
    writers: dict[str, Callable[[pd.DataFrame], bytes]] = {
        "csv": lambda f: f.to_csv(index=False, lineterminator="\n").encode(),
        "parquet": lambda f: _buffered(lambda b: f.to_parquet(b, index=False)),
        "json": lambda f: _to_json(f, lines=False),
        "jsonl": lambda f: _to_json(f, lines=True),
        "arrow": _to_arrow,
        "xlsx": lambda f: _buffered(lambda b: f.to_excel(b, index=False)),
    }
    return writers[path.suffix.removeprefix(".").lower()]


def no_columns_fit(path: Path, known: tuple[str, ...]) -> DataError:
    """Return the error for a file none of whose columns the model knows."""
    return DataError(
        "None of the input's columns is known to the model",
        where=str(path),
        expected=", ".join(known[:8]) + (" …" if len(known) > 8 else ""),
        todo="Give the file a header with the training data's column names.",
    )
