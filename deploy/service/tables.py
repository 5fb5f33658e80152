"""Tables in bodies: CSV, Parquet and Arrow streams in, and the same kind back."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import TYPE_CHECKING

import pyarrow as pa

from deploy.service.body import ARROW, CSV, PARQUET
from deploy.service.problems import Fault, Problem, shown_name
from penstock.bundle.predictions import Predictions
from penstock.errors import SourceError

if TYPE_CHECKING:
    import pandas as pd

_NAMES = {CSV: "CSV", PARQUET: "Parquet", ARROW: "an Arrow stream"}


def read_table(media: str, body: bytes, limit: int) -> pa.Table:
    """Return the table of a body.

    Raises
    ------
    Problem
        400 when the bytes are not what the media type says, 413 when there are more than `limit` rows.
    """
    try:
        if media == CSV:
            # With it come all kinds of sources: a tenth of the start, for a body that may never come.
            from deploy.tables import parse_csv

            table = parse_csv(body, encoding="utf-8")
        elif media == PARQUET:
            table = _read_parquet(body, limit)
        else:
            table = _read_stream(body, limit)
        # Offsets that lead outside a buffer would be followed blindly by everything that comes after.
        table.validate(full=True)
    except SourceError as error:
        raise Problem(400, "not-a-table", f"The body is not {_NAMES[media]} that can be read: {_told(error)}") from None
    except (pa.ArrowException, ValueError, OSError, KeyError):
        # The parser's own words are not shown: they quote the line.
        raise Problem(400, "not-a-table", f"The body is not {_NAMES[media]} that can be read") from None
    if table.num_rows > limit:
        raise _too_many(limit)
    return table


def _told(error: SourceError) -> str:
    """Return what is wrong, and in which line; what was got is left out where it may quote the line."""
    line = error.where.rpartition(":")[2]
    return error.what + (f" (line {line}: {error.got}, expected {error.expected})" if line.isdigit() else "")


def _read_parquet(body: bytes, limit: int) -> pa.Table:
    from pyarrow import parquet

    file = parquet.ParquetFile(pa.BufferReader(body))
    if file.metadata.num_rows > limit:
        raise _too_many(limit)
    return file.read()


def _read_stream(body: bytes, limit: int) -> pa.Table:
    with pa.ipc.open_stream(pa.BufferReader(body)) as stream:
        batches: list[pa.RecordBatch] = []
        n_rows = 0
        for batch in stream:
            n_rows += batch.num_rows
            if n_rows > limit:
                raise _too_many(limit)
            batches.append(batch)
        return pa.Table.from_batches(batches, stream.schema)


def _too_many(limit: int) -> Problem:
    return Problem(413, "too-many-rows", f"The body has more than the {limit} rows that are taken at once")


def check_columns(table: pa.Table, fields: Sequence[str]) -> None:
    """Refuse a table that cannot be meant for a model: nested columns, or none of the fields that it knows.

    Raises
    ------
    Problem
        422, naming the columns.
    """
    known = set(fields)
    nested = [f.name for f in table.schema if f.name in known and not _is_flat(f.type)]
    if nested:
        faults = [Fault(field=shown_name(n), message="The column holds lists, objects or bytes") for n in nested]
        raise Problem(422, "not-flat", "A row is flat: one value a column", faults)
    if table.num_columns and not known & set(table.column_names):
        some = ", ".join(fields[:8]) + (" …" if len(known) > 8 else "")
        raise Problem(422, "no-known-column", f"None of the columns is known to the model; it knows {some}")


def _is_flat(kind: pa.DataType) -> bool:
    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    return not (
        pa.types.is_nested(kind)
        or pa.types.is_binary(kind)
        or pa.types.is_large_binary(kind)
        or pa.types.is_fixed_size_binary(kind)
        or pa.types.is_run_end_encoded(kind)
        or isinstance(kind, pa.BaseExtensionType)
    )


def write_answers(media: str, answers: Predictions, reasons: pd.DataFrame | None = None) -> bytes:
    """Return answers in the bytes of a media type, with columns of reasons where there are any."""
    if media == CSV:
        frame = answers.to_frame()
        if reasons is not None:
            frame[reasons.columns] = reasons
        return frame.to_csv(index=False, lineterminator="\n").encode()
    table = answers.to_table()
    if reasons is not None:
        for name, column in reasons.items():
            table = table.append_column(str(name), pa.array(column, from_pandas=True))
    if media == PARQUET:
        from pyarrow import parquet

        sink = io.BytesIO()
        parquet.write_table(table, sink)
        return sink.getvalue()
    out = pa.BufferOutputStream()
    with pa.ipc.new_stream(out, table.schema) as writer:
        writer.write_table(table)
    written: bytes = out.getvalue().to_pybytes()
    return written
