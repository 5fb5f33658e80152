"""Databases as they are: PostgreSQL and MariaDB servers, started from installed binaries and stopped afterwards."""

from __future__ import annotations

import datetime as dt
import re
import socket
import threading
import time
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from penstock.errors import SourceUnavailable
from penstock.receipts import FrameRef
from penstock.sources import SqlSource, read_snapshot, snapshot, source_from
from penstock.sources.database.address import address_of, tables_of
from penstock.sources.database.engines import within
from penstock.store import Store
from tests.integration.making_sql import do, fails, read
from tests.servers import PASSWORD, Server, free_port, mariadb_server, postgresql_server


@pytest.fixture(autouse=True)
def _no_defaults(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let no variable of the machine name a server, a user or a password."""
    for name in ("PGPASSWORD", "PGUSER", "PGHOST", "PGPORT", "PGDATABASE", "PGPASSFILE", "PGSERVICE", "MYSQL_PWD"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(params=("postgresql", "mariadb"))
def server(request: pytest.FixtureRequest) -> Server:
    """Return one server after the other."""
    return request.getfixturevalue(request.param)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """Return an empty store."""
    return Store(tmp_path / "store")


@pytest.fixture(scope="module", params=("postgresql", "mariadb"))
def shop(request: pytest.FixtureRequest) -> Server:
    """Return a server with a table of orders, one without rows, and another schema with one more."""
    server: Server = request.getfixturevalue(request.param)
    do(
        server,
        "create table orders (id integer primary key, amount numeric(8,2), note varchar(20))",
        "insert into orders values (1, 1.5, 'a'), (2, null, '100%%'), (3, 2.5, null)",
        "create table nothing (id integer, amount numeric(8,2))",
        "create schema sales",
        "create table sales.visits (id integer)",
        "insert into sales.visits values (1), (2)",
    )
    return server


def test_a_table_may_lie_in_another_schema(shop, store):
    """Written with a point, or as a key of its own."""
    assert read(shop, store, table="sales.visits").num_rows == 2
    assert read(shop, store, table="visits", schema="sales").num_rows == 2


def test_a_query_takes_parameters_and_keeps_its_percents(shop, store):
    """A parameter is bound as a value; a percent in the query is itself."""
    asked = "select id from orders where (note like '%0!%' escape '!' or id = :id) and note <> :evil -- the end"
    assert read(shop, store, query=asked, params={"id": 1, "evil": "'; drop table orders; --"}).num_rows == 2
    assert read(shop, store, table="orders").num_rows == 3


def test_a_window_is_counted_from_today(shop, store):
    """The receipt tells the day that was meant, and no other parameter."""
    source = SqlSource(
        name="s",
        url=shop.url(),
        query="select id from orders where :since < :day and note <> :hidden",
        params={"since": "today - 730d", "day": "2999-01-01", "hidden": "hush-hush"},
    )
    taken = snapshot(source, store)
    day = (dt.datetime.now(dt.UTC) - dt.timedelta(days=730)).date()
    assert taken.origin["params"] == f'{{"since": "{day}"}}'
    assert "hush-hush" not in taken.model_dump_json()


def test_the_receipt_tells_which_state_of_which_server_was_read(shop, store):
    """Version, snapshot, estimate and statement; no password."""
    taken = snapshot(SqlSource(name="s", url=shop.url(), table="orders"), store)
    assert taken.origin["server"].lower().startswith(shop.scheme)
    assert taken.origin["snapshot"]
    assert taken.origin["statement"] == "SELECT * FROM orders"
    assert int(taken.origin["estimate"]) > 0
    assert taken.n_bytes == sum(part.file.size for part in taken.parts) > 0
    assert PASSWORD not in taken.model_dump_json()
    assert source_from(shop.url(), "s", Path(), table="orders").state() is None


@pytest.mark.parametrize(
    ("keys", "what", "words"),
    [
        ({"table": "order"}, "no table 'order'", "did you mean 'orders'?"),
        ({"table": "sales.visit"}, "no table 'sales.visit'|no table 'visit'", "did you mean 'visits'?"),
        ({}, "several tables", "'nothing'"),
        ({"query": "select amout from orders"}, "no such column", "did you mean 'amount'?"),
        ({"query": "selec id from orders"}, "not understood", "one SELECT"),
        ({"query": "select a.id, b.id from orders a, orders b"}, "Two columns are named 'id'", "AS order_id"),
        ({"table": "nothing"}, "has no rows", "at least one row"),
        ({"query": "select id from orders where id > 9"}, "gave no rows", "at least one row"),
        ({"query": "select id from orders where id > :low"}, "parameters don't fit", ":low"),
        ({"query": "delete from orders"}, "only read", "Give a SELECT"),
        ({"query": "update orders set amount = 0"}, "only read", "Give a SELECT"),
        ({"query": "drop table orders"}, "only read", "Give a SELECT"),
        ({"query": "create table more (id integer)"}, "only read", "Give a SELECT"),
        ({"query": "select id from orders; drop table orders"}, "not understood", "one SELECT"),
        ({"table": "orders", "max_rows": 2}, "more rows than allowed", "max_rows"),
        ({"query": "select id from orders", "max_rows": 2}, "more rows than allowed", "max_rows"),
    ],
)
def test_a_question_that_cannot_be_answered_is_refused_in_words(shop, store, keys, what, words):
    """The error names what there is; nothing was written, and a right question still works."""
    error = fails(shop, store, **keys)
    assert not isinstance(error, SourceUnavailable)
    assert re.search(what, error.what), error
    assert words in f"{error.expected} {error.todo} {error.got}"
    assert read(shop, store, table="orders").num_rows == 3


def test_a_query_that_takes_too_long_is_stopped(shop, store):
    """The error names the setting, and trying again would not help."""
    slow = "pg_sleep(5)::text" if shop.scheme == "postgresql" else "sleep(5)"
    began = time.monotonic()
    error = fails(shop, store, query=f"select id, {slow} as t from orders", timeout=0.3)
    assert "too long" in error.what
    assert "timeout" in error.expected
    assert not isinstance(error, SourceUnavailable)
    assert time.monotonic() - began < 4


def test_who_may_not_enter_is_told_without_the_password(shop, store):
    """A wrong password, none, an unknown user: the user's to correct, and not tried again."""
    for url in (shop.url(password="wr0ng-w0rd"), shop.url(password=None), shop.url(user="stranger")):
        error = fails(shop, store, url, table="orders")
        assert "does not let this user in" in error.what
        assert not isinstance(error, SourceUnavailable)
        assert "wr0ng-w0rd" not in str(error)


def test_an_unknown_database_is_told_with_those_that_there_are(shop, store):
    """What was meant is guessed."""
    error = fails(shop, store, shop.url(database=f"{shop.database}x"), table="orders")
    assert "no such database" in error.what
    assert repr(shop.database) in error.expected


def test_a_place_where_nobody_answers_is_worth_another_try(shop, store):
    """A server may be starting; a name that nobody knows stays unknown."""
    at = f"127.0.0.1:{shop.port}"
    refused = fails(shop, store, shop.url().replace(at, f"127.0.0.1:{free_port()}"), table="orders")
    assert isinstance(refused, SourceUnavailable)
    unknown = fails(shop, store, shop.url().replace(at, "no-such-host.invalid"), table="orders")
    assert "host is not known" in unknown.what
    assert not isinstance(unknown, SourceUnavailable)


def test_a_safe_connection_that_the_server_cannot_give_is_not_replaced_by_another(shop, store):
    """What the address asks of TLS holds."""
    asked = {"postgresql": "sslmode=require", "mariadb": "ssl_ca=/no/such/file"}[shop.scheme]
    assert "safe connection" in fails(shop, store, f"{shop.url()}?{asked}", table="orders").what


def test_a_connection_that_is_lost_midway_is_worth_another_try(shop, store):
    """Nothing half-read is in the store."""
    if shop.scheme == "postgresql":
        query = "select i, repeat('x', 500) as t, pg_sleep(0.0005)::text as s from generate_series(1, 100000) i"
        end = "select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'penstock'"
    else:
        query = "select seq, repeat('x', 500) as t, sleep(0.0005) as s from seq_1_to_100000"
        one = "select id from information_schema.processlist where info like '%%sleep(0.%%' and id <> connection_id()"
        end = f"begin not atomic for r in ({one}) do execute immediate concat('kill ', r.id); end for; end"
    timer = threading.Timer(0.7, lambda: do(shop, end))
    timer.start()
    try:
        error = fails(shop, store, query=query)
    finally:
        timer.join()
    assert isinstance(error, SourceUnavailable)
    assert "lost" in error.what
    assert not list(Path(store.root).glob("objects/**/*.arrow"))


def test_the_tables_of_a_database_are_listed(shop):
    """For the question which of them is meant."""
    assert {"orders", "nothing"} <= {name for name, _ in tables_of(shop.url())}


def test_the_environment_says_what_the_address_leaves_out(postgresql, mariadb, store, tmp_path, monkeypatch):
    """The variables and files that the servers' own programs read."""
    do(postgresql, "create table told (id integer)", "insert into told values (1)")
    do(mariadb, "create table told (id integer)", "insert into told values (1)")
    bare = f"postgresql://owner@127.0.0.1:{postgresql.port}/postgres"
    pgpass = tmp_path / "pgpass"
    pgpass.write_text(f"127.0.0.1:*:*:owner:{PASSWORD}\n")
    pgpass.chmod(0o600)
    monkeypatch.setenv("PGPASSFILE", str(pgpass))
    assert read(postgresql, store, bare, table="told").num_rows == 1
    monkeypatch.delenv("PGPASSFILE")
    for name, value in {
        "PGHOST": "127.0.0.1",
        "PGPORT": str(postgresql.port),
        "PGUSER": "owner",
        "PGDATABASE": "postgres",
        "PGPASSWORD": PASSWORD,
    }.items():
        monkeypatch.setenv(name, value)
    assert read(postgresql, store, "postgresql://", table="told").num_rows == 1
    monkeypatch.setenv("MYSQL_PWD", PASSWORD)
    assert read(mariadb, store, mariadb.url(password=None), table="told").num_rows == 1
    monkeypatch.delenv("MYSQL_PWD")
    monkeypatch.setenv("HOME", str(tmp_path))
    options = tmp_path / ".my.cnf"
    options.write_text(f"[client]\nuser=owner\npassword={PASSWORD}\nhost=127.0.0.1\nport={mariadb.port}\n")
    assert read(mariadb, store, "mysql:///shop", table="told").num_rows == 1
    options.write_text(f"[client\npassword={PASSWORD}\n")
    assert "option file" in fails(mariadb, store, "mysql:///shop", table="told").what


def test_only_what_is_new_is_fetched(server, store):
    """Rows beyond the last watermark are added; a row with a known key replaces the older one."""
    moment = "timestamptz" if server.scheme == "postgresql" else "timestamp(6)"
    do(
        server,
        "drop table if exists changes",
        f"create table changes (id integer, changed {moment}, v varchar(5))",
        "insert into changes values (1, '2024-01-01 00:00:00', 'a'), (2, '2024-01-02 00:00:00.25', 'b')",
    )
    mark = {"column": "changed", "key": "id"}
    source = SqlSource(name="s", url=server.url(), table="changes", watermark=mark)
    first = snapshot(source, store)
    same = snapshot(source, store)
    assert (same.table, same.parts, same.watermark) == (first.table, first.parts, first.watermark)
    do(server, "insert into changes values (1, '2024-01-03 00:00:00', 'new'), (3, '2024-01-03 00:00:00', 'c')")
    later = snapshot(source, store)
    table = read_snapshot(later, store)
    assert table.select(["id", "v"]).to_pydict() == {"id": [2, 1, 3], "v": ["b", "new", "c"]}
    assert later.watermark > first.watermark
    assert store.read_table(table_part(later)).num_rows == 2


def table_part(taken):
    """Return the reference of the rows that came last."""
    file = taken.parts[-1].file
    return FrameRef(digest=file.digest, path=file.path, size=file.size, n_rows=0, columns=())


def test_a_watermark_of_text_is_refused(shop, store):
    """Its order is the server's, and could hide new rows."""
    assert "is text" in fails(shop, store, table="orders", watermark={"column": "note"}).what
    assert "did you mean 'id'" in fails(shop, store, table="orders", watermark={"column": "idd"}).expected


def test_one_state_is_read_while_others_write(shop, store):
    """What is committed after the transaction began is not seen."""
    do(shop, "create table moving (id integer)", "insert into moving values (1)")

    def twice(session):
        rows = [sum(b.num_rows for b in session.blocks(session.whole("moving", None)))]
        do(shop, "insert into moving values (2)")
        return [*rows, sum(b.num_rows for b in session.blocks(session.whole("moving", None)))]

    assert within(address_of(shop.url()), 30, twice) == [1, 1]
    assert read(shop, store, table="moving").num_rows == 2


def test_servers_are_gone_when_their_block_ends(need):
    """Also where it ends by a failure."""
    for run in (postgresql_server, mariadb_server):
        seen: list[Server] = []
        with pytest.raises(ZeroDivisionError):
            _fail_in(run(need), seen)
        assert not seen[0].folder.exists()
        assert _nobody_listens(seen[0].port)


def _fail_in(running: AbstractContextManager[Server], seen: list[Server]) -> None:
    with running as server:
        seen.append(server)
        assert not _nobody_listens(server.port)
        raise ZeroDivisionError


def _nobody_listens(port: int) -> bool:
    with socket.socket() as s:
        return s.connect_ex(("127.0.0.1", port)) != 0
