"""Workbooks: the right sheet, the right header, cells as typed as they are, and clear words for what is none."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import openpyxl
import pyarrow as pa
import pytest
import xlwt
from hypothesis import given, settings
from hypothesis import strategies as st

from penstock.errors import SourceError
from penstock.sources import excel, read_snapshot, snapshot
from penstock.sources.excel import ExcelSource
from penstock.sources.intake import Intake
from penstock.sources.workbooks import workbook
from penstock.sources.workbooks.sheet import area_of
from penstock.store import Store
from tests.unit.sources.workbooks import as_ods, as_xls, encrypted, merged, saved, written, zipped

# What a cell of a workbook can hold: no control characters, and no text that is an error's name.
_text = st.text(
    alphabet=st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"], exclude_characters="_\ufffe\uffff")
)
_texts = _text.filter(lambda t: t and t not in excel.ERRORS and not t.startswith("="))
_moments = st.integers(0, 9 * 10**9).map(
    lambda s: dt.datetime.combine(dt.date(1901, 1, 1), dt.time()) + dt.timedelta(0, s)
)
_kinds: dict[pa.DataType, st.SearchStrategy[Any]] = {
    pa.int64(): st.integers(-(2**40), 2**40),
    pa.float64(): st.integers(-(2**30), 2**30).map(lambda n: n + 0.5),
    pa.bool_(): st.booleans(),
    pa.string(): _texts,
    pa.timestamp("us"): _moments,
}
_columns = st.sampled_from(sorted(_kinds, key=str)).flatmap(
    lambda kind: st.tuples(st.just(kind), _kinds[kind], st.lists(st.none() | _kinds[kind], min_size=3, max_size=3))
)
_tables = st.lists(_columns, min_size=1, max_size=4)


def read(data: bytes, where: str = "t.xlsx", **keys: object) -> pa.Table:
    """Read a workbook as a source would read a file of that name."""
    return ExcelSource(name="t", path=where, **keys).parse(data, where)


def told(data: bytes, tmp_path: Path, **keys: object) -> tuple[pa.Table, list[str]]:
    """Read a workbook, and what there is to remark on it."""
    path = tmp_path / "t.xlsx"
    path.write_bytes(data)
    intake = Intake()
    tables = list(ExcelSource(name="t", path=str(path), **keys).tables(path, "t.xlsx", intake))
    return pa.concat_tables(tables), intake.remarks


def _check(write: Any, columns: list[tuple[pa.DataType, Any, list[Any]]]) -> None:
    # The first cell is never empty: what is wholly empty has no type, and an empty row is left out.
    values = [[first, *rest] for _, first, rest in columns]
    names = [f"c {i}" for i in range(len(columns))]
    rows = [row for row in zip(*values, strict=True) if any(v is not None for v in row)]
    table = read(write([names, *rows]))
    assert table.column_names == names
    assert [list(r.values()) for r in table.to_pylist()] == [list(r) for r in rows]
    assert [f.type for f in table.schema] == [kind for kind, _, _ in columns]


@given(_tables)
@settings(max_examples=40)
def test_what_was_written_is_read_back_from_xlsx(columns):
    """Whole numbers, broken ones, booleans, text, moments, and what is missing."""
    _check(saved, columns)


@given(_tables)
@settings(max_examples=25)
def test_what_was_written_is_read_back_from_xls(columns):
    """The old format likewise."""
    _check(as_xls, columns)


@given(_tables)
@settings(max_examples=10)
def test_what_was_written_is_read_back_from_ods(columns):
    """And LibreOffice's; blanks at the ends of a text and within are the format's own to change."""
    plain = [(k, _solid(f), [_solid(v) for v in rest]) for k, f, rest in columns]
    _check(as_ods, plain)


def _solid(value: Any) -> Any:
    return "x" + "".join(value.split()) if isinstance(value, str) else value


def test_a_column_of_different_kinds_is_text():
    """Each cell as the text that it has everywhere else."""
    table = read(saved([["a"], [11], ["x"], [2.5], [True], [dt.date(2024, 5, 1)]]))
    assert table["a"].to_pylist() == ["11", "x", "2.5", "true", "2024-05-01"]


def test_days_and_moments_are_moments(tmp_path):
    """A time of day is text, a duration is its seconds."""
    rows = [
        ["day", "time", "long"],
        [dt.date(2024, 5, 1), dt.time(7, 5), dt.timedelta(hours=30)],
        [dt.datetime(2024, 5, 1, 12), dt.time(0, 0, 1), dt.timedelta(seconds=1)],  # noqa: DTZ001
    ]
    table, remarks = told(saved(rows), tmp_path)
    assert table.to_pydict() == {
        "day": [rows[2][0].replace(hour=0), rows[2][0]],
        "time": ["07:05:00", "00:00:01"],
        "long": [108000, 1],
    }
    assert any("'long' holds durations" in r for r in remarks)


def test_moments_of_the_calendars_first_days_are_times_of_day(tmp_path):
    """So some programs write a time; the day is no part of it."""
    book = openpyxl.Workbook()
    book.active.append(["t"])
    for serial in (2.75, 2.0, 1.5):
        book.active.append([serial])
        book.active.cell(book.active.max_row, 1).number_format = "h:mm:ss"
    table, remarks = told(written(book), tmp_path)
    assert table["t"].to_pylist() == ["18:00:00", "00:00:00", "12:00:00"]
    assert "times of day" in remarks[0]


def test_error_cells_are_missing_and_counted(tmp_path):
    """In a number's column they must not make text of it."""
    book = openpyxl.Workbook()
    for row in (["a", "b"], [1, "x"], ["#N/A", "y"], [3, "#REF!"], ["#DIV/0!", "z"]):
        book.active.append(row)
    table, remarks = told(written(book), tmp_path)
    assert table.to_pydict() == {"a": [1, None, 3, None], "b": ["x", "y", None, "z"]}
    assert remarks == ["t.xlsx, sheet 'Sheet': 3 cells hold an error such as #N/A and are missing"]


def test_the_only_sheet_with_cells_is_read(tmp_path):
    """Empty and hidden ones are passed over; others are told."""
    book = openpyxl.Workbook()
    book.create_sheet("hidden").append(["no"])
    book["hidden"].sheet_state = "hidden"
    for name in ("data", "more"):
        book.create_sheet(name).append([name])
        book[name].append([1])
    table, remarks = told(written(book), tmp_path)
    assert table.to_pydict() == {"data": [1]}
    assert "'data' was read" in remarks[0]
    assert "'more'" in remarks[0]


@pytest.mark.parametrize(
    ("sheet", "column"), [("b", "y"), (2, "y"), (1, "x"), ("2024", "z"), (2024, "z"), (" B ", "y")]
)
def test_a_sheet_is_named_or_numbered_from_one(sheet, column):
    """A sheet whose name is a number is meant before the one at that place."""
    data = saved([["x"], [1]], b=[["y"], [1]], **{"2024": [["z"], [1]]})
    assert read(data, sheet=sheet).column_names == [column]


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        ({"sheet": "Sheat"}, "did you mean 'Sheet'"),
        ({"sheet": 9}, "3 sheets"),
        ({"sheet": "empty"}, "sheet is empty"),
        ({"sheet": "head"}, "no rows"),
        ({"header": 99}, "no such header row"),
        ({"names": "a,b"}, "2 names for 1 columns"),
        ({"names": "a,b", "header": True}, "2 names for 1 columns"),
    ],
)
def test_what_is_not_there_is_told(keys, words):
    """With what there is instead."""
    data = saved([["x"], [1]], empty=[], head=[["y"]])
    with pytest.raises(SourceError) as caught:
        read(data, **keys)
    assert words in str(caught.value)


def test_titles_blank_rows_and_notes_are_left_out(tmp_path):
    """What stands around the table is told, and no row of it lost."""
    rows = [
        ["Sales of the year"],
        [],
        ["in EUR", None, "draft"],
        [None, "who", "what", "sum", None],
        [None, "a", "x", 1, None],
        [None, None, None, None, None],
        [None, "b", "y", 2, None],
        [None, "c", None, None, None],
        [],
        [None, "Source: the ledger"],
        [None, "* provisional"],
    ]
    rows[0], rows[2] = [None, "Sales of the year"], [None, "in EUR"]
    table, remarks = told(saved(rows), tmp_path)
    assert table.to_pydict() == {"who": ["a", "b", "c"], "what": ["x", "y", None], "sum": [1, 2, None]}
    words = "\n".join(remarks)
    for part in ("Sales of the year; in EUR", "row 4", "Source: the ledger", "* provisional", "empty rows"):
        assert part in words


def test_a_lone_cell_after_a_blank_row_is_a_row_where_rows_follow():
    """Only what ends the sheet can be a note."""
    rows = [["a", "b", "c"], [1, 2, 3], [], [4, None, None], [5, 6, 7]]
    assert read(saved(rows))["a"].to_pylist() == [1, 4, 5]


def test_columns_without_a_name():
    """Wholly empty ones are left out; one with cells is an error, as is a name that stands twice."""
    assert read(saved([["a", None, "b"], [1, None, 2]])).column_names == ["a", "b"]
    with pytest.raises(SourceError, match="Column 2 has no name"):
        read(saved([["a", None, "b"], [1, 5, 2]]))
    with pytest.raises(SourceError, match="'a'"):
        read(saved([["a", "a"], [1, 5]]))
    assert read(saved([["a", "e"], [1, None]])).to_pydict() == {"a": [1], "e": [None]}


def test_no_header_and_names_of_ones_own():
    """As for delimited text: names alone mean that there is no header."""
    data = saved([["x", 1], ["y", 2]])
    assert read(data, header=False).to_pydict() == {"column_0": ["x", "y"], "column_1": [1, 2]}
    assert read(data, names="a, b").to_pydict() == {"a": ["x", "y"], "b": [1, 2]}
    assert read(data, names=["a", "b"], header=True).to_pydict() == {"a": ["y"], "b": [2]}


def test_a_header_of_numbers_and_dates_has_their_text():
    """Years over columns are names."""
    table = read(saved([["who", 2023, dt.date(2024, 5, 1), "a\n b"], ["x", 1, 2, 3]]))
    assert table.column_names == ["who", "2023", "2024-05-01", "a b"]


def test_a_header_of_two_rows_is_joined():
    """A merged cell names every column below it; one that is merged downwards is named once."""
    rows = [["who", "2024", None, "2025", None], [None, "a", "b", "a", "b"], ["x", 1, 2, 3, 4]]
    table = read(merged("A1:A2", "B1:C1", "D1:E1", rows=rows), header=1, header_rows=2)
    assert table.column_names == ["who", "2024 / a", "2024 / b", "2025 / a", "2025 / b"]
    assert table.num_rows == 1


@pytest.mark.parametrize("kind", ["xlsx", "xls"])
def test_cells_merged_downwards_are_in_every_row(kind):
    """Each row of the block is one of its value; what is merely empty stays so."""
    if kind == "xlsx":
        rows = [["who", "n"], ["a", 1], [None, 2], ["b", 3], [None, 4]]
        data = merged("A2:A3", rows=rows)
    else:
        book = xlwt.Workbook()
        sheet = book.add_sheet("S")
        sheet.write_merge(1, 2, 0, 0, "a")
        for place, cell in {(0, 0): "who", (0, 1): "n", (3, 0): "b"}.items():
            sheet.write(*place, cell)
        for i in range(1, 5):
            sheet.write(i, 1, i)
        data = written(book)
    assert read(data)["who"].to_pylist() == ["a", "a", "b", None]


def test_rows_and_areas_can_be_cut_out():
    """By rows at the top, by the header's row, by a range of cells."""
    rows = [["old", "x"], ["a", "b"], [1, 2], [3, 4], ["t", "u"]]
    assert read(saved(rows), skip=1)["a"].to_pylist() == ["1", "3", "t"]
    assert read(saved(rows), header=2, range="A1:B4").to_pydict() == {"a": [1, 3], "b": [2, 4]}
    assert read(saved(rows), range="$B$2:C4").to_pydict() == {"b": [2, 4]}
    shifted = [[], [None, None, "a", "b"], [None, None, 1, 2]]
    assert read(saved(shifted), range="C2:D3").to_pydict() == {"a": [1], "b": [2]}
    assert read(saved(shifted), range="A2:C3").to_pydict() == {"a": [1]}


@pytest.mark.parametrize("text", ["B3", "B3:A2", "3:4", "B0:C4", ""])
def test_what_is_no_range_is_refused(text):
    """Before any file is opened."""
    with pytest.raises(ValueError, match=r"range of cells|ends before"):
        area_of(text)
    with pytest.raises(ValueError, match=r"range of cells|ends before"):
        ExcelSource(name="t", path="t.xlsx", range=text)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: b"", "empty"),
        (lambda: b"a,b\n1,2\n", "kind: csv"),
        (lambda: "a;b\n1;2\n".encode("utf-16"), "kind: csv"),
        (lambda: b"<html><table><tr><td>1</td></tr></table></html>", "kind: html"),
        (lambda: b"<?xml version='1.0'?><r/>", "kind: xml"),
        (lambda: b"PAR1\x00\x00\x00\x00", "no workbook"),
        (lambda: saved([["a"], [1]])[:2000], "cannot be read as a workbook"),
        (lambda: as_xls([["a"], [1]])[:1500], "cannot be read as a workbook"),
        (lambda: b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), "cannot be read as a workbook"),
        (lambda: zipped(**{"a.txt": b"x"}), "cannot be read as a workbook"),
        (encrypted, "protected by a password"),
        (lambda: saved([]), "workbook is empty"),
        (lambda: saved([["a", "b"]]), "header and no rows"),
    ],
)
@pytest.mark.parametrize("name", ["t.xlsx", "t.xls"])
def test_what_is_no_table_is_refused_by_what_it_is(make, words, name):
    """Whatever it is called; with what to do about it."""
    with pytest.raises(SourceError) as caught:
        read(make(), name)
    assert words in str(caught.value)
    assert "planted" not in str(caught.value)


def test_any_workbook_is_read_whatever_it_is_called():
    """By what is in it."""
    for data in (saved([["a"], [1]]), as_xls([["a"], [1]]), as_ods([["a"], [1]])):
        assert read(data, "t.bin").to_pydict() == {"a": [1]}


def test_spoilt_bytes_inside_never_end_the_process():
    """Wherever a file is damaged: an error of the right kind, or a table."""
    good = saved([["a", "b"], [1, "x"], [2, "y"]])
    for at in range(0, len(good), 97):
        bad = good[:at] + bytes([good[at] ^ 0xFF]) + good[at + 1 :]
        try:
            assert read(bad).num_rows >= 0
        except SourceError:
            continue


def test_a_stray_cell_at_the_end_of_nowhere_is_told():
    """The parser would make room for every cell before it, and end the process for want of memory."""
    book = openpyxl.Workbook()
    book.active.append(["a"])
    book.active.append([1])
    book.active["XFD1048576"] = "stray"
    with pytest.raises(SourceError, match="too far apart") as caught:
        read(written(book))
    assert "1,048,576 rows and 16,384 columns" in caught.value.got
    book = openpyxl.Workbook()
    book.active["XFC1"], book.active["XFD1"], book.active["XFC2"] = "a", "b", 1
    assert read(written(book))["a"].to_pylist() == [1]


def test_an_old_workbook_that_says_to_be_huge_is_refused():
    """Its extent stands in a record of its own, which the parser believes."""
    good = as_xls([["a"], [1]])
    at = good.index(b"\x00\x02\x0e\x00") + 4
    for top, bottom in ((0, 4_000_000_000), (4_000_000_000, 2)):
        claim = top.to_bytes(4, "little") + bottom.to_bytes(4, "little")
        with pytest.raises(SourceError, match="cannot be read as a workbook"):
            read(good[:at] + claim + good[at + 8 :])


def test_a_bomb_is_not_unpacked(monkeypatch):
    """Neither one that says what it holds nor one that does not."""
    sheet = b"<worksheet>" + b" " * 150_000_000
    with pytest.raises(SourceError, match="far more"):
        read(zipped(**{"xl/worksheets/sheet1.xml": sheet}))
    monkeypatch.setattr(workbook, "_MOST_BYTES", 1 << 20)
    with pytest.raises(SourceError, match="far more"):
        read(zipped(**{"xl/worksheets/sheet1.xml": sheet[: 2 << 20]}))
    honest = zipped(**{"xl/worksheets/sheet1.xml": sheet[: 2 << 20]})
    size = (2 << 20).to_bytes(4, "little")
    with pytest.raises(SourceError):
        read(honest.replace(size, (100).to_bytes(4, "little")))


def test_blocks_do_not_change_the_table(monkeypatch):
    """A column whose kind shows late has one type all the same."""
    rows = [["a", "b", "c"], *([i, None, i] for i in range(20)), ["x", 2.5, 0.5]]
    whole = read(saved(rows))
    monkeypatch.setattr(excel, "_ROWS", 3)
    table = read(saved(rows))
    assert table.schema == whole.schema
    assert table.to_pydict() == whole.to_pydict()


@pytest.mark.parametrize(
    ("path", "shape", "kinds"),
    [
        ("titanic/titanic3.xls", (1309, 14), {"age": pa.float64(), "ticket": pa.string(), "pclass": pa.int64()}),
        (
            "air_quality_uci/AirQualityUCI.xlsx",
            (9357, 15),
            {"Date": pa.timestamp("us"), "Time": pa.string(), "CO(GT)": pa.float64(), "NMHC(GT)": pa.int64()},
        ),
        ("nycflights_rel/airlines.xlsx", (16, 2), {"carrier": pa.string()}),
        ("nycflights_rel/planes.xlsx", (3322, 9), {"year": pa.int64(), "tailnum": pa.string()}),
    ],
)
def test_real_workbooks_are_read_with_nothing_lost(shared, tmp_path, path, shape, kinds):
    """Without a word about sheet or header."""
    store = Store(tmp_path)
    table = read_snapshot(snapshot(ExcelSource(name="t", path=str(shared / "data" / path)), store), store)
    assert table.shape == shape
    assert {name: table.schema.field(name).type for name in kinds} == kinds
