"""What tests of databases share: statements as the owner, a table collected, an error looked over."""

from __future__ import annotations

import pyarrow as pa
import pytest
import sqlalchemy as sa
from sqlalchemy.pool import NullPool

from penstock.errors import SourceError
from penstock.sources import SqlSource, read_snapshot, snapshot
from penstock.sources.database.address import address_of
from penstock.store import Store
from tests.servers import PASSWORD, Server


def engine_of(server: Server, database: str | None = None) -> sa.Engine:
    """Return an engine that keeps no connection."""
    return sa.create_engine(address_of(server.url(database)).url, poolclass=NullPool)


def do(server: Server, *statements: str) -> None:
    """Run statements as the owner."""
    with engine_of(server).begin() as connection:
        for statement in statements:
            connection.exec_driver_sql(statement)


def read(server: Server, store: Store, url: str | None = None, **keys: object) -> pa.Table:
    """Collect, and return the raw table."""
    source = SqlSource(name="s", url=url or server.url(), **keys)
    return read_snapshot(snapshot(source, store), store)


def fails(server: Server, store: Store, url: str | None = None, **keys: object) -> SourceError:
    """Collect, and return the error, after a look for what must not be in it."""
    with pytest.raises(SourceError) as caught:
        read(server, store, url, **keys)
    error = caught.value
    assert PASSWORD not in f"{error!r} {error}"
    assert error.__cause__ is None
    assert error.__context__ is None
    return error
