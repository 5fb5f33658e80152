"""XML: rows by a path, attributes and children as columns, texts as they came, and nothing fetched or expanded."""

from __future__ import annotations

import io
from pathlib import Path
from xml.sax.saxutils import escape, quoteattr

import pyarrow as pa
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from penstock.errors import SourceError
from penstock.sources import read_snapshot, snapshot
from penstock.sources import xml as xml_module
from penstock.sources.intake import Intake
from penstock.sources.records import xmlrows
from penstock.sources.xml import XmlSource, xml_tables
from penstock.store import Store

# What XML can hold at all; a carriage return comes back as a line feed, as the standard has it.
_text = st.text(
    alphabet=st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"], exclude_characters="\ufffe\uffff"),
    max_size=6,
)
_names = st.from_regex(r"[a-z][a-z0-9_.-]{0,4}", fullmatch=True)


def read(data: str | bytes, where: str = "t.xml", **keys: object) -> pa.Table:
    """Read a text as a source would read a file of that name."""
    source = XmlSource(name="t", path=where, **keys)
    return source.parse(data.encode() if isinstance(data, str) else data, where)


def rows_of(inner: str, **keys: object) -> list[dict[str, object]]:
    """Return the rows of a document, from what is inside its root."""
    return read(f"<r>{inner}</r>", **({"rows": "row"} | keys)).to_pylist()


@given(
    st.dictionaries(_names, st.lists(st.none() | _text, min_size=4, max_size=4), min_size=1, max_size=4), st.booleans()
)
def test_what_was_written_is_read_back_to_the_letter(columns, as_attributes):
    """As elements and as attributes; an empty text is no missing one."""
    rows = [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
    if as_attributes:
        inner = ["".join(f" {k}={quoteattr(v)}" for k, v in r.items() if v is not None) + ">" for r in rows]
    else:
        inner = [">" + "".join(f"<{k}>{escape(v)}</{k}>" for k, v in r.items() if v is not None) for r in rows]
    assume(any(v is not None for values in columns.values() for v in values))
    table = read("<r>" + "".join(f"<row{i}</row>" for i in inner) + "</r>", rows="/r/row")
    expected = {k: v for k, v in columns.items() if any(x is not None for x in v)}
    found = {k: v for k, v in table.to_pydict().items() if k in expected}
    assert found == expected
    assert {f.type for f in table.schema} == {pa.string()}


def test_the_rows_are_found_and_told():
    """The repeated elements that hold the most values, however deep, and not their own children."""
    text = "<shop><info><a>1</a><b>2</b></info><orders>" + (
        "<order id='7'><who>x</who><sum>1.50</sum><line n='1'/><line n='2'/></order>" * 3 + "</orders></shop>"
    )
    intake = Intake()
    (table,) = xml_tables(text.encode(), "t.xml", intake=intake)
    assert table.column_names == ["id", "who", "sum", "line"]
    assert table.num_rows == 3
    assert intake.remarks == ["t.xml: the rows were taken to be /shop/orders/order"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("<r><v>1</v><v>2</v></r>", [{"v": "1"}, {"v": "2"}]),
        ("<r><row><a>1</a><b>2</b></row></r>", [{"a": "1", "b": "2"}]),
        ("<r><a>1</a><b>2</b></r>", [{"a": "1", "b": "2"}]),
        (
            "<r><g><x a='1' b='2'/><x a='3' b='4'/></g><g><x a='5' b='6'/></g></r>",
            [{"a": "1", "b": "2"}, {"a": "3", "b": "4"}, {"a": "5", "b": "6"}],
        ),
    ],
)
def test_small_documents_have_rows_too(text, expected):
    """Bare values, a single row, attributes alone, rows in groups."""
    assert read(text).to_pylist() == expected


def test_a_late_beginning_of_the_rows_is_found(monkeypatch):
    """Where the first part of a document holds no repeated element, more of it is looked at."""
    monkeypatch.setattr(xmlrows, "_SAMPLE", 200)
    head = "".join(f"<h{i}>x</h{i}>" for i in range(100))
    assert read(f"<r>{head}<row><a>1</a></row><row><a>2</a></row></r>")["a"].to_pylist() == ["1", "2"]


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ("row", ["1", "2", "3"]),
        ("//row", ["1", "2", "3"]),
        ("/r/row", ["1"]),
        ("./row", ["1"]),
        ("g/row", ["2", "3"]),
        ("/r/g/row", ["2", "3"]),
        ("/r/*/row", ["2", "3"]),
        ("//row[a > 1]", ["2", "3"]),
        ("//g[@k='y']/row", ["3"]),
    ],
)
def test_rows_are_what_the_path_says(rows, expected):
    """A plain path is followed while reading, any other XPath over the whole tree; both say the same."""
    text = "<r><row><a>1</a></row><g><row><a>2</a></row></g><g k='y'><row><a>3</a></row></g></r>"
    assert read(text, rows=rows)["a"].to_pylist() == expected


def test_attributes_children_and_what_is_inside_them_become_columns():
    """An attribute has a plain name; one that a child has too gets an `@`."""
    assert rows_of("<row id='1' k='x'><id>2</id><who first='A'><last>B</last></who><sum cur='EUR'>5</sum></row>") == [
        {"@id": "1", "k": "x", "id": "2", "who.first": "A", "who.last": "B", "sum": "5", "sum.cur": "EUR"}
    ]


def test_a_name_that_collides_in_one_row_is_marked_in_all():
    """Columns are named with the whole file in view."""
    assert rows_of("<row a='1'/><row><a>2</a></row>") == [{"@a": "1", "a": None}, {"@a": None, "a": "2"}]


def test_an_element_that_is_repeated_in_any_row_is_a_list_in_all():
    """Its length must not depend on where the file is cut."""
    inner = "<row><t>u</t><n>1</n></row><row><t>v</t><t>w</t></row><row/>"
    assert rows_of(inner) == [{"t": '["u"]', "n": "1"}, {"t": '["v","w"]', "n": None}, {"t": None, "n": None}]
    assert [r["t"] for r in rows_of(inner, flatten={"lists": "count"})] == [1, 2, None]
    assert [r["t"] for r in rows_of(inner, flatten={"lists": "first"})] == ["u", "v", None]
    assert rows_of(inner, flatten={"lists": "expand"})[1] == {"t.0": "v", "t.1": "w", "n": None}


def test_repeated_elements_with_children_are_json():
    """With attributes marked and texts beside them."""
    assert rows_of("<row><l n='1'>x</l><l n='2'><k>y</k></l></row>") == [
        {"l": '[{"@n":"1","#text":"x"},{"@n":"2","k":"y"}]'}
    ]


def test_texts_are_kept_as_they_came():
    """Blanks, CDATA, comments inside, what looks like a number or a missing value; nil alone is missing."""
    xsi = "http://www.w3.org/2001/XMLSchema-instance"
    inner = (
        f"<row><a> 007 </a><b><![CDATA[<x> & y]]></b><c>u<!-- no -->v</c><d/><e xmlns:i='{xsi}' i:nil='true'/></row>"
    )
    assert rows_of(inner) == [{"a": " 007 ", "b": "<x> & y", "c": "uv", "d": "", "e": None}]


def test_mixed_text_is_kept_whole():
    """Text between elements is not lost."""
    assert rows_of("<row><p>Hello <b>big</b> world</p></row>") == [{"p": "Hello big world", "p.b": "big"}]


def test_namespaces_leave_local_names():
    """Unless two columns would get one name: then their prefixes tell them apart."""
    text = (
        "<x:r xmlns:x='urn:x' xmlns:y='urn:y' xmlns='urn:d'>"
        "<x:row><x:a>1</x:a><y:a>2</y:a><b y:k='3'>4</b></x:row></x:r>"
    )
    expected = [{"x:a": "1", "y:a": "2", "b": "4", "b.k": "3"}]
    assert read(text, rows="row").to_pylist() == expected
    assert read(text, rows="//p:row", namespaces={"p": "urn:x"}).to_pylist() == expected
    assert read(text, rows="//p:row[1]", namespaces={"p": "urn:x"}).to_pylist() == expected
    with pytest.raises(SourceError, match="no such rows"):
        read(text, rows="p:row", namespaces={"p": "urn:y"})
    with pytest.raises(SourceError, match="stands for no namespace"):
        read(text, rows="q:row")


def test_rows_of_different_shape_are_one_table():
    """What a row lacks is missing there."""
    assert rows_of("<row><a>1</a></row><row><b>2</b></row>") == [{"a": "1", "b": None}, {"a": None, "b": "2"}]


_BOMB = "<!DOCTYPE r [<!ENTITY a0 'ha'>" + (
    "".join(f"<!ENTITY a{i} '{f'&a{i - 1};' * 10}'>" for i in range(1, 12)) + "]>"
)


@pytest.mark.parametrize(
    "prolog",
    [
        _BOMB,
        "<!DOCTYPE r [<!ENTITY a11 'x'>]>",
        "<!DOCTYPE r [<!ENTITY a11 SYSTEM 'file:///etc/passwd'>]>",
        "<!DOCTYPE r [<!ENTITY a11 PUBLIC 'p' 'http://127.0.0.1:9/x'>]>",
        "<!DOCTYPE r [<!ENTITY % p SYSTEM 'http://127.0.0.1:9/x.dtd'> %p;]>",
        "<!DOCTYPE r [<!ENTITY % p '<!ENTITY a11 \"x\">'> %p;]>",
    ],
)
@pytest.mark.parametrize("rows", [None, "row", "//row[1]"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "shift_jis"])
def test_a_document_that_declares_entities_is_refused(prolog, rows, encoding):
    """Whatever they are, in any encoding: nothing is expanded, nothing fetched."""
    head = "" if encoding == "utf-16" else f"<?xml version='1.0' encoding='{encoding}'?>"
    data = f"{head}{prolog}<r><row><a>&a11;</a></row><row><a>x</a></row></r>".encode(encoding)
    with pytest.raises(SourceError, match="entities"):
        read(data, rows=rows)


def test_a_document_type_elsewhere_is_not_fetched(tmp_path):
    """A document may name one; an entity that only it could define is an error, and not an empty cell."""
    dtd = tmp_path / "t.dtd"
    dtd.write_text("<!ENTITY secret 'planted'>")
    prolog = f"<!DOCTYPE r SYSTEM '{dtd.as_uri()}'>"
    assert read(f"{prolog}<r><row><a>1</a></row></r>", rows="row")["a"].to_pylist() == ["1"]
    for inner in ("<a>&secret;</a>", "<a>u&secret;v</a>", "&secret;"):
        with pytest.raises(SourceError, match=r"entity|well-formed"):
            read(f"{prolog}<r><row>{inner}</row></r>", rows="row")


def test_an_inclusion_is_not_followed(tmp_path):
    """It is an element like any other."""
    secret = tmp_path / "secret.txt"
    secret.write_text("planted")
    xi = "http://www.w3.org/2001/XInclude"
    table = read(f"<r><row><xi:include xmlns:xi='{xi}' href='{secret.as_uri()}' parse='text'/></row></r>", rows="row")
    assert "planted" not in str(table.to_pylist())


@pytest.mark.parametrize(
    ("data", "keys", "told"),
    [
        ("", {}, "empty"),
        ("\ufeff \n", {}, "empty"),
        ("hello", {}, "not well-formed"),
        ('{"a": 1}', {}, "not well-formed"),
        ("<r><row><a>1</a></row>\n<row><a>2</", {}, "cut off"),
        ("<r><row><a>1</a></row>\n", {}, "cut off"),
        ("<r><row>\n<a>1</b></row></r>", {}, "t.xml:2"),
        ("<r><row><a>&nope;</a></row></r>", {}, "t.xml:1"),
        ("<r><row><a>1</a></row></r>", {"rows": "column"}, "no such rows"),
        ("<r><row><a>1</a></row></r>", {"rows": "//row["}, "no XPath"),
        ("<r><row><a>1</a></row></r>", {"rows": "//row/a/text()"}, "does not select elements"),
        ("<r><row><a>1</a></row></r>", {"rows": "count(//row)"}, "does not select elements"),
        ("<r/>", {}, "no rows"),
        ("<r><row/><row/></r>", {"rows": "row"}, "hold nothing"),
        ("<!DOCTYPE html><html><p>x<br></p></html>", {}, "HTML"),
        (b"<?xml version='1.0' encoding='utf-8'?><r><row><a>\xe9</a></row></r>", {}, "`encoding`"),
        (b"<?xml version='1.0' encoding='utf-9'?><r><row><a>x</a></row></r>", {}, "'utf-9'"),
        ("<r><row>" + "<a>" * 5000 + "</a>" * 5000 + "</row></r>", {"rows": "row"}, "t.xml:1"),
        ("<r><row>" + "<a>" * 300 + "</a>" * 300 + "</row></r>", {"rows": "row"}, "nested too deep"),
    ],
)
def test_what_is_no_table_is_refused_with_its_place(data, keys, told):
    """Never half a table."""
    with pytest.raises(SourceError) as caught:
        read(data, **keys)
    assert told in str(caught.value)


@pytest.mark.parametrize(
    ("declared", "encoding"),
    [
        ("ISO-8859-1", "latin-1"),
        ("latin1", "latin-1"),
        ("windows-1252", "cp1252"),
        ("utf-16", "utf-16"),
        ("UTF-8", "utf-8-sig"),
        ("cp850", "cp850"),
    ],
)
def test_an_encoding_is_read_as_declared(declared, encoding):
    """Those that the parser knows, and those that only Python does."""
    text = f"<?xml version='1.0' encoding='{declared}'?><r><row><a>é</a></row></r>"
    assert read(text.encode(encoding), rows="row")["a"].to_pylist() == ["é"]


def test_a_wrong_declaration_can_be_overruled():
    """What the file says of itself is not always so."""
    text = "<?xml version='1.0' encoding='utf-8'?><r><row><a>é</a></row></r>"
    assert read(text.encode("latin-1"), rows="row", encoding="latin-1")["a"].to_pylist() == ["é"]


def test_long_texts_are_read():
    """Where the parser's own limit is ten million characters."""
    table = read("<r><row><a>" + "x" * 11_000_000 + "</a></row></r>", rows="row")
    assert len(table["a"][0].as_py()) == 11_000_000


def _repeated(n: int) -> bytes:
    row = b"<row><a>1</a><b>some longer text that would take its place in a tree</b><c x='1'/></row>\n"
    return b"<r>" + row * n + b"</r>"


def test_elements_are_freed_while_reading():
    """At no time does the tree hold more than a few rows."""
    reader = xmlrows.Reader(xml_module.Trusted(io.BytesIO(_repeated(2000)), None, "t"), xml_module.Flatten(), "t")
    most = 0
    for element in reader._streamed(xmlrows.RowPath("row", {}, "t")):
        parent = element.getparent()
        most = max(most, len(parent) if parent is not None else 0)
    # The parser is ahead of the reader by one block of its own.
    assert most < 1000


def test_blocks_do_not_change_the_table(monkeypatch):
    """A column that appears late, a list that appears late."""
    inner = "<row><a>1</a></row>" * 5 + "<row b='2'><a>1</a><a>2</a></row>"
    whole = rows_of(inner)
    monkeypatch.setattr(xmlrows, "_ROWS", 2)
    assert rows_of(inner) == whole
    monkeypatch.setattr(xml_module, "_HELD", 0)
    assert rows_of(inner) == whole


def test_real_files_are_stacked_with_nothing_lost(shared, tmp_path):
    """Three files of the same columns, numbers as the text that they came as."""
    folder = shared / "data" / "mta_xml"
    store = Store(tmp_path)
    source = XmlSource(name="mta", path=sorted(map(str, folder.glob("*.xml"))))
    taken = snapshot(source, store)
    table = read_snapshot(taken, store)
    assert table.shape == (1272, 16)
    assert table["YTD_TARGET"][0].as_py() == "2,200.00"
    assert len(taken.remarks) == 3


def test_a_file_and_its_bytes_read_the_same(tmp_path: Path):
    """As an answer of an API and as a file."""
    path = tmp_path / "t.xml"
    path.write_text("<r><row><a>1</a></row></r>")
    (from_file,) = xml_tables(path, "t.xml", rows="row")
    (from_bytes,) = xml_tables(path.read_bytes(), "t.xml", rows="row")
    assert from_file == from_bytes
