"""Evidence, counter-examples and the lines for the spec that an inference comes with."""

from __future__ import annotations

import datetime as dt

import pandas as pd
import pyarrow as pa
import pytest
import yaml

from penstock.arrays.decisions import decide
from penstock.arrays.infer import infer_and_cast, infer_column, infer_schema
from penstock.arrays.proposing import line
from penstock.casting import cast_column
from penstock.slices import ColumnSpec, Typing
from penstock.table import Column


def column_of(values: list[object], name: str = "x", **decided: object) -> Column:
    """Infer one column."""
    return infer_column(name, pa.chunked_array([values]), ColumnSpec(**decided))


def spread(*values: str, n: int = 100) -> list[str]:
    """Return n values, each in turn."""
    return [values[i % len(values)] for i in range(n)]


def decisions_of(proposal: str) -> dict[str, ColumnSpec]:
    """Return the decisions of a proposed line, as a spec would read it."""
    return Typing.model_validate({"base": "t", "target": "y", **yaml.safe_load(proposal)}).columns


def counting(*more: object, n: int = 60) -> list[str]:
    """Return whole numbers from 1, with further cells behind them."""
    return [*(str(1 + i) for i in range(n)), *map(str, more)]


@pytest.mark.parametrize(
    ("values", "proposed"),
    [
        (counting(*[-200] * 5), {"missing": ("-200",)}),
        (counting(*[9999] * 5), {"missing": ("9999",)}),
        (counting(*[-1] * 5), {"missing": ("-1",)}),
        (counting(*[999] * 5, *[-999] * 4), {"missing": ("999", "-999")}),
        (counting(*["?"] * 5, *[999] * 5), {"missing": ("?", "999")}),
        ([str(100 + i) for i in range(60)] + ["0"] * 9, {"missing": ("0",)}),
        (spread("19M", "300k"), {"units": {"M": 1e6, "k": 1e3}}),
        (spread("5 mm", "2 cm"), {"units": {"mm": 0.001, "cm": 0.01}, "unit": "m"}),
        (spread("1", "2", "3", "many"), {"kind": "float", "missing": ("many",)}),
        (spread("a", "b", "unknown"), {"missing": ("unknown",)}),
        (spread("a", "b", "-", "NA"), {"missing": ("NA", "-")}),
        (spread("01/02/2024", "03/04/2024"), {"formats": ("%d/%m/%Y",)}),
        ([*spread("1", "2", n=200), "none left", "none left"], {"missing": ("none left",)}),
        ([str(1_331_923_247 + 61 * i) for i in range(60)], {"kind": "datetime", "formats": ("epoch_s",)}),
        ([f"A-{i:04d}" for i in range(60)], {"role": "feature"}),
    ],
)
def test_a_proposed_line_is_one_that_a_spec_can_have_and_that_changes_the_column(values, proposed):
    """Copied into the spec, it does what it says, and is not proposed again."""
    before = column_of(values, "odd one: 1")
    assert before.proposals, before
    decided = decisions_of(before.proposals[0])["odd one: 1"]
    assert decided == ColumnSpec(**proposed)
    after = infer_column("odd one: 1", pa.chunked_array([values]), decided)
    assert after != before
    assert before.proposals[0] not in after.proposals
    assert cast_column(after, pa.array(values))[1] == []


@pytest.mark.parametrize(
    "values",
    [
        counting(-1, -1, -1, -5, -6),
        spread("0", "1"),
        spread("0", "10", "20", "30"),
        spread("1", "2", "99"),
        ["0"] * 60 + [str(100 + i) for i in range(50)],
        [str(i / 7) for i in range(200)],
        counting(999),
        [*spread("1", "2", n=200), "see note"],
        spread("a", "b"),
        [f"name {i}" for i in range(5000)] + ["Unknown"] * 2,
    ],
)
def test_what_belongs_to_the_rest_is_not_proposed_as_missing(values):
    """A level, a lowest value among others, a zero that is what is counted."""
    assert column_of(values).proposals == ()


def test_a_sentinel_is_applied_only_when_declared():
    """What is proposed changes nothing by itself."""
    values = counting(*[-200] * 5)
    assert not column_of(values).nullable
    assert "5 cells hold -200, all others lie in 1 to 60" in column_of(values).evidence
    declared = column_of(values, missing=["-200"])
    assert declared.nullable
    assert "5 missing (5 '-200')" in declared.evidence
    assert cast_column(declared, pa.array(values))[0][-1] != cast_column(declared, pa.array(values))[0][-1]


def test_a_sentinel_of_the_target_is_told():
    """A regression would learn -200 as if it had been measured."""
    raw = pa.table({"y": counting(*[-200] * 5, n=120)})
    schema = infer_schema(raw, Typing(base="t", target="y"), True)
    assert "5 cells hold -200" in schema.target.evidence
    assert schema.column("y").proposals[0].startswith("columns: {'y': {missing: ['-200']}}")


def test_native_numbers_are_judged_like_text():
    """Excel and Parquet get the same ids, whole numbers, constants and sentinels."""
    whole = column_of([1.0, 2.0, None] * 30)
    assert (whole.kind, whole.nullable, whole.evidence) == (
        "integer",
        True,
        "stored as double; whole numbers; 30 missing (30 null)",
    )
    assert column_of([float(i) for i in range(1, 200)]).role == "id"
    assert column_of([3.5] * 60).role == "ignored"
    assert "-200" in column_of([*map(float, range(60)), *[-200.0] * 5]).proposals[0]
    assert column_of(["P-1", "P-2"] * 30).kind == "category"
    assert column_of([dt.datetime(2024, 1, 2)] * 60).role == "ignored"  # noqa: DTZ001 - no zone is the point


def test_the_parts_of_a_mixed_column_are_named():
    """What share is numbers, and what the rest says."""
    column = column_of([*(str(i % 9) for i in range(97)), *["Varies with device"] * 33])
    assert column.kind == "category"
    assert "mixed: 75 % numbers, 25 % text: 'Varies with device'" in column.evidence
    assert column.counter_examples == ("Varies with device",)
    bounds = column_of(spread(">20", "<1", "5", "7", "9"))
    assert "mixed: 60 % numbers, 40 % text: '<1', '>20'" in bounds.evidence
    assert bounds.proposals == ()
    dates = column_of(spread("2024-01-02", "2024-02-03", "later"))
    assert "mixed: 67 % dates, 33 % text: 'later'" in dates.evidence


def test_counter_examples_are_the_most_frequent_cells_that_do_not_fit():
    """At most three, whatever the order of the rows."""
    values = [*(str(i / 7) for i in range(900)), *["a"] * 4, *["b"] * 5, "c", "d"]
    column = column_of(values)
    assert column.kind == "float"
    assert column.counter_examples == ("b", "a", "c")
    assert column_of(values[::-1]).counter_examples == column.counter_examples
    assert "11 cells are no numbers" in column.evidence
    late = column_of([*spread("31.12.2024", "01.02.2025", n=500), "32.12.2024"])
    assert (late.kind, late.counter_examples) == ("datetime", ("32.12.2024",))


def test_no_value_of_a_private_column_is_shown():
    """Neither in the evidence nor among the examples or proposals."""
    for values in ([*spread("1.5", "2", n=200), "Mr. Smith"], ["Smith"] * 30 + ["7"] * 70, counting(*[-200] * 5)):
        column = column_of(values, private=True)
        assert column.counter_examples == column.proposals == ()
        assert "Smith" not in column.model_dump_json()
        assert "200" not in column.evidence


@pytest.mark.parametrize(
    ("values", "decided", "expected"),
    [
        (spread("19M", "300k", "7"), {"units": {"M": 1e6, "k": 1e3}}, [19e6, 300e3, 7.0]),
        (spread("5 %", "7 %"), {}, [5.0, 7.0]),
        (spread("5 Kč", "7"), {"suffix": "Kč"}, [5.0, 7.0]),
        (spread("Fr 5", "7"), {"kind": "float", "prefix": "Fr"}, [5.0, 7.0]),
        (spread("1,234", "2"), {"decimal": ","}, [1.234, 2.0]),
        (spread("1,234", "2"), {"thousands": ","}, [1234.0, 2.0]),
        (spread("1.234", "2"), {"decimal": ",", "thousands": "."}, [1234.0, 2.0]),
        (spread("m", "f"), {"true_words": "F", "false_words": "m"}, [0.0, 1.0]),
        (spread("20240131", "20240229"), {"formats": "%Y%m%d"}, ["2024-01-31", "2024-02-29"]),
        (spread("1700000000", "0"), {"formats": "epoch_s"}, ["2023-11-14T22:13:20", "1970-01-01"]),
        (spread("02.01.2024 00:30"), {"timezone": "Europe/Berlin"}, ["2024-01-01T23:30"]),
        (spread("930", "1015"), {"kind": "time", "formats": "%H%M"}, [36900.0]),
        (spread("9:30", "24:15"), {"kind": "time"}, [34200.0]),
    ],
)
def test_one_line_decides_how_values_read(values, decided, expected):
    """Whatever is decided casts as decided, by inference and cast together and one after the other."""
    column, done, misfits = infer_and_cast("x", pa.chunked_array([values]), ColumnSpec(**decided, role="feature"))
    again, bad = cast_column(column, pa.array(values))
    assert misfits == bad
    assert pd.Series(done).equals(pd.Series(again))
    wanted = [dt.datetime.fromisoformat(e) for e in expected] if column.kind == "datetime" else expected
    assert pd.Series(again).dropna().unique().tolist() == pd.Series(wanted).tolist()


def test_declared_tokens_take_the_place_of_the_usual_ones():
    """Whoever says what means missing says all of it."""
    values = [*spread("1", "2"), "-", "?"]
    assert column_of(values).nullable
    declared = column_of(values, missing=["?"])
    assert declared.missing == ("", "?")
    assert declared.counter_examples == ("-",)


@pytest.mark.parametrize(
    ("decided", "expected"),
    [
        ({"units": {"k": 1e3}}, {"kind": "float", "units": {"k": 1e3}}),
        ({"formats": "%d.%m.%Y"}, {"kind": "datetime", "formats": ("%d.%m.%Y",)}),
        ({"true_words": "Ja", "false_words": "Nein"}, {"kind": "boolean", "true_words": ("ja",)}),
        ({"missing": "-"}, {"kind": "category", "missing": ("", "-"), "nullable": True}),
        ({"private": True}, {"counter_examples": (), "proposals": (), "evidence": "decided: private"}),
    ],
)
def test_a_decision_holds_for_a_locked_column_too(decided, expected):
    """What the spec says goes before what an earlier run inferred, with all that follows from it."""
    locked = Column(
        name="x",
        kind="category",
        nullable=False,
        evidence="mixed: 'Smith'",
        counter_examples=("Smith",),
        proposals=("p",),
    )
    made = decide(locked, ColumnSpec(**decided))
    assert {k: getattr(made, k) for k in expected} == expected
    assert decide(made, ColumnSpec(**decided)) == made


def test_a_decision_that_cannot_be_understood_is_refused():
    """A directive, a zone or a unit that is none."""
    for wrong, said in (
        ({"formats": "%Q"}, "directives"),
        ({"timezone": "Berlin"}, "Europe/Berlin"),
        ({"units": {"k": 0}}, "factor"),
        ({"units": {" ": 2}}, "name"),
    ):
        with pytest.raises(ValueError, match=said):
            ColumnSpec(**wrong)


def test_offsets_are_converted_and_mixed_ones_told():
    """A reader sees that moments of several offsets stand side by side."""
    one = column_of(spread("2024-01-02T03:04:05+02:00", "2024-02-03T00:00:00+02:00"))
    assert "offset +02:00: converted to UTC" in one.evidence
    two = column_of(spread("2024-01-02T03:04:05+02:00", "2024-07-03T00:00:00-05:30", "2024-07-03T00:00:00"))
    assert "mixed offsets: +02:00 in 34, -05:30 in 33 cells, none in 33" in two.evidence


def test_an_order_of_day_and_month_is_resolved_by_the_whole_column():
    """One date in a thousand that reads one way only decides; how many do is told."""
    values = [*spread("01/02/2024", "03/04/2024", n=999), "13/05/2024"]
    column = column_of(values)
    assert column.formats == ("%d/%m/%Y",)
    assert "1 cells read only as %d/%m/%Y, 0 only as %m/%d/%Y, 999 either way" in column.evidence
    both = column_of([*values, *["05/25/2024"] * 4])
    assert both.formats == ("%m/%d/%Y",)
    assert both.counter_examples == ("13/05/2024",)
    even = column_of([*spread("13/05/2024", "05/25/2024"), *spread("01/02/2024")])
    assert even.kind == "category"


@pytest.mark.parametrize(
    ("name", "values", "formats"),
    [
        ("created_at", [str(1_600_000_000 + 86_400 * i) for i in range(60)], ("epoch_s",)),
        ("timestamp", [1_600_000_000_000 + 86_400_000 * i for i in range(60)], ("epoch_ms",)),
        ("unixTime", [float(1_600_000_000 + i) for i in range(60)], ("epoch_s",)),
        ("amount", [str(1_600_000_000 + 86_400 * i) for i in range(60)], ()),
        ("timestamp", [str(i) for i in range(60)], ()),
    ],
)
def test_seconds_since_1970_are_moments_where_the_name_says_so(name, values, formats):
    """A large number may be an amount."""
    assert column_of(values, name).formats == formats


@pytest.mark.parametrize(
    "text", ["plain", "with: colon", "it's", "#1", "-200", "yes", "a\nb", "", "[x]", "ß 5 µm", "{"]
)
def test_a_line_holds_any_name_and_any_token(text):
    """Whatever a column or a token is called, YAML gives it back."""
    made = yaml.safe_load(line(text, missing=[text, "x"], units={text or "k": 2.5}))
    assert made == {"columns": {text: {"missing": [text, "x"], "units": {text or "k": 2.5}}}}


def test_a_column_of_a_joined_table_is_proposed_by_its_full_name():
    """Two tables may have columns of one name."""
    column = infer_column("x", pa.chunked_array([counting(*[-200] * 5)]), table="lab")
    assert column.proposals[0].startswith("columns: {lab_x: {missing: ['-200']}}")
