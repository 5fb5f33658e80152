"""Types and values: what is written to real servers is what comes out of them."""

from __future__ import annotations

import datetime as dt
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pytest
import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy.pool import NullPool

from penstock.sources import SqlSource, read_snapshot, snapshot
from penstock.store import Store
from tests.integration.making_sql import do, engine_of, read
from tests.servers import Server


@pytest.fixture(params=("postgresql", "mariadb"))
def server(request: pytest.FixtureRequest) -> Server:
    """Return one server after the other."""
    return request.getfixturevalue(request.param)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """Return an empty store."""
    return Store(tmp_path / "store")


POSTGRESQL_TYPES = """
create table kinds (
  i integer, s smallint, b bigint, n numeric(10,2), n0 numeric(12,0), huge numeric(38,0), n_any numeric, f real,
  d double precision, t text, v varchar(5), day date, at timestamp, zoned timestamptz, clock time, span interval,
  raw bytea, u uuid, j json, a integer[], words text[], mood mood, ok boolean, "odd:name %%s" integer
)"""
POSTGRESQL_ROW = r"""
insert into kinds values (
  -1, 2, 9007199254740993, 1.25, 77, 12345678901234567890123456789012345678, 0.1, 1.1, 2.5, E'a "b",\nc', '',
  '2024-02-29', '2024-02-29 12:34:56.789', '2024-02-29 12:34:56+02', '12:34', '1 day 02:00', '\x0061',
  'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', '{"a": 1}', '{1,null}', '{a,"b c"}', 'ok', true, 5)"""
MARIADB_TYPES = """
create table kinds (
  i integer, s smallint, b bigint, n decimal(10,2), n0 decimal(12,0), huge decimal(38,0), f float,
  d double, t text, v varchar(5), day date, at datetime(3), zoned timestamp null, clock time, raw blob,
  u uuid, j json, mood enum('ok', 'sad'), ok tinyint(1), bits bit(4), `odd:name %%s` integer, `unsigned` bigint unsigned
)"""
MARIADB_ROW = r"""
insert into kinds values (
  -1, 2, 9007199254740993, 1.25, 77, 12345678901234567890123456789012345678, 1.1, 2.5, 'a "b",\nc', '',
  '2024-02-29', '2024-02-29 12:34:56.789', '2024-02-29 12:34:56', '-30:34:00', x'0061',
  'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', '{"a": 1}', 'ok', 1, b'101', 5, 18446744073709551615)"""
COMMON = {
    "i": (pa.int64(), -1),
    "s": (pa.int64(), 2),
    "b": (pa.int64(), 9007199254740993),
    "n": (pa.float64(), 1.25),
    "n0": (pa.int64(), 77),
    "f": (pa.float64(), 1.1),
    "d": (pa.float64(), 2.5),
    "t": (pa.string(), 'a "b",\nc'),
    "v": (pa.string(), ""),
    "day": (pa.date32(), dt.date(2024, 2, 29)),
    "at": (pa.timestamp("us"), dt.datetime(2024, 2, 29, 12, 34, 56, 789000)),  # noqa: DTZ001 - it has none
    # The server's zone is two hours ahead, and so is what PostgreSQL was told.
    "zoned": (pa.timestamp("us", "UTC"), dt.datetime(2024, 2, 29, 10, 34, 56, tzinfo=dt.UTC)),
    "raw": (pa.string(), "0061"),
    "u": (pa.string(), "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"),
    "j": (pa.string(), '{"a": 1}'),
    "mood": (pa.string(), "ok"),
    "odd:name %s": (pa.int64(), 5),
}
OWN = {
    "postgresql": {
        "clock": (pa.string(), "12:34:00"),
        "span": (pa.string(), "1 day 02:00:00"),
        "a": (pa.string(), "[1,null]"),
        "words": (pa.string(), '["a","b c"]'),
        "ok": (pa.bool_(), True),
        "n_any": (pa.float64(), 0.1),
    },
    "mariadb": {"clock": (pa.string(), "-30:34:00"), "ok": (pa.int64(), 1), "bits": (pa.int64(), 5)},
}
HUGE = {"huge": "12345678901234567890123456789012345678", "unsigned": "18446744073709551615"}


@pytest.fixture
def kinds(server: Server) -> Iterator[Server]:
    """Make a table with a column of each kind."""
    if server.scheme == "postgresql":
        do(server, "create type mood as enum ('ok', 'sad')", POSTGRESQL_TYPES)
    else:
        do(server, MARIADB_TYPES)
    yield server
    do(server, "drop table kinds", *(["drop type mood"] if server.scheme == "postgresql" else []))


def test_every_kind_of_column_keeps_its_type_and_value(kinds, store):
    """Whole numbers stay whole beside NULLs, moments keep their zone, what Arrow has no type for is text."""
    do(kinds, POSTGRESQL_ROW if kinds.scheme == "postgresql" else MARIADB_ROW, "insert into kinds (s) values (3)")
    table = read(kinds, store, table="kinds")
    for name, (kind, value) in (COMMON | OWN[kinds.scheme]).items():
        assert (name, table.schema.field(name).type) == (name, kind)
        assert table.column(name).to_pylist() == [value, 3 if name == "s" else None], name
    for name in HUGE.keys() & set(table.column_names):
        assert table.column(name).to_pylist() == [HUGE[name], None]


def test_columns_of_nulls_keep_their_types(kinds, store):
    """What a column is doesn't depend on what is in it."""
    do(kinds, "insert into kinds (s) values (3)")
    table = read(kinds, store, table="kinds")
    for name, (kind, _) in (COMMON | OWN[kinds.scheme]).items():
        assert (name, table.schema.field(name).type) == (name, kind)
    assert table.column("i").null_count == 1


def test_a_value_that_no_type_holds_makes_its_column_text(postgresql, mariadb, store):
    """PostgreSQL's `infinity` and MariaDB's zero date are neither lost nor guessed."""
    do(postgresql, "create table odd (day date)", "insert into odd values ('infinity'), ('2024-01-01')")
    do(mariadb, "create table odd (day date)", "set sql_mode = ''", "insert into odd values (0), ('2024-01-01')")
    assert read(postgresql, store, table="odd").to_pydict() == {"day": ["infinity", "2024-01-01"]}
    assert read(mariadb, store, table="odd").to_pydict() == {"day": ["0000-00-00", "2024-01-01"]}


CELLS = {
    "i": st.integers(-(1 << 63), (1 << 63) - 1),
    "f": st.floats(allow_nan=False, allow_infinity=False),
    "t": st.text(st.characters(exclude_categories=("Cs", "Cc"), max_codepoint=0x2FFFF), max_size=12),
    "day": st.dates(dt.date(1000, 1, 1)),
    "at": st.datetimes(dt.datetime(1000, 1, 1)),  # noqa: DTZ001 - it has none
}


@settings(max_examples=12)
@given(rows=st.lists(st.fixed_dictionaries({n: st.none() | c for n, c in CELLS.items()}), min_size=1, max_size=8))
def test_what_is_written_is_read_back(postgresql, mariadb, tmp_path_factory, rows):
    """The same types and values, NULLs among them, from both servers."""
    for server in (postgresql, mariadb):
        meta = sa.MetaData()
        moment = sa.dialects.mysql.DATETIME(fsp=6) if server.scheme == "mariadb" else sa.DateTime()
        number = sa.dialects.mysql.DOUBLE() if server.scheme == "mariadb" else sa.Double()
        kinds = {"i": sa.BigInteger(), "f": number, "t": sa.Text(), "day": sa.Date(), "at": moment}
        written = sa.Table("written", meta, *(sa.Column(n, k) for n, k in kinds.items()))
        with engine_of(server).begin() as connection:
            meta.drop_all(connection)
            meta.create_all(connection)
            connection.execute(written.insert(), rows)
        table = read(server, Store(tmp_path_factory.mktemp("store")), table="written")
        assert [f.type for f in table.schema] == [
            pa.int64(),
            pa.float64(),
            pa.string(),
            pa.date32(),
            pa.timestamp("us"),
        ]
        assert table.to_pylist() == rows


def test_the_same_real_tables_come_from_three_databases(postgresql, mariadb, store, shared):
    """Chinook, copied from SQLite into both servers, is collected alike from all of them."""
    file = shared / "data" / "chinook" / "Chinook_Sqlite.sqlite"
    source = sa.create_engine(f"sqlite:///{file}", poolclass=NullPool)
    meta = sa.MetaData()
    meta.reflect(source)
    for server in (postgresql, mariadb):
        with engine_of(server).execution_options(isolation_level="AUTOCOMMIT").connect() as connection:
            connection.exec_driver_sql("create database chinook")
        own = engine_of(server, "chinook")
        copy = sa.MetaData()
        for table in meta.tables.values():
            sa.Table(table.name, copy, *(sa.Column(c.name, _generic(c.type)) for c in table.columns))
        with source.connect() as reading, own.begin() as writing:
            copy.create_all(writing)
            for table in meta.sorted_tables:
                rows = [dict(row._mapping) for row in reading.execute(table.select())]
                writing.execute(copy.tables[table.name].insert(), rows)
    assert len(meta.tables) == 11
    for name in meta.tables:
        here = read_snapshot(snapshot(SqlSource(name="s", path=str(file), table=name), store), store)
        for server in (postgresql, mariadb):
            there = read(server, store, server.url("chinook"), table=name)
            assert there.column_names == here.column_names
            assert _rows(there) == _rows(here), (server.scheme, name)


def _generic(kind: sa.types.TypeEngine) -> sa.types.TypeEngine:
    if isinstance(kind, sa.DateTime):
        return sa.DateTime()
    if isinstance(kind, sa.Numeric):
        return sa.Numeric(10, 2)
    return sa.Integer() if isinstance(kind, sa.Integer) else sa.Text()


def _rows(table: pa.Table) -> list[list[object]]:
    # SQLite keeps moments as text; a table has no order of its own.
    plain = [[str(v) if isinstance(v, dt.datetime) else v for v in row.values()] for row in table.to_pylist()]
    return sorted(plain, key=repr)


def test_sqlite_agrees_with_itself(tmp_path, store):
    """A file whose columns are declared as the servers' are reads the same."""
    with sqlite3.connect(tmp_path / "x.db") as connection:
        connection.execute("create table t (i integer, n numeric(8,2))")
        connection.execute("insert into t values (1, 2)")
    connection.close()
    table = read_snapshot(snapshot(SqlSource(name="s", path=str(tmp_path / "x.db"), table="t"), store), store)
    assert table.schema.field("n").type == pa.float64()
