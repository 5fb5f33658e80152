"""Incremental reading: only rows whose watermark is beyond the highest one that was read are asked for."""

from __future__ import annotations

import datetime as dt
from typing import Annotated

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import BeforeValidator, Field

from penstock.errors import SourceError
from penstock.frozen import Frozen
from penstock.sources.database.dates import Bound
from penstock.sources.database.session import Question, Session
from penstock.sources.database.types import FLOAT, INTEGER, TEXT
from penstock.table import closest

# The parameter that holds the last watermark; no user's name begins so.
_AFTER = "penstock_after"


def _one_or_many(value: object) -> object:
    return (value,) if isinstance(value, str) else tuple(value) if isinstance(value, list) else value


class Watermark(Frozen):
    """A column that only grows, such as an id or the moment of the last change.

    The first run reads all rows, or those beyond `initial`; each later one reads those beyond the highest value so far
    and adds them. With `key`, one column or several, a row that came anew replaces the one with the same key. What was
    deleted at the source stays; a new run on an empty store reads everything.
    """

    column: str
    key: Annotated[tuple[str, ...], BeforeValidator(_one_or_many)] = Field(default=())
    initial: str | int | float | None = None


def beyond(asked: Question, mark: Watermark, last: Bound | None, session: Session) -> Question:
    """Return the question for those rows alone whose watermark is higher than the last one."""
    if last is None:
        return asked
    column = session.quoted(mark.column).replace(":", "\\:")
    sql = f"SELECT * FROM (\n{asked.body}\n) AS penstock_new WHERE {column} > :{_AFTER}"  # noqa: S608 - as given
    return Question(sql, {**asked.params, _AFTER: last}, asked.table)


def check_mark(mark: Watermark, schema: pa.Schema, session: Session) -> None:
    """Check that the watermark's column is there and can be compared.

    Raises
    ------
    SourceError
        It is not.
    """
    for name in (mark.column, *mark.key):
        if name not in schema.names:
            raise SourceError(
                f"The watermark names a column {name!r} that the rows don't have",
                where=session.address.shown,
                expected=closest(name, schema.names),
            )
    kind = schema.field(mark.column).type
    if kind != TEXT or session.text_sorts:
        return
    raise SourceError(
        f"The watermark's column {mark.column!r} is text",
        where=session.address.shown,
        expected="a number, a date or a moment: text sorts by the rules of the server",
        todo="Choose another column, or cast it in a `query`.",
    )


def highest(column: pa.ChunkedArray) -> str | None:
    """Return the highest watermark, as text that `last_mark` reads back."""
    value = pc.max(column).as_py()
    if value is None:
        return None
    return value.isoformat() if isinstance(value, dt.date) else repr(value) if isinstance(value, float) else str(value)


def last_mark(text: str, kind: pa.DataType) -> Bound:
    """Return a watermark as a parameter.

    Examples
    --------
    >>> last_mark("7", INTEGER), last_mark("2026-01-01", pa.date32())
    (7, datetime.date(2026, 1, 1))
    """
    if kind == INTEGER:
        return int(text)
    if kind == FLOAT:
        return float(text)
    if pa.types.is_date(kind):
        return dt.date.fromisoformat(text)
    return dt.datetime.fromisoformat(text) if pa.types.is_timestamp(kind) else text


def newest(rows: pa.Table, mark: Watermark) -> pa.Array | None:
    """Mark the newest row of each key: the one with the highest watermark, the later one of two equal ones.

    Returns
    -------
    pyarrow.Array of bool, shape (n_rows,), or None
        None where every key stands once.
    """
    column = rows.column(mark.column)
    n = rows.num_rows
    rank = np.empty(n, np.int64)
    rank[pc.sort_indices(column).to_numpy()] = np.arange(n)  # stable, NULLs last
    rank[column.is_null().to_numpy()] -= n  # what has no watermark is older than all that has one
    keys = list(mark.key)
    ranked = rows.select(keys).append_column("", pa.array(rank))
    best = ranked.group_by(keys).aggregate([("", "max")])
    if best.num_rows == n:
        return None
    keep = np.isin(rank, best.column("_max").to_numpy())
    for key in keys:
        keep |= rows.column(key).is_null().to_numpy()  # NULL is nobody's key
    return None if keep.all() else pa.array(keep)
