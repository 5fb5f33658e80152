"""The prediction log: what was asked and what was answered, written beside the event loop as Parquet.

A request costs the loop one append to a bounded queue. A thread writes what has gathered, a file for each day and
version; what comes while the queue is full is left out, and counted.
"""

from __future__ import annotations

import logging
import os
import shutil
import threading
import uuid
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from time import time
from typing import NamedTuple

import orjson
import pyarrow as pa

from deploy.service.meters import Meters
from penstock.bundle.bundle import Bundle

log = logging.getLogger("penstock.service")

MOST_WAITING = 50_000
EVERY_SECONDS = 5.0
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


class Asked(NamedTuple):
    """One answered row on its way to the log."""

    at: float
    request_id: str
    place: int
    shown: Shown
    row: Mapping[str, object]
    answer: bytes
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
        self._count = meters.logged
        self._dropped = 0
        self._swept = 0.0
        self._ended = threading.Event()
        self._writing = threading.Lock()
        self._writer = threading.Thread(target=self._write, name="penstock-log", daemon=True)
        self._writer.start()

    def note(self, asked: Asked) -> None:
        """Take note of one answered row."""
        if len(self._waiting) < self._most:
            self._waiting.append(asked)
        else:
            self._dropped += 1

    def leave_out(self, n_rows: int) -> None:
        """Count rows of a batch that is too long to be kept."""
        self._dropped += n_rows

    def close(self) -> None:
        """Write what waits, and end."""
        self._ended.set()
        self._writer.join(10.0)

    def flush(self) -> None:
        """Write what waits now."""
        with self._writing:
            self._flush()

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
        while not self._ended.wait(EVERY_SECONDS):
            self.flush()
            self._sweep()
        self.flush()

    def _flush(self) -> None:
        parts: dict[tuple[str, str, str], list[Asked]] = {}
        for _ in range(len(self._waiting)):
            asked = self._waiting.popleft()
            day = datetime.fromtimestamp(asked.at, UTC).date().isoformat()
            parts.setdefault((day, asked.shown.model, asked.shown.version), []).append(asked)
        for (day, model, version), rows in parts.items():
            self._put(self.folder / f"date={day}" / f"model={model}" / f"version={version}", rows)
        dropped, self._dropped = self._dropped, 0
        if dropped:
            self._count.labels("dropped").inc(dropped)

    def _put(self, folder: Path, rows: list[Asked]) -> None:
        from pyarrow import parquet

        name = f"{rows[-1].at:.6f}-{os.getpid()}-{uuid.uuid4().hex[:8]}.parquet"
        try:
            folder.mkdir(parents=True, exist_ok=True)
            beside = folder / f".{name}"
            parquet.write_table(_table(rows), beside)
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


def _table(rows: list[Asked]) -> pa.Table:
    columns = {
        "request_id": [r.request_id for r in rows],
        "row": [r.place for r in rows],
        "time": pa.array([round(r.at * 1e6) for r in rows], pa.int64()).cast(pa.timestamp("us", "UTC")),
        "model": [r.shown.model for r in rows],
        "version": [r.shown.version for r in rows],
        "fields": [_told(r.row, r.shown.fields) for r in rows],
        "answer": [r.answer.decode() if r.shown.answer else None for r in rows],
        "milliseconds": [r.seconds * 1e3 for r in rows],
    }
    return pa.table(columns, schema=_SCHEMA)


def _told(row: Mapping[str, object], fields: frozenset[str]) -> str:
    return orjson.dumps({name: value for name, value in row.items() if name in fields}, default=str).decode()


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
