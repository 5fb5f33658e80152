"""Records become one table: nested objects by named rules, each column of the one type that it has."""

from __future__ import annotations

import datetime as dt
import math
from decimal import Decimal

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.errors import SourceError
from penstock.sources.records import typed
from penstock.sources.records.flattening import Flatten, piece_of, table_of
from penstock.sources.records.jsontext import n_keys
from penstock.sources.records.typed import Survey, array_of, tables_of

_keys = st.text(alphabet="abc", min_size=1, max_size=2)
_scalars = (
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=4).filter(str.isascii)
)
_values = st.recursive(
    _scalars, lambda v: st.lists(v, max_size=2) | st.dictionaries(_keys, v, max_size=2), max_leaves=6
)
_records = st.lists(st.dictionaries(_keys, _values, max_size=4), min_size=1, max_size=8).filter(any)


def test_a_key_that_is_lacking_is_missing_there():
    """Columns stand in the order of their first appearance; no record is left out."""
    table = table_of([{"b": 1}, {"a": "x", "b": 2}, {}])
    assert table.to_pydict() == {"b": [1, 2, None], "a": [None, "x", None]}


@pytest.mark.parametrize(
    ("values", "kind", "read"),
    [
        ([1, None, 3], pa.int64(), [1, None, 3]),
        ([1, 2.5], pa.float64(), [1.0, 2.5]),
        ([1.0, 2.0], pa.float64(), [1.0, 2.0]),
        ([True, None], pa.bool_(), [True, None]),
        (["01", " x "], pa.string(), ["01", " x "]),
        ([None, None], pa.string(), [None, None]),
        ([2**63, 1], pa.string(), ["9223372036854775808", "1"]),
        ([2**53 + 1, 0.5], pa.string(), ["9007199254740993", "0.5"]),
        ([1, "a", 2.0, True, None], pa.string(), ["1", "a", "2", "true", None]),
        ([True, 1], pa.string(), ["true", "1"]),
        ([float("nan"), 1.5], pa.float64(), [None, 1.5]),
        ([float("nan"), "a"], pa.string(), [None, "a"]),
        ([[1, 2], None], pa.string(), ["[1,2]", None]),
        ([[1], "a"], pa.string(), ["[1]", "a"]),
    ],
)
def test_a_column_has_the_type_that_all_its_values_have(values, kind, read):
    """Whole numbers stay whole beside missing ones; no number loses a digit; what has no common type is text."""
    column = table_of([{"a": v} for v in values])["a"]
    assert (column.type, column.to_pylist()) == (kind, read)


def test_python_values_keep_what_they_are():
    """Dates are moments, decimals and NumPy's numbers are numbers."""
    day = dt.date(2024, 5, 1)
    table = table_of(
        [{"d": day, "n": np.int64(3), "x": Decimal("1.5"), "t": np.datetime64("2024-05-01T01:00"), "c": dt.time(7, 5)}]
    )
    moment = dt.datetime.combine(day, dt.time())
    expected = {"d": moment, "n": 3, "x": 1.5, "t": moment + dt.timedelta(hours=1), "c": "07:05:00"}
    assert table.to_pylist() == [expected]


def test_raw_bytes_are_refused():
    """There is no text to take them for."""
    with pytest.raises(SourceError, match="no text") as caught:
        table_of([{"blob": b"\x00"}])
    assert "blob" in caught.value.where


def test_nested_objects_become_columns_side_by_side():
    """Those of one object stand together, wherever they appear first; one that is null leaves no column behind."""
    records = [{"a": {"x": 1}, "b": 2}, {"a": None, "b": 3}, {"a": {"y": {"z": "t"}}, "b": 4}]
    table = table_of(records)
    assert table.column_names == ["a.x", "a.y.z", "b"]
    assert table["a.x"].to_pylist() == [1, None, None]


def test_an_object_in_some_records_and_a_value_in_others_are_two_columns():
    """Nothing of either is lost."""
    assert table_of([{"a": 5}, {"a": {"x": 1}}]).to_pydict() == {"a": [5, None], "a.x": [None, 1]}


@pytest.mark.parametrize(
    ("rules", "expected"),
    [
        ({}, {"t": ['["u","v"]', None, "[]"], "o.k": [1, None, None]}),
        ({"separator": "_"}, {"t": ['["u","v"]', None, "[]"], "o_k": [1, None, None]}),
        ({"lists": "first"}, {"t": ["u", None, None], "o.k": [1, None, None]}),
        ({"lists": "count"}, {"t": [2, None, 0], "o.k": [1, None, None]}),
        ({"lists": "expand"}, {"t.0": ["u", None, None], "t.1": ["v", None, None], "o.k": [1, None, None]}),
        ({"max_depth": 0}, {"t": ['["u","v"]', None, "[]"], "o": ['{"k":1}', None, None]}),
    ],
)
def test_each_rule_for_what_is_nested_does_what_it_says(rules, expected):
    """JSON text, the first item, the number of items, a column for each place; another separator; a depth."""
    records = [{"t": ["u", "v"], "o": {"k": 1}}, {"t": None}, {"t": []}]
    assert table_of(records, Flatten(**rules)).to_pydict() == expected


def test_lists_of_objects_are_expanded_all_the_way():
    """A place and then a key."""
    table = table_of([{"a": [{"x": 1}, {"x": 2}]}], Flatten(lists="expand"))
    assert table.to_pylist() == [{"a.0.x": 1, "a.1.x": 2}]


def test_two_columns_that_would_get_one_name_are_an_error():
    """And the separator is what to change."""
    with pytest.raises(SourceError, match=r"'a\.b'") as caught:
        table_of([{"a.b": 1}, {"a": {"b": 2}}])
    assert "separator" in caught.value.todo
    assert table_of([{"a.b": 1}, {"a": {"b": 2}}], Flatten(separator="/")).column_names == ["a.b", "a/b"]


def test_a_blank_key_is_an_error():
    """As it is in every source."""
    with pytest.raises(SourceError, match="has no name"):
        table_of([{"": 1}])


def test_keys_that_look_like_data_are_refused_before_they_fill_the_memory():
    """A column for each record would be a table of a million million cells."""
    with pytest.raises(SourceError, match="more than 10,000 columns"):
        table_of([{f"k{i}": i} for i in range(10_001)])


def test_what_is_nested_without_end_is_refused():
    """By an error, not by the end of the process."""
    deep: object = 1
    for _ in range(100_000):
        deep = [deep]
    with pytest.raises(SourceError, match="nested too deep"):
        table_of([{"a": deep}])


def test_no_record_is_an_error():
    """There is no table to speak of."""
    with pytest.raises(SourceError, match="no record"):
        table_of([])


@given(_records, st.integers(1, 4), st.sampled_from(["json", "first", "count", "expand"]))
def test_the_table_does_not_depend_on_how_the_records_are_cut(records, size, lists):
    """Types, order and values are those of the whole column, whatever arrives first."""
    rules = Flatten(lists=lists, separator="/")
    pieces = [piece_of(records[i : i + size], rules, "t") for i in range(0, len(records), size)]
    cut = pa.concat_tables(tables_of(lambda: pieces, lambda paths, _: [repr(p) for p in paths], "t"))
    again = pa.concat_tables(
        tables_of(lambda: iter(pieces), lambda paths, _: [repr(p) for p in paths], "t", keep=False)
    )
    whole = pa.concat_tables(
        tables_of(lambda: [piece_of(records, rules, "t")], lambda paths, _: [repr(p) for p in paths], "t")
    )
    assert cut.schema == whole.schema
    assert cut.to_pylist() == whole.to_pylist() == again.to_pylist()


@given(_records, st.sampled_from(["json", "first", "count", "expand"]), st.integers(0, 3))
def test_no_more_keys_are_counted_than_there_are(records, lists, depth):
    """By that count a key that stood twice in the text is found."""
    counted = piece_of(records, Flatten(lists=lists, max_depth=depth, separator="/"), "t").n_keys
    assert counted <= n_keys(records)
    if lists in ("json", "count"):
        assert counted == n_keys(records)


@given(st.lists(st.none() | st.integers(-(2**70), 2**70) | st.floats(), min_size=1, max_size=6))
def test_no_number_is_rounded(values):
    """Each reads back as the number it was, from float64 or from text."""
    array = array_of(values)
    for value, read in zip(values, array.to_pylist(), strict=True):
        if value is None or math.isnan(value):
            assert read is None
        else:
            assert (type(value)(read) if isinstance(read, str) else read) == value


def test_a_long_number_is_not_rounded_by_a_broken_one_that_comes_later():
    """In another piece, where float64 would have been the type of both."""
    pieces = [piece_of([{"a": 2**53 + 1}], Flatten(), "t"), piece_of([{"a": 0.5}], Flatten(), "t")]
    table = pa.concat_tables(tables_of(lambda: pieces, lambda paths, _: [p[0] for p in paths], "t"))
    assert table["a"].to_pylist() == ["9007199254740993", "0.5"]


def test_a_survey_knows_the_order_and_the_types(monkeypatch):
    """What is null in one piece and an object in another is no column."""
    monkeypatch.setattr(typed, "MOST_COLUMNS", 3)
    survey = Survey("t")
    survey.add(piece_of([{"a": None, "b": 1}], Flatten(), "t"))
    survey.add(piece_of([{"a": {"x": "t"}, "b": 2.5}], Flatten(), "t"))
    assert survey.types() == {("a", "x"): pa.string(), ("b",): pa.float64()}
    with pytest.raises(SourceError, match="columns"):
        survey.add(piece_of([{"c": 1}], Flatten(), "t"))
