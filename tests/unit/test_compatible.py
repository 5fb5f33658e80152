"""What a new version may change without asking its callers, and what it may not."""

from __future__ import annotations

import pytest

from penstock.compatible import check_aliases, schema_changes
from penstock.errors import SpecError
from penstock.table import Column, Domain, TableSchema, Target

AGE = Column(name="age", kind="integer", nullable=False, domain=Domain(low=0, high=150))
PAY = Column(name="pay", kind="float", decimal=".,", suffix="EUR", unit="EUR", missing=("", "?"))
MEMBER = Column(name="member", kind="boolean", true_words=("yes",), false_words=("no",))
CITY = Column(name="city", kind="category")
SINCE = Column(name="since", kind="datetime", formats=("%d.%m.%Y",))
SIZE = Column(name="size", kind="float", units={"k": 1e3, "M": 1e6})
WEALTH = Column(name="towns_wealth", kind="float", table="towns", serve="bundle", nullable=False)
ID = Column(name="id", kind="text", role="id")
LIVE = (ID, AGE, PAY, MEMBER, CITY, SINCE, SIZE, WEALTH)


def schema(*columns: Column) -> TableSchema:
    """Return the schema of some columns and a target."""
    target = Target(name="y", task="binary", labels=("a", "b"))
    return TableSchema(columns=(*columns, Column(name="y", kind="category", role="target")), target=target)


def changed(column: Column, **more: object) -> list[tuple[str, str]]:
    """Return the changes where one column of the live schema is another now."""
    new = column.model_copy(update=more)
    columns = [new if c.name == column.name else c for c in LIVE]
    return [(c.field, c.what) for c in schema_changes(schema(*LIVE), schema(*columns), {})]


def without(*names: str) -> TableSchema:
    """Return the live schema without some columns."""
    return schema(*(c for c in LIVE if c.name not in names))


@pytest.mark.parametrize(
    ("column", "more"),
    [
        (PAY, {"evidence": "other words", "nullable": True}),
        (AGE, {"kind": "float"}),
        (AGE, {"nullable": True, "domain": None}),
        (AGE, {"domain": Domain(low=-5, high=200)}),
        (CITY, {"kind": "text"}),
        (CITY, {"role": "id"}),
        (PAY, {"missing": ("", "?", "-"), "thousands": "'"}),
        (MEMBER, {"true_words": ("yes", "true")}),
        (WEALTH, {"role": "ignored"}),
        (ID, {"role": "ignored"}),
    ],
)
def test_what_takes_more_than_before_asks_nothing_of_callers(column: Column, more: dict[str, object]):
    """Wider types, domains and spellings; and what nobody has to send."""
    assert changed(column, **more) == []


@pytest.mark.parametrize(
    ("column", "more", "what"),
    [
        (CITY, {"role": "ignored"}, "removed"),
        (CITY, {"role": "known_after"}, "removed"),
        (PAY, {"kind": "integer"}, "retyped"),
        (CITY, {"kind": "float"}, "retyped"),
        (AGE, {"kind": "category"}, "retyped"),
        (SINCE, {"kind": "category"}, "retyped"),
        (SINCE, {"kind": "time"}, "retyped"),
        (SINCE, {"timezone": "Europe/Berlin"}, "retyped"),
        (SIZE, {"units": {"k": 1e3, "M": 1e9}}, "retyped"),
        (SIZE, {"units": {"M": 1e6}}, "narrowed"),
        (PAY, {"unit": "USD", "suffix": "USD"}, "retyped"),
        (PAY, {"nullable": False}, "required"),
        (AGE, {"domain": Domain(low=18, high=150)}, "narrowed"),
        (AGE, {"domain": Domain(high=99)}, "narrowed"),
        (CITY, {"domain": Domain(values=("Oslo",))}, "narrowed"),
        (PAY, {"decimal": "."}, "narrowed"),
        (PAY, {"suffix": "", "unit": ""}, "narrowed"),
        (PAY, {"missing": ("",)}, "narrowed"),
        (MEMBER, {"true_words": ("ja",)}, "narrowed"),
        (SINCE, {"formats": ()}, "narrowed"),
        (WEALTH, {"serve": "request"}, "required"),
    ],
)
def test_what_takes_less_is_told(column: Column, more: dict[str, object], what: str):
    """A field removed, retyped, newly required or narrowed."""
    assert changed(column, **more) == [(column.name, what)]


def test_a_field_that_is_gone_or_new_and_needed_is_told():
    """A new field that may be left out is not."""
    new = Column(name="new", kind="float", nullable=False)
    assert [c.told for c in schema_changes(schema(*LIVE), without("city"), {})] == ["'city' is gone"]
    assert [c.told for c in schema_changes(schema(*LIVE), schema(*LIVE, new), {})] == ["'new' is new, and needed"]
    assert not schema_changes(schema(*LIVE), schema(*LIVE, new.model_copy(update={"nullable": True})), {})
    assert not schema_changes(schema(*LIVE), without("towns_wealth", "id"), {})


def test_an_alias_makes_a_removal_and_an_addition_one_renamed_field():
    """Which must still take what it took before."""
    years = AGE.model_copy(update={"name": "years"})
    renamed = schema(ID, years, *LIVE[2:])
    assert [c.what for c in schema_changes(schema(*LIVE), renamed, {})] == ["removed", "required"]
    assert not schema_changes(schema(*LIVE), renamed, {"years": ("age",)})
    whole = schema(ID, years.model_copy(update={"domain": Domain(low=18)}), *LIVE[2:])
    assert [(c.field, c.what) for c in schema_changes(schema(*LIVE), whole, {"years": ("age",)})] == [
        ("age", "narrowed")
    ]


def test_names_that_the_live_version_still_reads_are_sent_too():
    """An alias that is dropped is a field removed."""
    live = {"age": ("years_old",)}
    assert not schema_changes(schema(*LIVE), schema(*LIVE), {"age": ("years_old",)}, live)
    assert [c.field for c in schema_changes(schema(*LIVE), schema(*LIVE), {}, live)] == ["years_old"]


def test_an_alias_of_no_feature_or_of_another_feature_is_a_mistake_of_the_spec():
    """The nearest feature is named."""
    check_aliases({"age": ("years",)}, ("age", "city"))
    with pytest.raises(SpecError, match="no feature") as caught:
        check_aliases({"agee": ("years",)}, ("age", "city"))
    assert "did you mean 'age'" in caught.value.expected
    with pytest.raises(SpecError, match="a feature itself"):
        check_aliases({"age": ("city",)}, ("age", "city"))
