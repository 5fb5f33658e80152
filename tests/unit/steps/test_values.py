"""Values in another form: casts, numbers and dates out of text, maps, units, derived columns, and what is refused."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from penstock.blocks import Blocks
from penstock.cells import NotCast, parse_cell
from penstock.errors import DataError, PlanError
from penstock.steps.base import Rows
from penstock.steps.changes import compare
from penstock.steps.plan import Plan
from penstock.steps.running import Held, Running, run_before
from penstock.steps.values.bounds import Bounds
from penstock.steps.values.cast import Cast
from penstock.steps.values.convert import Convert
from penstock.steps.values.derive import Derive
from penstock.steps.values.drop import Drop
from penstock.steps.values.map_values import MapValues
from penstock.steps.values.parse_date import ParseDate
from penstock.steps.values.parse_number import ParseNumber
from penstock.steps.values.rename import Rename
from penstock.steps.values.select import Select
from penstock.steps.values.units import UNITS, conversion
from penstock.table import Column, Domain

from .frames import KINDS


def column(*values: object) -> pd.DataFrame:
    """Return a frame of one column."""
    texts = any(isinstance(value, str) for value in values)
    return pd.DataFrame({"x": pd.array(list(values), dtype="str" if texts else "float64")})


def after(step, *values: object) -> list:
    """Return what becomes of a column's values, None for what is missing."""
    found = step.apply(column(*values))["x"]
    return [None if pd.isna(value) else value for value in found]


WRITTEN = st.one_of(
    st.sampled_from(["19M", "10,000+", "$4.99", "-$5", "1.234,5", "1,5", " 7 ", "NA", "", "1e3", "inf", "12k+", "$"]),
    st.text("0123456789.,-+$kM ", max_size=8),
)


@pytest.mark.parametrize("many", [False, True])
@pytest.mark.parametrize(
    "written",
    [
        {},
        {"thousands": ",", "suffix": "+"},
        {"prefix": "$", "thousands": ","},
        {"decimal": ",", "thousands": "."},
        {"units": {"M": 1e6, "k": 1e3}},
    ],
)
@given(texts=st.lists(st.one_of(st.none(), WRITTEN), min_size=1, max_size=8))
@settings(max_examples=30)
def test_a_number_reads_as_a_cell_of_a_source_does(written: dict, many: bool, texts: list[str | None]):
    """A column that is parsed in the plan and one whose schema says how it is written cannot differ, at any length."""
    source = Column(name="x", kind="float", **written)
    more = [f"{i}" for i in range(100)] if many else []
    frame = pd.DataFrame({"x": pd.array([*texts, *more], dtype="str")})
    found = ParseNumber(columns=("x",), **written).apply(frame)["x"].tolist()
    for text, got in zip(texts, found, strict=False):
        try:
            wanted = parse_cell(source, text)
        except NotCast:
            wanted = None
        assert (None if np.isnan(got) else got) == wanted


def test_what_does_not_read_as_a_number_becomes_what_the_step_says():
    """Missing by default, a constant, or an error that names the rows and no value; what is missing stays missing."""
    texts = ("19M", "Varies with device", "NA", None)
    step = ParseNumber(columns=("x",), units={"M": 1e6})
    assert after(step, *texts) == [19e6, None, None, None]
    assert after(step.model_copy(update={"otherwise": 0.0}), *texts) == [19e6, 0.0, None, None]
    with pytest.raises(DataError) as told:
        after(step.model_copy(update={"otherwise": "refuse"}), *texts)
    assert "`parse_number` cannot read the column 'x'" in str(told.value)
    assert "1 rows, the first of them 1 " in str(told.value)
    assert "Varies" not in str(told.value)
    # Of many different texts, which are read together.
    with pytest.raises(DataError, match="1 rows, the first of them 150 "):
        after(step.model_copy(update={"otherwise": "refuse"}), *(f"{i}M" for i in range(150)), "none")


def test_a_date_is_read_by_its_formats_in_its_zone():
    """A moment without an offset is local; one that says its offset is not."""
    step = ParseDate(columns=("x",), formats=("%d.%m.%Y %H:%M", "%d.%m.%Y"), timezone="Europe/Berlin")
    found = after(step, "1.7.2026 12:00", "01.01.2026", "2026-07-01T12:00Z", "32.1.2026", "NA", None)
    assert found == [
        pd.Timestamp("2026-07-01 10:00"),
        pd.Timestamp("2025-12-31 23:00"),
        pd.Timestamp("2026-07-01 12:00"),
        None,
        None,
        None,
    ]
    with pytest.raises(DataError, match=r"(?s)`parse_date` cannot read the column 'x'.*first of them 0, 2"):
        after(step.model_copy(update={"on_error": "refuse"}), "soon", "1.1.2026", "later")
    assert after(ParseDate(columns=("x",), formats=("epoch_s",)), "86400") == [pd.Timestamp("1970-01-02")]


@pytest.mark.parametrize(
    ("to", "values", "wanted"),
    [
        ("integer", ("41", "4.5", " 7 ", "x"), [41.0, None, 7.0, None]),
        ("integer", (4.0, 4.5, None), [4.0, None, None]),
        ("float", ("4.5", "1e3", "NA"), [4.5, 1000.0, None]),
        ("boolean", ("true", "0", "maybe"), [1.0, 0.0, None]),
        ("boolean", (1.0, 0.0, 2.0), [1.0, 0.0, None]),
        ("category", (1.0, 2.5, None), ["1", "2.5", None]),
        ("text", ("a", None, "b"), ["a", None, "b"]),
        ("datetime", ("2026-01-02", "x"), [pd.Timestamp("2026-01-02"), None]),
    ],
)
def test_a_cast_reads_what_it_can(to: str, values: tuple, wanted: list):
    """What does not read as the kind is missing, never a guess."""
    assert after(Cast(columns=("x",), to=to), *values) == wanted


def test_a_moment_becomes_the_text_that_a_source_would_have():
    """A day has no time, and a time no more than it says."""
    frame = pd.DataFrame({"x": np.array(["2026-01-02", "2026-01-02T03:04", "NaT"], dtype="datetime64[us]")})
    found = Cast(columns=("x",), to="text").apply(frame)["x"].tolist()
    assert found[:2] == ["2026-01-02", "2026-01-02 03:04:00"]
    assert pd.isna(found[2])


def test_keys_of_a_map_may_be_written_as_yaml_reads_them():
    """`1:` and `true:` are a number and a truth value to YAML, and texts to a column."""
    step = MapValues(columns=("x",), values={7: "one", True: "yes", "b": None})
    assert after(step, "7", "true", "b", "c", None) == ["one", "yes", None, "c", None]
    assert after(MapValues(columns=("x",), values={1: "one"}, otherwise="rest"), 1.0, 2.0, None) == [
        "one",
        "rest",
        None,
    ]
    assert after(MapValues(columns=("x",), values={1: 10}), 1.0, 2.5, None) == [10.0, 2.5, None]


def test_a_map_of_texts_to_numbers_must_say_what_becomes_of_the_others():
    """Texts cannot stay among numbers."""
    step = MapValues(columns=("city",), values={"Oslo": 1})
    with pytest.raises(PlanError, match="keep texts among the numbers"):
        step.columns_after(KINDS)
    assert step.model_copy(update={"otherwise": "missing"}).columns_after(KINDS)["city"] == "integer"
    assert step.model_copy(update={"otherwise": 0.5}).columns_after(KINDS)["city"] == "float"


@given(value=st.floats(-1e6, 1e6), names=st.sampled_from([(a, b) for a in UNITS for b in UNITS]))
@settings(max_examples=40)
def test_a_unit_and_back_is_where_one_started(value: float, names: tuple[str, str]):
    """Or else the two measure different things, which is said."""
    one, other = names
    if UNITS[one].dimension != UNITS[other].dimension:
        with pytest.raises(ValueError, match="measures"):
            conversion(one, other)
        return
    (there, plus), (back, minus) = conversion(one, other), conversion(other, one)
    assert (value * there + plus) * back + minus == pytest.approx(value, rel=1e-9, abs=1e-6)


@pytest.mark.parametrize(
    ("value", "given", "to", "wanted"),
    [
        (212.0, "F", "C", 100.0),
        (0.0, "K", "C", -273.15),
        (1.0, "mi", "km", 1.609344),
        (1.0, "lb", "kg", 0.45359237),
        (1.0, "atm", "hPa", 1013.25),
        (36.0, "km/h", "m/s", 10.0),
        (1.0, "kWh", "MJ", 3.6),
        (2.0, "GiB", "MiB", 2048.0),
        (1.0, "d", "h", 24.0),
        (1.0, "gal", "l", 3.785411784),
    ],
)
def test_known_units_are_what_their_definitions_say(value: float, given: str, to: str, wanted: float):
    """Against published values, not against the table."""
    step = Convert(columns=("x",), given=given, to=to)
    assert after(step, value, None) == [pytest.approx(wanted, abs=1e-9), None]


def test_a_derived_column_sees_the_columns_before_the_step_only():
    """So the order in which a mapping was written decides nothing."""
    step = Derive(columns={"a": "x + 1", "b": "x * 2"})
    assert step.apply(column(1.0)).columns.tolist() == ["x", "a", "b"]
    again = Derive(columns={"b": "x * 2", "a": "x + 1"})
    pd.testing.assert_frame_equal(step.apply(column(1.0)), again.apply(column(1.0)))
    with pytest.raises(PlanError, match="no column 'a'"):
        Derive(columns={"a": "x", "b": "a"}).columns_after({"x": "float"})
    swapped = Derive(columns={"x": "-x", "y": "x"}, replace=True).apply(pd.DataFrame({"x": [1.0], "y": [2.0]}))
    assert (swapped["x"].tolist(), swapped["y"].tolist()) == ([-1.0], [1.0])


def test_two_columns_can_change_their_names():
    """A renaming happens at once, not one after the other."""
    frame = Rename(columns={"a": "b", "b": "a"}).apply(pd.DataFrame({"a": [1.0], "b": [2.0]}))
    assert frame.to_dict("list") == {"b": [1.0], "a": [2.0]}


def test_a_value_outside_its_domain_can_be_told_and_left():
    """Text and number alike; a missing value is not outside."""
    frame = pd.DataFrame({"n": [1.0, 9.0, None], "t": pd.array(["a", "z", None], dtype="str")})
    step = Bounds(domains={"n": Domain(high=5), "t": Domain(values=("a",))}, action="flag")
    assert step.apply(frame)[["n_outside", "t_outside"]].to_dict("list") == {
        "n_outside": [0.0, 1.0, 0.0],
        "t_outside": [0.0, 1.0, 0.0],
    }


@pytest.mark.parametrize(
    ("step", "told"),
    [
        (Cast(columns=("seen",), to="float"), "cannot work on the column 'seen'"),
        (Cast(columns=("agee",), to="text"), "did you mean 'age'"),
        (ParseNumber(columns=("age",)), "cannot work on the column 'age'"),
        (ParseDate(columns=("age",)), "cannot work on the column 'age'"),
        (MapValues(columns=("seen",), values={"a": "b"}), "cannot work on the column 'seen'"),
        (Convert(columns=("smoker",), factor=2.0), "cannot work on the column 'smoker'"),
        (Derive(columns={"new": "age + city"}), r"(?s)where:\s+columns, new: age \+ city.*takes numbers"),
        (Derive(columns={"age": "dose"}), "second column 'age'"),
        (Bounds(domains={"age": Domain(low=0)}, action="flag"), "second column 'age_outside'"),
        (Rename(columns={"age": "dose"}), "second column 'dose'"),
        (Drop(columns=("ages",)), "did you mean 'age'"),
        (Select(columns=("ages",)), "did you mean 'age'"),
    ],
)
def test_what_cannot_stand_where_it_stands_is_told_before_there_is_a_row(step, told: str):
    """An absent column with the nearest name, a wrong kind, a taken name."""
    with pytest.raises(PlanError, match=told):
        step.columns_after({**KINDS, "age_outside": "float"})


@pytest.mark.parametrize(
    ("settings_", "told"),
    [
        ({"kind": "derive", "columns": {"a": "x +"}}, "ends where a value"),
        ({"kind": "derive", "columns": {"a": "__import__('os')"}}, "no function"),
        ({"kind": "derive", "columns": {}}, "at least 1"),
        ({"kind": "parse_date", "columns": "x", "formats": "%Q"}, "no format of dates"),
        ({"kind": "parse_date", "columns": "x", "timezone": "Mars"}, "no time zone"),
        ({"kind": "parse_number", "columns": "x", "units": {"M": 0}}, "factor"),
        ({"kind": "convert", "columns": "x", "from": "furlong", "to": "m"}, "no unit that is known here"),
        ({"kind": "convert", "columns": "x", "from": "kg", "to": "m"}, "measures mass"),
        ({"kind": "convert", "columns": "x", "from": "kg"}, "takes `from` and `to`"),
        ({"kind": "convert", "columns": "x"}, "takes `from` and `to`"),
        ({"kind": "convert", "columns": "x", "factor": 0}, "would leave nothing"),
        ({"kind": "map_values", "columns": "x", "values": {"a": 1, "b": "c"}}, "texts and numbers together"),
        ({"kind": "map_values", "columns": "x", "values": {}}, "at least 1"),
        ({"kind": "rename", "columns": {"a": "c", "b": "c"}}, "two columns would be named 'c'"),
        ({"kind": "cast", "columns": "x", "to": "time"}, "Input should be"),
    ],
)
def test_settings_that_cannot_work_are_refused_with_the_spec(settings_: dict, told: str):
    """Whatever can be told from the spec alone is told then."""
    with pytest.raises(ValidationError, match=told):
        Plan.model_validate({"steps": [settings_]})


def test_the_audit_counts_cells_that_did_not_read():
    """A parser that makes a tenth of a column missing must not do so in silence."""
    plan = Plan(steps=(ParseNumber(columns=("x",)), ParseDate(columns=("d",)), Derive(columns={"m": "month(d)"})))
    days = pd.array(["2026-01-01"] * 4, dtype="str")
    frame = pd.DataFrame({"x": pd.array(["1", "?", "x", "y"], dtype="str"), "d": days})
    rows = Rows(np.ones(4, dtype=bool), pd.DataFrame(index=range(4)), np.zeros(4), np.full(4, None, dtype=object))
    start = Running(Held(frame), rows, np.arange(4), np.full(4, None, dtype=object))
    _, entries = run_before(plan, start, frozenset())
    assert entries[0].note == "3 cells became missing"
    assert "missing" not in entries[1].note
    assert entries[2].note == "adds m, 4 cells with a value"
    counts, examples = compare(
        Blocks.of(frame), ParseDate(columns=("d",)).on(Blocks.of(frame)), np.arange(4), frozenset()
    )
    assert counts == {"d": 4}
    assert examples[0].before == "2026-01-01"
