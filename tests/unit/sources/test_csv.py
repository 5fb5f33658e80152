"""Delimited text: every cell as it came, and clear words for what cannot be read."""

from __future__ import annotations

import csv
import errno
import io
import os
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.errors import SourceError, SourceUnavailable, SpecError
from penstock.sources import CsvSource, read_snapshot, snapshot, source_from, state_of
from penstock.store import Store

_cell = st.text(alphabet=st.characters(codec="utf-8", exclude_characters="\x00\ufeff\r"), max_size=8)
_tables = st.integers(2, 4).flatmap(
    lambda width: st.lists(st.lists(_cell, min_size=width, max_size=width), min_size=1, max_size=6)
)


def table_of(text: str | bytes, **keys: object) -> pa.Table:
    """Parse a text as a CSV source would."""
    data = text.encode() if isinstance(text, str) else text
    return CsvSource(name="t", path="t.csv", **keys).parse(data, "t.csv")


def rows_of(table: pa.Table) -> list[list[str]]:
    """Return a table's rows as lists."""
    return [list(r.values()) for r in table.to_pylist()]


@given(_tables, st.sampled_from([",", ";", "\t", "|"]), st.sampled_from(["\n", "\r\n"]))
def test_what_was_written_is_read_back_to_the_letter(rows, delimiter, ending):
    """Blanks, quotes, line breaks and words such as NA are kept; no cell becomes null or a number."""
    text = io.StringIO()
    writer = csv.writer(text, delimiter=delimiter, lineterminator=ending, quoting=csv.QUOTE_ALL)
    names = [f"c{i}" for i in range(len(rows[0]))]
    writer.writerows([names, *rows])
    table = table_of(text.getvalue(), delimiter=delimiter)
    assert table.column_names == names
    assert rows_of(table) == rows


def test_quoted_and_bare_tokens_stay_text():
    """NA, "" and 007 are judged later, with the whole column in view."""
    assert rows_of(table_of('a,b,c\nNA,"",007\n"NA",null,1e5\n')) == [["NA", "", "007"], ["NA", "null", "1e5"]]


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("a,b\n1,2\n", ["a", "b"]),
        ("a;b\n1,5;2,5\n", ["a", "b"]),
        ("a\tb\n1,2\t3\n", ["a", "b"]),
        ("a|b\n1|2\n", ["a", "b"]),
        ('a,b\n"x;y",2\n"z;w",3\n', ["a", "b"]),
        ("only\n1\n2\n", ["only"]),
    ],
)
def test_the_delimiter_is_found_out(text, names):
    """A decimal comma or a semicolon inside cells does not mislead."""
    assert table_of(text).column_names == names


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_the_encoding_is_found_out(encoding):
    """A mark, UTF-8, and what older spreadsheets write."""
    assert rows_of(table_of("a,b\né,ü\n".encode(encoding))) == [["é", "ü"]]


def test_without_a_header_columns_are_numbered_or_named():
    """The first line is data then."""
    assert table_of("1,2\n3,4\n", header=False).column_names == ["column_0", "column_1"]
    named = table_of("1,2\n3,4\n", names="x, y")
    assert named.column_names == ["x", "y"]
    assert named.num_rows == 2
    assert table_of("a,b\n3,4\n", names=["x", "y"], header=True).num_rows == 1


def test_lines_of_comment_are_left_out():
    """A preamble is not the header."""
    assert rows_of(table_of("# made by hand\na,b\n1,2\n# end\n", comment="#")) == [["1", "2"]]


def test_column_names_stay_as_they_came():
    """A request uses the very names of the file."""
    assert table_of("a b, C\n1,2\n").column_names == ["a b", " C"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a,a,b\n1,2,3\n", "Two columns are named 'a'"),
        (",b\n1,2\n", "Column 1 has no name"),
        ("a,b\n", "a header and no rows"),
        ("a,b\n1,2\n3,4,5\n", "1 row cannot be parsed"),
        ("a,b\n1,2,3\n4,5,6\n", "Most rows do not fit the header"),
        ('a,"b\n1,2\n', "The header cannot be parsed"),
        (b"PK\x03\x04abc", "not delimited text"),
        (b"a,b\n1,\x00\n", "not delimited text"),
    ],
)
def test_a_table_that_cannot_be_used_is_refused_in_words(text, words):
    """The message says what is wrong with it."""
    with pytest.raises(SourceError, match=words):
        table_of(text)


def test_a_ragged_row_is_named_by_its_line():
    """The line counts as an editor counts it, quoted line breaks included."""
    text = 'a,b\n"x\ny",2\n' + "1,2\n" * 50 + "3,4,5\n" + "1,2\n" * 50
    with pytest.raises(SourceError) as caught:
        table_of(text)
    assert caught.value.where == "t.csv:54"
    assert caught.value.got == "3 cells where the header has 2"


def test_names_must_number_the_columns():
    """Too few names say how many there are."""
    with pytest.raises(SourceError, match="not as many names") as caught:
        table_of("1,2,3\n", names=["a", "b"])
    assert caught.value.got == "2 names for 3 columns"


def test_a_wrong_encoding_is_told():
    """A declared encoding is not second-guessed."""
    with pytest.raises(SourceError, match="cannot be parsed") as caught:
        table_of("a\né\nb\n".encode(), encoding="ascii")
    assert (caught.value.where, caught.value.got) == ("t.csv:2", "bytes that are not ascii text")
    with pytest.raises(SourceError, match="The header is not ascii text"):
        table_of("é\n1\n".encode(), encoding="ascii")


def test_files_of_the_same_columns_are_stacked_in_their_order(tmp_path: Path):
    """The first one's order of columns holds."""
    (tmp_path / "1.csv").write_text("a,b\n1,2\n")
    (tmp_path / "2.csv").write_text("b,a\n4,3")
    source = source_from(["1.csv", "2.csv"], "t", tmp_path)
    store = Store(tmp_path / "store")
    taken = snapshot(source, store)
    assert rows_of(read_snapshot(taken, store)) == [["1", "2"], ["3", "4"]]
    assert taken.n_rows == 2


def test_files_of_different_columns_show_the_difference(tmp_path: Path):
    """What is lacking and what is new are both named."""
    (tmp_path / "1.csv").write_text("a,b\n1,2\n")
    (tmp_path / "2.csv").write_text("a,c\n1,2\n")
    with pytest.raises(SourceError, match="different columns") as caught:
        snapshot(source_from(["1.csv", "2.csv"], "t", tmp_path), Store(tmp_path / "store"))
    assert "'b'" in caught.value.got
    assert "'c'" in caught.value.got
    assert caught.value.where.endswith("2.csv")


def test_a_snapshot_holds_the_bytes_as_they_came(tmp_path: Path):
    """The receipt says where from, how many rows, and the sha256 of the bytes."""
    data = b"a,b\r\n1,\xe9\r\n"
    (tmp_path / "t.csv").write_bytes(data)
    source = source_from("t.csv", "t", tmp_path)
    store = Store(tmp_path / "store")
    taken = snapshot(source, store)
    (part,) = taken.parts
    assert store.read_bytes(part.file) == data
    assert taken.sha256 == part.file.digest
    assert (taken.n_bytes, taken.n_quarantined, taken.quarantine) == (len(data), 0, None)
    assert taken.uri == (tmp_path / "t.csv").as_uri()
    assert taken.n_rows == 1
    again = snapshot(source, store)
    assert again.identity() == taken.identity()


def test_the_state_follows_the_content_and_not_the_clock(tmp_path: Path):
    """A touched file is the same; an altered one is not, though its time and size are."""
    file = tmp_path / "t.csv"
    file.write_text("a\n1\n")
    source = source_from(file, "t", tmp_path)
    state = state_of(source)
    os.utime(file, (0, 0))
    assert state_of(source) == state
    file.write_text("a\n2\n")
    os.utime(file, (0, 0))
    assert state_of(source) != state


def test_a_missing_file_names_its_neighbour(tmp_path: Path):
    """A misspelt path is recognised."""
    (tmp_path / "patients.csv").write_text("a\n1\n")
    for look in (state_of, lambda s: snapshot(s, Store(tmp_path / "store"))):
        with pytest.raises(SourceError, match="no such file") as caught:
            look(source_from("patient.csv", "t", tmp_path))
        assert "did you mean 'patients.csv'" in caught.value.expected


@pytest.mark.parametrize("content", [b"", b" \n\n "])
def test_an_empty_file_is_refused(tmp_path: Path, content: bytes):
    """Nothing, or nothing but blanks."""
    (tmp_path / "t.csv").write_bytes(content)
    with pytest.raises(SourceError, match="empty"):
        snapshot(source_from("t.csv", "t", tmp_path), Store(tmp_path / "store"))


@pytest.mark.parametrize(
    ("number", "kind"),
    [(errno.EIO, SourceUnavailable), (errno.ETIMEDOUT, SourceUnavailable), (errno.EACCES, SourceError)],
)
def test_what_may_pass_is_told_apart_from_what_will_not(tmp_path: Path, monkeypatch, number: int, kind: type):
    """A failing disk is worth another try; a forbidden file is not."""
    (tmp_path / "t.csv").write_text("a\n1\n")
    source = source_from("t.csv", "t", tmp_path)

    opened = Path.open

    def fail(path: Path, *args: object, **keys: object) -> object:
        if path.name == "t.csv":
            raise OSError(number, os.strerror(number))
        return opened(path, *args, **keys)

    monkeypatch.setattr(Path, "open", fail)
    for look in (state_of, lambda s: snapshot(s, Store(tmp_path / "store"))):
        with pytest.raises(SourceError, match="cannot be read") as caught:
            look(source)
        assert type(caught.value) is kind
        assert caught.value.got == os.strerror(number)


def test_a_directory_is_refused(tmp_path: Path):
    """A folder named like a file is told apart."""
    (tmp_path / "t.csv").mkdir()
    with pytest.raises(SourceError, match="directory"):
        snapshot(source_from("t.csv", "t", tmp_path), Store(tmp_path / "store"))


def test_an_unknown_key_of_a_source_names_the_closest(tmp_path: Path):
    """A source's keys are closed."""
    with pytest.raises(SpecError, match="unknown key 'delimeter'") as caught:
        source_from({"path": "t.csv", "delimeter": ";"}, "t", tmp_path)
    assert "did you mean 'delimiter'" in caught.value.expected
