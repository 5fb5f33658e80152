"""Tables and queries of databases, through SQLAlchemy."""

from __future__ import annotations

import hashlib
import sqlite3
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Self
from urllib.parse import quote

import pyarrow as pa
from pydantic import SecretStr, model_validator

from penstock.cells import canonical_text
from penstock.errors import SourceError, SourceUnavailable
from penstock.receipts import FileRef, Part, Snapshot
from penstock.sources.base import SourceBase
from penstock.sources.columns import check_names
from penstock.sources.intake import Intake
from penstock.sources.places import check_file, unreadable
from penstock.store import Store
from penstock.table import closest

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Connection, Engine

# Seconds to wait for a lock on an SQLite file; a caller that retries waits longer between its tries.
_PATIENCE = 2.0


class SqlSource(SourceBase):
    """One table or query of a database: an SQLite file by its `path`, any other database by its SQLAlchemy `url`.

    With neither `table` nor `query` the database's only table is meant. `params` fill `:name` in the query.
    """

    kind: Literal["sql"] = "sql"
    url: SecretStr | None = None
    path: str | None = None
    table: str | None = None
    query: str | None = None
    params: dict[str, str | int | float] = {}

    @model_validator(mode="after")
    def _one_place(self) -> Self:
        if (self.url is None) == (self.path is None):
            raise ValueError("a database needs one of `url` and `path`")
        if self.table is not None and self.query is not None:
            raise ValueError("one of `table` and `query`, not both")
        return self

    @property
    def uri(self) -> str:
        """The database's address without its password, and the table."""
        place = Path(self.path).absolute().as_uri() if self.path is not None else self._shown_url()
        return f"{place}#{self.table}" if self.table else place

    def state(self) -> str | None:
        """Return the sha256 of the SQLite file; None where the database is no local file."""
        file = self._file()
        if file is None:
            return None
        check_file(file)
        digest = hashlib.sha256()
        try:
            # What was committed last may still lie in the write-ahead log beside the file.
            for part in (Path(file), Path(f"{file}-wal")):
                if part.exists():
                    digest.update(part.read_bytes())
        except OSError as error:
            raise unreadable(file, error) from error
        return digest.hexdigest()

    def collect(self, store: Store, earlier: Snapshot | None = None) -> Snapshot:
        """Run the query once and keep its result as an Arrow file."""
        table = self._query()
        check_names(table.column_names, self.uri)
        kept = store.put_table(table)
        file = FileRef(digest=kept.digest, path=kept.path, size=kept.size, media="application/vnd.apache.arrow.file")
        return self.taken((Part(name=self.name, file=file),), kept, Intake(), store)

    def _file(self) -> str | None:
        if self.path is not None:
            return self.path
        url = self.url.get_secret_value() if self.url else ""
        head, _, rest = url.partition(":///")
        return rest.partition("?")[0] if head.partition("+")[0] == "sqlite" and rest else None

    def _shown_url(self) -> str:
        from sqlalchemy.exc import ArgumentError

        try:
            return str(self._url().render_as_string(hide_password=True))
        except ArgumentError:
            return "sql:"

    def _url(self) -> Any:  # SQLAlchemy's URL, imported only where a database is used
        from sqlalchemy import make_url

        return make_url(self.url.get_secret_value() if self.url else "")

    def _engine(self) -> Engine:
        from sqlalchemy import create_engine
        from sqlalchemy.exc import ArgumentError, NoSuchModuleError
        from sqlalchemy.pool import NullPool

        file = self._file()
        try:
            if file is not None:
                check_file(file)
                return create_engine("sqlite://", creator=lambda: _read_only(file), poolclass=NullPool)
            return create_engine(self._url(), pool_pre_ping=True)
        except (ArgumentError, NoSuchModuleError) as error:
            raise SourceError(
                "The database's address cannot be understood",
                where=self.uri,
                got=type(error).__name__,
                expected="a SQLAlchemy URL, such as postgresql+psycopg://user:password@host/database",
            ) from error
        except ImportError as error:
            raise SourceError(
                f"The database's driver {error.name!r} is not installed",
                where=self.uri,
                todo=f"Install it beside penstock: pip install {error.name}",
            ) from error

    def _query(self) -> pa.Table:
        from sqlalchemy.exc import DatabaseError, OperationalError, SQLAlchemyError

        engine = self._engine()
        try:
            with engine.connect() as connection:
                return self._result(connection)
        except OperationalError as error:
            raise self._operational(error) from error
        except DatabaseError as error:
            if "file is not a database" in str(error):
                raise SourceError("The file is not an SQLite database", where=self.uri) from error
            raise SourceError("The query failed", where=self.uri, got=_first_line(error)) from error
        except SQLAlchemyError as error:
            raise SourceError("The query failed", where=self.uri, got=_first_line(error)) from error
        finally:
            engine.dispose()

    def _result(self, connection: Connection) -> pa.Table:
        from sqlalchemy import inspect, text

        if self.query is not None:
            rows = connection.execute(text(self.query), self.params)
        else:
            names = inspect(connection).get_table_names() + inspect(connection).get_view_names()
            table = self.table or self._only_table(names)
            if table not in names:
                raise SourceError(
                    f"The database has no table {table!r}", where=self.uri, expected=closest(table, names)
                )
            quoted = connection.dialect.identifier_preparer.quote(table)
            rows = connection.execute(text(f"SELECT * FROM {quoted}"))  # noqa: S608 - a name that the database gave
        names = list(rows.keys())
        columns = list(zip(*rows.fetchall(), strict=True)) or [()] * len(names)
        return pa.Table.from_arrays([_array(c) for c in columns], names=names)

    def _only_table(self, names: Sequence[str]) -> str:
        if len(names) == 1:
            return names[0]
        raise SourceError(
            "The database has several tables" if names else "The database has no tables",
            where=self.uri,
            expected=f"one of {', '.join(map(repr, names))}" if names else "",
            todo="Choose one with `table`, or write a `query`." if names else "",
        )

    def _operational(self, error: Exception) -> SourceError:
        words = _first_line(error)
        told = words.lower()
        # A server that is gone, a lock that is held: worth another try. A name that is wrong will stay wrong.
        if self._file() is not None:
            passing = any(w in told for w in ("locked", "busy", "i/o"))
        else:
            lasting = ("no such", "does not exist", "doesn't exist", "unknown", "syntax", "authentication", "denied")
            passing = not any(w in told for w in lasting)
        if passing:
            return SourceUnavailable("The database did not answer", where=self.uri, got=words)
        return SourceError("The query failed", where=self.uri, got=words)


def _read_only(file: str) -> sqlite3.Connection:
    # SQLite would make an absent file, and a pipeline never writes to its source.
    address = f"file:{quote(str(Path(file).absolute()))}?mode=ro"
    return sqlite3.connect(address, uri=True, timeout=_PATIENCE)


def _first_line(error: Exception) -> str:
    return str(getattr(error, "orig", None) or error).splitlines()[0][:200]


def _array(values: Sequence[object]) -> pa.Array:
    kinds = {type(v) for v in values if v is not None}
    if not kinds:
        return pa.array([None] * len(values), pa.string())
    if kinds <= {int, float} and len(kinds) == 2:
        return pa.array([None if v is None else float(v) for v in values], pa.float64())  # type: ignore[arg-type]  # kinds
    try:
        if len(kinds) == 1:
            return pa.array(values)
    except (pa.ArrowInvalid, pa.ArrowTypeError, OverflowError):
        pass
    # SQLite lets one column hold text and numbers; as text nothing is lost.
    return pa.array([None if v is None else _text(v) for v in values], pa.string())


def _text(value: object) -> str:
    return value if isinstance(value, str) else value.hex() if isinstance(value, bytes) else canonical_text(value)
