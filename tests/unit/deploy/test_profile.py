"""`penstock profile`: any source in, one page and a summary or JSON out."""

from __future__ import annotations

import json
import sqlite3
import tempfile
from pathlib import Path

import pytest

from deploy.cli import call
from penstock.errors import EXIT_OK, EXIT_USER

ROWS = "name,size\n" + "".join(f"n{i % 7},{i}\n" for i in range(60))


@pytest.fixture
def here(tmp_path, monkeypatch):
    """Return a working folder with a table in it, and a place for temporary files."""
    (tmp_path / "things.csv").write_text(ROWS)
    (tmp_path / "tmp").mkdir()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "tmp"))
    return tmp_path


def test_a_file_is_looked_at_and_nothing_else_is_left(here, capsys):
    """One page in the current folder, a summary on stdout, no temporary file."""
    assert call(["profile", "things.csv"]) == EXIT_OK
    told = capsys.readouterr().out
    assert "things: 60 rows, 2 columns" in told
    assert sorted(p.name for p in here.iterdir()) == ["things.csv", "things.profile.html", "tmp"]
    assert list((here / "tmp").iterdir()) == []
    assert "60 rows" in (here / "things.profile.html").read_text()


def test_json_is_one_line_on_stdout(here, capsys):
    """A program reads what a person sees."""
    assert call(["profile", "things.csv", "--json", "--output", "out/page.html", "--target", "0"]) == EXIT_OK
    facts = json.loads(capsys.readouterr().out)
    assert (facts["n_rows"], facts["target"]["name"]) == (60, "name")
    assert (here / "out" / "page.html").exists()


def test_several_files_and_a_database_are_sources_too(here, capsys):
    """What `run` takes, `profile` takes: files of one form are stacked, a table of a database is named."""
    (here / "more.csv").write_text(ROWS)
    assert call(["profile", "things.csv", "more.csv", "--json"]) == EXIT_OK
    facts = json.loads(capsys.readouterr().out)
    assert (facts["n_rows"], facts["duplicates"]["n_rows"]) == (120, 60)
    with sqlite3.connect(here / "some.db") as base:
        base.execute("create table deeds (who text, n integer)")
        base.executemany("insert into deeds values (?, ?)", [("a", 1), ("b", 2), ("c", None)])
    base.close()
    assert call(["profile", "sqlite:///some.db", "--table", "deeds", "--json"]) == EXIT_OK
    facts = json.loads(capsys.readouterr().out)
    assert (facts["name"], facts["n_rows"], facts["missing_cells"]) == ("deeds", 3, 1)


def test_rows_that_cannot_be_parsed_are_told(here, capsys):
    """They stand aside in a run, and so here."""
    (here / "things.csv").write_text(ROWS + "a,b,c,d\n")
    assert call(["profile", "things.csv", "--json"]) == EXIT_OK
    facts = json.loads(capsys.readouterr().out)
    assert (facts["n_rows"], facts["n_quarantined"]) == (60, 1)
    assert "1 row of 61 cannot be parsed" in facts["alerts"][0]["what"]


def test_a_file_without_a_row_and_one_with_a_name_twice_have_a_page(here, capsys):
    """What a run would refuse can still be looked at, and the page says what a run would say."""
    (here / "bare.csv").write_text("a,b\n")
    (here / "twice.csv").write_text("a,b,a\n" + "1,2,3\n4,5,6\n")
    assert call(["profile", "bare.csv"]) == EXIT_OK
    assert "has a header and no rows: nothing can be measured" in capsys.readouterr().out
    assert "nothing can be measured" in (here / "bare.profile.html").read_text()
    assert call(["profile", "twice.csv", "--json"]) == EXIT_OK
    facts = json.loads(capsys.readouterr().out)
    assert [column["name"] for column in facts["columns"]] == ["a", "b", "a (2)"]
    assert "Two columns are named" in facts["remarks"][0]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["nowhere.csv"], "no such file"),
        (["things.csv", "--target", "sise"], "did you mean 'size'"),
        (["things.csv", "--private", "nam"], "did you mean 'name'"),
        (["things.csv", "--output", "things.csv/page.html"], "The page cannot be written"),
    ],
)
def test_a_mistake_of_the_users_has_exit_status_two(here, capsys, words, told):
    """The house's error on stderr, and no page."""
    assert call(["profile", *words]) == EXIT_USER
    assert told in capsys.readouterr().err
    assert not list(Path().glob("*.html"))
