"""The prediction log: what single rows were asked and answered, as Parquet by model, date and version.

A request costs the event loop one append to a bounded queue; a thread writes what has gathered. What comes while the
queue is full is left out, and counted.
"""

from __future__ import annotations

import logging
import os
import threading
from collections import deque
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic
from typing import Any, NamedTuple

import orjson
import pyarrow as pa

from deploy.service.meters import Meters
from penstock.bundle.bundle import Bundle

log = logging.getLogger("penstock.service")

# A row with its answer takes a kilobyte or two.
MOST_WAITING = 10_000
# A file is written when so many rows wait, or the first of them has waited so long.
MANY, LONG_SECONDS = 2_000, 10.0
LOOK_SECONDS = 0.25
SCHEMA = pa.schema(
    [
        ("request_id", pa.string()),
        ("time", pa.timestamp("us", "UTC")),
        ("model", pa.string()),
        ("version", pa.string()),
        ("row", pa.string()),
        ("answer", pa.string()),
        ("ms", pa.float64()),
    ]
)


class Record(NamedTuple):
    """One row that was answered; `public` are the fields that may be told."""

    at: float
    request_id: str
    model: str
    version: str
    row: Mapping[str, Any]
    public: frozenset[str]
    answer: bytes
    seconds: float

    @property
    def place(self) -> Path:
        """The folder of its file, relative to the log's."""
        date = datetime.fromtimestamp(self.at, UTC).date()
        return Path(f"model={self.model}") / f"date={date}" / f"version={self.version}"

    def cells(self) -> tuple[Any, ...]:
        """Return what is written of it."""
        told = {name: value for name, value in self.row.items() if name in self.public}
        row = orjson.dumps(told).decode()
        at = int(self.at * 1e6)
        return self.request_id, at, self.model, self.version, row, self.answer.decode(), self.seconds * 1e3


class PredictionLog:
    """Rows and answers on their way to files.

    Parameters
    ----------
    folder : pathlib.Path
        Where `model=NAME/date=DAY/version=VERSION/` are made.
    meters : Meters
        Where rows that are left out are counted.
    most_waiting : int
        Rows that may wait.
    """

    def __init__(self, folder: Path, meters: Meters, most_waiting: int = MOST_WAITING) -> None:
        self._folder = folder
        self._dropped = meters.dropped.labels("predictions")
        self._most = most_waiting
        self._waiting: deque[Record] = deque()
        self._n_files = 0
        self._ended = threading.Event()
        self._writer = threading.Thread(target=self._write, name="penstock-predictions", daemon=True)
        self._writer.start()

    def note(self, record: Record) -> None:
        """Take note of one answered row."""
        if len(self._waiting) < self._most:
            self._waiting.append(record)
        else:
            self._dropped.inc()

    def close(self) -> None:
        """Write what waits, and end."""
        self._ended.set()
        self._writer.join(10.0)

    def _write(self) -> None:
        written = monotonic()
        while not self._ended.wait(LOOK_SECONDS):
            if len(self._waiting) >= MANY or (self._waiting and monotonic() - written > LONG_SECONDS):
                self._flush()
                written = monotonic()
        self._flush()

    def _flush(self) -> None:
        places: dict[Path, list[Record]] = {}
        for _ in range(len(self._waiting)):
            record = self._waiting.popleft()
            places.setdefault(record.place, []).append(record)
        for place, records in places.items():
            try:
                self._put(self._folder / place, records)
            except (OSError, pa.ArrowException) as error:
                self._dropped.inc(len(records))
                log.warning("the prediction log cannot be written: %s", type(error).__name__)

    def _put(self, folder: Path, records: list[Record]) -> None:
        from pyarrow import parquet

        columns = zip(*(record.cells() for record in records), strict=True)
        arrays = [pa.array(list(cells), field.type) for cells, field in zip(columns, SCHEMA, strict=True)]
        folder.mkdir(parents=True, exist_ok=True)
        self._n_files += 1
        name = f"{int(records[0].at * 1e3)}-{os.getpid()}-{self._n_files}.parquet"
        # Whoever reads the folder finds whole files only.
        part = folder / f".{name}.part"
        parquet.write_table(pa.Table.from_arrays(arrays, schema=SCHEMA), part)
        part.replace(folder / name)


def public_fields(bundle: Bundle) -> frozenset[str]:
    """Return the fields whose values may be told: those of columns that are not private, under all of their names."""
    names = {c.name for c in bundle.schema.columns if not c.private}
    return frozenset(names | {old for old, name in bundle.promises.old_names.items() if name in names})
