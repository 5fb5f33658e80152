"""The prediction log: what was asked and what was answered, written beside the event loop as Parquet.

A request's bytes are copied to the end of a chunk of memory, and no object is kept. A thread turns full chunks into
Arrow and hands them back: fresh memory would cost a request as much as its copy does several times over. Every few
seconds it writes what has gathered, a file for each day and version. What there is no room for is left out, and
counted.
"""

from __future__ import annotations

import logging
import os
import shutil
import threading
import uuid
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from time import monotonic, time

import orjson
import pyarrow as pa

from deploy.service.chunk import DAY, SCHEMA, Chunk, Place, Shown, Waiting
from deploy.service.meters import Meters

log = logging.getLogger("penstock.service")

MOST_WAITING = 50_000
# How often full chunks are turned into Arrow, and how often that is written.
TAKEN_EVERY_SECONDS, WRITTEN_EVERY_SECONDS = 0.25, 5.0
# So many rows are written though their time has not come: they would take too much memory.
MANY_ROWS = 25_000
# What waits to be turned into Arrow or to be written takes no more.
MOST_BYTES = 256 * 1024**2
CHUNK_BYTES, CHUNKS_KEPT = 2 * 1024**2, 4
# So many rows are copied at once.
TOGETHER = 64
# Long batches are files that their sender has; they would push everything else out of the queue.
MOST_ROWS = 1_000


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
        self._waiting: deque[Waiting] = deque()
        self._open, self._spare = Chunk(CHUNK_BYTES), list[Chunk]()
        self._full: list[Chunk] = []
        self._tables: dict[Place, list[pa.Table]] = {}
        # Of what has not been written, full chunks and tables.
        self._n_rows = self._n_bytes = 0
        self._count = meters.logged
        self._dropped = 0
        self._swept = 0.0
        self._written = monotonic()
        self._ended = threading.Event()
        # Held for the moment of a copy or an exchange, and while files are written.
        self._copying, self._writing = threading.Lock(), threading.Lock()
        self._writer = threading.Thread(target=self._write, name="penstock-log", daemon=True)
        self._writer.start()

    def note(
        self, shown: Shown, request_id: str, row: bytes, answer: bytes, seconds: float, at: float | None = None
    ) -> None:
        """Take note of one answered row.

        Parameters
        ----------
        shown : Shown
            Of whose model.
        request_id : str
            Of the request.
        row : bytes
            What of it may be kept, as JSON.
        answer : bytes
            As it was sent.
        seconds : float
            What it took.
        at : float, optional
            Seconds since 1970; now.
        """
        self._waiting.append((shown, request_id, time() if at is None else at, row, answer, seconds))
        if len(self._waiting) >= TOGETHER:
            with self._copying:
                self._gather()

    def note_many(
        self,
        shown: Shown,
        request_id: str,
        rows: Sequence[bytes],
        answers: Sequence[bytes],
        seconds: float,
        at: float | None = None,
    ) -> None:
        """Take note of the rows of a batch, as `note` does; `seconds` is what each took."""
        now = time() if at is None else at
        some = [(shown, request_id, now, *both, seconds) for both in zip(rows, answers, strict=True)]
        with self._copying:
            # What was asked before stands before it.
            self._gather()
            self._copy(some, one_request=True)

    def _gather(self) -> None:
        """Copy what waits to the open chunk. Some rows in a go cost each a third of what it costs alone."""
        self._copy([self._waiting.popleft() for _ in range(len(self._waiting))])

    def _copy(self, some: list[Waiting], *, one_request: bool = False) -> None:
        room = self._most - self._n_rows - self._open.n_rows if self._n_bytes < MOST_BYTES else 0
        if len(some) > room:
            self._dropped += len(some) - max(0, room)
            del some[max(0, room) :]
        if some and not self._open.add(some, one_request=one_request):
            self._put_away()
            if not self._open.add(some, one_request=one_request):
                self._open = Chunk.of_rows(some, one_request=one_request)
                self._put_away()

    def _put_away(self) -> None:
        """Open another chunk."""
        self._full.append(self._open)
        self._n_rows += self._open.n_rows
        self._n_bytes += self._open.n_bytes
        self._open = self._spare.pop() if self._spare else Chunk(CHUNK_BYTES)

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
            with self._copying:
                self._gather()
                self._put_away()
            self._take()
            self._put_all()

    def find(self, request_id: str, row: int = 0) -> Logged | None:
        """Return a logged row by its request's id; None where there is none, or none any more."""
        self.flush()
        if not self.folder.is_dir():
            return None
        from pyarrow import dataset

        for day in sorted(self.folder.glob("date=*"), reverse=True):
            files = dataset.dataset(day, schema=SCHEMA, format="parquet", exclude_invalid_files=True)
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
        while not self._ended.wait(TAKEN_EVERY_SECONDS):
            if monotonic() - self._written >= WRITTEN_EVERY_SECONDS:
                self.flush()
                self._sweep()
                continue
            with self._writing:
                self._take()
                if self._n_rows >= MANY_ROWS:
                    self._put_all()
        self.flush()

    def _take(self) -> None:
        """Turn full chunks into Arrow, and hand them back."""
        with self._copying:
            self._gather()
            full, self._full = self._full, []
        for chunk in full:
            for place, table in chunk.tables():
                self._tables.setdefault(place, []).append(table)
            if chunk.size == CHUNK_BYTES and len(self._spare) < CHUNKS_KEPT:
                chunk.clear()
                self._spare.append(chunk)

    def _put_all(self) -> None:
        tables, self._tables = self._tables, {}
        self._written = monotonic()
        for place, some in tables.items():
            self._put(place.below(self.folder), pa.concat_tables(some))
        with self._copying:
            self._n_rows = sum(chunk.n_rows for chunk in self._full)
            self._n_bytes = sum(chunk.n_bytes for chunk in self._full)
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
            parquet.write_table(
                rows,
                beside,
                use_dictionary=["model", "version"],
                write_statistics=["time"],
                compression="zstd",
                compression_level=1,
            )
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
