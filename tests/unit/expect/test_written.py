"""The contract as people write it."""

from __future__ import annotations

from pathlib import Path

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic_core import PydanticCustomError

from penstock.errors import SpecError
from penstock.expect.contract import Contract, agreed
from penstock.expect.schema import written_schema
from penstock.expect.spans import Span, span_of
from penstock.expect.union import EXPECTATIONS
from penstock.expect.written import contract_of, written_of
from penstock.spec.pipeline import load_spec, spec_from
from penstock.spec.reading import read_yaml, write_yaml

WHOLE = {
    "rows": "0.8..1.5 x last",
    "freshness": "newest(ts) <= 2d",
    "columns": {
        "age": {"not_null": True, "range": "0..120", "missing": "<= 5%"},
        "email": {"unique": {"severity": "warn"}, "pattern": ".+@.+"},
        "sex": {"values": ["f", "m"], "range": False},
        "day": {"range": {"span": "2020-01-01..2024-12-31", "severity": "warn"}},
    },
    "unique": [["a", "b"]],
    "checks": ["start <= end", "abs(total - (a + b)) <= 0.01"],
    "foreign_keys": [{"column": "dest", "table": "airports", "key": "faa", "orphans": "<= 5%"}],
    "tables": {"airports": {"rows": ">= 1000", "checks": None}},
}
RIGHT = [
    WHOLE,
    {},
    {"rows": 1000},
    {"rows": "1000..50000"},
    {"rows": {"span": ">= 0.8 x last", "severity": "warn"}},
    {"rows": False},
    {"freshness": "newest <= 2d"},
    {"freshness": "<= 36h"},
    {"freshness": {"column": "ts", "newest": "<= 2d"}},
    {"unique": ["a", "b"]},
    {"unique": "a"},
    {"unique": [{"columns": ["a", "b"], "severity": "warn"}]},
    {"columns": {"x": {"values": "one", "severity": "warn"}}},
    {"columns": {"x": {"range": 3}}},
    {"columns": {"x": {"range": "..5"}}},
    {"columns": {"x": {"missing": {"share": "< 0.5", "severity": "warn"}}}},
    {"columns": {"x": None}},
    {"checks": "a < b"},
    {"checks": [{"check": "`a b` < 2", "severity": "warn"}]},
    {"foreign_keys": {"columns": ["a", "b"], "table": "t", "keys": ["c", "d"]}},
    {"foreign_keys": [{"column": "a", "table": "t"}]},
]
WRONG = [
    ({"row": "1.."}, ["row"]),
    ({"columns": {"x": {"rnage": "0..1"}}}, ["columns", "x", "rnage"]),
    ({"columns": {"x": {"not_null": "yes"}}}, ["columns", "x", "not_null"]),
    ({"columns": {"x": {"missing": 0.05}}}, ["columns", "x", "missing"]),
    ({"columns": {"x": {"values": []}}}, ["columns", "x", "values"]),
    ({"rows": "some"}, ["rows"]),
    ({"rows": {"span": "1..", "severity": "loud"}}, ["rows", "severity"]),
    ({"freshness": "2 days"}, ["freshness"]),
    ({"freshness": {"column": "ts"}}, ["freshness"]),
    ({"foreign_keys": [{"column": "a"}]}, ["foreign_keys", 0]),
    ({"tables": {"t": {"rwos": "1.."}}}, ["tables", "t", "rwos"]),
    ([], []),
]


@pytest.mark.parametrize("written", RIGHT, ids=str)
def test_what_can_be_written_is_read_back_as_it_was(written: dict[str, object]):
    """The short form of a contract gives the same contract; the editor's schema accepts both."""
    contract = contract_of(written)
    short = written_of(contract)
    assert contract_of(short) == contract
    for form in (written, short):
        jsonschema.Draft202012Validator(written_schema()).validate(form)


@pytest.mark.parametrize(("written", "place"), WRONG, ids=str)
def test_what_cannot_be_understood_names_the_place(written: object, place: list[object]):
    """And the editor's schema refuses it, too."""
    with pytest.raises(PydanticCustomError) as caught:
        contract_of(written)
    assert caught.value.context is not None
    assert caught.value.context["path"][: len(place)] == place
    assert not jsonschema.Draft202012Validator(written_schema()).is_valid(written)


def test_a_wrong_expression_pattern_or_span_is_refused_in_words():
    """What no schema can see."""
    for written, told in (
        ({"checks": ["a <"]}, "ends where a value should stand"),
        ({"checks": ["1 < 2"]}, "names no column"),
        ({"columns": {"x": {"pattern": "("}}}, "no regular expression"),
        ({"columns": {"x": {"range": "5..1"}}}, "wrong way round"),
        ({"foreign_keys": [{"columns": ["a", "b"], "table": "t", "keys": ["c"]}]}, "2 columns cannot name 1"),
    ):
        with pytest.raises(PydanticCustomError, match=told):
            contract_of(written)


def test_a_spec_reads_a_contract_and_names_line_and_nearest_key(tmp_path: Path):
    """As it does for every other key."""
    path = tmp_path / "s.yaml"
    head = "name: s\nsource: t.csv\ntarget: y\nexpect:\n  columns:\n"
    path.write_text(f"{head}    age: {{range: 0..120}}\n    sex: {{vaules: [f]}}\n")
    with pytest.raises(SpecError, match="unknown key 'vaules'") as caught:
        load_spec(path)
    assert "did you mean 'values'" in caught.value.expected
    assert f"{path}:7 (expect.columns.sex.vaules)" in caught.value.where
    path.write_text(f"{head}    age: {{range: 0..120}}\n  tables: {{q: {{rows: 1..}}}}\n")
    with pytest.raises(SpecError, match="none of the sources: 'q'"):
        load_spec(path)


def test_a_contract_survives_yaml(tmp_path: Path):
    """As a lock keeps it."""
    path = tmp_path / "x.yaml"
    path.write_text(write_yaml({"expect": written_of(contract_of(WHOLE))}))
    assert contract_of(read_yaml(path)["expect"]) == contract_of(WHOLE)


def test_what_the_spec_says_goes_before_what_the_lock_proposes():
    """Another span replaces the lock's, false takes it away, and what the spec leaves open holds as proposed."""
    lock = contract_of(
        {
            "rows": "0.5..2 x last",
            "columns": {"a": {"range": "0..1", "not_null": True}, "b": {"range": "0..1", "values": ["x"]}},
            "tables": {"t": {"rows": "0.5..2 x last"}},
        }
    )
    spec = contract_of({"columns": {"a": {"range": "0..9"}, "b": {"values": None}}, "tables": {"t": {"rows": None}}})
    held = {(e.table, e.kind, e.about): (e.words(), e.origin) for e in agreed(spec, lock, "base")}
    assert held == {
        ("base", "range", ("a",)): ("range 0..9", "spec"),
        ("base", "rows", ()): ("rows 0.5..2 x last", "lock"),
        ("base", "not_null", ("a",)): ("not null", "lock"),
        ("base", "range", ("b",)): ("range 0..1", "lock"),
    }


def test_two_meanings_for_one_old_name_are_refused(tmp_path: Path):
    """An alias is one field's."""
    declared = {"source": "t.csv", "target": "y"}
    assert spec_from({**declared, "aliases": {"new": "old"}}, tmp_path).aliases == {"new": ("old",)}
    for aliases in ({"a": ["old"], "b": ["old"]}, {"a": ["b"], "b": ["c"]}):
        with pytest.raises(SpecError, match="does not fit"):
            spec_from({**declared, "aliases": aliases}, tmp_path)


def test_every_expectation_is_in_the_union():
    """A class of this package that is in no union could never be asked."""
    kinds = [kind.model_fields["kind"].default for kind in EXPECTATIONS]
    assert len(kinds) == len(set(kinds))
    known = {e.kind for e in contract_of(WHOLE).expectations}
    assert known == set(kinds), "write the new kind into `penstock/expect/written.py`, and into WHOLE here"


ENDS = st.one_of(st.none(), st.floats(-1e9, 1e9).map(lambda x: round(x, 6) + 0.0))


@given(low=ENDS, high=ENDS, open_low=st.booleans(), open_high=st.booleans())
def test_a_span_is_read_back_from_its_text(low: float | None, high: float | None, open_low: bool, open_high: bool):
    """Of whichever ends, where it has a short form."""
    if low is None and high is None:
        return
    if low is not None and high is not None:
        low, high, open_low, open_high = min(low, high), max(low, high), False, False
    span = Span(low=low, high=high, open_low=open_low and low is not None, open_high=open_high and high is not None)
    assert span_of(str(span)) == span


def test_an_empty_contract_says_nothing():
    """It is what a spec without the key has."""
    assert contract_of({}) == Contract()
    assert written_of(Contract()) == {}
