"""MariaDB and MySQL through PyMySQL: the protocol's own text, unbuffered, which Arrow reads in one go."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

import pyarrow as pa

from penstock.sources.database.errors import Trouble, error_for
from penstock.sources.database.session import ROWS, Question, Session
from penstock.sources.database.types import DATE, FLOAT, INTEGER, MOMENT, TEXT, ZONED, from_texts

# No transaction keeps the server from writing a file of its own.
_TO_FILE = re.compile(r"\bINTO\s+(?:OUTFILE|DUMPFILE)\b", re.IGNORECASE)
_DECIMALS, _BIT = (0, 246), 16
# The protocol's numbers of types; all others are text. TINYINT(1) may hold any small number, so it is one.
_KINDS = {
    1: INTEGER, 2: INTEGER, 3: INTEGER, 8: INTEGER, 9: INTEGER, 13: INTEGER, 16: INTEGER, 4: FLOAT, 5: FLOAT, 7: ZONED,
    10: DATE, 14: DATE, 12: MOMENT,
}  # fmt: skip


class MysqlSession(Session):
    """A MariaDB or MySQL server."""

    def begin(self) -> None:
        """Begin a transaction that reads one state of the database and cannot write."""
        seconds = self.timeout
        limit = (
            f"max_statement_time = {seconds:.3f}" if self._is_mariadb else f"max_execution_time = {seconds * 1e3:.0f}"
        )
        for words in (
            f"SET SESSION {limit}",
            # A TIMESTAMP is kept in UTC and shown in the session's zone.
            "SET SESSION time_zone = '+00:00'",
            # The server must not give up on a reader that is busy writing what it got.
            f"SET SESSION net_write_timeout = {max(60, round(seconds))}",
            "SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ",
            "SET SESSION TRANSACTION READ ONLY",
            "START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY",
        ):
            self.connection.exec_driver_sql(words)

    def facts(self) -> dict[str, str]:
        """Return the server's version, and where its binary log stood, if it writes one."""
        version, now = self.connection.exec_driver_sql("SELECT version(), utc_timestamp(6)").one()
        facts = {"server": f"{'MariaDB' if self._is_mariadb else 'MySQL'} {version}", "snapshot_at": f"{now}+00"}
        status = self.connection.exec_driver_sql("SHOW STATUS LIKE 'binlog_snapshot_%%'", {})
        log = {row[0].lower(): row[1] for row in status}
        if log.get("binlog_snapshot_file"):
            facts["snapshot"] = f"{log['binlog_snapshot_file']}:{log.get('binlog_snapshot_position', '')}"
        return facts

    def estimate(self, asked: Question) -> int | None:
        """Return about how many rows a table has; for a query there is no number worth telling."""
        if asked.table is None:
            return None
        schema, table = asked.table
        row = self.connection.exec_driver_sql(
            "SELECT table_rows FROM information_schema.tables "
            "WHERE table_schema = coalesce(%(schema)s, database()) AND table_name = %(table)s",
            {"schema": schema, "table": table},
        ).first()
        return None if row is None or row[0] is None else int(row[0])

    def estimates(self) -> dict[str, int]:
        """Return about how many rows each table has."""
        rows = self.connection.exec_driver_sql(
            "SELECT table_name, table_rows FROM information_schema.tables "
            "WHERE table_schema = database() AND table_rows IS NOT NULL"
        )
        return {name: int(count) for name, count in rows}

    def blocks(self, asked: Question) -> Iterator[pa.Table]:
        """Give the rows in blocks of a fixed number."""
        from pymysql.cursors import SSCursor  # type: ignore[import-untyped]  # ships no types

        if _TO_FILE.search(asked.sql):
            raise error_for(Trouble("writes", "INTO OUTFILE"), self.address.shown)
        driver: Any = self.connection.connection.driver_connection
        compiled = str(asked.clause().compile(dialect=self.connection.dialect))
        # Without decoders, values stay the text that the server sent, and Arrow reads a column of them at once.
        decoders, driver.decoders = driver.decoders, {}
        cursor = driver.cursor(SSCursor)
        try:
            cursor.execute(compiled, dict(asked.params))
            described = cursor.description or ()
            names = self.named([c[0] for c in described])
            kinds = [_kind(c) for c in described]
            self.declared = dict(zip(names, kinds, strict=True))
            yield pa.schema(list(self.declared.items())).empty_table()
            while rows := cursor.fetchmany(ROWS):
                columns = [
                    _column(values, kind, c[1])
                    for values, kind, c in zip(zip(*rows, strict=True), kinds, described, strict=True)
                ]
                yield pa.Table.from_arrays(columns, names=names)
        except BaseException:
            # To close the cursor would mean to read all the rows that are still to come: it must not know of them.
            if cursor._result is not None:
                cursor._result.unbuffered_active = False
            self.connection.invalidate()
            raise
        finally:
            driver.decoders = decoders

    @property
    def _is_mariadb(self) -> bool:
        return bool(getattr(self.connection.dialect, "is_mariadb", False))


def _kind(column: Sequence[Any]) -> pa.DataType:  # name, type, display size, length, precision, scale, NULL
    if column[1] in _DECIMALS:
        return FLOAT if column[5] else INTEGER
    return _KINDS.get(column[1], TEXT)


def _column(values: Sequence[Any], kind: pa.DataType, code: int) -> pa.Array:
    if code == _BIT:
        return pa.array([None if v is None else int.from_bytes(v, "big") for v in values], kind)
    if kind == TEXT:
        values = [v.hex() if isinstance(v, bytes) else v for v in values]
    return from_texts(pa.array(values, TEXT), kind)
