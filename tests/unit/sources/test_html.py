"""HTML pages: tables and repeated elements as a reader sees them."""

from __future__ import annotations

import html
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.errors import SourceError, SpecError
from penstock.sources.html import HtmlSource
from penstock.sources.intake import Intake
from penstock.sources.locate import source_from
from penstock.store import Store

PAGE = "<html><body>{}</body></html>"


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch):
    monkeypatch.setenv("NO_PROXY", "*")


@pytest.fixture
def store(tmp_path) -> Store:
    return Store(tmp_path / "store")


@pytest.fixture
def read(tmp_path):
    """Return a function that reads a page: its rows, and the account of the reading."""

    def rows(page, **keys):
        file = tmp_path / "page.html"
        file.write_bytes(page if isinstance(page, bytes) else PAGE.format(page).encode())
        intake = Intake(1.0)
        source = HtmlSource.model_validate({"name": "page", "path": str(file), **keys})
        (table,) = source.tables(file, "page.html", intake)
        assert {str(t) for t in table.schema.types} == {"string"}
        return table.to_pylist(), intake

    return rows


def table(*rows, head=("a", "b"), attributes=""):
    th = "".join(f"<th>{c}</th>" for c in head)
    trs = "".join("<tr>" + "".join(f"<td>{c}</td>" for c in row) + "</tr>" for row in rows)
    return f"<table {attributes}><tr>{th}</tr>{trs}</table>"


def test_a_table_is_read_with_its_header(read):
    """Texts stay as they came, white space run together; links and line breaks are what a reader sees."""
    page = table(
        [" 1 \n 2&nbsp;3 ", "<a href='/x'>link</a>"],
        ["one<br>two", "<p>p</p><p>q</p>"],
        ["caf&eacute; &lt;b&gt;", "x<sup>2</sup><span style='display:none'>00</span><script>s()</script>"],
        ["", "<b></b>"],
    )
    assert read(page)[0] == [
        {"a": "1 2 3", "b": "link"},
        {"a": "one two", "b": "p q"},
        {"a": "caf\u00e9 <b>", "b": "x2"},
        {"a": "", "b": ""},
    ]


def test_merged_cells_are_repeated_wherever_they_reach(read):
    """To the right and down, to the end of their group, and not into the next."""
    page = """<table><thead><tr><th rowspan=2>city</th><th colspan=2>people</th></tr>
      <tr><th>men</th><th>women</th></tr></thead>
      <tbody><tr><td rowspan=2>Rome</td><td>1</td><td>2</td></tr><tr><td colspan=2>3</td></tr>
      <tr><td rowspan=0>Oslo</td><td>4</td><td rowspan=9>5</td></tr><tr><td>6</td></tr></tbody>
      <tbody><tr><td>Bern</td><td>7</td><td>8</td></tr></tbody>
      <tfoot><tr><td>sum</td><td>99</td><td>99</td></tr></tfoot></table>"""
    rows, _ = read(page)
    assert [list(r.values()) for r in rows] == [
        ["Rome", "1", "2"], ["Rome", "3", "3"], ["Oslo", "4", "5"], ["Oslo", "6", "5"], ["Bern", "7", "8"]
    ]  # fmt: skip
    assert list(rows[0]) == ["city", "people men", "people women"]


def test_a_nested_table_is_no_part_of_its_cell(read):
    """Neither its rows nor its text; it can be chosen by itself."""
    page = table(["1", "two " + table(["x", "y"], head="pq", attributes="id=inner")], ["3", "4"])
    assert read(page, index=0)[0] == [{"a": "1", "b": "two"}, {"a": "3", "b": "4"}]
    assert read(page, css="#inner")[0] == [{"p": "x", "q": "y"}]


def test_sloppy_markup_is_read_as_browsers_do(read):
    """Cells and rows that are not closed, rows inside a form, a header given as head with plain cells."""
    assert read("<table><tr><th>a<th>b<tr><td>1<td>2<tr><td>3</table>")[0] == [
        {"a": "1", "b": "2"},
        {"a": "3", "b": None},
    ]
    assert read("<table><thead><tr><td>a</td></tr></thead><form><tr><td>1</td></tr></form></table>")[0] == [{"a": "1"}]


def test_a_table_without_header_cells_gets_numbered_names(read):
    """Unless it is told that its first row is one, or names are given; none of it in silence."""
    page = "<table><tr><td>a</td><td>b</td></tr><tr><td>1</td><td>2</td></tr></table>"
    rows, intake = read(page)
    assert rows[0] == {"column_0": "a", "column_1": "b"}
    assert "no header cells" in intake.remarks[0]
    assert read(page, header=1)[0] == [{"a": "1", "b": "2"}]
    assert read(page, names="x, y")[0][0] == {"x": "a", "y": "b"}
    with pytest.raises(SourceError, match="not as many names"):
        read(page, names="x")


def test_titles_and_repeated_headers_are_no_rows(read):
    """A title across the table is no part of the names; a header that comes again is told and passed over."""
    page = """<table><tr><th colspan=2>Cities of the world</th></tr><tr><th>a</th><th>b</th></tr>
      <tr><td>1</td><td>2</td></tr><tr><th>a</th><th>b</th></tr><tr><td>3</td><td>4</td></tr></table>"""
    rows, intake = read(page)
    assert rows == [{"a": "1", "b": "2"}, {"a": "3", "b": "4"}]
    assert "repeated 1 times" in intake.remarks[0]


def test_rows_that_do_not_fit_are_set_aside(read):
    """A heading across all columns, or more cells than columns: counted, with the line in the file."""
    page = "\n".join([
        "<table><tr><th>a</th><th>b</th></tr>",
        "<tr><td colspan=2>Group one</td></tr>",
        "<tr><td>1</td><td>2</td></tr>",
        "<tr><td>1</td><td>2</td><td>3</td></tr>",
        "<tr><td>4</td><td>5</td><td> </td></tr><tr></tr></table>",
    ])  # fmt: skip
    rows, intake = read(page)
    assert rows == [{"a": "1", "b": "2"}, {"a": "4", "b": "5"}]
    aside = intake.table().to_pylist()
    assert [(a["line"], a["text"]) for a in aside] == [(2, "Group one"), (4, "1 | 2 | 3")]
    assert "3 cells where the table has 2 columns" in aside[1]["reason"]


def test_names_must_be_there_and_differ(read):
    """A blank one over content, or two alike: an error; a column with neither name nor content is left out."""
    assert read(table(["1", "", "2"], head=("a", "", "b")))[0] == [{"a": "1", "b": "2"}]
    for head in (("a", ""), ("a", "a")):
        with pytest.raises(SourceError, match=r"no name|Two columns"):
            read(table(["1", "2"], head=head))


def test_the_largest_of_several_tables_is_taken_and_the_others_told(read):
    """Without a choice; with one it is that and no other."""
    page = table(["1", "2"], attributes="class=small") + table(["3", "4"], ["5", "6"], attributes="id=big")
    page += "<table><caption>Least</caption><tr><th>z</th></tr><tr><td>9</td></tr></table>"
    rows, intake = read(page)
    assert [r["a"] for r in rows] == ["3", "5"]
    assert "1: 3 rows x 2 #big" in intake.remarks[0]
    assert "0: 2 rows x 2 .small; 2: 2 rows x 1" in intake.remarks[0]
    assert "'Least'" in intake.remarks[0]
    for keys in (
        {"index": 2},
        {"css": "table:has(caption)"},
        {"xpath": "//table[caption='Least']"},
        {"css": "caption"},
    ):
        assert read(page, **keys)[0] == [{"z": "9"}]
    assert read(page, css="table", index=0)[0] == [{"a": "1", "b": "2"}]


@pytest.mark.parametrize(
    "keys", [{"css": ".none"}, {"css": "table"}, {"xpath": "//p"}, {"index": 7}, {"xpath": "count(//table)"}]
)
def test_a_choice_that_is_none_lists_what_there_is(read, keys):
    """The error names each table with its size."""
    with pytest.raises(SourceError, match="selected") as caught:
        read(table(["1", "2"]) + table(["3", "4"], attributes="id=second"), **keys)
    assert "1: 2 rows x 2 #second" in caught.value.expected


@pytest.mark.parametrize(
    ("page", "words"),
    [
        ("<p>no table here</p>", "no table"),
        ("<table></table>", "no rows"),
        ("<table><tr><th>a</th></tr></table>", "no rows"),
        (b"   ", "empty"),
        (b"<table><tr><th>a</th></tr><tr><td>1</td></tr><tr><td>2", "ends within"),
        (b"<div>" * 5000 + b"<table><tr><td>1</td></tr></table>", "to its end"),
        ("<table><tr>" + "<td colspan=1000>x</td>" * 100 + "</tr></table>", "larger than any"),
        (b"\x89PNG\r\n\x1a\n\0\0", "no table"),
        (b"%PDF-1.7 nothing", "no table"),
    ],
)
def test_a_page_that_holds_no_table_is_an_error(read, page, words):
    """Nothing, something else, cut off, nested without end, or wider than any table."""
    with pytest.raises(SourceError, match=words):
        read(page)


def test_nothing_is_fetched_or_expanded(read):
    """An entity that names a file stays what it is, and a page of long texts is read in full."""
    page = b"<!DOCTYPE html [<!ENTITY x SYSTEM 'file:///etc/passwd'>]><table><tr><th>a</th></tr><tr><td>&x;</td></tr></table>"
    assert read(page)[0] == [{"a": "&x;"}]
    assert len(read(table(["x" * 11_000_000], head="a"))[0][0]["a"]) == 11_000_000


@pytest.mark.parametrize(
    ("encoding", "meta"),
    [("utf-8", ""), ("utf-8-sig", "windows-1251"), ("utf-16", ""), ("latin-1", "iso-8859-1"), ("cp1252", ""),
     ("shift_jis", "shift_jis"), ("utf-8", "utf-16")],
)  # fmt: skip
def test_the_encoding_is_found(read, encoding, meta):
    """By byte order mark, by what the page says, or by trying; UTF-16 in a page that could be read is none."""
    text = "\u6771\u4eac" if encoding == "shift_jis" else "Z\u00fcrich"
    page = f"<html><head><meta charset='{meta}'></head>{table([text, '1'])}</html>"
    assert read(page.encode(encoding))[0][0]["a"] == text


def test_a_given_encoding_goes_before_what_the_page_says(read):
    """And what it does not have becomes a mark, which is told."""
    page = ("<meta charset=utf-8>" + table(["Z\u00fcrich", "1"])).encode("latin-1")
    assert read(page, encoding="latin-1")[0][0]["a"] == "Z\u00fcrich"
    rows, intake = read(page)
    assert rows[0]["a"] == "Z\ufffdrich"
    assert "1 character is not utf-8" in intake.remarks[0]


CARDS = """
<div class=card data-id=7><h2> Red <b>shoe</b></h2><a href="/shoe?a=1&amp;b=2">go</a>
<span class=price>9 &euro;</span></div>
<div class=card data-id=8><h2>Hat</h2></div><div class=other><h2>no</h2></div>
"""


def test_elements_that_repeat_become_rows(read):
    """Texts and attributes by selector; what an element lacks is missing."""
    fields = {"id": "@data-id", "title": "h2", "link": "a@href", "price": "span.price", "all": "."}
    rows, _ = read(CARDS, row="div.card", fields=fields)
    assert rows == [
        {"id": "7", "title": "Red shoe", "link": "/shoe?a=1&b=2", "price": "9 \u20ac", "all": "Red shoe go 9 \u20ac"},
        {"id": "8", "title": "Hat", "link": None, "price": None, "all": "Hat"},
    ]
    assert "found in none" in read(CARDS, row="div.card", fields={"t": "h2", "x": "h7"})[1].remarks[0]
    with pytest.raises(SourceError, match="No element is selected"):
        read(CARDS, row="div.cart", fields=fields)


@pytest.mark.parametrize(
    "keys",
    [{"css": "a["}, {"xpath": "//["}, {"row": "a"}, {"fields": {"a": "b"}}, {"css": "a", "xpath": "//a"}, {"index": -1},
     {"row": "a", "fields": {"x": "b["}}, {"row": "a", "fields": {"x": "b"}, "index": 1}, {"encoding": "martian"}],
)  # fmt: skip
def test_keys_that_make_no_sense_are_refused(tmp_path, keys):
    """When the spec is read, not when the page has come."""
    with pytest.raises(SpecError):
        source_from({"kind": "html", "path": "page.html", **keys}, "s", tmp_path)


cells = st.text(st.characters(exclude_categories=("Cs", "Cc", "Cn"), exclude_characters="\ufeff"), max_size=12)


named = st.lists(cells.map(lambda t: " ".join(t.split())).filter(bool), min_size=2, max_size=5, unique=True)


@given(data=st.data(), names=named)
def test_any_table_of_text_comes_back_from_html(tmp_path_factory, data, names):
    """Written with its cells escaped, every one is read back, white space run together."""
    rows = data.draw(st.lists(st.lists(cells, min_size=len(names), max_size=len(names)), min_size=1, max_size=5))
    escaped = [[html.escape(c) for c in row] for row in rows]
    page = PAGE.format(table(*escaped, head=[html.escape(n) for n in names]))
    file = tmp_path_factory.getbasetemp() / "any.html"
    file.write_text(page, encoding="utf-8")
    source = HtmlSource(name="any", path=(str(file),))
    (read_back,) = source.tables(file, "any.html", Intake())
    assert read_back.column_names == names
    assert [list(r.values()) for r in read_back.to_pylist()] == [[" ".join(c.split()) for c in row] for row in rows]


def test_a_table_of_a_saved_file_takes_compression_and_patterns(tmp_path, store):
    """A page is a file like any other: packed, several, with the file's name as a column."""
    import gzip

    for name in ("x", "y"):
        Path(tmp_path / f"{name}.html.gz").write_bytes(gzip.compress(PAGE.format(table([name, "1"])).encode()))
    source = source_from({"path": "*.html.gz", "file_column": "file"}, "pages", tmp_path)
    assert isinstance(source, HtmlSource)
    taken = source.collect(store)
    assert [r["a"] for r in store.read_table(taken.table).to_pylist()] == ["x", "y"]
