"""Joins as look-ups."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.errors import DataError, SpecError
from penstock.slices import Join
from penstock.steps.relations.join import check_relation
from penstock.steps.relations.keyed import KeyedLookup
from penstock.steps.relations.lookup import NOTHING_ODD, LookupRecord
from penstock.steps.relations.travelling import lookups_of

PLANES = pa.table({"tail": ["N1", "N2", "N3"], "seats": [10, 20, None], "maker": ["A", None, "C"]})
JOIN = Join(table="planes", on={"tailnum": "tail"})
KEYS = st.lists(st.one_of(st.none(), st.sampled_from(["N1", " N2", "N9", ""])), max_size=8)


def of(join, table):
    """Return the plain look-up of a join."""
    return KeyedLookup(LookupRecord(name=join.table, kind="keyed", join=join), table)


def test_a_row_finds_the_values_of_its_key_under_prefixed_names():
    """Blanks around a key don't matter, and a row without a partner gets nulls."""
    out = of(JOIN, PLANES).extend(pa.table({"tailnum": [" N2", "N1", "N9", None, ""]}))
    assert out.column_names == ["tailnum", "planes_seats", "planes_maker"]
    assert out["planes_seats"].to_pylist() == [20, 10, None, None, None]
    assert out["planes_maker"].to_pylist() == [None, "A", None, None, None]


@given(keys=KEYS)
def test_a_batch_finds_what_its_rows_find_one_at_a_time(keys):
    """A look-up works within one row."""
    lookup = of(JOIN, PLANES)
    raw = pa.table({"tailnum": pa.array(keys, pa.string())})
    apart = [lookup.extend(raw.slice(i, 1)).to_pylist()[0] for i in range(len(keys))]
    assert lookup.extend(raw).to_pylist() == apart


def test_what_the_caller_sends_goes_before_what_is_looked_up():
    """Cell by cell, so that a row does not depend on what its neighbours send; types may differ."""
    lookup = of(JOIN, PLANES)
    raw = pa.table({"tailnum": ["N1", "N2", "N2"], "planes_seats": ["99", None, "1,5"]})
    assert lookup.extend(raw)["planes_seats"].to_pylist() == ["99", "20", "1,5"]
    as_rows = {"tailnum": ["N1", "N2", 7], "planes_seats": [99, None, float("nan")]}
    assert list(lookup.extend_columns(as_rows, 3)["planes_seats"]) == [99, 20, None]


def test_a_request_without_the_key_gets_nulls():
    """A caller may leave the key out, and is served as a row without a partner."""
    out = of(JOIN, PLANES).extend(pa.table({"other": [1, 2]}))
    assert out["planes_seats"].to_pylist() == [None, None]


def test_a_key_means_the_same_as_number_and_as_text():
    """One side may come from a database, the other from a text file."""
    lookup = of(Join(table="t", on="id"), pa.table({"id": [1, 2], "x": ["a", "b"]}))
    assert lookup.extend(pa.table({"id": ["2", "1.0"]}))["t_x"].to_pylist() == ["b", "a"]
    assert lookup.extend(pa.table({"id": [2.0, None]}))["t_x"].to_pylist() == ["b", None]


def test_a_key_of_several_columns_matches_only_as_a_whole():
    """A row finds its partner by all columns together."""
    table = pa.table({"origin": ["EWR", "EWR", "JFK"], "hour": [1, 2, 1], "temp": [5.0, 6.0, 7.0]})
    lookup = of(Join(table="weather", on=["origin", "hour"]), table)
    raw = pa.table({"origin": ["JFK", "EWR", "JFK", None], "hour": [1, 2, 2, 1]})
    assert lookup.extend(raw)["weather_temp"].to_pylist() == [7.0, 6.0, None, None]


def test_exact_copies_and_rows_without_a_key_are_taken_out_and_counted():
    """What says the same twice is no ambiguity."""
    table = pa.table({"tail": ["N1", "N1 ", "N2", None, ""], "seats": [1, 1, 2, 3, 4]})
    once, copies, keyless = check_relation(table, ["tail"], "planes")
    assert (once["seats"].to_pylist(), copies, keyless) == ([1, 2], 1, 2)


def test_one_key_with_two_different_rows_is_refused_with_the_first_keys():
    """Which row would be found would be chance; private keys are counted and not shown."""
    table = pa.table({"tail": ["N1", "N1", "N2", "N2", "N3"], "seats": [1, 2, 3, 4, 5]})
    with pytest.raises(DataError) as caught:
        check_relation(table, ["tail"], "planes")
    assert "2 keys more than once, first 'N1', 'N2'" in str(caught.value)
    with pytest.raises(DataError) as caught:
        check_relation(table, ["tail"], "planes", hidden=True)
    assert "N1" not in str(caught.value)


def test_a_table_without_the_key_column_is_refused_with_the_nearest_name():
    """A slip in the spec is found before anything is joined."""
    with pytest.raises(SpecError, match="no column 'tial'") as caught:
        check_relation(PLANES, ["tial"], "planes")
    assert "did you mean 'tail'" in str(caught.value)


def test_only_tables_that_the_bundle_serves_travel_in_it():
    """What a caller sends needs no look-up."""
    plan = {"joins": [{"table": "planes", "on": {"tailnum": "tail"}}, {"table": "lab", "on": "id", "serve": "request"}]}
    lookups = lookups_of(plan, {"planes": PLANES})
    assert [lookup.columns for lookup in lookups] == [("planes_seats", "planes_maker")]
    assert lookups_of({}, {}) == ()


def test_positions_are_minus_one_where_nothing_matches():
    """A null matches nothing, not even another null."""
    lookup = of(JOIN, PLANES)
    assert lookup.positions(pa.table({"tailnum": ["N2", None, "N9"]})).tolist() == [1, -1, -1]
    assert lookup.positions(pa.table({"tailnum": pa.nulls(0, pa.string())})).dtype == np.int64


def test_many_rows_find_what_few_find():
    """Beyond a few rows another way is taken: it leads to the same places, whatever the type of the key."""
    lookup = of(Join(table="t", on=["id", "at"]), pa.table({"id": [1, 2], "at": ["x", "y"], "v": [1.5, 2.5]}))
    kinds = [[1.0, 2.0, None, 3.0], ["1", " 2.0 ", "", "z"], pa.array(["1", "2", None, "9"]).dictionary_encode()]
    for ids in kinds:
        few = {"id": ids, "at": ["x", "y", "x", "y"]}
        many = {"id": pa.concat_arrays([pa.array(ids)] * 40), "at": ["x", "y", "x", "y"] * 40}
        assert lookup.places(few, 4).tolist() == [0, 1, -2, -1]
        assert lookup.places(many, 160).tolist() == [0, 1, -2, -1] * 40


def test_what_there_is_to_say_of_a_row_is_found_with_its_values():
    """A row without a key and one whose key is not there are told apart; who brings the values needs neither."""
    lookup = of(JOIN, PLANES)
    sent = {"tailnum": ["N1", None, "N9"]}
    found = lookup.findings(sent, 3)
    assert (found.missing_key.tolist(), found.orphan.tolist(), found.stale.tolist()) == ([1], [2], [])
    assert lookup.findings({"tailnum": ["N1", "N2"]}, 2) is NOTHING_ODD
    brought = sent | {"planes_seats": [None, None, 7], "planes_maker": ["x", "x", "x"]}
    found = lookup.findings(brought, 3)
    assert (found.missing_key.tolist(), found.orphan.tolist()) == ([1], [])
