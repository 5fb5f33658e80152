"""What columns are, judged by all their values."""

from __future__ import annotations

import datetime as dt

import pyarrow as pa
import pytest

from penstock.arrays.infer import infer_column, infer_schema
from penstock.casting import cast_column
from penstock.errors import DataError
from penstock.slices import ColumnSpec, Typing
from penstock.table import Column, Domain


def column_of(values: list[object], name: str = "x", **decided: object) -> Column:
    """Infer one column."""
    return infer_column(name, pa.chunked_array([values]), ColumnSpec(**decided))


def spread(*values: str, n: int = 100) -> list[str]:
    """Return n values, each in turn."""
    return [values[i % len(values)] for i in range(n)]


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        (spread("1", "2", "30"), "integer"),
        (spread("0", "1"), "integer"),
        (spread("1", "2.5"), "float"),
        (spread("1e5", "-2"), "float"),
        (spread("41.0", "42.0"), "integer"),
        (spread("41.0", "", "42.0"), "integer"),
        (spread("+5", "-6"), "integer"),
        (spread("Yes", "No"), "boolean"),
        (spread("TRUE", "false"), "boolean"),
        (spread("y", "N"), "boolean"),
        (spread("on", "off"), "boolean"),
        (spread("Yes", "No", "No internet service"), "category"),
        (spread("Yes", "off"), "category"),
        (spread("red", "blue"), "category"),
        (spread("2024-01-02", "2024-02-03"), "datetime"),
        (spread("2024-01-02T03:04:05Z", "2024-02-03T00:00:00+02:00"), "datetime"),
        (spread("12:30", "13:30"), "time"),
        (spread("12:30:15.25", "9:05 PM", "11:00 am"), "time"),
        (spread("12:30", "25:30"), "category"),
        (spread("1-2", "3-4"), "category"),
        (spread("A11", "A12"), "category"),
        (spread("12A", "13B"), "category"),
        (spread("1.2.3", "1.2.4"), "category"),
        (spread("192.168.1.1", "10.0.0.1"), "category"),
        (spread(">20", "<1", "5"), "category"),
        (spread("02139", "10001"), "category"),
        ([1, 2, None] * 30, "integer"),
        ([1.0, 2.0, None] * 30, "integer"),
        ([1.0, 2.5, None] * 30, "float"),
        ([dt.time(12, 30), None] * 30, "time"),
        (spread("enabled", "disabled"), "boolean"),
        (spread("12345678901234567", "12345678901234568"), "category"),
        ([12345678901234567, 12345678901234568] * 30, "category"),
        (spread("-", "1", "2"), "integer"),
        ([True, False] * 30, "boolean"),
        ([dt.date(2024, 1, 1), dt.date(2024, 1, 2)] * 30, "datetime"),
    ],
)
def test_a_kind_is_told_by_the_values(values, kind):
    """The shapes that real tables hold."""
    assert column_of(values).kind == kind


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (spread("17,99", "20,5", "3"), {"decimal": ","}),
        (spread("17.99", "20.5", "17,98"), {"decimal": ".,"}),
        (spread("0,118", "0.125"), {"decimal": ".,"}),
        (spread("1,234", "567", "12,345"), {"thousands": ","}),
        (spread("1,234.50", "567.25"), {"thousands": ",", "decimal": "."}),
        (spread("1.234,50", "567,25"), {"thousands": ".", "decimal": ","}),
        (spread("1 234,5", "567,25"), {"thousands": " ", "decimal": ","}),
        (spread("1\xa0234", "567"), {"thousands": " "}),
        (spread("1'234.5", "567"), {"thousands": "'"}),
        (spread("1,095", "1.25", "0.9"), {"decimal": ".,"}),
        (spread("1,234", "999.5", "750.25"), {"thousands": ",", "decimal": "."}),
        (spread("1,234", "1234.5"), {"decimal": ".,"}),
        (spread("122.8 mm", "88 mm"), {"suffix": "mm", "unit": "mm"}),
        (spread("5%", "10%"), {"suffix": "%", "unit": "%"}),
        (spread("$4.99", "$1,200"), {"prefix": "$", "thousands": ",", "unit": "$"}),
        (spread("€ 5", "-€3", "€-2"), {"prefix": "€", "kind": "integer"}),
        (spread("12 kg", "13"), {"suffix": "kg"}),
        (spread("10,000+", "500+"), {"suffix": "+", "thousands": ",", "kind": "integer", "unit": ""}),
    ],
)
def test_the_way_numbers_are_written_is_found_out_and_reads_them_all(values, expected):
    """Whatever is inferred casts every cell that it was inferred from."""
    column = column_of(values)
    assert {k: getattr(column, k) for k in expected} == expected
    assert column.is_numeric
    assert cast_column(column, pa.array(values))[1] == []
    assert column.evidence


@pytest.mark.parametrize("values", [spread("1,234,567", "1,5", "12"), spread("$1,200", "31.12.2024")])
def test_numbers_that_contradict_each_other_make_no_number(values):
    """A comma is either a point or between thousands."""
    assert column_of(values).kind == "category"


def test_two_units_make_no_number():
    """19M and 300k are not the numbers 19 and 300: the line that converts them is proposed."""
    column = column_of([*spread("19M", "300k"), *["Varies with device"] * 20], "Size")
    assert column.kind == "category"
    assert "several units: 'M' in 50, 'k' in 50 cells; 20 cells are text" in column.evidence
    assert column.counter_examples == ("Varies with device",)
    assert column.proposals[0].startswith(
        "columns: {Size: {units: {M: 1000000, k: 1000}, missing: [Varies with device]}}"
    )
    assert (
        column_of(spread("5 EUR", "7 USD"), "price")
        .proposals[0]
        .startswith("columns: {price: {units: {EUR: 1, USD: 1}}}")
    )
    assert column_of(spread("12A", "13B", "14C", "15D", "16E"), "door").proposals == ()


def test_a_few_words_among_numbers_are_misfits():
    """Two words in a hundred do not make a category of a measurement."""
    values = [str(i / 7) for i in range(200)] + ["see note", "not read"]
    column = column_of(values)
    assert column.kind == "float"
    assert "2 cells are no numbers" in column.evidence
    assert [m.row for m in cast_column(column, pa.array(values))[1]] == [200, 201]


def test_many_words_among_numbers_make_a_category():
    """A column that is one fifth words is none of numbers."""
    assert column_of([str(i % 9) for i in range(80)] + ["none left"] * 20).kind == "category"


def test_one_frequent_number_among_words_makes_no_number():
    """0 in 99 of 100 cells is a level beside the others."""
    assert column_of(["0"] * 990 + ["a", "b"] * 5).kind == "category"


def test_missing_tokens_are_missing_and_none_else():
    """NA and ? are nothing; None may be a level, but not among numbers."""
    assert column_of(spread("1", "?", "NA", " ")).kind == "integer"
    assert column_of(spread("a", "None", "b")).missing == Column(name="x", kind="text").missing
    numbers = column_of(spread("1", "None", "-", "2"))
    assert numbers.kind == "integer"
    assert {"None", "-"} <= set(numbers.missing)
    assert "'-'" in numbers.evidence
    assert numbers.nullable


def test_nullable_says_whether_anything_was_missing():
    """A column that was never empty is required of a request."""
    assert not column_of(spread("1", "2")).nullable
    assert column_of([*spread("1", "2"), ""]).nullable


@pytest.mark.parametrize(
    ("values", "formats"),
    [
        (spread("31.12.2024", "01.02.2025"), ("%d.%m.%Y",)),
        (spread("12/31/2024", "01/02/2025"), ("%m/%d/%Y",)),
        (spread("31/12/2024", "01/02/2025"), ("%d/%m/%Y",)),
        (spread("2024/12/31", "2025/01/02"), ()),
        (spread("31-Dec-2024", "01-Feb-2025"), ("%d-%b-%Y",)),
        (spread("Dec 31, 2024", "Feb 1, 2025"), ("%b %d, %Y",)),
        (spread("31.12.2024 23:59", "01.02.2025 00:00"), ("%d.%m.%Y %H:%M",)),
        (spread("2024-12-31", "2025-01-02"), ()),
    ],
)
def test_the_format_of_dates_is_found_out(values, formats):
    """Each way of writing reads every cell."""
    column = column_of(values)
    assert (column.kind, column.formats) == ("datetime", formats)
    assert cast_column(column, pa.array(values))[1] == []


def test_several_formats_in_one_column_are_all_read():
    """Two systems wrote into one column."""
    column = column_of(spread("31.12.2024", "2025-01-02"))
    assert set(column.formats) == {"%d.%m.%Y", "ISO8601"}
    assert cast_column(column, pa.array(["31.12.2024", "2025-01-02"]))[1] == []


def test_an_ambiguous_order_of_day_and_month_is_told():
    """Which it is cannot be known, so it is said."""
    assert "ambiguous" in column_of(spread("01/02/2024", "03/04/2024")).evidence
    assert "ambiguous" not in column_of(spread("01/02/2024", "31/04/2024", "13/05/2024")).evidence


def test_digits_are_a_date_only_where_the_name_says_so():
    """20240131 may be a date or an amount."""
    values = [f"2024{m:02d}{d:02d}" for m in range(1, 13) for d in range(1, 28)]
    assert column_of(values, "order_date").formats == ("%Y%m%d",)
    assert column_of(values, "amount").kind == "integer"


@pytest.mark.parametrize(
    ("name", "values", "role"),
    [
        ("customer", [f"{i:04d}-XKCD" for i in range(100)], "id"),
        (
            "patient",
            [f"P-{i * 37 % 99991:05d}" for i in range(569)] * 1 + [f"P-{i * 37 % 99991:05d}" for i in range(12)],
            "id",
        ),
        ("enrollee_id", [str(i * 7919 % 100003) for i in range(1000)], "id"),
        ("rowId", [str(i * 7919 % 100003) for i in range(1000)], "id"),
        ("n", [str(i) for i in range(1, 200)], "id"),
        ("n", list(range(200)), "id"),
        ("order_id", [float(i * 7919 % 100003) for i in range(1000)], "id"),
        ("year", [str(y) for y in range(1900, 2020)], "feature"),
        ("store_id", spread("1", "2", "3"), "feature"),
        ("weight", [str(i * 7919 % 1000003) for i in range(1000)], "feature"),
        ("number_of_rooms", [str(i % 40) for i in range(200)], "feature"),
        ("width", [str(i / 7) for i in range(500)], "feature"),
        ("humid", [str(i * 7919 % 1000003) for i in range(1000)], "feature"),
        ("empty", [""] * 100, "ignored"),
        ("same", ["x"] * 100, "ignored"),
        ("flag", ["x", ""] * 50, "feature"),
        ("name", [f"Mr. {i} Smith" for i in range(100)], "ignored"),
        ("note", [f"the patient came in on day {i % 60} and left" for i in range(200)], "ignored"),
        ("answer", spread(*(f"I agree with statement number {i}" for i in range(5))), "feature"),
        ("city", [f"city_{i % 120}" for i in range(2000)], "feature"),
    ],
)
def test_a_role_is_told_by_values_and_name(name, values, role):
    """Ids and what carries nothing are left out; a measurement is not, however unique."""
    column = column_of(values, name)
    assert column.role == role
    assert role == "feature" or column.evidence


def test_ten_thousand_levels_are_noted():
    """Many categories stay categories, unless nearly each row has its own."""
    codes = [f"c{i}" for i in range(10_000)]
    column = column_of(codes * 3)
    assert (column.kind, column.role) == ("category", "feature")
    assert "10,000 levels, a high number of levels" in column.evidence
    assert column_of([f"word {c}" for c in codes] + ["word c1"] * 3000).role == "ignored"


def test_nested_columns_are_left_out():
    """A list in a cell is no feature."""
    column = column_of([[1, 2], [3]] * 30)
    assert column.kind == "text"
    assert column.role == "ignored"


@pytest.mark.parametrize(
    ("values", "decided", "expected"),
    [
        (spread("1", "2"), {"kind": "category"}, {"kind": "category"}),
        (spread("1", "2"), {"kind": "float", "unit": "kg"}, {"kind": "float", "unit": "kg"}),
        (spread("1,234", "2"), {"decimal": ","}, {"decimal": ","}),
        (spread("-1", "2"), {"missing": "-1"}, {"missing": ("", "-1"), "nullable": True}),
        (spread("NA", "2"), {"missing": ()}, {"kind": "category", "nullable": False}),
        (spread("m", "f"), {"kind": "boolean"}, {"true_words": ("m",), "false_words": ("f",)}),
        (spread("maybe", "no"), {"kind": "boolean"}, {"true_words": ("maybe",), "false_words": ("no",)}),
        (spread("01/02/2024"), {"kind": "datetime", "formats": "%d/%m/%Y"}, {"formats": ("%d/%m/%Y",)}),
        (["a"] * 60, {"role": "feature"}, {"role": "feature"}),
        (spread("1", "2"), {"domain": {"low": 0}, "private": True}, {"domain": Domain(low=0), "private": True}),
    ],
)
def test_what_the_user_decides_goes_before_what_is_inferred(values, decided, expected):
    """A decision is kept to, and the evidence says that it was one."""
    column = column_of(values, **decided)
    assert {k: getattr(column, k) for k in expected} == expected


TYPING = Typing(base="t", target="y", known_after=("later",), group="clinic", time="when", key="code")


def table_of(n: int = 100) -> pa.Table:
    """Return a table with a column for every role."""
    return pa.table(
        {
            "code": [str(i % 50) for i in range(n)],
            "clinic": [f"k{i % 3}" for i in range(n)],
            "when": [f"2024-01-{1 + i % 28:02d}" for i in range(n)],
            "later": [str(i % 7) for i in range(n)],
            "x": [str(i / 3) for i in range(n)],
            "y": spread("no", "yes", n=n),
        }
    )


def test_roles_that_the_spec_gives_hold():
    """Known only afterwards, group, time and key."""
    schema = infer_schema(table_of(), TYPING, True)
    roles = {c.name: c.role for c in schema.columns}
    assert roles == {
        "code": "id",
        "clinic": "group",
        "when": "time",
        "later": "known_after",
        "x": "feature",
        "y": "target",
    }
    assert "decided: role" in schema.column("later").evidence


def test_a_joined_table_has_no_target_and_knows_its_name():
    """Columns say which source they come from; decisions may name them with their table."""
    typing = Typing(base="t", target="y", columns={"lab_x": ColumnSpec(unit="mg")})
    schema = infer_schema(table_of(), typing, False, "lab")
    assert schema.target is None
    assert {c.table for c in schema.columns} == {"lab"}
    assert schema.column("x").unit == "mg"
    assert schema.column("y").role == "feature"


def test_a_target_that_is_not_there_names_the_closest():
    """A misspelt target is recognised."""
    with pytest.raises(DataError, match="'Y1' is not a column") as caught:
        infer_schema(table_of(), Typing(base="t", target="Y1"), True)
    assert "did you mean 'y'" in caught.value.expected


def test_every_column_has_evidence():
    """The lock says why, for each."""
    assert all(c.evidence for c in infer_schema(table_of(), TYPING, True).columns)
