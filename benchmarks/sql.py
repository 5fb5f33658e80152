"""How long a million rows take out of a database, by the ways there are: real servers, started here."""

from __future__ import annotations

import importlib
import importlib.util
import shutil
import sqlite3
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa

from benchmarks.ground import ROOT, report

sys.path.insert(0, str(ROOT))

from penstock.sources import SqlSource, snapshot
from penstock.store import Store
from tests.servers import PASSWORD, Server, mariadb_server, postgresql_server

ROWS = 1_000_000
_POSTGRESQL = f"""
CREATE TABLE rows AS SELECT i::int AS id, (i::bigint * 7919) % 1000003 AS big, random() AS f1, random() * 1000 AS f2,
  (random() * 10000)::numeric(10, 2) AS price, 'customer ' || (i % 5000) AS name, md5(i::text) AS code,
  date '2020-01-01' + (i % 1500) AS day, timestamptz '2020-01-01' + i * interval '1 minute' AS at, i % 3 = 0 AS flag
FROM generate_series(1, {ROWS}) i
"""  # noqa: S608 - a number of our own
_MARIADB = f"""
CREATE TABLE `rows` AS SELECT CAST(seq AS INT) AS id, (seq * 7919) % 1000003 AS big, rand() AS f1,
  rand() * 1000 AS f2, CAST(rand() * 10000 AS DECIMAL(10, 2)) AS price, concat('customer ', seq % 5000) AS name,
  md5(seq) AS code, date '2020-01-01' + INTERVAL seq % 1500 DAY AS day,
  timestamp '2020-01-01 00:00:00' + INTERVAL seq MINUTE AS at, seq % 3 = 0 AS flag
FROM seq_1_to_{ROWS}
"""  # noqa: S608 - a number of our own


def main() -> None:
    """Measure and report."""
    with postgresql_server(_found) as server:
        _of_postgresql(server)
    with mariadb_server(_found) as server:
        _of_mariadb(server)
    _of_sqlite()


def _found(name: str) -> str:
    return shutil.which(name) or sys.exit(f"this benchmark needs {name}")


def _timed(do: Callable[[], object], times: int = 3) -> float:
    best = float("inf")
    for _ in range(times):
        began = time.perf_counter()
        do()
        best = min(best, time.perf_counter() - began)
    return best


def _collected(**keys: str) -> None:
    with tempfile.TemporaryDirectory(prefix="penstock-bench-") as folder:
        taken = snapshot(SqlSource(name="rows", table="rows", **keys), Store(folder))
        if taken.n_rows != ROWS:
            raise RuntimeError(f"{taken.n_rows} rows came, not {ROWS}")


def _of_postgresql(server: Server) -> None:
    import psycopg

    with psycopg.connect(server.url()) as connection:
        connection.execute(_POSTGRESQL)
    cursor = _timed(lambda: _by_cursor(server.url()), 1)
    report("PostgreSQL, 1,000,000 x 10: psycopg's server-side cursor to Arrow", "-", f"{cursor:.2f} s", "no store")
    if importlib.util.find_spec("adbc_driver_postgresql"):
        took = _timed(lambda: _by_adbc(server.url()))
        report("PostgreSQL: ADBC, which gives other types", "-", f"{took:.2f} s", "no store")
    took = _timed(lambda: _collected(url=server.url()))
    report("PostgreSQL: penstock (COPY as text, read by Arrow)", "-", f"{took:.2f} s", "in the store")


def _by_cursor(url: str) -> None:
    import psycopg

    with psycopg.connect(url) as connection, connection.cursor("rows") as cursor:
        cursor.execute("SELECT * FROM rows")
        while block := cursor.fetchmany(20_000):
            for i, values in enumerate(zip(*block, strict=True)):
                pa.array([float(v) for v in values] if i == 4 else values)


def _by_adbc(url: str) -> None:
    dbapi = importlib.import_module("adbc_driver_postgresql.dbapi")
    with dbapi.connect(url) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT * FROM rows")
        for _ in cursor.fetch_record_batch():
            pass


def _of_mariadb(server: Server) -> None:
    import pymysql  # type: ignore[import-untyped]  # ships no types

    connection = pymysql.connect(
        host="127.0.0.1", port=server.port, user=server.user, password=PASSWORD, database="shop"
    )
    with connection, connection.cursor() as cursor:
        cursor.execute(_MARIADB)
        cursor.execute("COMMIT")
    took = _timed(lambda: _by_values(server), 1)
    report("MariaDB, 1,000,000 x 10: PyMySQL's unbuffered cursor to Arrow", "-", f"{took:.2f} s", "no store")
    took = _timed(lambda: _collected(url=server.url()), 1)
    report("MariaDB: penstock (undecoded text, read by Arrow)", "-", f"{took:.2f} s", "in the store")


def _by_values(server: Server) -> None:
    import pymysql
    from pymysql.cursors import SSCursor  # type: ignore[import-untyped]  # ships no types

    connection = pymysql.connect(
        host="127.0.0.1", port=server.port, user=server.user, password=PASSWORD, database="shop"
    )
    with connection, connection.cursor(SSCursor) as cursor:
        cursor.execute("SELECT * FROM `rows`")
        while block := cursor.fetchmany(20_000):
            for i, values in enumerate(zip(*block, strict=True)):
                pa.array([float(v) for v in values] if i == 4 else values)


def _of_sqlite() -> None:
    with tempfile.TemporaryDirectory(prefix="penstock-bench-") as folder:
        file = Path(folder) / "rows.sqlite"
        connection = sqlite3.connect(file)
        connection.execute(
            "CREATE TABLE rows (id integer, big integer, f1 real, f2 real, price real, name text, code text, day text, "
            "at text, flag integer)"
        )
        rows = (
            (i, i * 7919, i / 7, i / 3, i / 100, f"customer {i % 5000}", f"{i:032x}", "2020-01-01", f"{i:020}", i % 3)
            for i in range(ROWS)
        )
        connection.executemany("INSERT INTO rows VALUES (?,?,?,?,?,?,?,?,?,?)", rows)
        connection.commit()
        connection.close()
        took = _timed(lambda: _collected(path=str(file)), 1)
        report("SQLite, 1,000,000 x 10: penstock", "-", f"{took:.2f} s", "in the store")
