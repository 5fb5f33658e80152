"""A spec out of SOURCE... and options."""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from deploy.commands.addresses import without_password
from deploy.commands.adhoc import Options, declare, keys_of
from penstock.errors import DataError, SpecError
from penstock.spec.pipeline import spec_from
from penstock.store import Store


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder with some tables, in which we are."""
    (tmp_path / "red.csv").write_text("1.5,2,5\n2.5,3,6\n")
    (tmp_path / "white.csv").write_text("3.5,2,5\n4.5,3,7\n")
    (tmp_path / "flights.csv").write_text("tailnum,dest,late\nN1,OSL,yes\nN2,BER,no\nN1,BER,no\n")
    (tmp_path / "planes.csv").write_text("tailnum,seats\nN1,4\nN2,9\n")
    (tmp_path / "weather.csv").write_text("hour,wind\n1,4\n2,9\n")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def declared(place: Path, *sources: str, **options: object) -> dict[str, Any]:
    """Return what is written for some sources."""
    return declare(sources, Options.model_validate(options), place / "specs", Store(place / "scratch"))


def test_one_file_and_a_target_make_three_lines(place: Path) -> None:
    """With the path relative to where the spec will lie."""
    made = declared(place, "flights.csv", target="late")
    assert made == {"name": "flights", "source": "../flights.csv", "target": "late"}
    assert spec_from(made, place / "specs").target == "late"


def test_files_with_the_same_columns_are_stacked(place: Path) -> None:
    """Headerless ones too, and the target may be an index, from either end."""
    made = declared(place, "red.csv", "white.csv", target="-1", header=False)
    assert made["source"] == {"path": ["../red.csv", "../white.csv"], "header": False}
    assert made["target"] == "column_2"
    spec = spec_from(made, place / "specs")
    assert len(spec.sources) == 1


def test_names_are_given_to_headerless_columns(place: Path) -> None:
    """And written down."""
    made = declared(place, "red.csv", target="quality", header=False, names=("a", "b", "quality"))
    assert made["source"]["names"] == ["a", "b", "quality"]
    assert made["target"] == "quality"


def test_other_tables_are_offered_as_joins_on_what_tells_their_rows_apart(place: Path) -> None:
    """The first is the base; a table that shares no key is a source without a join."""
    made = declared(place, "flights.csv", "planes.csv", "weather.csv", target="late")
    assert list(made["sources"]) == ["flights", "planes", "weather"]
    assert made["base"] == "flights"
    assert made["joins"] == [{"table": "planes", "on": "tailnum"}]
    spec_from(made, place / "specs")


def test_tables_of_the_same_columns_stay_apart_when_asked(place: Path) -> None:
    """`--tables`; and `--union` refuses what cannot be stacked."""
    assert "sources" in declared(place, "red.csv", "white.csv", target="0", header=False, arrange="tables")
    with pytest.raises(SpecError, match="cannot be stacked"):
        declared(place, "flights.csv", "planes.csv", target="late", arrange="union")


def test_a_target_beyond_the_columns_is_refused(place: Path) -> None:
    """With the columns that there are."""
    with pytest.raises(DataError, match="'7' is not a column"):
        declared(place, "flights.csv", target="7")


def test_only_the_first_rows_of_one_source_are_read(place: Path) -> None:
    """The run itself reads the rest: nothing of it is in the store yet."""
    (place / "long.csv").write_text("a,y\n" + "1,2\n" * 1000)
    declared(place, "long.csv", target="y")
    assert not (place / "scratch" / "objects").exists()


def test_a_pattern_and_a_directory_are_written_as_they_are(place: Path) -> None:
    """What lies there may change until the run."""
    (place / "parts").mkdir()
    for name in ("a", "b"):
        (place / "parts" / f"{name}.csv").write_text("x,y\n1,2\n")
    assert declared(place, "parts/*.csv", target="y")["source"] == "../parts/*.csv"
    made = declared(place, "parts", target="y")
    assert made == {"name": "parts", "source": "../parts", "target": "y"}


def test_how_a_source_is_read_is_written_down(place: Path) -> None:
    """`--read KEY=VALUE`, for any key that the kind of source has."""
    (place / "odd.csv").write_text("# made by hand\nx,y\n1,2\n")
    made = declared(place, "odd.csv", target="y", read={"comment": "#"})
    assert made["source"] == {"path": "../odd.csv", "comment": "#"}
    with pytest.raises(SpecError, match="unknown key 'coment'"):
        declared(place, "odd.csv", target="y", read={"coment": "#"})
    with pytest.raises(SpecError, match="has no value"):
        keys_of(["comment"])


def test_a_database_is_asked_for_a_table_or_by_a_query(place: Path) -> None:
    """The model is named after the table."""
    with sqlite3.connect(place / "shop.sqlite") as database:
        database.execute("create table orders (n integer, late text)")
        database.execute("insert into orders values (1, 'yes')")
        database.execute("create table other (n integer)")
    database.close()
    made = declared(place, "shop.sqlite", target="late", table="orders")
    assert made == {"name": "orders", "source": {"path": "../shop.sqlite", "table": "orders"}, "target": "late"}
    made = declared(place, "shop.sqlite", target="late", query="select n, late from orders")
    assert made["source"] == {"path": "../shop.sqlite", "query": "select n, late from orders"}


def test_a_password_in_an_address_is_never_written_down(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The spec names a variable, which this process has, and the message says so."""
    address = without_password("postgresql://me:hunter2@db.example:5432/shop")
    assert address.written == "${env:DATABASE_URL}"
    assert os.environ["DATABASE_URL"] == address.given
    assert "hunter2" not in address.message + address.shown + address.written
    assert "export DATABASE_URL=" in address.message
    assert without_password("postgresql://me:other@db.example/shop").written == "${env:DATABASE_URL_2}"
    assert without_password("postgresql://db.example/shop?password=p2").written == "${env:DATABASE_URL_3}"
    assert without_password("https://me:pw@host/rows.csv").written == "${env:SOURCE_URL}"
    assert without_password("https://host/rows.csv?token=abcd1234").written == "${env:SOURCE_URL_2}"
    assert without_password("postgresql://me@db.example/shop").written == "postgresql://me@db.example/shop"


def test_a_first_line_of_data_is_pointed_out(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Once it is said that there is no header, there is nothing to point out."""
    declared(place, "red.csv", target="0")
    assert "--no-header" in capsys.readouterr().err
    declared(place, "red.csv", target="0", header=False)
    assert capsys.readouterr().err == ""
