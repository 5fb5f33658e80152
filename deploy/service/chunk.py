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

    They come some at once: first the ids of their requests, then their fields, then their answers, all texts one after
    the other, with the place where each ends.

    Parameters
    ----------
    size : int
        How many bytes of texts there is room for.
    """

    __slots__ = ("_at", "_ends", "_groups", "_places", "_seconds", "_shown", "_texts", "_used", "size")

    def __init__(self, size: int) -> None:
        self.size = size
        self._texts = bytearray(size)
        self.clear()

    def clear(self) -> None:
        """Forget all rows, and keep the memory."""
        self._used = 0
        self._ends, self._at, self._seconds = array("i", (0,)), array("d"), array("d")
        self._shown: list[Shown] = []
        self._groups: list[int] = []
        self._places = array("i")

    @property
    def n_rows(self) -> int:
        """How many rows there are."""
        return len(self._shown)

    @property
    def n_bytes(self) -> int:
        """How many bytes they take."""
        return self._used

    def add(self, some: Sequence[Waiting], *, one_request: bool = False) -> bool:
        """Take in rows, of one request or of one each; False, and nothing done, where there is no room for them."""
        # Nothing here is done row by row in Python: that would cost several times as much.
        shown, ids, at, rows, answers, seconds = zip(*some, strict=True)
        if not all(each.answer for each in dict.fromkeys(shown)):
            answers = tuple(answer if own.answer else b"" for own, answer in zip(shown, answers, strict=True))
        every = (*map(str.encode, ids), *rows, *answers)
        data = b"".join(every)
        end = self._used + len(data)
        if end > self.size:
            return False
        self._texts[self._used : end] = data
        ends = accumulate(map(len, every), initial=self._used)
        next(ends)
        self._ends.extend(ends)
        self._at.extend(at)
        self._seconds.extend(seconds)
        self._shown.extend(shown)
        self._groups.append(len(some))
        self._places.extend(range(len(some)) if one_request else bytes(len(some)))
        self._used = end
        return True

    @classmethod
    def of_rows(cls, some: Sequence[Waiting], *, one_request: bool = False) -> Chunk:
        """Return a chunk with room for exactly these rows, and with them."""
        made = cls(sum(len(request_id.encode()) + len(row) + len(answer) for _, request_id, _, row, answer, _ in some))
        made.add(some, one_request=one_request)
        return made

    def tables(self) -> Iterator[tuple[Place, pa.Table]]:
        """Yield the rows of each day and version as rows of the log."""
        n = self.n_rows
        if not n:
            return
        sizes = np.array(self._groups)
        first = np.cumsum(sizes) - sizes
        # The place of each row's id among all texts; its fields and its answer stand one and two groups further on.
        ids = np.arange(n) + 2 * np.repeat(first, sizes)
        size = np.repeat(sizes, sizes)
        texts = pa.StringArray.from_buffers(3 * n, pa.py_buffer(self._ends), pa.py_buffer(self._texts))
        at, seconds, places = np.array(self._at), np.array(self._seconds), np.array(self._places)
        days = (at // DAY).astype(np.int64)
        asked = dict.fromkeys(self._shown)
        for shown in asked:
            # Mostly there is one.
            of_it = np.ones(n, bool) if len(asked) == 1 else np.array([each is shown for each in self._shown])
            for day in np.unique(days[of_it]).tolist():
                own = np.flatnonzero(of_it & (days == day))
                yield (
                    Place(day, shown),
                    _table(
                        shown,
                        # `take` copies: the memory of the texts is free for other rows afterwards.
                        [texts.take(pa.array(ids[own] + i * size[own])) for i in range(3)],
                        at[own],
                        seconds[own],
                        places[own],
                    ),
                )


def _table(
    shown: Shown, texts: Sequence[pa.Array], at: np.ndarray, seconds: np.ndarray, places: np.ndarray
) -> pa.Table:
    ids, fields, answers = texts
    n = len(at)
    return pa.table(
        [
            ids,
            pa.array(places),
            pa.array(np.round(at * 1e6).astype(np.int64)).cast(pa.timestamp("us", "UTC")),
            pa.repeat(shown.model, n),
            pa.repeat(shown.version, n),
            fields,
            answers if shown.answer else pa.nulls(n, pa.string()),
            pa.array(seconds * 1e3),
        ],
        schema=SCHEMA,
    )
