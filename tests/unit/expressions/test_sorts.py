"""What the plan check says of an expression before there is a row."""

from __future__ import annotations

import re

import pytest

from penstock.expressions.compiled import compile_condition, compile_expression
from penstock.expressions.language import MOST_TERMS, NotAnExpression
from penstock.table import Kind

KINDS: dict[str, Kind] = {
    "age": "integer",
    "dose": "float",
    "smoker": "boolean",
    "city": "category",
    "note": "text",
    "seen": "datetime",
    "at": "time",
}


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("age", "integer"),
        ("at", "time"),
        ("age * 2 - 1", "integer"),
        ("age / 2", "float"),
        ("age // 2 % 3", "integer"),
        ("age ** 2", "float"),
        ("age + 0.5", "float"),
        ("round(dose)", "integer"),
        ("round(dose, 2)", "float"),
        ("abs(age)", "integer"),
        ("min(age, dose)", "float"),
        ("coalesce(age, 0)", "integer"),
        ("if(smoker, age, null)", "integer"),
        ("age > 3", "boolean"),
        ("age is not null", "boolean"),
        ("len(note)", "integer"),
        ("number(smoker)", "integer"),
        ("number(note)", "float"),
        ("upper(city)", "category"),
        ("concat(city, note)", "text"),
        ("text(age)", "category"),
        ("text(dose)", "text"),
        ("if(age > 3, 'a', 'b')", "category"),
        ("seen - '2020-01-01'", "float"),
        ("seen + 1", "datetime"),
        ("1 + seen", "datetime"),
        ("max(seen, '2020-01-01')", "datetime"),
        ("coalesce(seen, '2020-01-01')", "datetime"),
        ("weekday(seen)", "integer"),
        ("days(seen - seen)", "float"),
    ],
)
def test_the_kind_of_what_an_expression_gives_is_known_from_its_columns(text: str, kind: str):
    """The encoder, the report and the request's schema all go by it."""
    assert compile_expression(text, KINDS).kind == kind


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("agee + 1", "did you mean 'age'"),
        ("age + city", "takes numbers, and one is a text (at 1)"),
        ("dose + (age * city)", "takes numbers, and one is a text (at 9)"),
        ("smoker + 1", "takes numbers, and one is a truth"),
        ("sqrt(note)", "takes numbers, and one is a text"),
        ("len(age)", "takes a text, and one is a number"),
        ("year(age)", "takes a moment, and one is a number"),
        ("days(seen)", "takes a span, and one is a moment"),
        ("age and smoker", "joins comparisons"),
        ("city < 'm'", "orders numbers"),
        ("age == 'x'", "compares a number with a text"),
        ("city in ('a', 1)", "compares a text with a number"),
        ("seen > note", "compares a column of text with a moment"),
        ("seen > 'soon'", "'soon' is no date or time"),
        ("seen > 'NaT'", "no date or time"),
        ("age == null", "ask `is null`"),
        ("if(age, 1, 2)", "asks for a comparison first"),
        ("if(smoker, 1, 'x')", "values of one sort"),
        ("coalesce(null, null)", "needs a value"),
        ("min(city, note)", "takes numbers, and one is a text"),
        ("max(age, null)", "takes numbers, and one is a nothing"),
        ("round(dose, age)", "takes a constant as value 2"),
        ("left(city, age)", "takes a constant as value 2"),
        ("seen * 2", "cannot take a moment and a number"),
        ("seen + seen", "cannot take a moment and a moment"),
        ("text(seen)", "not a moment"),
        ("null", "gives nothing"),
        ("1e999 + age", "too large"),
        ("age in (dose)", "a list holds nothing else"),
        ("age in ()", "a value"),
        ("age not 3", "`in`"),
        ("lenn(note)", "did you mean 'len'"),
        ("if(smoker, 1)", "takes 3 values"),
        ("age" + " + age" * (MOST_TERMS + 1), "terms"),
    ],
)
def test_what_does_not_fit_is_refused_with_its_place(text: str, told: str):
    """Before anything runs, in words that say what was expected."""
    with pytest.raises(NotAnExpression, match=re.escape(told)):
        compile_expression(text, KINDS)


def test_a_condition_has_to_be_true_or_false():
    """A filter by a number would keep who knows what."""
    assert compile_condition("age > 3", KINDS).columns == ("age",)
    with pytest.raises(NotAnExpression, match="neither true nor false"):
        compile_condition("age + 3", KINDS)
