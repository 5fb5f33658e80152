"""What a raw cell means, and that a column of them means the same as each one alone."""

from __future__ import annotations

import datetime as dt
import math
from decimal import Decimal

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from penstock.casting import MANY, canonical_array, cast_column
from penstock.cells import NotCast, canonical_text, parse_cell, time_text
from penstock.table import Column

FORMATS = ("%d.%m.%Y", "%m/%d/%Y %H:%M")
SPOKEN = ("%d %b %Y", "%B %d, %Y %I:%M %p", "%a, %d %b %Y %H:%M:%S %z", "%y%m%d")
NUMBER = Column(name="x", kind="float")
WHOLE = Column(name="x", kind="integer")

_blank = st.sampled_from(["", " ", "  ", "\t", "\xa0", "\u2003", "\x1f", "\n"])
_numberish = st.one_of(
    st.floats().map(repr),
    st.integers().map(str),
    st.from_regex(r"[+-]?[0-9]{0,4}[.,' ]?[0-9]{0,4}([.,][0-9]{0,3})?( ?(mm|%|EUR))?", fullmatch=True),
    st.sampled_from(["+5", "5.", ".5", "1e400", "-1e400", "1e-400", "1E5", "0x10", "1_000", "inf", "NaN", "-", "٣"]),
    st.sampled_from(["-999", "-999.0", "€ 1.234,50", "$-3", "-$3", "1 234,5", "1\xa0234,5", "1'234"]),
    st.from_regex(r"[+-]?[0-9]{1,3}([., '][0-9]{3}){0,2}([.,][0-9]{0,2})? ?(k|M|kB|e|m2|\+)?", fullmatch=True),
    st.sampled_from(["5e3", "5 e3", "5e3k", "1.5M", "1,500k", "2MM", "k", "5 k k", "5.-", "5 m2", "50", "5e", "7+"]),
)
_wordish = st.one_of(st.text(max_size=6), st.sampled_from(["Yes", "no", "TRUE", "1", "0.0", "?", "NA", "see note"]))
_dateish = st.one_of(
    st.datetimes().map(str),
    st.dates().map(str),
    st.datetimes(timezones=st.just(dt.UTC)).map(dt.datetime.isoformat),
    st.dates().map(lambda d: d.strftime("%d.%m.%Y")),
    st.sampled_from(["now", "today", "31.02.2024", "2024-02-30", "12/31/2024 23:59", "2024-01-01T00:00:00.123456789Z"]),
    st.sampled_from(["1600-01-01", "0001-01-01", "9999-12-31", "2024-01-01T00:00:00+02:00", "2024", "20240101"]),
    st.datetimes(dt.datetime(2023, 1, 1), dt.datetime(2025, 1, 1)).map(str),  # noqa: DTZ001 - no zone is the point
    st.datetimes().map(lambda m: f"{m:%B} {m.day}, {m.year:04d} {m:%I:%M %p}"),
    st.datetimes().map(lambda m: f"{m.day} {m:%b} {m.year:04d}"),
    st.sampled_from(["Mon, 01 Jan 2024 10:00:00 GMT", "Mon, 01 Jan 2024 10:00:00 -0530", "31 Feb 2024", "1 may 2024"]),
    st.sampled_from(
        ["1700000000", "1.7e9", "-1", "1e30", "0", "991231", "000101", "2024-03-31 02:30", "2024-10-27 02:30"]
    ),
    st.sampled_from(
        ["2024-1-2", "2024/01/02", "2024.01.02 03", "20240102T030405,5Z", "2024-13-01", "2024-01-02 24:00"]
    ),
)
_clockish = st.one_of(
    st.times().map(str),
    st.times().map(lambda t: f"{t:%I:%M %p}"),
    st.sampled_from(["9:05", "24:00", "12:00 am", "12:00PM", "13:00 PM", "9:5", "09:05:59.123456789", "1:2:3", "noon"]),
)
_padded = st.tuples(_blank, st.one_of(_numberish, _wordish, _dateish, _clockish), _blank).map("".join)
_texts = st.lists(st.one_of(st.none(), _padded), max_size=12)

_numbers = st.builds(
    Column,
    name=st.just("x"),
    kind=st.sampled_from(["integer", "float"]),
    decimal=st.sampled_from([".", ",", ".,"]),
    prefix=st.sampled_from(["", "€", "$", "1"]),
    suffix=st.sampled_from(["", "mm", "%", "+", "e3", "m2", ".-", "0"]),
    units=st.sampled_from([{}, {}, {"k": 1e3, "M": 1e6, "kB": 2.0**10}, {"e3": 2.0, "k": 0.1}]),
    missing=st.sampled_from([("", "?", "NA"), ("", "-999"), ("", "1e400")]),
).flatmap(
    lambda c: st.sampled_from(
        [c.model_copy(update={"thousands": t}) for t in ("", ",", ".", " ", "'") if t not in c.decimal]
    )
)
_others = st.sampled_from(
    [
        Column(name="x", kind="boolean", true_words=("yes",), false_words=("no",)),
        Column(name="x", kind="boolean"),
        Column(name="x", kind="category"),
        Column(name="x", kind="text", missing=("",)),
        Column(name="x", kind="datetime"),
        Column(name="x", kind="datetime", formats=FORMATS),
        Column(name="x", kind="datetime", formats=SPOKEN),
        Column(name="x", kind="datetime", formats=FORMATS, timezone="Europe/Berlin"),
        Column(name="x", kind="datetime", timezone="America/St_Johns"),
        Column(name="x", kind="datetime", formats=("epoch_s",), missing=("", "-1")),
        Column(name="x", kind="datetime", formats=("epoch_ns", "%d.%m.%Y")),
        Column(name="x", kind="time"),
        Column(name="x", kind="time", formats=("%H%M",)),
    ]
)
_columns = st.one_of(_numbers, _others)


def one_by_one(column: Column, values: list[object]) -> tuple[list[object], list[int]]:
    """Cast values by `parse_cell` alone."""
    done: list[object] = []
    bad: list[int] = []
    for i, value in enumerate(values):
        try:
            done.append(parse_cell(column, value))
        except NotCast:
            done.append(None)
            bad.append(i)
    return done, bad


def plain(values: object) -> list[object]:
    """Return a cast column as a list, None where it is missing."""
    return [None if pd.isna(v) else v for v in pd.Series(values).tolist()]


def assert_same(column: Column, values: list[object], raw: object) -> None:
    """Compare a column's cast with its cells' own."""
    done, misfits = cast_column(column, raw)
    expected, bad = one_by_one(column, values)
    if column.kind == "datetime":
        expected = plain(np.array([np.datetime64("NaT", "us") if v is None else v for v in expected], "datetime64[us]"))
    assert plain(done) == expected
    assert [m.row for m in misfits] == bad


# Found once by chance: either sign may be the decimal point, and blanks group the digits before it.
@example(Column(name="x", kind="float", decimal=".,", thousands=" "), ["1 234,5", "1 234.5"])
@given(_columns, _texts)
def test_a_column_of_text_reads_as_its_cells_do_one_at_a_time(column, texts):
    """Whatever stands beside a cell, it reads the same: no skew between a file and a request."""
    assert_same(column, texts, pa.array(texts, pa.string()))
    assert_same(column, texts, texts)
    assert_same(column, texts, pa.chunked_array([texts[:3], texts[3:]], pa.string()))
    assert_same(column, texts, pa.array(texts, pa.string()).dictionary_encode())


@given(_columns, st.lists(st.one_of(st.none(), st.floats(), st.just(-999.0)), max_size=12))
def test_a_column_of_floats_reads_as_its_cells_do_one_at_a_time(column, numbers):
    """Numbers of a Parquet file and of a JSON request are the same."""
    assert_same(column, numbers, pa.array(numbers, pa.float64()))


@given(_columns, st.lists(st.one_of(st.none(), st.integers(-(2**63), 2**63 - 1), st.booleans().map(int)), max_size=12))
def test_a_column_of_integers_reads_as_its_cells_do_one_at_a_time(column, numbers):
    """The same for whole numbers."""
    assert_same(column, numbers, pa.array(numbers, pa.int64()))


@given(_columns, st.lists(st.one_of(st.none(), st.booleans()), max_size=8))
def test_a_column_of_booleans_reads_as_its_cells_do_one_at_a_time(column, booleans):
    """The same for booleans, which are no numbers."""
    assert_same(column, booleans, pa.array(booleans, pa.bool_()))


@given(st.lists(st.one_of(st.none(), st.datetimes()), max_size=8))
def test_a_column_of_moments_reads_as_its_cells_do_one_at_a_time(moments):
    """The same for dates and times."""
    column = Column(name="x", kind="datetime")
    assert_same(column, moments, pa.array(moments, pa.timestamp("us")))
    assert_same(Column(name="x", kind="category"), moments, pa.array(moments, pa.timestamp("us")))
    zoned = Column(name="x", kind="datetime", timezone="Europe/Berlin")
    assert_same(zoned, moments, pa.array(moments, pa.timestamp("us")))


@given(st.lists(st.one_of(st.none(), st.times()), max_size=8))
def test_a_column_of_times_reads_as_its_cells_do_one_at_a_time(times):
    """Times of a Parquet file, of text and of a request are the same seconds since midnight."""
    column = Column(name="x", kind="time")
    assert_same(column, times, pa.array(times, pa.time64("us")))
    written = [None if t is None else t.isoformat() for t in times]
    assert plain(cast_column(column, written)[0]) == plain(cast_column(column, pa.array(times, pa.time64("us")))[0])
    assert [None if s is None else time_text(s) for s in plain(cast_column(column, times)[0])] == written


WAYS = [
    ("{:.3f}", {}),
    ("{:,.3f}", {"thousands": ","}),
    ("€ {:,.3f}", {"thousands": ",", "prefix": "€"}),
    ("{:.3f} %", {"suffix": "%"}),
    ("{:+.3f}kg", {"suffix": "kg"}),
    ("{:.3e}", {}),
]


@given(st.lists(st.floats(-1e9, 1e9), max_size=20), st.sampled_from(WAYS))
def test_a_number_is_the_same_from_a_file_from_json_and_from_arrow(numbers, way):
    """Written with a unit, sent as a JSON number, stored as float64: one column reads all three alike."""
    written, reading = way
    column = Column(name="x", kind="float", **reading)
    texts = [written.format(x) for x in numbers]
    meant = [float(f"{x:.3e}" if "e" in written else f"{x:.3f}") for x in numbers]
    for raw in (texts, pa.array(texts, pa.string()), meant, pa.array(meant, pa.float64())):
        done, misfits = cast_column(column, raw)
        assert plain(done) == meant
        assert misfits == []


@given(st.lists(st.floats(-1e9, 1e9).map(lambda x: round(x, 3)), max_size=20), st.sampled_from([",", ".,"]))
def test_a_decimal_comma_is_the_same_from_a_file_from_json_and_from_arrow(numbers, decimal):
    """With points between thousands where the comma is the point."""
    column = Column(name="x", kind="float", decimal=decimal, thousands="." if decimal == "," else "")
    grouped = [f"{x:,.3f}".translate(str.maketrans(",.", ".,")) for x in numbers]
    texts = grouped if decimal == "," else [f"{x:.3f}".replace(".", ",") for x in numbers]
    for raw in (texts, pa.array(texts, pa.string()), numbers, pa.array(numbers, pa.float64())):
        assert plain(cast_column(column, raw)[0]) == numbers


@given(st.lists(st.integers(-(10**6), 10**6), max_size=20))
def test_units_are_converted_alike_in_a_file_and_a_request(numbers):
    """The factor of the unit is applied; a bare number is in the unit of the column."""
    column = Column(name="x", kind="float", units={"k": 1e3, "M": 1e6})
    texts = [f"{x}{'kM'[i % 2]}" for i, x in enumerate(numbers)]
    meant = [x * (1e3, 1e6)[i % 2] for i, x in enumerate(numbers)]
    for raw in (texts, pa.array(texts, pa.string()), meant, pa.array(meant, pa.float64())):
        assert plain(cast_column(column, raw)[0]) == meant


@given(st.lists(st.one_of(st.none(), st.datetimes(dt.datetime(1800, 1, 1), dt.datetime(2200, 1, 1))), max_size=20))  # noqa: DTZ001
def test_a_moment_survives_being_written_in_any_format(moments):
    """What a format writes it reads back, up to what it leaves out."""
    for form in (*FORMATS, *SPOKEN[:2], "%Y-%m-%dT%H:%M:%S.%f", "%d/%b/%Y %H:%M:%S", "%I:%M%p %d.%m.%Y"):
        texts = [None if m is None else m.strftime(form) for m in moments]
        meant = [None if t is None else dt.datetime.strptime(t, form) for t in texts]  # noqa: DTZ007
        done, misfits = cast_column(Column(name="x", kind="datetime", formats=(form,)), pa.array(texts, pa.string()))
        assert plain(done) == meant
        assert misfits == []


@given(_texts)
def test_canonical_text_is_the_same_for_a_column_and_a_cell(texts):
    """Keys of a join and of the split do not depend on how a value came."""
    expected = [None if t is None else canonical_text(t) for t in texts]
    assert canonical_array(pa.array(texts, pa.string())).to_pylist() == expected


@given(st.lists(st.one_of(st.none(), st.floats(allow_nan=False)), max_size=8))
def test_canonical_text_of_numbers_is_the_same_for_a_column_and_a_cell(numbers):
    """The same for numbers."""
    expected = [None if n is None else canonical_text(n) for n in numbers]
    assert canonical_array(pa.array(numbers, pa.float64())).to_pylist() == expected


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_number_survives_being_written_as_text(number):
    """The text of a float reads back to the same bits, by either path."""
    assert parse_cell(NUMBER, repr(number)) == number
    assert cast_column(NUMBER, pa.array([repr(number)]))[0][0] == number


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("17,99", 17.99),
        (" 122.8 mm ", 122.8),
        ("€ 5", 5.0),
        ("-€5", -5.0),
        ("€-5", -5.0),
        ("+5", 5.0),
        ("", None),
        ("?", None),
        ("NA", None),
        (5, 5.0),
        (Decimal("2.5"), 2.5),
        (np.float32(2.5), 2.5),
        (float("nan"), None),
        (pd.NA, None),
    ],
)
def test_a_number_is_read_with_its_unit_currency_and_comma(text, expected):
    """What people write for a number is that number."""
    column = Column(name="x", kind="float", decimal=".,", prefix="€", suffix="mm")
    assert parse_cell(column, text) == expected


@pytest.mark.parametrize("value", ["see note", "1,234,5", "12 kg", "1e400", "inf", True, [1], {}, "1 2", float("inf")])
def test_what_is_no_number_does_not_cast(value):
    """A word, a list or an infinity never becomes a number in silence."""
    with pytest.raises(NotCast):
        parse_cell(Column(name="x", kind="float", decimal=".,"), value)


@pytest.mark.parametrize(("text", "value"), [("1,234", 1234), ("1,234.5", 1234.5), ("12", 12), ("1,234,567", 1234567)])
def test_thousands_are_taken_out_where_they_group_three_digits(text, value):
    """A grouped number is the number."""
    assert parse_cell(Column(name="x", kind="float", thousands=","), text) == value


@pytest.mark.parametrize("text", ["12,34", "1,2345", ",123", "1234,567"])
def test_wrongly_grouped_digits_do_not_cast(text):
    """A comma that groups no thousands is no thousands sign."""
    with pytest.raises(NotCast):
        parse_cell(Column(name="x", kind="float", thousands=","), text)


def test_a_fraction_is_no_whole_number():
    """An integer column takes 5, 5.0 and '5.0', and refuses 5.5."""
    assert [parse_cell(WHOLE, v) for v in (5, 5.0, "5.0")] == [5.0, 5.0, 5.0]
    with pytest.raises(NotCast):
        parse_cell(WHOLE, 5.5)


def test_a_number_that_means_missing_is_missing_however_it_comes():
    """A sentinel is the same in a file and in JSON."""
    column = Column(name="x", kind="integer", missing=("", "-999"))
    assert [parse_cell(column, v) for v in ("-999", "-999.0", -999, -999.0)] == [None] * 4
    for raw in (pa.array(["-999", "-999.0"]), pa.array([-999]), pa.array([-999.0])):
        assert np.isnan(cast_column(column, raw)[0]).all()


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (1.0, "1"),
        ("1.0", "1"),
        (" 1.00 ", "1"),
        ("1.5", "1.5"),
        ("007.0", "007.0"),
        (Decimal("3.0"), "3"),
        (np.int64(4), "4"),
        (True, "true"),
        (dt.date(2024, 1, 2), "2024-01-02"),
        (dt.datetime(2024, 1, 2, 3, 4), "2024-01-02 03:04:00"),  # noqa: DTZ001 - no zone is the point
        (np.datetime64("2024-01-02", "ns"), "2024-01-02"),
        (0.1, "0.1"),
    ],
)
def test_every_value_has_one_text(value, expected):
    """The text of a value does not depend on which library wrote it."""
    assert canonical_text(value) == expected


def test_the_present_is_no_date():
    """Words that pandas would read as the clock's time do not cast."""
    for word in ("now", "today"):
        with pytest.raises(NotCast):
            parse_cell(Column(name="x", kind="datetime"), word)


def test_moments_with_a_zone_are_read_in_utc():
    """A zone is taken into account, and then dropped."""
    column = Column(name="x", kind="datetime")
    assert parse_cell(column, "2024-01-01T02:00:00+02:00") == np.datetime64("2024-01-01T00:00:00", "us")
    zoned = pa.array([dt.datetime(2024, 1, 1, 0, 0, tzinfo=dt.UTC)], pa.timestamp("s", "Europe/Berlin"))
    assert cast_column(column, zoned)[0][0] == np.datetime64("2024-01-01T00:00:00", "us")


def test_a_column_of_nothing_is_missing_throughout():
    """A column of Arrow's null type casts to every kind."""
    for kind in ("integer", "float", "boolean", "category", "text", "datetime", "time"):
        done, misfits = cast_column(Column(name="x", kind=kind), pa.nulls(3))
        assert pd.isna(done).all()
        assert not misfits


def test_misfits_name_the_place_and_never_the_value():
    """A report of misfits cannot leak what stood in a cell."""
    _, misfits = cast_column(NUMBER, pa.array(["1", "secret", None, "secret"]))
    assert [m.row for m in misfits] == [1, 3]
    assert all("secret" not in m.model_dump_json() for m in misfits)


def test_an_integer_too_large_for_a_float_does_not_cast():
    """Python's whole numbers know no bound; a column's do."""
    with pytest.raises(NotCast):
        parse_cell(NUMBER, 10**400)
    assert math.isfinite(parse_cell(NUMBER, 10**300))


CELLS = {
    "floats": st.none() | st.floats(allow_infinity=True) | st.integers(-(2**70), 2**70),
    "texts": st.none() | st.sampled_from(["7", " 7.0 ", "NA", "", "x", "-999", "\x1f7", "true", "7,5", "1e400"]),
    "truths": st.none() | st.booleans(),
    "mixed": st.none() | st.booleans() | st.integers(0, 3) | st.sampled_from(["yes", "1", "2.0"]),
}


@settings(max_examples=120)
@given(st.data(), st.sampled_from(["integer", "float", "boolean", "category", "text", "datetime"]))
def test_many_cells_of_a_request_read_as_each_does_alone(data, kind):
    """Columns of a batch are cast at once where they are alike, and no cell of them is read otherwise for that."""
    cells = data.draw(st.sampled_from(list(CELLS.values())))
    values = data.draw(st.lists(cells, min_size=MANY, max_size=MANY))
    column = Column(name="x", kind=kind, missing=("", "NA", "-999"), true_words=("yes",))
    done, misfits = cast_column(column, values)
    alone = [cast_column(column, [value]) for value in values]
    assert plain(done) == [plain(cell)[0] for cell, _ in alone]
    assert [m.row for m in misfits] == [i for i, (_, bad) in enumerate(alone) if bad]
