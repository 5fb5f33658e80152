"""One read-only transaction of a database: what each kind of database does in its own way."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pyarrow as pa

from penstock.errors import SourceError
from penstock.sources.columns import check_names
from penstock.sources.database.dates import Bound
from penstock.sources.database.types import UNKNOWN, from_values

if TYPE_CHECKING:
    from sqlalchemy import Connection, TextClause

    from penstock.sources.database.address import Address

# Rows that are in memory at once.
ROWS = 20_000


@dataclass(frozen=True)
class Question:
    """What is asked: SQL with `:name` for each parameter, and the table where it is all of one."""

    sql: str
    params: Mapping[str, Bound] = field(default_factory=dict, repr=False)
    table: tuple[str | None, str] | None = None

    @property
    def body(self) -> str:
        """Return it as it can stand in brackets; a comment at its end needs a line's end behind it."""
        return self.sql.rstrip().rstrip(";")

    def clause(self) -> TextClause:
        """Return it as SQLAlchemy takes it."""
        from sqlalchemy import text

        return text(self.sql)


class Session(ABC):
    """One transaction that only reads, on one consistent state of the database.

    `declared` holds the types that the database says its columns have, once `blocks` began to give them.

    Parameters
    ----------
    connection : sqlalchemy.Connection
        Open, with nothing asked yet.
    address : Address
        Where it leads.
    timeout : float
        Seconds that a statement may take.
    """

    # How text sorts there is not how it sorts here, so it cannot tell what is new.
    text_sorts = False

    def __init__(self, connection: Connection, address: Address, timeout: float) -> None:
        self.connection = connection
        self.address = address
        self.timeout = timeout
        self.declared: dict[str, pa.DataType] = {}

    @abstractmethod
    def begin(self) -> None:
        """Begin the transaction."""

    @abstractmethod
    def facts(self) -> dict[str, str]:
        """Return what the database says of itself and of the state that is read."""

    @abstractmethod
    def blocks(self, asked: Question) -> Iterator[pa.Table]:
        """Give the rows in blocks with the same columns; the first has no rows, so that names are known at once.

        Raises
        ------
        SourceError
            A column's name is blank or stands twice.
        """

    def estimate(self, asked: Question) -> int | None:
        """Return about how many rows there will be, or None where that cannot be told in a moment."""
        return None

    def estimates(self) -> dict[str, int]:
        """Return about how many rows each table has, as far as that is known."""
        return {}

    def tables(self, schema: str | None = None) -> list[str]:
        """Return the names of tables and views."""
        from sqlalchemy import inspect

        found = inspect(self.connection)
        return sorted({*found.get_table_names(schema), *found.get_view_names(schema)})

    def columns(self, table: str, schema: str | None = None) -> list[str]:
        """Return the names of a table's columns."""
        rows = self.connection.exec_driver_sql(f"SELECT * FROM {self.place(table, schema)} WHERE 1 = 0")  # noqa: S608 - names, quoted
        return list(rows.keys())

    def quoted(self, name: str) -> str:
        """Return a name as it stands in SQL."""
        return self.connection.dialect.identifier_preparer.quote(name)

    def whole(self, table: str, schema: str | None) -> Question:
        """Return the question for all rows of a table."""
        # A colon would begin a parameter.
        place = self.place(table, schema).replace(":", "\\:").replace("%%", "%")
        return Question(f"SELECT * FROM {place}", {}, (schema, table))  # noqa: S608 - names, quoted

    def place(self, table: str, schema: str | None) -> str:
        """Return a table's name as it stands in SQL."""
        return f"{self.quoted(schema)}.{self.quoted(table)}" if schema else self.quoted(table)

    def more_than(self, most: int, asked: Question) -> bool:
        """Whether there are more rows than that; counts no further."""
        counted = f"SELECT count(*) FROM (SELECT 1 FROM (\n{asked.body}\n) AS a LIMIT {most + 1}) AS b"  # noqa: S608 - as given
        clause = Question(counted, asked.params).clause()
        return int(self.connection.execute(clause, self.bound(asked.params)).scalar_one()) > most

    def bound(self, params: Mapping[str, Bound]) -> dict[str, object]:
        """Return parameters as the driver takes them."""
        return dict(params)

    def named(self, names: Sequence[str]) -> list[str]:
        """Check the names of the columns that come, and return them."""
        if not names:
            raise SourceError("The query failed: it gives no table", where=self.address.shown, todo="Give a SELECT.")
        try:
            check_names(names, self.address.shown)
        except SourceError as error:
            error.todo = "Name each column in a `query`: SELECT a.id AS order_id, …"
            raise
        return list(names)


class ByValue(Session):
    """A database whose driver tells no types: each block is what its values are."""

    def begin(self) -> None:
        """Let SQLAlchemy begin it: how to make it read-only differs."""

    def facts(self) -> dict[str, str]:
        """Return its kind and version."""
        dialect = self.connection.dialect
        version = ".".join(str(v) for v in getattr(dialect, "server_version_info", None) or ())
        return {"server": f"{dialect.name} {version}".strip()}

    def blocks(self, asked: Question) -> Iterator[pa.Table]:
        """Give the rows in blocks."""
        result = self.connection.execution_options(stream_results=True, max_row_buffer=ROWS).execute(
            asked.clause(), self.bound(asked.params)
        )
        names = self.named(list(result.keys()) if result.returns_rows else [])
        yield pa.table({name: pa.nulls(0, UNKNOWN) for name in names})
        for rows in result.partitions(ROWS):
            columns = [from_values(column) for column in zip(*rows, strict=True)]
            yield pa.Table.from_arrays(columns, names=names)
