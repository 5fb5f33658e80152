"""Databases: tables and queries through SQLAlchemy, read-only, their passwords unseen."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pyarrow as pa
import pytest

from penstock.errors import SourceError, SourceUnavailable, SpecError
from penstock.sources import SqlSource, read_snapshot, snapshot, source_from, state_of
from penstock.store import Store


@pytest.fixture
def database(tmp_path: Path) -> Path:
    """Return an SQLite file with two tables and a name that an address must quote."""
    file = tmp_path / "shop #1 100%.sqlite"
    with sqlite3.connect(file) as connection:
        connection.executescript(
            """
            create table sales (id integer, price real, note text, mixed);
            insert into sales values (1, 2.5, 'a', 1), (2, null, null, 'two'), (3, 4, 'c', 3.5);
            create table "odd name" (x);
            """
        )
    connection.close()
    return file


def read(source: SqlSource, tmp_path: Path) -> pa.Table:
    """Take a snapshot and read it back."""
    store = Store(tmp_path / "store")
    return read_snapshot(snapshot(source, store), source, store)


def test_a_table_keeps_its_types_and_nulls(database, tmp_path):
    """Numbers stay numbers; a column of mixed types becomes text, which loses nothing."""
    table = read(source_from(database, "shop", tmp_path, table="sales"), tmp_path)
    assert table.to_pydict() == {
        "id": [1, 2, 3],
        "price": [2.5, None, 4.0],
        "note": ["a", None, "c"],
        "mixed": ["1", "two", "3.5"],
    }
    assert table.schema.field("id").type == pa.int64()


@pytest.mark.parametrize("written", ["sqlite:///{}", "{}"])
def test_an_address_and_a_path_name_the_same_database(database, tmp_path, written):
    """Both forms of the command line work."""
    plain = database.rename(tmp_path / "shop.db")
    source = source_from(written.format(plain), "shop", tmp_path, table="sales")
    assert read(source, tmp_path).num_rows == 3


def test_a_query_takes_parameters(database, tmp_path):
    """A parameter is bound, not pasted."""
    keys = {"path": str(database), "query": "select id from sales where id > :low", "params": {"low": 1}}
    assert read(source_from(keys, "shop", tmp_path), tmp_path).to_pydict() == {"id": [2, 3]}


def test_a_relative_path_starts_at_the_specs_folder(database, tmp_path, monkeypatch):
    """Where the process runs is no matter, for paths and addresses alike."""
    database.rename(tmp_path / "shop.db")
    monkeypatch.chdir("/")
    for written in ("shop.db", "sqlite:///shop.db"):
        assert read(source_from(written, "shop", tmp_path, table="sales"), tmp_path).num_rows == 3


def test_several_tables_ask_for_a_choice(database, tmp_path):
    """The error lists them."""
    with pytest.raises(SourceError, match="several tables") as caught:
        read(source_from(database, "shop", tmp_path), tmp_path)
    assert "'sales'" in caught.value.expected
    assert "'odd name'" in caught.value.expected


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        ({"table": "sale"}, "no table 'sale'"),
        ({"table": "odd name"}, "no rows"),
        ({"query": "select id from sales where 0"}, "gave no rows"),
        ({"query": "select nothing from sales"}, "query failed"),
        ({"query": "select id, id from sales"}, "Two columns are named 'id'"),
        ({"query": "delete from sales"}, "query failed"),
    ],
)
def test_a_query_that_cannot_serve_is_refused_in_words(database, tmp_path, keys, words):
    """A user's mistake is no traceback, and nothing is ever written."""
    with pytest.raises(SourceError, match=words):
        read(source_from(database, "shop", tmp_path, **keys), tmp_path)
    assert read(source_from(database, "shop", tmp_path, table="sales"), tmp_path).num_rows == 3


def test_an_absent_database_is_not_made(tmp_path):
    """SQLite would create the file."""
    with pytest.raises(SourceError, match="no such file"):
        read(source_from("gone.sqlite", "shop", tmp_path, table="x"), tmp_path)
    assert not (tmp_path / "gone.sqlite").exists()


def test_a_file_that_is_no_database_is_told(tmp_path):
    """The ending alone proves nothing."""
    (tmp_path / "x.sqlite").write_text("no database at all, but long enough to be read as one" * 20)
    with pytest.raises(SourceError, match="not an SQLite database"):
        read(source_from("x.sqlite", "shop", tmp_path, table="x"), tmp_path)


def test_a_locked_database_is_worth_another_try(database, tmp_path, monkeypatch):
    """What may pass is told apart from what will stay wrong."""
    connection = sqlite3.connect(database, isolation_level=None)
    connection.execute("begin exclusive")
    monkeypatch.setattr("penstock.sources.sql._PATIENCE", 0.05)
    source = source_from(database, "shop", tmp_path, table="sales")
    try:
        with pytest.raises(SourceUnavailable, match="did not answer"):
            read(source, tmp_path)
    finally:
        connection.execute("rollback")
        connection.close()
    assert read(source, tmp_path).num_rows == 3


def test_the_state_changes_with_what_was_committed(database, tmp_path):
    """Rows that lie in the write-ahead log count."""
    source = source_from(database, "shop", tmp_path, table="sales")
    before = state_of(source)
    connection = sqlite3.connect(database)
    connection.execute("pragma journal_mode = wal")
    changed = state_of(source)
    connection.execute("insert into sales values (4, 1, 'd', 1)")
    connection.commit()
    try:
        assert len({before, changed, state_of(source)}) == 3
    finally:
        connection.close()


def test_a_password_shows_nowhere():
    """Neither the address, nor the record, nor its JSON holds the secret."""
    source = source_from("postgresql://me:s3cret@db.example/shop", "shop", Path(), table="sales")
    assert source.kind == "sql"
    for text in (source.uri, repr(source), source.model_dump_json(), str(source)):
        assert "s3cret" not in text
    assert "db.example" in source.uri


def test_a_missing_driver_and_a_bad_address_are_told(tmp_path):
    """The driver to install is named."""
    with pytest.raises(SourceError, match=r"driver|understood"):
        read(source_from("postgresql+nosuchdriver://h/shop", "shop", tmp_path, table="x"), tmp_path)


@pytest.mark.parametrize(
    "keys", [{"path": "a.db", "table": "t", "query": "select 1"}, {"kind": "sql"}, {"path": ["a.db", "b.db"]}]
)
def test_a_database_is_one_place_and_one_question(tmp_path, keys):
    """Contradictory keys are refused when the spec is read."""
    with pytest.raises(SpecError):
        source_from(keys, "shop", tmp_path)
