"""Databases: tables and queries through SQLAlchemy, read-only, their passwords unseen."""

from __future__ import annotations

import datetime as dt
import sqlite3
import sys
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

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
    return read_snapshot(snapshot(source, store), store)


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
        ({"query": "delete from sales"}, "only read"),
        ({"query": "selec id from sales"}, "not understood"),
        ({"query": "select id from sales; drop table sales"}, "not understood"),
        ({"query": "select id from sales where id > :low"}, "don't fit together"),
        ({"query": "select id from sales", "params": {"low": 1}}, "don't fit together"),
        ({"table": "sales", "max_rows": 2}, "more rows than allowed"),
        ({"table": "sales", "watermark": {"column": "idd"}}, "that the rows don't have"),
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
    monkeypatch.setattr("penstock.sources.database.sqlite.PATIENCE", 0.05)
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


def test_a_missing_driver_and_a_bad_address_are_told(tmp_path, monkeypatch):
    """What installs the driver is named; a driver that nobody knows is no driver."""
    with pytest.raises(SourceError, match="does not know"):
        read(source_from("postgresql+nosuchdriver://h/shop", "shop", tmp_path, table="x"), tmp_path)
    for module, scheme, extra in (("psycopg", "postgresql", "postgres"), ("pymysql", "mariadb", "mysql")):
        monkeypatch.setitem(sys.modules, module, None)
        with pytest.raises(SourceError, match="not installed") as caught:
            read(source_from(f"{scheme}://me:hush@h/shop", "shop", tmp_path, table="x"), tmp_path)
        assert caught.value.todo == f"pip install 'penstock[{extra}]'"
        assert "hush" not in str(caught.value)


def test_a_query_that_takes_too_long_is_stopped(database, tmp_path):
    """SQLite has no time limit of its own."""
    endless = "with recursive n(i) as (select 1 union all select i + 1 from n) select max(i) as m from n"
    with pytest.raises(SourceError, match="too long") as caught:
        read(source_from({"path": str(database), "query": endless, "timeout": 0.1}, "shop", tmp_path), tmp_path)
    assert "timeout" in caught.value.expected
    assert not isinstance(caught.value, SourceUnavailable)


def test_columns_without_values_keep_their_declared_types(tmp_path):
    """So do those whose first rows are all NULL, and a price whose first values are whole."""
    file = tmp_path / "x.db"
    with sqlite3.connect(file) as connection:
        connection.execute("create table t (i integer, r real, d decimal(8,2), t text, late integer, day date, w)")
        connection.executemany("insert into t values (null, null, 2, null, ?, null, ?)", [(None, 1)] * 30_000)
        connection.execute("insert into t values (null, null, 2.5, null, 7, null, 'x')")
    connection.close()
    table = read(source_from(file, "shop", tmp_path, table="t"), tmp_path)
    assert [str(f.type) for f in table.schema] == ["int64", "double", "double", "string", "int64", "string", "string"]
    assert table.slice(29_999).to_pylist() == [
        {"i": None, "r": None, "d": 2.0, "t": None, "late": None, "day": None, "w": "1"},
        {"i": None, "r": None, "d": 2.5, "t": None, "late": 7, "day": None, "w": "x"},
    ]


def test_whole_numbers_that_no_float_holds_become_text_beside_fractions(tmp_path):
    """A digit is never lost."""
    file = tmp_path / "x.db"
    with sqlite3.connect(file) as connection:
        connection.execute("create table t (a, b)")
        connection.executemany("insert into t values (?, ?)", [(2**53 + 1, 1)] * 20_000 + [(0.5, 0.5)])
    connection.close()
    table = read(source_from(file, "shop", tmp_path, table="t"), tmp_path)
    assert table.slice(19_999).to_pydict() == {"a": ["9007199254740993", "0.5"], "b": [1.0, 0.5]}


CELLS = {
    "i": st.integers(-(1 << 63), (1 << 63) - 1),
    "r": st.floats(allow_nan=False),
    "t": st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\0")),
    "b": st.binary().map(bytes.hex),
}


@given(rows=st.lists(st.fixed_dictionaries({n: st.none() | c for n, c in CELLS.items()}), min_size=1))
def test_what_is_written_is_read_back(tmp_path_factory, rows):
    """The same types and values, NULLs among them; bytes in hex."""
    folder = tmp_path_factory.mktemp("back")
    with sqlite3.connect(folder / "x.db") as connection:
        connection.execute("create table t (i integer, r real, t text, b blob)")
        blobs = [r | {"b": None if r["b"] is None else bytes.fromhex(r["b"])} for r in rows]
        connection.executemany("insert into t values (:i, :r, :t, :b)", blobs)
    connection.close()
    table = read(source_from(folder / "x.db", "shop", folder, table="t"), folder)
    assert [f.type for f in table.schema] == [pa.int64(), pa.float64(), pa.string(), pa.string()]
    assert table.to_pylist() == rows


def test_only_what_is_new_is_fetched(tmp_path):
    """By id, without a key; a new run on the same rows brings the same table and asks for nothing."""
    file = tmp_path / "x.db"
    connection = sqlite3.connect(file)
    connection.execute("create table t (id integer, v text)")
    connection.executemany("insert into t values (?, 'a')", [(i,) for i in range(5)])
    connection.commit()
    store = Store(tmp_path / "store")
    keys = {"path": str(file), "query": "select * from t -- all", "watermark": {"column": "id", "initial": 1}}
    source = source_from(keys, "shop", tmp_path)
    first = snapshot(source, store)
    assert (first.n_rows, first.watermark) == (3, "4")
    assert snapshot(source, store).table == first.table
    connection.execute("update t set v = 'b'")
    connection.execute("insert into t values (9, 'c')")
    connection.commit()
    later = snapshot(source, store)
    assert read_snapshot(later, store).to_pydict() == {"id": [2, 3, 4, 9], "v": ["a", "a", "a", "c"]}
    assert later.watermark == "9"
    assert "1 rows are new" in later.remarks[0]
    connection.execute("alter table t add column more")
    connection.commit()
    anew = snapshot(source, store)
    assert anew.n_rows == 4
    assert "others than before" in anew.remarks[0]
    connection.close()


def test_a_window_that_moved_is_read_as_a_whole(tmp_path):
    """Rows that fell out of it are not kept for having been read before."""
    with sqlite3.connect(tmp_path / "x.db") as connection:
        connection.execute("create table t (id integer)")
        connection.executemany("insert into t values (?)", [(i,) for i in range(5)])
    connection.close()
    source = source_from(
        {
            "path": str(tmp_path / "x.db"),
            "query": "select id, :since as since from t",
            "params": {"since": "today - 1d"},
            "watermark": {"column": "id", "initial": 1},
        },
        "shop",
        tmp_path,
    )
    store = Store(tmp_path / "store")
    first = snapshot(source, store)
    yesterday = first.model_copy(update={"origin": first.origin | {"params": '{"since": "2000-01-01"}'}})
    anew = source.collect(store, yesterday)
    assert (anew.n_rows, anew.watermark, len(anew.parts)) == (3, "4", 1)


def test_the_newest_row_of_each_key_stays(tmp_path):
    """Of the first run's rows, too; a row without a key is nobody's older one."""
    rows = [(1, "2024-01-02", "new"), (1, "2024-01-01", "old"), (2, None, "x"), (None, None, "y"), (None, None, "z")]
    with sqlite3.connect(tmp_path / "x.db") as connection:
        connection.execute("create table t (id integer, at text, v text)")
        connection.executemany("insert into t values (?, ?, ?)", rows)
    connection.close()
    source = source_from(tmp_path / "x.db", "shop", tmp_path, table="t", watermark={"column": "at", "key": "id"})
    assert read(source, tmp_path).column("v").to_pylist() == ["new", "x", "y", "z"]


def test_a_window_that_moves_is_part_of_the_state(database, tmp_path):
    """The same file gives other rows tomorrow."""
    keys = {"path": str(database), "query": "select id from sales where :since < 'x'"}
    fixed = source_from(keys | {"params": {"since": "2024-01-01"}}, "shop", tmp_path)
    moving = source_from(keys | {"params": {"since": "today - 1d"}}, "shop", tmp_path)
    assert state_of(fixed) != state_of(moving)
    taken = snapshot(moving, Store(tmp_path / "store"))
    day = (dt.datetime.now(dt.UTC) - dt.timedelta(days=1)).date()
    assert taken.origin["params"] == f'{{"since": "{day}"}}'


@pytest.mark.parametrize(
    "keys",
    [
        {"path": "a.db", "table": "t", "query": "select 1"},
        {"kind": "sql"},
        {"path": ["a.db", "b.db"]},
        {"path": "a.db", "schema": "s", "query": "select 1"},
        {"path": "a.db", "table": "t", "params": {"a": 1}},
        {"path": "a.db", "query": "select :penstock_after", "params": {"penstock_after": 1}},
        {"path": "a.db", "table": "t", "timeout": 0},
    ],
)
def test_a_database_is_one_place_and_one_question(tmp_path, keys):
    """Contradictory keys are refused when the spec is read."""
    with pytest.raises(SpecError):
        source_from(keys, "shop", tmp_path)
