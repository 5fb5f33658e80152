"""SQLite: a file, opened for reading only, whose columns hold any type."""

from __future__ import annotations

import datetime as dt
import re
import sqlite3
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from urllib.parse import quote

import pyarrow as pa

from penstock.sources.database.dates import Bound
from penstock.sources.database.session import ByValue, Question
from penstock.sources.database.types import FLOAT, INTEGER, TEXT, UNKNOWN

# Seconds to wait for a lock on the file; a caller that retries waits longer between its tries.
PATIENCE = 2.0
_SCALE = re.compile(r"\(\s*\d+\s*(?:,\s*(\d+)\s*)?\)")


def read_only(file: str) -> sqlite3.Connection:
    """Open an SQLite file that stays as it is; SQLite would make an absent one."""
    address = f"file:{quote(str(Path(file).absolute()))}?mode=ro"
    # Closed by whoever opened it, in a thread of the caller's choice.
    return sqlite3.connect(address, uri=True, timeout=PATIENCE, check_same_thread=False)


class SqliteSession(ByValue):
    """An SQLite file. What a column is declared as speaks only where its values leave it open."""

    text_sorts = True

    def begin(self) -> None:
        """Let no statement run longer than it may."""
        driver = self.connection.connection.driver_connection
        until = time.monotonic() + self.timeout
        if driver is not None:
            driver.set_progress_handler(lambda: time.monotonic() > until, 10_000)

    def bound(self, params: Mapping[str, Bound]) -> dict[str, object]:
        """Return moments as text, which is how SQLite keeps them."""
        return {k: _text(v) if isinstance(v, dt.date) else v for k, v in params.items()}

    def blocks(self, asked: Question) -> Iterator[pa.Table]:
        """Give the rows in blocks, after a look at the declared types."""
        if asked.table is not None:
            rows = self.connection.exec_driver_sql(f"PRAGMA table_info({self.quoted(asked.table[1])})")
            self.declared = {row[1]: affinity(row[2] or "") for row in rows}
        yield from super().blocks(asked)


def _text(value: dt.date) -> str:
    return value.strftime("%Y-%m-%d %H:%M:%S") if isinstance(value, dt.datetime) else value.isoformat()


def affinity(declared: str) -> pa.DataType:
    """Return the type that a declaration prefers, by SQLite's own rules; `null` where it prefers none.

    References
    ----------
    https://www.sqlite.org/datatype3.html, section 3.1

    Examples
    --------
    >>> affinity("BIGINT"), affinity("decimal(10,2)"), affinity("varchar(20)"), affinity("date")
    (DataType(int64), DataType(double), DataType(string), DataType(null))
    """
    name = declared.upper()
    if "INT" in name:
        return INTEGER
    if any(word in name for word in ("CHAR", "CLOB", "TEXT", "BLOB")):
        return TEXT
    if any(word in name for word in ("REAL", "FLOA", "DOUB")):
        return FLOAT
    scale = _SCALE.search(name)
    if scale is not None and name.startswith(("DEC", "NUM")):
        return FLOAT if int(scale.group(1) or 0) else INTEGER
    return UNKNOWN
