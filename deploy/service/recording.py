"""The prediction log: what was asked and what was answered, written beside the event loop as Parquet.

A request costs the loop one append. What has gathered becomes Arrow, which is small, some hundred rows at once and on
the thread that answered them: another thread would have to fetch every object from the memory of this one's core, and
take the interpreter from it for longer than the work is. A thread of its own writes Arrow, for which it needs no
interpreter, a file for each day and version. What there is no room for is left out, and counted.
"""

from __future__ import annotations

import logging
import os
import shutil
import threading
import uuid
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from time import time
from typing import NamedTuple

import numpy as np
import orjson
import pyarrow as pa

from deploy.service.meters import Meters
from penstock.bundle.bundle import Bundle

log = logging.getLogger("penstock.service")

MOST_WAITING = 50_000
EVERY_SECONDS = 5.0
# So many rows are turned into Arrow at once: it takes a quarter of a millisecond.
TOGETHER = 256
# So many rows are written though their time has not come: they would take too much memory.
MOST_TAKEN = 25_000
# Long batches are files that their sender has; they would push everything else out of the queue.
MOST_ROWS = 1_000
DAY = 86_400.0
_SCHEMA = pa.schema(
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


class Asked(NamedTuple):
    """One answered request on its way to the log: a row and its answer as JSON, or the rows and answers of a batch."""

    at: float
    request_id: str
    shown: Shown
    rows: bytes | Sequence[Mapping[str, object]]
    answers: bytes | Sequence[Mapping[str, object]]
    seconds: float


@dataclass(frozen=True)
class Logged:
    """A row that was answered before.

    Attributes
    ----------
    row : dict
        Its fields as they were sent, but for private and unknown ones.
    answer : dict or None
        As it was given; None of a private target.
    """

    request_id: str
    time: str
    model: str
    version: str
    row: dict[str, object]
    answer: dict[str, object] | None


class PredictionLog:
    """Rows on their way to Parquet files below `date=…/model=…/version=…`.

    Parameters
    ----------
    folder : pathlib.Path
        Where they go; made when the first row is written.
    meters : Meters
        What counts written and dropped rows.
    days : int
        For how many days they are kept.
    most_waiting : int
        Rows that may wait.
    """

    def __init__(self, folder: Path, meters: Meters, days: int = 30, most_waiting: int = MOST_WAITING) -> None:
        self.folder = folder
        self._days = days
        self._most = most_waiting
        self._waiting: deque[Asked] = deque()
        self._taken: dict[_Place, list[pa.RecordBatch]] = {}
        self._n_taken = 0
        self._count = meters.logged
        self._dropped = 0
        self._swept = 0.0
        self._ended, self._full = False, threading.Event()
        self._taking, self._writing = threading.Lock(), threading.Lock()
        self._writer = threading.Thread(target=self._write, name="penstock-log", daemon=True)
        self._writer.start()

    def note(self, asked: Asked) -> None:
        """Take note of one answered request."""
        if len(self._waiting) < self._most:
            self._waiting.append(asked)
        else:
            self._dropped += _n_rows(asked)
        # Whoever is at it takes what has come meanwhile, too.
        if (len(self._waiting) >= TOGETHER or _n_rows(asked) > 1) and self._taking.acquire(blocking=False):
            try:
                self._take()
            finally:
                self._taking.release()
            if self._n_taken >= MOST_TAKEN:
                self._full.set()

    def leave_out(self, n_rows: int) -> None:
        """Count rows of a batch that is too long to be kept."""
        self._dropped += n_rows

    def close(self) -> None:
        """Write what waits, and end."""
        self._ended = True
        self._full.set()
        self._writer.join(10.0)

    def flush(self) -> None:
        """Write what waits now."""
        with self._writing:
            with self._taking:
                self._take()
                taken, self._taken, self._n_taken = self._taken, {}, 0
            for place, batches in taken.items():
                self._put(place.below(self.folder), pa.Table.from_batches(batches))

    def find(self, request_id: str, row: int = 0) -> Logged | None:
        """Return a logged row by its request's id; None where there is none, or none any more."""
        self.flush()
        if not self.folder.is_dir():
            return None
        from pyarrow import dataset

        for day in sorted(self.folder.glob("date=*"), reverse=True):
            files = dataset.dataset(day, schema=_SCHEMA, format="parquet", exclude_invalid_files=True)
            wanted = (dataset.field("request_id") == request_id) & (dataset.field("row") == row)
            for found in files.to_table(filter=wanted).slice(0, 1).to_pylist():
                answer = found["answer"]
                return Logged(
                    request_id,
                    found["time"].isoformat(),
                    found["model"],
                    found["version"],
                    orjson.loads(found["fields"]),
                    None if answer is None else orjson.loads(answer),
                )
        return None

    def last(self, model: str, n: int) -> list[dict[str, object]]:
        """Return the fields of the latest `n` rows that a model was asked for, the latest first."""
        self.flush()
        rows: list[dict[str, object]] = []
        for day in sorted(self.folder.glob("date=*"), reverse=True):
            for file in sorted((day / f"model={model}").glob("version=*/*.parquet"), key=_name, reverse=True):
                rows += [orjson.loads(text) for text in reversed(_fields_of(file))]
                if len(rows) >= n:
                    return rows[:n]
        return rows

    def _write(self) -> None:
        while True:
            self._full.wait(EVERY_SECONDS)
            self._full.clear()
            if self._ended:
                break
            self.flush()
            self._sweep()
        self.flush()

    def _take(self) -> None:
        """Turn what waits into Arrow, by where it is written to."""
        parts: dict[_Place, list[Asked]] = {}
        n_rows = 0
        for _ in range(len(self._waiting)):
            asked = self._waiting.popleft()
            n_rows += _n_rows(asked)
            if self._n_taken + n_rows > self._most:
                self._dropped += _n_rows(asked)
                continue
            place = _Place(int(asked.at // DAY), asked.shown.model, asked.shown.version)
            parts.setdefault(place, []).append(asked)
        for place, some in parts.items():
            self._taken.setdefault(place, []).append(batch := _batch(some))
            self._n_taken += len(batch)
        dropped, self._dropped = self._dropped, 0
        if dropped:
            self._count.labels("dropped").inc(dropped)

    def _put(self, folder: Path, rows: pa.Table) -> None:
        from pyarrow import parquet

        name = f"{rows['time'][-1].value / 1e6:.6f}-{os.getpid()}-{uuid.uuid4().hex[:8]}.parquet"
        try:
            folder.mkdir(parents=True, exist_ok=True)
            beside = folder / f".{name}"
            # Texts that hardly repeat gain nothing from a dictionary, and nobody looks for their ends.
            parquet.write_table(rows, beside, use_dictionary=["model", "version"], write_statistics=["time"])
            # A reader sees a whole file or none.
            beside.replace(folder / name)
        except OSError as error:
            self._count.labels("failed").inc(len(rows))
            log.warning("the prediction log cannot be written: %s", type(error).__name__)
        else:
            self._count.labels("written").inc(len(rows))

    def _sweep(self) -> None:
        now = time()
        if now - self._swept < DAY:
            return
        self._swept = now
        first = (datetime.fromtimestamp(now, UTC).date() - timedelta(days=self._days)).isoformat()
        for day in self.folder.glob("date=*"):
            told = day.name.removeprefix("date=")
            if _is_date(told) and told < first:
                shutil.rmtree(day, ignore_errors=True)


class _Place(NamedTuple):
    """Which files rows go to; the day is counted from 1970 in UTC."""

    day: int
    model: str
    version: str

    def below(self, folder: Path) -> Path:
        told = datetime.fromtimestamp(self.day * DAY, UTC).date().isoformat()
        return folder / f"date={told}" / f"model={self.model}" / f"version={self.version}"


def _n_rows(asked: Asked) -> int:
    return 1 if isinstance(asked.rows, bytes) else len(asked.rows)


def _batch(some: Sequence[Asked]) -> pa.RecordBatch:
    """Return answered requests of one version as rows of the log."""
    counts = [_n_rows(asked) for asked in some]
    of = np.repeat(np.arange(len(some)), counts)
    first = np.repeat(np.cumsum([0, *counts[:-1]]), counts)
    shown = some[0].shown
    seconds = np.array([asked.seconds for asked in some])[of]
    moments = np.round(np.array([asked.at for asked in some]) * 1e6).astype(np.int64)[of]
    answers = [text for asked in some for text in _texts(asked.answers)] if shown.answer else None
    return pa.RecordBatch.from_arrays(
        [
            pa.array([asked.request_id for asked in some], pa.string()).take(pa.array(of)),
            pa.array((np.arange(len(of)) - first).astype(np.int32)),
            pa.array(moments).cast(pa.timestamp("us", "UTC")),
            pa.repeat(shown.model, len(of)),
            pa.repeat(shown.version, len(of)),
            pa.array([text for asked in some for text in _fields(asked)], pa.binary()).cast(pa.string()),
            pa.nulls(len(of), pa.string()) if answers is None else pa.array(answers, pa.binary()).cast(pa.string()),
            pa.array(seconds * 1e3),
        ],
        schema=_SCHEMA,
    )


def _fields(asked: Asked) -> Sequence[bytes]:
    if isinstance(asked.rows, bytes):
        return (asked.rows,)
    fields = asked.shown.fields
    return [orjson.dumps(row if row.keys() <= fields else asked.shown.kept(row), default=str) for row in asked.rows]


def _texts(answers: bytes | Sequence[Mapping[str, object]]) -> Sequence[bytes]:
    return (answers,) if isinstance(answers, bytes) else [orjson.dumps(answer) for answer in answers]


def _fields_of(file: Path) -> list[str]:
    from pyarrow import parquet

    told: list[str] = parquet.read_table(file, columns=["fields"], partitioning=None)["fields"].to_pylist()
    return told


def _name(file: Path) -> str:
    return file.name


def _is_date(text: str) -> bool:
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True
