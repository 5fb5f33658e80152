"""JSON documents and JSON lines: values as typed as they came, and clear words for what is spoilt."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.errors import SourceError
from penstock.sources import json as json_module
from penstock.sources import read_snapshot, snapshot
from penstock.sources.intake import Intake
from penstock.sources.json import JsonSource
from penstock.sources.records import jsonlines
from penstock.sources.records.jsontext import BadJson, parse
from penstock.store import Store

_text = st.text(alphabet=st.characters(codec="utf-8", exclude_characters="\x00"), max_size=6)
_columns = st.sampled_from(
    [
        st.integers(-(2**63), 2**63 - 1),
        st.floats(allow_nan=False, allow_infinity=False),
        st.booleans(),
        _text,
        st.dates().map(str),
    ]
).flatmap(lambda values: st.lists(st.none() | values, min_size=5, max_size=5))
_tables = st.dictionaries(_text.filter(str.strip), _columns, min_size=1, max_size=4)


def read(data: str | bytes, where: str = "t.json", **keys: object) -> pa.Table:
    """Read a text as a source would read a file of that name."""
    source = JsonSource(name="t", path=where, **keys)
    return source.parse(data.encode() if isinstance(data, str) else data, where)


def read_file(path: Path, intake: Intake, **keys: object) -> pa.Table:
    """Read a file as `collect` does, tables one after another."""
    source = JsonSource(name="t", path=str(path), **keys)
    return pa.concat_tables(source.tables(path, path.name, intake))


@given(_tables, st.booleans(), st.booleans())
def test_what_was_written_is_read_back_with_its_types(columns, lines, ascii_only):
    """As a document and as lines; text that looks like a date or a number stays text."""
    rows = [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
    if lines:
        table = read("".join(json.dumps(r, ensure_ascii=ascii_only) + "\n" for r in rows), "t.jsonl")
    else:
        table = read(json.dumps(rows, ensure_ascii=ascii_only, indent=2))
    assert table.to_pylist() == rows
    for name, values in columns.items():
        kinds = {type(v) for v in values} - {type(None)}
        assert table.schema.field(name).type == _ARROW[kinds.pop() if kinds else str]


_ARROW: dict[type, pa.DataType] = {int: pa.int64(), float: pa.float64(), bool: pa.bool_(), str: pa.string()}

_any = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats()
    | st.sampled_from(["2024-01-01", "2024-01-01T00:00:00Z", "", "x", '"a": 1', "[", "\u2028", "é"]),
    lambda v: st.lists(v, max_size=2) | st.dictionaries(st.sampled_from("abc"), v, max_size=2),
    max_leaves=5,
)
_lines = st.lists(
    st.dictionaries(st.sampled_from("abcd"), _any, max_size=4).map(json.dumps)
    | st.sampled_from(
        ["", "  ", "null", "1", "[]", '{"a":1,"a":2}', '{"a":', "{'a':1}", '{"a":1} {"a":2}', '{"a":1}]']
    ),
    min_size=1,
    max_size=8,
)


def _all_ways(text: str, monkeypatch: pytest.MonkeyPatch, size: int) -> list[tuple[pa.Table | None, list[object]]]:
    ways: list[Callable[[pytest.MonkeyPatch], None]] = [
        lambda _: None,
        lambda patch: patch.setattr(jsonlines, "_is_tame", lambda _: False),
        lambda patch: patch.setattr(jsonlines, "_BLOCK", size),
        lambda patch: patch.setattr(json_module, "_HELD", -1),
    ]
    found = []
    for way in ways:
        with monkeypatch.context() as patch:
            way(patch)
            intake = Intake(1.0)
            source = JsonSource(name="t", path="t.jsonl", lines=True)
            try:
                tables = list(source._rows(io.BytesIO(text.encode()), len(text), "t.jsonl", intake))
            except SourceError:
                # Lines that hold nothing at all.
                tables = []
            found.append((pa.concat_tables(tables) if tables else None, intake.table().to_pylist()))
    return found


@given(lines=_lines, size=st.integers(1, 40))
def test_lines_read_the_same_fast_or_slow_and_however_they_are_cut(lines, size):
    """The same columns in the same order, the same types and values, the same lines set aside."""
    text = "\n".join(lines)
    if not text.strip():
        return
    with pytest.MonkeyPatch.context() as patch:
        (table, aside), *others = _all_ways(text, patch, size)
    for other, other_aside in others:
        assert other_aside == aside
        assert (other is None) == (table is None)
        if table is not None and other is not None:
            assert other.schema == table.schema
            assert other.to_pylist() == table.to_pylist()


def test_arrow_reads_what_is_tame(monkeypatch):
    """The fast way is taken at all, and its moments are text."""
    monkeypatch.setattr(jsonlines._Reader, "_slow", lambda *_: pytest.fail("read line by line"))
    text = '{"d":"2024-01-01","n":1,"o":{"x":1.5,"e":{}},"z":null}\n' * 200 + '{"n":2,"late":"2024-01-01"}\n'
    table = read(text, "t.jsonl")
    assert table.column_names == ["d", "n", "o.x", "o.e", "z", "late"]
    assert table.schema.field("d").type == table.schema.field("late").type == pa.string()
    assert table["o.x"].type == pa.float64()


def test_a_line_that_is_no_object_is_set_aside_with_its_number(tmp_path):
    """And its reason; all others are read."""
    path = tmp_path / "t.jsonl"
    good = ['{"a": 1}'] * 60
    path.write_text("\n".join([*good[:30], '{"a": ', "", "[1]", '{"a": 1, "a": 2}', *good[30:]]))
    intake = Intake(0.1)
    assert read_file(path, intake).num_rows == 60
    rows = intake.table().to_pylist()
    assert [r["line"] for r in rows] == [31, 33, 34]
    assert "cut off" in rows[0]["reason"]
    assert "a list" in rows[1]["reason"]
    assert "'a' stands twice" in rows[2]["reason"]
    assert rows[2]["text"] == '{"a": 1, "a": 2}'


@pytest.mark.parametrize("lists", ["json", "first", "count", "expand"])
@pytest.mark.parametrize("line", ['{"a": [1, 2, 3], "b": 1, "b": 2}', '{"a": [{"x": 1, "x": 2}, {}, {}]}'])
def test_a_key_that_stands_twice_is_found_beside_lists(tmp_path, lists, line):
    """Whatever becomes of the lists."""
    path = tmp_path / "t.jsonl"
    path.write_text('{"a": [{}, 1], "b": 1}\n' * 20 + line + "\n")
    intake = Intake(0.1)
    assert read_file(path, intake, flatten={"lists": lists}).num_rows == 20
    assert "stands twice" in intake.table()["reason"][0].as_py()


def test_too_many_bad_lines_stop_the_run(tmp_path):
    """With the first of them named."""
    path = tmp_path / "t.jsonl"
    path.write_text('{"a": 1}\nno\n')
    with pytest.raises(SourceError, match="1 of 2 rows") as caught:
        snapshot(JsonSource(name="t", path=str(path)), Store(tmp_path / "store"))
    assert caught.value.where.endswith("t.jsonl:2")


@pytest.mark.parametrize(
    "document",
    [
        '[{"a": 1, "b": "x"}, {"a": 2, "b": "y"}]',
        '{"meta": {"n": 2}, "items": [{"a": 1, "b": "x"}, {"a": 2, "b": "y"}]}',
        '{"meta": [1], "data": {"page": {"items": [{"a": 1, "b": "x"}, {"a": 2, "b": "y"}]}}}',
        '{"a": [1, 2], "b": ["x", "y"]}',
        '{"columns": ["a", "b"], "index": [0, 1], "data": [[1, "x"], [2, "y"]]}',
        '[["a", "b"], [1, "x"], [2, "y"]]',
        '{"a": 1, "b": "x"}\n{"a": 2, "b": "y"}\n',
    ],
)
def test_the_records_are_found_where_they_are(document):
    """A list, the only list of objects inside, columns, pandas' split, rows under names, lines in a .json file."""
    assert read(document).to_pydict() == {"a": [1, 2], "b": ["x", "y"]}


def test_where_the_records_were_found_is_told(tmp_path):
    """A reader of the receipt shall know."""
    path = tmp_path / "t.json"
    path.write_text('{"data": {"items": [{"a": 1}]}}')
    intake = Intake()
    read_file(path, intake)
    assert "'data.items'" in intake.remarks[0]


@pytest.mark.parametrize(
    ("records", "document", "expected"),
    [
        ("data.items", {"data": {"items": [{"a": 1}], "other": [{"b": 1}]}}, [{"a": 1}]),
        ("a.b", {"a.b": [{"x": 1}], "a": {"b": [{"x": 2}]}}, [{"x": 1}]),
        ("1.rows", [{}, {"rows": [{"x": 3}]}], [{"x": 3}]),
        ("one", {"one": {"x": 4}}, [{"x": 4}]),
    ],
)
def test_a_path_leads_to_the_records(records, document, expected):
    """Keys that hold points themselves, and places in lists."""
    assert read(json.dumps(document), records=records).to_pylist() == expected


@pytest.mark.parametrize(
    ("orient", "document", "expected"),
    [
        ("columns", {"a": {"0": 1, "1": 2}, "b": {"0": "x", "1": "y"}}, [{"a": 1, "b": "x"}, {"a": 2, "b": "y"}]),
        ("columns", {"a": {"0": 1, "1": 2}, "b": {"1": "y"}}, [{"a": 1, "b": None}, {"a": 2, "b": "y"}]),
        ("index", {"r1": {"a": 1}, "r2": {"a": 2}}, [{"index": "r1", "a": 1}, {"index": "r2", "a": 2}]),
        ("records", {"a": 1}, [{"a": 1}]),
    ],
)
def test_a_layout_that_cannot_be_told_is_named(orient, document, expected):
    """Objects of objects may be rows or columns."""
    assert read(json.dumps(document), orient=orient).to_pylist() == expected
    if orient != "records":
        with pytest.raises(SourceError, match="rows or columns"):
            read(json.dumps(document))


@pytest.mark.parametrize(
    ("document", "keys", "told"),
    [
        ("", {}, "empty"),
        ("  \n", {}, "empty"),
        ("[]", {}, "empty"),
        ("{}", {}, "no records"),
        ("7", {}, "no records"),
        ("[{}, {}]", {}, "hold nothing"),
        ("[1, 2]", {}, "no records"),
        ('[{"a": 1}, {"a": ', {}, "t.json:1:18"),
        ('[\n{"a": 1},\n{"a" 2}]', {}, "t.json:3:6"),
        ('[{"a": 1, "a": 2}]', {}, "'a' stands twice"),
        ('[{"a": {"b": 1,\n"b": 2}}]', {}, "'b' stands twice"),
        ('[{"a": "\\ud800"}]', {}, "surrogate"),
        ('{"x": [{"a": 1}], "y": [{"a": 1}]}', {}, "several lists"),
        ('{"data": [{"a": 1}]}', {"records": "dat"}, "did you mean 'data'"),
        ('{"data": [{"a": 1}]}', {"records": "data.items"}, "a list of 1 items"),
        ('{"columns": ["a", "a"], "data": [[1, 2]]}', {}, "stands twice"),
        ('{"columns": ["a"], "data": [[1, 2]]}', {}, "2 values for 1 columns"),
        ('{"a": [1, 2], "b": [1]}', {"orient": "columns"}, "different lengths"),
        ('[{"a": 1}]', {"orient": "split"}, "orient 'split'"),
        (b'[{"a": "\xe9"}]', {}, "no UTF-8"),
        (b"PK\x03\x04\x00\x00", {}, "not JSON"),
        ("<html></html>", {}, "not JSON"),
        ("[" * 100_000, {}, "nested"),
        ('{"a":' * 5_000 + "1" + "}" * 5_000, {}, "nested"),
    ],
)
def test_what_is_no_table_is_refused_with_its_place(document, keys, told):
    """Never half a table."""
    with pytest.raises(SourceError) as caught:
        read(document, **keys)
    assert told in str(caught.value)


def test_items_that_are_no_objects_are_set_aside(tmp_path):
    """By their place in the list."""
    path = tmp_path / "t.json"
    path.write_text('[{"a": 1}, 5, {"a": 2}]')
    intake = Intake(0.5)
    assert read_file(path, intake)["a"].to_pylist() == [1, 2]
    assert [(r["line"], r["text"]) for r in intake.table().to_pylist()] == [(2, "5")]


@pytest.mark.parametrize("lines", [True, False])
@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32"])
def test_an_encoding_is_found_by_its_mark_or_its_zeros(lines, encoding):
    """As the standard for JSON has it."""
    text = '{"a": "é€"}\n{"a": "x"}\n' if lines else '[{"a": "é€"}, {"a": "x"}]'
    assert read(text.encode(encoding), "t.jsonl" if lines else "t.json")["a"].to_pylist() == ["é€", "x"]


def test_an_encoding_may_be_given():
    """Where no standard was heeded; what is not in it is an error, an unknown one another."""
    assert read('[{"a": "é"}]'.encode("latin-1"), encoding="latin-1")["a"].to_pylist() == ["é"]
    assert read('{"a": "é"}\n'.encode("cp1252"), "t.jsonl", encoding="cp1252")["a"].to_pylist() == ["é"]
    with pytest.raises(SourceError, match="not ascii"):
        read('{"a": "é"}\n', "t.jsonl", encoding="ascii")
    with pytest.raises(ValueError, match="no encoding is known"):
        JsonSource(name="t", path="t.json", encoding="utf-9")


def test_a_line_of_another_encoding_is_set_aside(tmp_path):
    """One spoilt line does not stop the others."""
    path = tmp_path / "t.jsonl"
    path.write_bytes(b'{"a": "x"}\n' * 30 + b'{"a": "\xe9"}\n')
    intake = Intake(0.1)
    assert read_file(path, intake).num_rows == 30
    assert "0xe9 is no UTF-8" in intake.table()["reason"][0].as_py()


@pytest.mark.parametrize("name", ["t.json", "t.jsonl"])
def test_numbers_beyond_the_standard(name):
    """NaN is missing, Infinity is a float, a long number keeps its digits, in documents and lines alike."""
    row = '{"n": NaN, "i": -Infinity, "l": 123456789012345678901234567890, "w": 9223372036854775807}'
    table = read(f"[{row}]" if name == "t.json" else row + "\n", name)
    assert table.to_pylist() == [
        {"n": None, "i": float("-inf"), "l": "123456789012345678901234567890", "w": 9223372036854775807}
    ]


def test_a_number_of_thousands_of_digits_is_refused():
    """Python would take minutes over a longer one, and refuses."""
    with pytest.raises(BadJson):
        parse(b'{"a": ' + b"9" * 10_000 + b"}")


def test_a_deep_line_is_set_aside_and_harms_nobody(tmp_path):
    """A parser that calls itself for each level would end the process."""
    path = tmp_path / "t.jsonl"
    deep = ['{"a":' + "[" * 200_000 + "]" * 200_000 + "}", '{"a":' * 500 + "1" + "}" * 500]
    path.write_text("\n".join(['{"a": 1}'] * 50 + deep + ["null"] + ['{"a": 2}'] * 10))
    intake = Intake(0.1)
    assert read_file(path, intake).num_rows == 60
    assert [r["line"] for r in intake.table().to_pylist()] == [51, 52, 53]


def test_null_as_the_first_line_harms_nobody(tmp_path):
    """Arrow's own reader ends the process at it."""
    path = tmp_path / "t.jsonl"
    path.write_text('null\n{"a": 1}\n')
    intake = Intake(1.0)
    assert read_file(path, intake).num_rows == 1


def test_geojson_is_a_table_of_features():
    """Properties become columns, coordinates are JSON text."""
    feature = {"type": "Feature", "properties": {"n": "x"}, "geometry": {"type": "Point", "coordinates": [1.5, 2]}}
    table = read(json.dumps({"type": "FeatureCollection", "features": [feature]}), "t.geojson")
    assert table.to_pylist() == [
        {"type": "Feature", "properties.n": "x", "geometry.type": "Point", "geometry.coordinates": "[1.5,2]"}
    ]


def test_a_line_that_never_ends_is_an_error(monkeypatch):
    """And is not gathered until the memory is full."""
    monkeypatch.setattr(jsonlines, "_LONGEST_LINE", 1000)
    monkeypatch.setattr(jsonlines, "_BLOCK", 100)
    with pytest.raises(SourceError, match="longer than"):
        read('{"a": "' + "x" * 5000, "t.jsonl")


def test_real_lines_are_read_with_nothing_lost(shared, tmp_path):
    """3,560 lines, 120 of them heartbeats, of ragged keys."""
    source = JsonSource(name="bitly", path=str(shared / "data" / "bitly_jsonl" / "example.txt"))
    store = Store(tmp_path)
    table = read_snapshot(snapshot(source, store), store)
    assert table.shape == (3560, 18)
    assert table["_heartbeat_"].null_count == 3440
    assert table["t"].type == pa.int64()
    assert table["ll"][0].as_py() == "[42.576698,-70.954903]"


def test_a_real_document_is_read_with_nothing_lost(shared, tmp_path):
    """Titles that are text, numbers and null become text; ratings stay numbers."""
    source = JsonSource(name="movies", path=str(shared / "data" / "movies_json" / "movies.json"))
    store = Store(tmp_path)
    table = read_snapshot(snapshot(source, store), store)
    assert table.shape == (3201, 16)
    titles = [row["Title"] for row in json.loads((shared / "data" / "movies_json" / "movies.json").read_bytes())]
    assert table["Title"].to_pylist() == [None if t is None else str(t) for t in titles]
    assert table["IMDB Rating"].type == pa.float64()
    assert table["US Gross"].type == pa.int64()


def test_files_of_records_are_stacked_by_their_keys(tmp_path):
    """What a file lacks is missing there; what is a number in one and text in another is text."""
    (tmp_path / "1.jsonl").write_text('{"a": 1, "b": null}\n{"a": 2}\n')
    (tmp_path / "2.jsonl").write_text('{"b": 7, "c": "x", "a": "y"}\n')
    source = JsonSource(name="t", path=[str(tmp_path / "1.jsonl"), str(tmp_path / "2.jsonl")])
    store = Store(tmp_path / "store")
    table = read_snapshot(snapshot(source, store), store)
    assert table.to_pydict() == {"a": ["1", "2", "y"], "b": [None, None, 7], "c": [None, None, "x"]}
