"""From an address to an open session, and from a driver's exception to an error that helps."""

from __future__ import annotations

import configparser
import contextlib
import re
import sqlite3
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, TypeVar

from penstock.errors import SourceError
from penstock.sources.database.address import Address, connect_arguments, missing_driver
from penstock.sources.database.errors import Trouble, error_for, trouble_of
from penstock.sources.database.session import ByValue, Question, Session
from penstock.sources.places.finding import check_file
from penstock.table import closest

if TYPE_CHECKING:
    from sqlalchemy import Engine

T = TypeVar("T")


def within(address: Address, timeout: float, do: Callable[[Session], T], asked: Question | None = None) -> T:
    """Do something in a session, and end it.

    Parameters
    ----------
    address : Address
        Where the database is.
    timeout : float
        Seconds that a statement may take.
    do : callable
        Given the session, whose transaction has begun.
    asked : Question, optional
        What `do` will ask, for the error to say which names it could have asked for.

    Raises
    ------
    SourceError
        Nobody may enter, or the database refuses what is asked.
    SourceUnavailable
        It did not answer, or was lost while it did.
    """
    engine = _engine(address, timeout)
    foreign = _foreign(address.family)
    outer: tuple[type[Exception], ...] = (*foreign, OSError, configparser.Error)
    # Raised outside of every handler: a driver's exception, whose text may hold what is secret, is not its context.
    problem: SourceError
    try:
        with contextlib.closing(engine.connect()) as connection:
            session = _session_kind(address.family)(connection, address, timeout)
            try:
                session.begin()
                return do(session)
            except foreign as error:
                trouble = _blotted(trouble_of(error, address.family), address, asked)
                connection.invalidate() if trouble.kind == "lost" else connection.rollback()
                problem = error_for(trouble, address.shown, expected=_known(session, trouble, asked), timeout=timeout)
    except outer as error:
        trouble = _blotted(trouble_of(error, address.family), address, asked)
        problem = error_for(trouble, address.shown, expected=_databases(address, trouble), timeout=timeout)
    finally:
        engine.dispose()
    raise problem


def _engine(address: Address, timeout: float) -> Engine:
    from sqlalchemy import create_engine
    from sqlalchemy.exc import ArgumentError, NoSuchModuleError
    from sqlalchemy.pool import NullPool

    trouble = ""
    absent: str | None = None
    try:
        if address.file is not None:
            from penstock.sources.database.sqlite import read_only

            file = address.file
            check_file(file)
            return create_engine("sqlite://", creator=lambda: read_only(file), poolclass=NullPool, hide_parameters=True)
        told = connect_arguments(address, timeout)
        return create_engine(address.url, poolclass=NullPool, connect_args=told, hide_parameters=True)
    except ImportError as error:
        absent = error.name or str(error)
    except NoSuchModuleError:
        trouble = f"{address.url.drivername!r}, which SQLAlchemy does not know"
    except (ArgumentError, TypeError, ValueError) as error:
        trouble = type(error).__name__
    if absent is not None:
        raise missing_driver(absent, address.shown)
    raise SourceError(
        "The database's address cannot be understood",
        where=address.shown,
        got=trouble,
        expected="postgresql://user@host:5432/database, mysql://…, mariadb://… or a SQLAlchemy URL",
    )


def _session_kind(family: str) -> type[Session]:
    if family == "postgresql":
        from penstock.sources.database.postgresql import PostgresqlSession

        return PostgresqlSession
    if family == "mysql":
        from penstock.sources.database.mysql import MysqlSession

        return MysqlSession
    if family == "sqlite":
        from penstock.sources.database.sqlite import SqliteSession

        return SqliteSession
    return ByValue


def _foreign(family: str) -> tuple[type[Exception], ...]:
    """Return what may be raised by SQLAlchemy and by the drivers that are used without it."""
    from sqlalchemy.exc import SQLAlchemyError

    if family == "postgresql":
        import psycopg

        return (SQLAlchemyError, psycopg.Error)
    if family == "mysql":
        import pymysql  # type: ignore[import-untyped]  # ships no types

        return (SQLAlchemyError, pymysql.Error)
    return (SQLAlchemyError, sqlite3.Error)


def _blotted(trouble: Trouble, address: Address, asked: Question | None) -> Trouble:
    """Return a trouble without passwords and without the values of parameters, which may be secrets, too."""
    words = address.without_secrets(trouble.words)
    for name, value in (asked.params if asked else {}).items():
        if isinstance(value, str) and value:
            words = words.replace(value, f":{name}")
    return Trouble(trouble.kind, words, trouble.name)


def _known(session: Session, trouble: Trouble, asked: Question | None) -> str:
    """Return which names there are, for one that is not known; to look is no reason to fail once more."""
    if trouble.kind not in ("table", "column"):
        return ""
    schema = asked.table[0] if asked and asked.table else None
    with contextlib.suppress(Exception):
        tables = session.tables(schema)
        if trouble.kind == "table":
            return closest(_last(trouble.name), tables)
        return closest(_last(trouble.name), _columns(session, tables, asked))
    return ""


def _columns(session: Session, tables: Sequence[str], asked: Question | None) -> list[str]:
    words = set(re.findall(r"\w+", asked.sql.lower())) if asked else set()
    return list(dict.fromkeys(c for t in tables if t.lower() in words for c in session.columns(t)))


def _last(name: str) -> str:
    return name.rpartition(".")[2]


# The database that every server has.
_MAINTENANCE = {"postgresql": "postgres", "mysql": "information_schema"}


def _databases(address: Address, trouble: Trouble) -> str:
    if trouble.kind != "database" or address.family not in _MAINTENANCE:
        return ""
    question = (
        "SELECT datname FROM pg_database WHERE datallowconn" if address.family == "postgresql" else "SHOW DATABASES"
    )
    with contextlib.suppress(Exception):
        engine = _engine(address.to(_MAINTENANCE[address.family]), 10.0)
        with contextlib.closing(engine.connect()) as connection:
            names = [str(row[0]) for row in connection.exec_driver_sql(question)]
        engine.dispose()
        return closest(str(address.url.database or ""), names)
    return ""


def tables_within(address: Address, timeout: float = 30.0) -> tuple[tuple[str, int | None], ...]:
    """Return the names of a database's tables and views, each with about how many rows it has, if that is known."""

    def listed(session: Session) -> tuple[tuple[str, int | None], ...]:
        known = session.estimates()
        return tuple((name, known.get(name)) for name in session.tables())

    return within(address, timeout, listed)
