"""A chunk of memory that rows of the prediction log gather in, and what becomes of it: Arrow, by day and version."""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from itertools import accumulate
from pathlib import Path
from typing import NamedTuple, TypeAlias

import numpy as np
import orjson
import pyarrow as pa

from penstock.bundle.bundle import Bundle

DAY = 86_400.0
SCHEMA = pa.schema(
    [
        ("request_id", pa.string()),
        ("row", pa.int32()),
        ("time", pa.timestamp("us", "UTC")),
        ("model", pa.string()),
        ("version", pa.string()),
        ("fields", pa.string()),
        ("answer", pa.string()),
        ("milliseconds", pa.float64()),
    ]
)


class Shown:
    """What of a model's requests and answers may be kept: nothing that its spec calls private."""

    __slots__ = ("answer", "fields", "model", "version")

    def __init__(self, bundle: Bundle) -> None:
        private = {c.name for c in bundle.schema.columns if c.private}
        olds = {old for name in private for old in bundle.promises.aliases.get(name, ())}
        self.model, self.version = bundle.name, bundle.version
        self.fields = frozenset(bundle.fields) - private - olds
        self.answer = bundle.schema.shown_target == bundle.target

    def kept(self, row: Mapping[str, object]) -> dict[str, object]:
        """Return what of a row may be kept."""
        return {name: value for name, value in row.items() if name in self.fields}

    def told(self, row: Mapping[str, object], body: bytes | None) -> bytes:
        """Return what of a row may be kept, as JSON: its own text, where there is one and all of it may be."""
        if body is not None and row.keys() <= self.fields:
            return body
        return orjson.dumps(self.kept(row), default=str)

    def told_many(self, rows: Sequence[Mapping[str, object]], body: bytes | None) -> Sequence[bytes]:
        """Return what of each row may be kept, as JSON; pieces of the body where they are exactly that."""
        if body is not None and set().union(*rows) <= self.fields:
            pieces = body.split(b"}")
            # A bracket for each row and one for all of them: so none stands in a text, and each piece is a row.
            if len(pieces) == len(rows) + 2 and body.count(b"{") == len(rows) + 1:
                return [piece[piece.rindex(b"{") :] + b"}" for piece in pieces[: len(rows)]]
        fields = self.fields
        return [orjson.dumps(row if row.keys() <= fields else self.kept(row), default=str) for row in rows]


# A row that was answered: whose model, its request's id, when, the row and its answer as JSON, and what it took.
Waiting: TypeAlias = tuple[Shown, str, float, bytes, bytes, float]


class Place(NamedTuple):
    """Which files rows go to; the day is counted from 1970 in UTC."""

    day: int
    shown: Shown

    def below(self, folder: Path) -> Path:
        """Return the folder of these files."""
        told = datetime.fromtimestamp(self.day * DAY, UTC).date().isoformat()
        return folder / f"date={told}" / f"model={self.shown.model}" / f"version={self.shown.version}"


class Chunk:
    """Rows on their way to Arrow.

    Texts stand one after the other, of each row its request's id, its fields and its answer, with the place where each
    ends; numbers are the time, the seconds and the place in the request.

    Parameters
    ----------
    size : int
        How many bytes of texts there is room for.
    """

    __slots__ = ("_ends", "_numbers", "_shown", "_texts", "_used", "size")

    def __init__(self, size: int) -> None:
        self.size = size
        self._texts = bytearray(size)
        self.clear()

    def clear(self) -> None:
        """Forget all rows, and keep the memory."""
        self._used = 0
        self._ends, self._numbers = array("i", (0,)), array("d")
        self._shown: list[Shown] = []

    @property
    def n_rows(self) -> int:
        """How many rows there are."""
        return len(self._shown)

    @property
    def n_bytes(self) -> int:
        """How many bytes they take."""
        return self._used

    def add(self, some: Sequence[Waiting]) -> bool:
        """Take in rows; False, and nothing done, where there is no room for them."""
        every = _texts(some)
        data = b"".join(every)
        end = self._used + len(data)
        if end > self.size:
            return False
        self._texts[self._used : end] = data
        ends = accumulate(map(len, every), initial=self._used)
        next(ends)
        self._ends.extend(ends)
        for _, _, at, _, _, seconds in some:
            self._numbers.extend((at, seconds, 0.0))
        self._shown.extend([shown for shown, *_ in some])
        self._used = end
        return True

    @classmethod
    def of_rows(cls, some: Sequence[Waiting]) -> Chunk:
        """Return a chunk with room for exactly these rows, and with them."""
        made = cls(sum(map(len, _texts(some))))
        made.add(some)
        return made

    @classmethod
    def of_batch(
        cls,
        shown: Shown,
        request_id: bytes,
        at: float,
        rows: Sequence[bytes],
        answers: Sequence[bytes],
        seconds: float,
    ) -> Chunk:
        """Return a chunk of the rows of one request, each of which took so many seconds."""
        told = answers if shown.answer else [b""] * len(rows)
        every = [text for row, answer in zip(rows, told, strict=True) for text in (request_id, row, answer)]
        made = cls(0)
        made._texts += b"".join(every)
        made.size = made._used = len(made._texts)
        made._ends = array("i", accumulate(map(len, every), initial=0))
        numbers = np.empty((len(rows), 3))
        numbers[:] = at, seconds, 0.0
        numbers[:, 2] = np.arange(len(rows))
        made._numbers = array("d", numbers.tobytes())
        made._shown = [shown] * len(rows)
        return made

    def tables(self) -> Iterator[tuple[Place, pa.Table]]:
        """Yield the rows of each day and version as rows of the log."""
        n = self.n_rows
        if not n:
            return
        numbers = np.array(self._numbers).reshape(-1, 3)
        days = (numbers[:, 0] // DAY).astype(np.int64)
        texts = pa.StringArray.from_buffers(3 * n, pa.py_buffer(self._ends), pa.py_buffer(self._texts))
        for shown in dict.fromkeys(self._shown):
            of_it = np.fromiter((each is shown for each in self._shown), dtype=bool, count=n)
            for day in np.unique(days[of_it]).tolist():
                rows = np.flatnonzero(of_it & (days == day))
                yield Place(day, shown), _table(shown, texts, numbers[rows], rows)


def _texts(some: Sequence[Waiting]) -> list[bytes]:
    return [
        text
        for shown, request_id, _, row, answer, _ in some
        for text in (request_id.encode(), row, answer if shown.answer else b"")
    ]


def _table(shown: Shown, texts: pa.Array, numbers: np.ndarray, rows: np.ndarray) -> pa.Table:
    n = len(rows)
    # `take` copies: the memory of the texts is free for other rows afterwards.
    ids, fields, answers = (texts.take(pa.array(3 * rows + first)) for first in range(3))
    at, seconds, places = numbers.T
    return pa.table(
        [
            ids,
            pa.array(places.astype(np.int32)),
            pa.array(np.round(at * 1e6).astype(np.int64)).cast(pa.timestamp("us", "UTC")),
            pa.repeat(shown.model, n),
            pa.repeat(shown.version, n),
            fields,
            answers if shown.answer else pa.nulls(n, pa.string()),
            pa.array(seconds * 1e3),
        ],
        schema=SCHEMA,
    )
