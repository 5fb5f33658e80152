"""Incremental collection from an API: only rows beyond the highest mark that came so far are asked for."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from decimal import Decimal, InvalidOperation
from typing import Annotated

import pyarrow as pa
from pydantic import BeforeValidator, Field

from penstock.cells import canonical_text
from penstock.errors import SourceError
from penstock.frozen import Frozen
from penstock.table import closest


def _one_or_many(value: object) -> object:
    return (value,) if isinstance(value, str) else tuple(value) if isinstance(value, list) else value


class HttpWatermark(Frozen):
    """A column that only grows, and the parameter that asks for what is beyond a value of it.

    The first run asks from `initial` on, or for everything; each later one from the highest value so far, and adds what
    comes. With `key`, one column or several, of the rows with the same key the newest is kept. What was deleted at the
    source stays; a run on an empty store asks for everything again.
    """

    column: str
    param: str
    initial: str | int | float | None = None
    key: Annotated[tuple[str, ...], BeforeValidator(_one_or_many)] = Field(default=())


Mark = Decimal | dt.datetime | str


def marks_of(rows: pa.Table, mark: HttpWatermark, where: str) -> list[Mark | None]:
    """Return the rows' marks as values that sort as numbers do, as moments do, or as text.

    Raises
    ------
    SourceError
        The rows have no such column, or one of the key.
    """
    for name in (mark.column, *mark.key):
        if name not in rows.column_names:
            raise SourceError(
                f"The watermark names a column {name!r} that the rows don't have",
                where=where,
                expected=closest(name, rows.column_names),
            )
    texts = texts_of(rows, mark.column)
    for read in (_number, _moment):
        try:
            return [None if text is None else read(text) for text in texts]
        except (ValueError, InvalidOperation):
            continue
    return list(texts)


def texts_of(rows: pa.Table, column: str) -> list[str | None]:
    """Return a column's values as text; blank ones are None."""
    values = rows.column(column).to_pylist()
    texts = [None if v is None else v if isinstance(v, str) else _text(v) for v in values]
    return [text if text and text.strip() else None for text in texts]


def _text(value: object) -> str:
    return value.isoformat() if isinstance(value, dt.date) else canonical_text(value)


def _number(text: str) -> Decimal:
    number = Decimal(text.strip())
    if not number.is_finite():
        raise InvalidOperation
    return number


def _moment(text: str) -> dt.datetime:
    moment = dt.datetime.fromisoformat(text.strip())
    return moment if moment.tzinfo else moment.replace(tzinfo=dt.UTC)


def highest(marks: Sequence[Mark | None], texts: Sequence[str | None]) -> str | None:
    """Return the text of the highest mark."""
    best = max((i for i, m in enumerate(marks) if m is not None), key=lambda i: marks[i], default=None)  # type: ignore[arg-type,return-value]  # all of one kind
    return None if best is None else texts[best]


def newest(rows: pa.Table, marks: Sequence[Mark | None], key: Sequence[str]) -> pa.Table:
    """Return the rows without those that a newer one of the same key replaces; the later of two equal ones is newer.

    Examples
    --------
    >>> rows = pa.table({"id": [1, 2, 1], "at": [5, 6, 7]})
    >>> newest(rows, [5, 6, 7], ["id"]).to_pylist()
    [{'id': 2, 'at': 6}, {'id': 1, 'at': 7}]
    """
    best: dict[tuple[object, ...], int] = {}
    lone: list[int] = []
    for i, names in enumerate(zip(*(rows.column(k).to_pylist() for k in key), strict=True)):
        if None in names:
            # What has no key is nobody's newer self.
            lone.append(i)
            continue
        at = best.setdefault(names, i)
        mine, other = marks[i], marks[at]
        if at != i and (other is None or (mine is not None and mine >= other)):  # type: ignore[operator]  # one kind
            best[names] = i
    keep = sorted([*best.values(), *lone])
    return rows if len(keep) == rows.num_rows else rows.take(pa.array(keep, pa.int64()))
