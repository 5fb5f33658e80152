"""Delimited text is read to the letter, whatever its dialect, encoding and line ends, and in pieces of any size."""

from __future__ import annotations

import csv
import io

import pyarrow as pa
import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from penstock.sources.text.delimited import Delimited
from penstock.sources.text.lines import Aside
from penstock.sources.text.sniff import Settings

ENCODINGS = ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "latin-1", "cp1252", "shift_jis"]
MARKED = {"utf-8", "utf-8-sig", "utf-16", "utf-32"}
BLOCKS = st.one_of(st.integers(1, 64), st.just(1 << 21))


def read(data: bytes, block: int = 1 << 21, **settings: object) -> tuple[list[str], list[list[str]], list[Aside]]:
    """Return the names, the rows and what was set aside."""
    pieces = list(Delimited(lambda: io.BytesIO(data), "t.csv", Settings(**settings), block).pieces())
    table = pa.concat_tables([piece.table for piece in pieces])
    rows = [list(row) for row in zip(*(column.to_pylist() for column in table.columns), strict=True)]
    return table.column_names, rows, [row for piece in pieces for row in piece.aside]


@st.composite
def _written(draw: st.DrawFn) -> tuple[list[list[str]], bytes, dict[str, object]]:
    """Draw a table, the bytes that csv.writer makes of it, and how they were written."""
    encoding = draw(st.sampled_from(ENCODINGS))
    ending = draw(st.sampled_from(["\n", "\r\n", "\r"]))
    quoting = draw(st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL, csv.QUOTE_NONE]))
    delimiter = draw(st.sampled_from([",", ";", "\t", "|", ":", " ", "\xa7"]))
    quote = draw(st.sampled_from(['"', "'"]))
    double = draw(st.booleans())
    escape = "\\" if quoting == csv.QUOTE_NONE or not double else draw(st.sampled_from([None, "\\"]))
    # csv.writer knows no line ends but its own unless it quotes all cells.
    breaks = "\r\n" if quoting == csv.QUOTE_ALL else ending
    letters = st.characters(
        codec="utf-8" if encoding.startswith("utf") else encoding,
        exclude_characters="\x00\x1f\ufeff\r\n" + ("\xa5\u203e" if encoding == "shift_jis" else ""),
    )
    hard = st.sampled_from([delimiter, '"', "'", "\\", "#", " ", "", "N", "a", *breaks])
    cell = st.lists(st.one_of(hard, letters), max_size=6).map("".join)
    width = draw(st.integers(1, 4))
    rows = draw(st.lists(st.lists(cell, min_size=width, max_size=width), min_size=1, max_size=8))
    text = io.StringIO()
    writer = csv.writer(
        text,
        delimiter=delimiter,
        quotechar=quote,
        lineterminator=ending,
        quoting=quoting,
        doublequote=double,
        escapechar=escape,
    )
    try:
        writer.writerows([[f"c{i}" for i in range(width)], *rows])
    except csv.Error:
        # One empty cell cannot be written without quotes.
        assume(False)
    whole = text.getvalue()
    if draw(st.booleans()) and quoting != csv.QUOTE_NONE:
        whole = whole.removesuffix(ending)
    settings = {
        "delimiter": delimiter,
        "quote": "none" if quoting == csv.QUOTE_NONE else quote,
        "double_quote": double,
        "escape": escape,
        "encoding": draw(st.sampled_from([None, encoding])) if encoding in MARKED else encoding,
    }
    return rows, whole.encode(encoding), settings


@given(_written(), BLOCKS)
def test_any_table_in_any_dialect_and_encoding_is_read_back(written, block):
    """Names and cells are what they were, and no row is lost, however large the blocks are."""
    rows, data, settings = written
    names, found, aside = read(data, block, **settings)
    assert names == [f"c{i}" for i in range(len(rows[0]))]
    assert found == rows
    assert aside == []


_word = st.text(alphabet="abc 1.", min_size=1, max_size=4).filter(lambda c: c.strip() != "")
_quoted = st.one_of(
    _word.map(lambda c: f'"{c}"'),
    st.tuples(_word, st.sampled_from(["\n", "\n\n", ",", '""', "\n#", "\n,"]), _word).map(lambda c: f'"{"".join(c)}"'),
)
_inches = _word.map(lambda c: f'{c}"')
_good = st.lists(st.one_of(_word, _quoted, _inches, st.just("")), min_size=3, max_size=3).filter(any).map(",".join)
_bad = st.one_of(
    st.lists(_word, min_size=1, max_size=2).map(",".join),
    st.lists(_word, min_size=4, max_size=6).map(",".join),
    st.tuples(_word, _word).map(lambda c: f'{c[0]},"{c[1]}\n{c[1]}"'),
    _word.map(lambda c: f'x,"{c}"{c},z'),
)
_none = st.sampled_from(["", "#", "# it's \"quoted", "  ", "#1,2,3"])


@st.composite
def _disturbed(draw: st.DrawFn) -> tuple[str, list[str], list[tuple[int, str]]]:
    """Draw a text, its good rows, and the lines that its bad rows begin on."""
    good = draw(st.lists(_good, min_size=4, max_size=12))
    others = draw(st.lists(st.one_of(_bad.map(lambda r: (True, r)), _none.map(lambda r: (False, r))), max_size=6))
    assume(sum(bad for bad, _ in others) < len(good) / 2)
    lines = [(None, row) for row in good]
    for other in others:
        lines.insert(draw(st.integers(0, len(lines))), other)
    text, bad = "a,b,c\n", []
    for what, row in lines:
        if what:
            bad.append((text.count("\n") + 1, row))
        text += row + "\n"
    return text, good, bad


@given(_disturbed(), BLOCKS, st.booleans(), st.booleans())
def test_rows_that_do_not_fit_are_set_aside_by_their_lines_and_nothing_else_is_lost(disturbed, block, crlf, preamble):
    """Lines count as an editor counts them: comments, blank lines and line breaks inside cells are lines."""
    text, good, bad = disturbed
    before = "made by hand\non a Monday\n" if preamble else ""
    data = (before + text).replace("\n", "\r\n" if crlf else "\n").encode()
    names, rows, aside = read(data, block, delimiter=",", quote='"', comment="#", skip=2 * preamble)
    assert names == ["a", "b", "c"]
    ending = "\r\n" if crlf else "\n"
    assert rows == [row for line in good for row in csv.reader(io.StringIO(line.replace("\n", ending), newline=""))]
    assert [(row.line, row.text) for row in aside] == [(n + 2 * preamble, r.replace("\n", ending)) for n, r in bad]


@given(st.lists(st.booleans(), min_size=3, max_size=20), BLOCKS)
@example([False, False, True], 1)
def test_a_lost_quote_costs_its_own_row_and_no_other(broken, block):
    """Also where the next quote lies many rows further on, or nowhere."""
    assume(sum(broken) * 2 < len(broken))
    lines = [f'{i},"open {i},z' if bad else f'{i},"cell, {i}",z' for i, bad in enumerate(broken)]
    _, rows, aside = read("\n".join(["a,b,c", *lines, ""]).encode(), block, delimiter=",", quote='"')
    assert rows == [[str(i), f"cell, {i}", "z"] for i, bad in enumerate(broken) if not bad]
    assert [(row.line, row.reason) for row in aside] == [
        (i + 2, "a quote is opened and not closed") for i, bad in enumerate(broken) if bad
    ]


@pytest.mark.parametrize("block", [7, 1 << 21])
def test_a_quote_inside_a_cell_is_a_letter(block: int):
    """Inches at the end of cells enclose nothing, and shift no line."""
    text = 'a,b\n5",x\ny,6"\n7",z\n1\n8,9"\n'
    _, rows, aside = read(text.encode(), block, delimiter=",", quote='"')
    assert rows == [['5"', "x"], ["y", '6"'], ['7"', "z"], ["8", '9"']]
    assert [(row.line, row.text) for row in aside] == [(5, "1")]


@given(st.lists(st.sampled_from(["ok", "caf\xe9", "bad"]), min_size=1, max_size=30), BLOCKS)
def test_bytes_that_cannot_be_decoded_cost_their_own_row(kinds, block):
    """The encoding being declared; the line is told."""
    lines = [
        f"{i},".encode() + (b"caf\xe9" if kind == "bad" else kind.encode()) + b",z" for i, kind in enumerate(kinds)
    ]
    data = b"\n".join([b"a,b,c", *lines, b"9,ok,z"])
    _, rows, aside = read(data, block, delimiter=",", encoding="utf-8")
    assert rows == [[str(i), kind, "z"] for i, kind in enumerate(kinds) if kind != "bad"] + [["9", "ok", "z"]]
    assert [(row.line, row.reason) for row in aside] == [
        (i + 2, "bytes that are not utf-8 text") for i, kind in enumerate(kinds) if kind == "bad"
    ]


@pytest.mark.parametrize(
    ("encoding", "bad"),
    [
        ("ascii", b"\xc3\xa9"),
        ("cp1252", b"\x81"),
        ("utf-8", b"\xff"),
        ("shift_jis", b"\x81\x01"),
        ("utf-16-le", b"\x00\xdc"),
        ("utf-32-le", b"\x00\x00\x11\x00"),
    ],
)
def test_a_declared_encoding_is_held_to(encoding: str, bad: bytes):
    """Nothing is guessed or replaced; the row with the bytes is set aside, in every encoding."""
    data = "a,b\n1,x\n2,".encode(encoding) + bad + ",\n3,z\n"[1:].encode(encoding)
    _, rows, aside = read(data, encoding=encoding)
    assert rows == [["1", "x"], ["3", "z"]]
    assert [(row.line, row.reason) for row in aside] == [(3, f"bytes that are not {encoding} text")]


@pytest.mark.parametrize("cell", ["\\N", "\\\\N", "x\\,y"])
def test_a_database_null_survives_an_escape_character(cell: str):
    """MySQL marks null by an escaped N; only other escapes are undone."""
    _, rows, _ = read(f"a,b\n1,{cell}\n".encode(), escape="\\", delimiter=",")
    assert rows == [["1", {"\\N": "\\N", "\\\\N": "\\N", "x\\,y": "x,y"}[cell]]]


@pytest.mark.parametrize(
    "text",
    [
        "  a   b c\n 1   2.5 x\n10\t12.5   y \n",
        "a b c\r\n1 2.5 x\r\n10  12.5\ty\r\n",
        'a b c\n1 2.5 "x"\n10 "12.5"   y\n',
    ],
)
def test_columns_may_be_divided_by_any_run_of_blanks(text: str):
    """As in tables that were laid out for the eye."""
    names, rows, aside = read(text.encode(), delimiter="whitespace")
    assert (names, rows, aside) == (["a", "b", "c"], [["1", "2.5", "x"], ["10", "12.5", "y"]], [])


def test_blank_lines_of_a_table_divided_by_blanks_do_not_shift_the_lines():
    """A line of blanks is no row."""
    _, rows, aside = read(b"a b\n1 2\n   \n\n3\n4 5\n6 7\n", delimiter="whitespace")
    assert rows == [["1", "2"], ["4", "5"], ["6", "7"]]
    assert [(row.line, row.text) for row in aside] == [(5, "3")]


def test_a_header_may_be_in_a_later_block_than_a_long_preamble():
    """Comments and skipped lines may fill blocks of their own."""
    text = "skipped\n" + "# comment\n" * 50 + "a,b\n1,2\n"
    for block in (8, 64, 1 << 21):
        assert read(text.encode(), block, comment="#", skip=1)[:2] == (["a", "b"], [["1", "2"]])


def test_a_wide_row_need_not_fit_into_the_sample():
    """Tens of thousands of columns make lines longer than what the dialect is judged by."""
    n = 30_000
    header, row = ";".join(f"gene_{i}" for i in range(n)), ";".join("0,5" for _ in range(n))
    names, rows, aside = read(f"{header}\n{row}\n{row}\n".encode())
    assert (len(names), len(rows), aside) == (n, 2, [])
