"""What each expectation finds, and what it says of it."""

from __future__ import annotations

import pyarrow as pa
import pytest

from penstock.errors import DataError, SpecError

from .looking import RAW, only, outcome


def rows(written: object) -> tuple[int, ...]:
    """Return the rows that break the one expectation."""
    return only(written).rows


@pytest.mark.parametrize(
    ("column", "asked", "broken"),
    [
        ("age", {"not_null": True}, (1,)),
        ("age", {"range": "0..120"}, (2,)),
        ("age", {"range": ">= 100"}, (0,)),
        ("age", {"missing": "<= 20%"}, (1,)),
        ("id", {"unique": True}, (3,)),
        ("sex", {"values": ["f", "m"]}, (3,)),
        ("age", {"values": [41, 130.0]}, ()),
        ("sex", {"pattern": "[fm]"}, (3,)),
        ("note", {"pattern": ".+@.+"}, (1,)),
        ("y", {"values": [0, 1]}, (2,)),
        ("y", {"not_null": True}, (3,)),
        ("begin", {"range": "2026-03-02..2026-03-31"}, (0,)),
        ("pay", {"range": ">= 0"}, (1,)),
    ],
)
def test_a_column_is_held_to_what_is_expected_of_it(column: str, asked: dict[str, object], broken: tuple[int, ...]):
    """Missing tokens, decimal commas and blanks are read as the column reads them."""
    found = outcome({"columns": {column: asked}}).findings
    assert tuple(row for f in found for row in f.rows) == broken


def test_a_finding_counts_rows_and_names_the_first():
    """Table, column, expectation, count, share and first rows, in one line."""
    found = only({"columns": {"age": {"range": "0..120"}}})
    assert (found.table, found.columns, found.n, found.of, found.share) == ("people", ("age",), 1, 4, 0.25)
    assert found.told() == "people.age: range 0..120: 1 of 4 rows (25%), row 2: such as '130'"


def test_values_of_private_columns_and_ids_are_never_told():
    """Only counts and rows."""
    asked = {"columns": {"pay": {"range": ">= 0", "pattern": "x"}, "id": {"pattern": "9"}}}
    for found in outcome(asked).findings:
        assert not found.got
    with pytest.raises(DataError) as caught:
        outcome(asked).demand()
    assert "-2" not in str(caught.value)


@pytest.mark.parametrize(
    ("check", "broken"),
    [
        ("begin <= end", (1,)),
        ("end - begin <= 0.5", (0,)),
        ("begin >= '2026-03-02'", (0,)),
        ("begin + 30 > end", ()),
        ("age <= 120 or age is null", (2,)),
        ("not left", (0,)),
        ("left == false", (0,)),
        ("abs(pay - 1.5) <= 0.01", (1, 3)),
        ("age / (pay - 1.5) > 1000", ()),
        ("max(pay, 2) < 7 and min(pay, 2) > -2", (1, 3)),
        ("sex != 'q'", (3,)),
        ("0 <= age < 130", (2,)),
        ("begin is not null", (3,)),
        ("age is null and begin is null or 1 == 1", ()),
    ],
)
def test_a_check_fails_where_it_is_false_and_not_where_it_cannot_be_known(check: str, broken: tuple[int, ...]):
    """Three-valued: a comparison with nothing is neither true nor false; what is divided by nothing is unknown."""
    found = outcome({"checks": [check]}).findings
    assert tuple(row for f in found for row in f.rows) == broken


@pytest.mark.parametrize(
    ("check", "told"),
    [
        ("age + sex > 1", "takes numbers"),
        ("sex < 'm'", "orders numbers"),
        ("age == 'x'", "compares a number with a text"),
        ("age + 1", "neither true nor false"),
        ("begin == 'soon'", "no date"),
        ("age and left", "joins comparisons"),
    ],
)
def test_a_check_that_mixes_what_cannot_be_mixed_is_a_mistake_of_the_spec(check: str, told: str):
    """Before any row is looked at."""
    with pytest.raises(SpecError, match="does not fit") as caught:
        outcome({"checks": [check]})
    assert told in caught.value.got


def test_columns_of_a_combination_are_unique_together():
    """Rows that lack one of them are not compared."""
    twice = pa.table({**{n: RAW[n] for n in RAW.column_names}, "age": ["1", "2", "5", "5"]})
    assert only({"unique": ["id", "age"]}, raw=twice).rows == (3,)
    assert not outcome({"unique": ["id", "age"]}).findings


def test_row_counts_are_held_against_a_number_or_the_last_run():
    """A first run passes, and says that there was nothing to compare with."""
    assert only({"rows": ">= 5"}).got == "4 rows"
    first = outcome({"rows": "0.8..1.5 x last"})
    assert not first.findings
    assert "no earlier run" in first.notes[0]
    assert "4 rows, and 10 in the last run" in only({"rows": "0.8..1.5 x last"}, last={"people": 10}).got
    assert not outcome({"rows": "0.8..1.5 x last"}, last={"people": 4}).findings


def test_freshness_is_the_age_of_the_newest_moment_that_has_come():
    """Moments that lie ahead are passed over, and told."""
    assert not outcome({"freshness": "newest(begin) <= 2d"}).findings
    stale = only({"freshness": "newest(begin) <= 1d"})
    assert (stale.columns, stale.got) == (("begin",), "the newest is 36h old")
    ahead = pa.table({**{n: RAW[n] for n in RAW.column_names}, "begin": ["2099-01-01", "2026-01-01", "", ""]})
    found = outcome({"freshness": "newest(begin) <= 2d"}, raw=ahead)
    assert found.findings[0].got == "the newest is 68d old"
    assert "1 moments lie ahead" in found.notes[0]
    assert found.newest == {"people.begin": "2026-01-01 00:00:00"}


def test_freshness_without_a_column_needs_that_only_one_can_be_meant():
    """Here are two."""
    with pytest.raises(SpecError, match="more than one column"):
        outcome({"freshness": "newest <= 2d"})


def test_a_foreign_key_counts_orphans_among_the_rows_that_have_a_key():
    """As a share, with the tolerance that is given."""
    key = {"column": "sex", "table": "towns", "key": "code"}
    assert only({"foreign_keys": [key]}).rows == (3,)
    assert not outcome({"foreign_keys": [{**key, "orphans": "<= 25%"}]}).findings
    # A missing token is no key.
    found = only({"foreign_keys": [{**key, "column": "age"}]})
    assert (found.rows, found.of) == ((0, 2, 3), 3)


@pytest.mark.parametrize(
    ("written", "named"),
    [
        ({"columns": {"agee": {"not_null": True}}}, "did you mean 'age'"),
        ({"checks": ["beginn <= end"]}, "did you mean 'begin'"),
        ({"tables": {"town": {"rows": "1.."}}}, "did you mean 'towns'"),
        ({"foreign_keys": [{"column": "sex", "table": "towns", "key": "cod"}]}, "did you mean 'code'"),
    ],
)
def test_what_is_not_there_is_named_with_what_was_meant(written: object, named: str):
    """A mistake of the spec, not of the data."""
    with pytest.raises(SpecError) as caught:
        outcome(written)
    assert named in caught.value.expected


@pytest.mark.parametrize(
    "asked", [{"sex": {"range": "0..1"}}, {"age": {"range": "2020-01-01.."}}, {"age": {"values": ["old"]}}]
)
def test_an_expectation_that_a_columns_kind_cannot_meet_is_a_mistake_of_the_spec(asked: dict[str, object]):
    """It says what the column is."""
    with pytest.raises(SpecError, match="does not fit the column"):
        outcome({"columns": asked})


def test_all_failures_are_told_together_and_warnings_stop_nothing():
    """The error's first line counts them."""
    asked = {
        "rows": ">= 100",
        "columns": {"age": {"range": "0..120", "not_null": {"severity": "warn"}}, "sex": {"values": ["f", "m"]}},
    }
    found = outcome(asked)
    assert [f.kind for f in found.warnings] == ["not_null"]
    with pytest.raises(DataError, match="3 of 4 expectations are not met") as caught:
        found.demand()
    assert caught.value.exit_status == 2
    assert [word in caught.value.got for word in ("rows >= 100", "people.age", "people.sex")] == [True] * 3
    outcome({"columns": {"age": {"not_null": True, "severity": "warn"}}}).demand()
