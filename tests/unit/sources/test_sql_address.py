"""Addresses of databases, and the moments that parameters name."""

from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.errors import SourceError, SpecError
from penstock.sources.database.address import address_of, connect_arguments, holds_secret, tables_of
from penstock.sources.database.dates import is_relative, moment_of

NOW = dt.datetime(2026, 3, 1, 12, 30, tzinfo=dt.UTC)


@pytest.mark.parametrize(
    ("url", "driver", "shown"),
    [
        ("postgresql://me@h/shop", "postgresql+psycopg", "postgresql://me@h/shop"),
        ("postgres://me:hush@h:5433/shop", "postgresql+psycopg", "postgres://me:***@h:5433/shop"),
        ("postgresql://", "postgresql+psycopg", "postgresql://"),
        ("postgresql:///shop?host=/run/x&password=hush", "postgresql+psycopg", "postgresql:///shop?host=%2Frun%2Fx"),
        ("mysql://u:hu%40sh@h/x", "mysql+pymysql", "mysql://u:***@h/x"),
        ("mariadb://h", "mariadb+pymysql", "mariadb://h"),
        ("postgresql+pg8000://h/x", "postgresql+pg8000", "postgresql+pg8000://h/x"),
        ("sqlite:////data/a@b.db", "sqlite", "sqlite:////data/a%40b.db"),
    ],
)
def test_an_address_names_its_driver_and_hides_its_password(url, driver, shown):
    """A scheme alone is enough; a secret in the query is left out."""
    address = address_of(url)
    assert (address.url.drivername, address.shown) == (driver, shown)
    assert "hush" not in repr(address)


@pytest.mark.parametrize("url", ["nonsense", "postgresql://me:hu@sh@h/x", "x://me:hush@h:p/"])
def test_a_bad_address_is_told_without_a_piece_of_it(url):
    """Where a password's end is not clear, nothing behind the scheme is shown."""
    with pytest.raises(SourceError, match="cannot be understood") as caught:
        address_of(url)
    assert "sh" not in caught.value.where + caught.value.got
    assert caught.value.__cause__ is None


@pytest.mark.parametrize("url", ["postgresql://me:hush@h/shop", "postgresql://h/shop?password=hush"])
def test_an_address_with_a_password_is_known_by_it(url):
    """Wherever it stands in there."""
    assert holds_secret(url)
    assert not holds_secret("postgresql://me@h/shop?application_name=x")


@given(st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=3))
def test_no_password_is_ever_shown(password):
    """Whatever signs it has, once they are written in percents."""
    from urllib.parse import quote

    address = address_of(f"postgresql://me:{quote(password, safe='')}@host/shop")
    assert address.url.password == password
    assert address.shown == "postgresql://me:***@host/shop"
    assert address.without_secrets(f"no {password} here") != f"no {password} here"


def test_what_the_address_says_comes_first():
    """A time-out of the user's own is kept."""
    assert "connect_timeout" not in connect_arguments(address_of("postgresql://h/x?connect_timeout=3"), 5)
    assert connect_arguments(address_of("postgresql://h/x"), 5)["connect_timeout"] == 10


def test_the_tables_of_a_file_are_listed(tmp_path):
    """Views among them, and without a number where there is none to be had."""
    import sqlite3

    with sqlite3.connect(tmp_path / "x.db") as connection:
        connection.executescript("create table b (x); create view a as select * from b")
    connection.close()
    assert tables_of(path=str(tmp_path / "x.db")) == (("a", None), ("b", None))


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("today", "2026-03-01"),
        ("today - 730d", "2024-03-01"),
        ("today+1w", "2026-03-08"),
        ("today - 6h", "2026-02-28 18:00:00+00:00"),
        ("now", "2026-03-01 12:30:00+00:00"),
        ("now - 90m", "2026-03-01 11:00:00+00:00"),
    ],
)
def test_a_moment_is_counted_from_now(text, moment):
    """Days make a date, shorter units a moment."""
    assert str(moment_of(text, NOW)) == moment
    assert is_relative(text)


@pytest.mark.parametrize("value", ["todays", "yesterday", "today - 1 year", "2024-01-01", "now or never", 7, 2.5, ""])
def test_what_names_no_moment_is_itself(value):
    """Only the written forms count."""
    assert moment_of(value, NOW) == value
    assert not is_relative(value)


def test_a_moment_beyond_the_calendar_is_refused():
    """Not a traceback."""
    with pytest.raises(SpecError, match="no calendar"):
        moment_of("today - 999999w", NOW)
