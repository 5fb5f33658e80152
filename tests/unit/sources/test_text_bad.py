"""What delimited text that is broken, cut short or something else gets: a clear error, or its rows set aside."""

from __future__ import annotations

from pathlib import Path

import pytest

from penstock.errors import SourceError, SpecError
from penstock.receipts import Snapshot
from penstock.sources import CsvSource, read_snapshot, snapshot, source_from
from penstock.sources.intake import Intake
from penstock.store import Store

GOOD = "".join(f"{i},x\n" for i in range(40))


def taken(
    tmp_path: Path, data: str | bytes, **keys: object
) -> tuple[Snapshot, list[list[str]], list[dict[str, object]]]:
    """Collect a file: the receipt, the rows and the quarantine."""
    (tmp_path / "t.csv").write_bytes(data.encode() if isinstance(data, str) else data)
    store = Store(tmp_path / "store")
    got = snapshot(source_from({"path": "t.csv", **keys}, "t", tmp_path), store)
    rows = [list(row.values()) for row in read_snapshot(got, store).to_pylist()]
    return got, rows, store.read_table(got.quarantine).to_pylist() if got.quarantine else []


def test_rows_that_do_not_fit_go_to_the_quarantine(tmp_path: Path):
    """With file, line, reason and text; the receipt counts them."""
    got, rows, aside = taken(tmp_path, f"a,b\n1,2,3\n{GOOD}4\n")
    assert (got.n_rows, got.n_quarantined, len(rows)) == (40, 2, 40)
    assert [(a["line"], a["reason"], a["text"]) for a in aside] == [
        (2, "3 cells where the header has 2", "1,2,3"),
        (43, "1 cell where the header has 2", "4"),
    ]
    assert all(a["file"].endswith("t.csv") for a in aside)


def test_too_many_bad_rows_stop_the_run_and_nothing_is_left_half_written(tmp_path: Path):
    """The share is a setting; the error names the first of them."""
    with pytest.raises(SourceError, match="3 of 43 rows cannot be parsed") as caught:
        taken(tmp_path, f"a,b\n{GOOD}" + "1,2,3\n" * 3)
    assert caught.value.where.endswith("t.csv:42")
    assert caught.value.got == "3 cells where the header has 2"
    assert not list((tmp_path / "store").glob("incoming/*"))
    assert taken(tmp_path, f"a,b\n{GOOD}" + "1,2,3\n" * 3, max_quarantined=0.1)[0].n_quarantined == 3


@pytest.mark.parametrize(
    ("end", "reason"),
    [("41", "1 cell where the header has 2"), ('41,"half a ce', "a quote is opened and not closed")],
)
def test_a_file_that_was_cut_short_is_noticed(tmp_path: Path, end: str, reason: str):
    """The half row is set aside, and the receipt has a remark."""
    got, rows, aside = taken(tmp_path, f"a,b\n{GOOD}{end}")
    assert len(rows) == 40
    assert [(a["line"], a["reason"], a["text"]) for a in aside] == [(42, reason, end)]
    assert any("ends amid a row" in words for words in got.remarks)


def test_a_last_line_need_not_be_ended(tmp_path: Path):
    """A whole row without a line end is a row."""
    got, rows, aside = taken(tmp_path, "a,b\n1,2\n3,4")
    assert (rows, aside, got.remarks) == ([["1", "2"], ["3", "4"]], [], ())


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"PK\x03\x04\x14\x00\x06\x00", "a ZIP archive or an Excel workbook"),
        (b"PAR1\x15\x04\x15\x00", "a Parquet file"),
        (b"ARROW1\x00\x00", "an Arrow file"),
        (b"SQLite format 3\x00", "an SQLite database"),
        (b"%PDF-1.7\n", "a PDF document"),
        (b"\x89PNG\r\n\x1a\n", "a PNG picture"),
        (b"<!DOCTYPE html>\n<html><body>Not found", "an HTML page"),
        (b'<?xml version="1.0"?><rows/>', "an XML document"),
        (b'[{"a": 1, "b": 2}]', "JSON"),
        (b"\x00\x01\x02\x03" * 99, "binary data"),
    ],
)
def test_another_format_under_the_name_of_a_table_is_named(tmp_path: Path, data: bytes, words: str):
    """An export that failed, a page that asks for a login, a wrong ending."""
    with pytest.raises(SourceError, match="not delimited text") as caught:
        taken(tmp_path, data)
    assert caught.value.got == words


@pytest.mark.parametrize("text", ["PAR1,PAR2\n1,2\n", "BZh,b\n1,2\n", "ORC,b\n1,2\n", "{a},b\n1,2\n"])
def test_a_name_that_looks_like_a_mark_is_a_name(tmp_path: Path, text: str):
    """Only with what follows in such a file it is one."""
    assert taken(tmp_path, text)[1] == [["1", "2"]]


@pytest.mark.parametrize(
    ("data", "keys", "words"),
    [
        ("", {}, "empty"),
        ("\n \r\n\n", {}, "empty"),
        (b"\xef\xbb\xbf", {}, "empty"),
        (b"\xff\xfe", {}, "empty"),
        ("a,b\n1,2\n", {"skip": 2}, "Nothing is left of the file behind `skip`"),
        ("# a\n# b\n", {"comment": "#"}, "no rows"),
        ("a,b\n", {}, "a header and no rows"),
        ("# a\na,b\n\n# c\n", {"comment": "#"}, "a header and no rows"),
        ("a,,c\n1,2,3\n", {}, "Column 2 has no name"),
        ("a,b,a\n1,2,3\n", {}, "Two columns are named 'a'"),
        ("a,b\n1,2\n", {"names": ["x", "x"]}, "Two columns are named 'x'"),
    ],
)
def test_what_has_no_rows_or_no_names_is_refused(
    tmp_path: Path, data: str | bytes, keys: dict[str, object], words: str
):
    """The message says which."""
    with pytest.raises(SourceError, match=words):
        taken(tmp_path, data, **keys)


def test_names_that_are_data_are_told_as_such(tmp_path: Path):
    """A first line of numbers, some of them equal."""
    with pytest.raises(SourceError, match="Two columns are named '0'") as caught:
        taken(tmp_path, "5,0,0\n6,0,1\n7,1,1\n")
    assert "`header: false`" in caught.value.todo


@pytest.mark.parametrize(
    ("text", "keys", "todo"),
    [
        ("Report of May\na,b,c\n1,2,3\n4,5,6\n7,8,9\n", {}, "`skip`"),
        ("a,b\nr1,1,2\nr2,3,4\n", {}, "`names`"),
        ("x,y\n1,2,3,4\n1,2,3,4\n", {}, "`header: false`"),
    ],
)
def test_a_header_that_most_rows_do_not_fit_is_explained(tmp_path: Path, text: str, keys: dict[str, object], todo: str):
    """A title above it, names of rows, or none at all."""
    with pytest.raises(SourceError, match="Most rows do not fit the header") as caught:
        taken(tmp_path, text, **keys)
    assert todo in caught.value.todo
    assert "cells in" in caught.value.got


def test_a_title_may_be_skipped(tmp_path: Path):
    """As the error says."""
    assert taken(tmp_path, "Report of May\n\na,b\n1,2\n", skip=1)[1] == [["1", "2"]]


def test_rows_of_all_widths_are_no_table(tmp_path: Path):
    """Without a header there is nothing to say which of them is right."""
    with pytest.raises(SourceError, match="different numbers of cells"):
        taken(tmp_path, "1\n1,2\n1,2,3\n1,2,3,4\n", header=False)


def test_a_delimiter_that_does_not_occur_is_remarked_upon(tmp_path: Path):
    """One column may be meant; more likely it is not."""
    got, rows, _ = taken(tmp_path, "a,b\n1,2\n", delimiter=";")
    assert rows == [["1,2"]]
    assert "';' is not in it; ',' would divide it into 2 columns" in got.remarks[0]


@pytest.mark.parametrize(
    "text",
    ["a,b\n1,2,\n3,4,\n", "a,b,\n1,2,\n3,4,\n", "a,b,\n1,2\n3,4\n", "a,b, \n1,2,\n3,4,\n"],
)
def test_a_delimiter_at_the_end_of_lines_makes_no_column(tmp_path: Path, text: str):
    """Whether the header ends with it, the rows do, or both."""
    got, rows, aside = taken(tmp_path, text)
    assert (got.table.columns, rows, aside) == (("a", "b"), [["1", "2"], ["3", "4"]], [])
    assert all("without a name and empty, dropped" in words for words in got.remarks)


def test_without_a_header_a_delimiter_at_the_end_makes_no_column_either(tmp_path: Path):
    """Numbered or named."""
    assert taken(tmp_path, "1,2,\n3,4,\n", header=False)[0].table.columns == ("column_0", "column_1")
    assert taken(tmp_path, "1,2,\n3,4,\n", names="x,y")[0].table.columns == ("x", "y")
    assert taken(tmp_path, "1,2,\n3,4,\n", names="x,y,z")[0].table.columns == ("x", "y", "z")


def test_a_cell_in_a_column_that_was_dropped_is_not_lost_in_silence(tmp_path: Path):
    """Far below, a row may have something where all before it had nothing."""
    text = "a,b\n" + "1,2,\n" * 29_999 + "1\n" + "3,4,5\n" * 3 + "6,7,\n"
    got, rows, aside = taken(tmp_path, text)
    assert (got.n_rows, rows[-1]) == (30_000, ["6", "7"])
    lost = [(30_001, "1"), *((30_002 + i, "3,4,5") for i in range(3))]
    assert [(a["line"], a["text"]) for a in aside] == lost
    assert aside[-1]["reason"] == "a cell in a column that has no name"


@pytest.mark.parametrize(("far", "line"), [(False, 3), (True, 40_003)])
def test_a_zero_byte_far_below_costs_its_row(tmp_path: Path, far: bool, line: int):
    """In the first rows it means that the file is no text."""
    data = b"a,b\n1,2\n" + b"1,2\n" * (line - 3) + b"1,\x002\n3,4\n"
    if not far:
        with pytest.raises(SourceError, match="not delimited text"):
            taken(tmp_path, data)
        return
    got, rows, aside = taken(tmp_path, data + b"1,2\n" * 200_000)
    assert [(a["line"], a["reason"]) for a in aside] == [(line, "a zero byte")]
    assert len(rows) == got.n_rows == line - 2 + 200_001


def test_utf8_with_a_few_bad_bytes_stays_utf8(tmp_path: Path):
    """Nobody else writes whole characters of several bytes by the dozen; the damaged row is set aside."""
    data = b"a,b\n" + "ü,é\n".encode() * 50 + b"x,\xfc\n"
    got, rows, aside = taken(tmp_path, data)
    assert rows == [["ü", "é"]] * 50
    assert [(a["line"], a["reason"]) for a in aside] == [(52, "bytes that are not utf-8 text")]
    assert got.remarks == ()


def test_text_that_is_no_utf8_is_read_as_windows_text_and_that_is_said(tmp_path: Path):
    """All its bytes mean something: the five that Windows leaves open stay what they are."""
    data = b"a,b\n" + b"\xfc,\x80\x81\n" * 3
    got, rows, _ = taken(tmp_path, data)
    assert rows == [["ü", "€\x81"]] * 3
    assert "read as Windows-1252" in got.remarks[0]


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be"])
def test_wide_characters_are_known_without_a_mark(tmp_path: Path, encoding: str):
    """By where their zeros are."""
    data = ("name,city\n" + "Zoë,Køge\nann,rome\n" * 5).encode(encoding)
    assert taken(tmp_path, data)[1] == [["Zoë", "Køge"], ["ann", "rome"]] * 5


def test_a_letter_at_the_very_end_may_be_cut(tmp_path: Path):
    """Half a character of UTF-16 is told as the end of a row that was cut."""
    got, rows, aside = taken(tmp_path, ("a,b\n" + "1,2\n" * 40 + "3,4").encode("utf-16")[:-1])
    assert (len(rows), len(aside)) == (40, 1)
    assert any("ends amid a row" in words for words in got.remarks)


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        ({"delimiter": ";;"}, "one character"),
        ({"delimiter": "\n"}, "one character"),
        ({"delimiter": ";", "quote": ";"}, "different characters"),
        ({"quote": "ab"}, "one ASCII character"),
        ({"escape": "ab"}, "one ASCII character"),
        ({"encoding": "utf-9"}, "no known encoding"),
        ({"encoding": "base64"}, "no known encoding"),
        ({"comment": ""}, "at least 1 character"),
        ({"skip": -1}, "greater than or equal to 0"),
    ],
)
def test_settings_that_make_no_sense_are_refused_before_anything_is_read(keys: dict[str, object], words: str):
    """By the spec."""
    with pytest.raises(SpecError) as caught:
        source_from({"path": "t.csv", **keys}, "t", Path.cwd())
    assert words in caught.value.got


def test_a_tab_may_be_written_as_on_a_command_line():
    """Where the shell gives a backslash and a t."""
    for written in ("\\t", "tab", "\t"):
        assert CsvSource(name="t", path="t.tsv", delimiter=written).delimiter == "\t"


def test_a_line_that_tells_spreadsheets_the_delimiter_is_followed(tmp_path: Path):
    """It is no title, and lines are counted with it."""
    got, rows, aside = taken(tmp_path, "sep=;\r\na;b\r\n" + "1,5;2\r\n" * 30 + "3\r\n")
    assert (got.table.columns, rows[0], len(rows)) == (("a", "b"), ["1,5", "2"], 30)
    assert [a["line"] for a in aside] == [33]


def test_comments_may_fill_the_whole_sample(tmp_path: Path):
    """A licence above the table, or what a machine logged."""
    assert taken(tmp_path, "# a, long, licence\n" * 30_000 + "a;b\n1;2\n", comment="#")[1] == [["1", "2"]]


def test_quotes_that_are_letters_are_seen_to_be_letters(tmp_path: Path):
    """Inches at the beginning of cells; they enclose nothing."""
    got, rows, _ = taken(tmp_path, "a\tb\n" + 'x\t"5 inch\n' * 9)
    assert rows == [["x", '"5 inch']] * 9
    assert "quotes are taken as letters" in got.remarks[0]


def test_apostrophes_that_enclose_all_cells_of_a_column_are_quotes(tmp_path: Path):
    """And those inside words are not."""
    got, rows, _ = taken(tmp_path, "a,b\n'x','1'\n'y','2'\n'z','3'\n")
    assert rows == [["x", "1"], ["y", "2"], ["z", "3"]]
    assert "apostrophes" in got.remarks[0]
    assert taken(tmp_path, "a,b\n'x, y',1\nz,2\n'u, v',3\n'w, w',4\n")[1][0] == ["x, y", "1"]
    assert taken(tmp_path, "a,b\nit's,rock 'n' roll\nit's,2\nit's,3\n")[1][0] == ["it's", "rock 'n' roll"]


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("x\n1,5\n2,25\n-3,0\n", ["x"]),
        ("x;y\n1,5;a\n2,25;b\n", ["x", "y"]),
        ("x\ty\n1,5\t2,5\n", ["x", "y"]),
        ("1,5;2,5\n3,5;4,5\n", ["1,5", "2,5"]),
        ("a\x01b\n1,2\x013\n", ["a", "b"]),
        ("u v w\n1 2.5 x\n 10  3 y\n", ["u", "v", "w"]),
        ("first last\nann lee\nbob ray\n", ["first last"]),
    ],
)
def test_a_decimal_comma_or_a_blank_is_not_taken_for_a_delimiter(tmp_path: Path, text: str, names: list[str]):
    """Unless nothing else can be meant."""
    assert list(taken(tmp_path, text)[0].table.columns) == names


def test_a_body_of_a_request_has_no_quarantine():
    """All of its rows count, or none: the error names the line."""
    source = CsvSource(name="t", path="t.csv")
    with pytest.raises(SourceError, match="1 row cannot be parsed") as caught:
        source.parse(f"a,b\n{GOOD}1,2,3\n".encode(), "the table")
    assert caught.value.where == "the table:42"


def test_pieces_of_a_file_are_left_when_nobody_wants_more(tmp_path: Path):
    """A peek at the first rows does not read the rest, and leaves no thread behind."""
    (tmp_path / "t.csv").write_text("a,b\n" + "1,2\n" * 3_000_000)
    pieces = CsvSource(name="t", path="t.csv").tables(tmp_path / "t.csv", "t.csv", Intake())
    first = next(iter(pieces))
    pieces.close()
    assert 0 < first.num_rows < 3_000_000
