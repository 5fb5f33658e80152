"""Dates and times written as text, read one by one and by the million."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.arrays.dates import FORMATS
from penstock.timetext import DAY, ISO, NAIVE, TIMES, UnknownFormat, compiled, read_moment, read_moments
from penstock.zones import all_to_utc, is_zone, to_utc

_moments = st.datetimes(dt.datetime(1, 1, 1), dt.datetime(9999, 12, 31))  # noqa: DTZ001 - no zone is the point


def micros_of(moment: dt.datetime) -> int:
    """Return the microseconds since 1970 that a moment without a zone is."""
    return (moment - dt.datetime(1970, 1, 1)) // dt.timedelta(microseconds=1)  # noqa: DTZ001


@given(
    st.lists(_moments, min_size=1, max_size=20),
    st.sampled_from(["T", " "]),
    st.sampled_from(["", "Z", "+02:00", "-0530"]),
)
def test_iso_8601_is_read_as_the_standard_library_reads_it(moments, between, zone):
    """With and without fractions and offsets."""
    texts = [m.isoformat(between) + zone for m in moments]
    micros, offsets, read = read_moments(pa.array(texts), (ISO,))
    assert read.all()
    for text, value, offset in zip(texts, micros.tolist(), offsets.tolist(), strict=True):
        known = dt.datetime.fromisoformat(text)
        assert value == micros_of(known.replace(tzinfo=None))
        assert offset == (NAIVE if known.tzinfo is None else known.utcoffset() // dt.timedelta(minutes=1))


@given(st.lists(st.text(alphabet="0123456789-/.:, TZapmJanFebMarch+", max_size=24), max_size=30))
def test_a_column_of_any_text_is_read_as_each_text_alone(texts):
    """Whatever else stands in the column."""
    formats = (ISO, "%d.%m.%Y", "%m/%d/%y %I:%M %p", "%d %b %Y", "%B %d, %Y", "%H:%M:%S.%f", "%Y%m%d %z")
    micros, offsets, read = read_moments(pa.array(texts, pa.string()), formats)
    alone = [read_moment(t, formats) for t in texts]
    assert read.tolist() == [a is not None for a in alone]
    assert micros[read].tolist() == [a.micros for a in alone if a is not None]
    assert offsets[read].tolist() == [a.offset for a in alone if a is not None]


def test_texts_of_hundreds_of_shapes_are_read_too():
    """Sorting finds the shapes where there are too many to compare with each."""
    junk = ["".join("-"[: i >> k & 1] + "1" for k in range(9)) for i in range(512)]
    micros, _, read = read_moments(pa.array([*junk, "2024-01-02", "2024-01-02"]), (ISO,))
    assert read.tolist()[-2:] == [True, True]
    assert micros[-1] == micros_of(dt.datetime(2024, 1, 2))  # noqa: DTZ001
    assert read.tolist()[:512] == [read_moment(t, (ISO,)) is not None for t in junk]


@pytest.mark.parametrize("form", FORMATS[1:])
def test_every_format_that_is_tried_reads_what_it_writes(form):
    """As the standard library's strptime reads it."""
    moment = dt.datetime(2024, 12, 31, 23, 5, 7, 250_000, tzinfo=dt.timezone(dt.timedelta(hours=-3)))
    text = moment.strftime(form)
    found = read_moment(text, (form,))
    known = dt.datetime.strptime(text, form).replace(tzinfo=None)  # noqa: DTZ007
    assert found is not None
    assert found.micros == micros_of(known)
    assert found.offset == (-180 if "%z" in form else NAIVE)


@pytest.mark.parametrize(
    ("text", "formats", "expected"),
    [
        ("9:05", TIMES, 9 * 3600 + 300),
        ("12:00 AM", TIMES, 0),
        ("12:00pm", TIMES, 12 * 3600),
        ("00:00:00.000001", TIMES, 1e-6),
        ("24:00", TIMES, None),
        ("12:60", TIMES, None),
        ("13:00 PM", TIMES, None),
        ("31.02.2024", ("%d.%m.%Y",), None),
        ("29.02.2023", ("%d.%m.%Y",), None),
        ("00.01.2024", ("%d.%m.%Y",), None),
        ("2024-01-02T03:04:05+25:00", (ISO,), None),
        ("٢٠٢٤-01-02", (ISO,), None),
        ("now", (ISO,), None),
        ("1 Foo 2024", ("%d %b %Y",), None),
        ("1 Mayo 2024", ("%d %B %Y",), None),
        ("", (ISO,), None),
    ],
)
def test_what_is_a_time_and_what_is_none(text, formats, expected):
    """The clock's and the calendar's limits hold."""
    found = read_moment(text, formats)
    assert (found and found.micros / 1e6) == expected


def test_two_digit_years_turn_at_69():
    """As POSIX has it."""
    years = [pd.Timestamp(read_moment(f"01.01.{y:02d}", ("%d.%m.%y",)).micros, unit="us").year for y in (0, 68, 69, 99)]
    assert years == [2000, 2068, 1969, 1999]


def test_the_first_format_that_reads_a_text_goes_before_the_others():
    """The order in which formats are declared decides what 01/02 means."""
    day_first, month_first = "%d/%m/%Y", "%m/%d/%Y"
    one = read_moment("01/02/2024", (day_first, month_first))
    other = read_moment("01/02/2024", (month_first, day_first))
    assert (other.micros - one.micros) // DAY == -30
    assert read_moment("01/13/2024", (day_first, month_first)) is not None


@pytest.mark.parametrize("form", ["%Q", "%j", "%d %d", "noon", "", "%"])
def test_a_format_that_cannot_be_read_is_refused(form):
    """Not passed over in silence."""
    with pytest.raises(UnknownFormat):
        compiled(form)


@given(
    st.lists(st.integers(-(10**16), 10**16), max_size=20), st.sampled_from(["Europe/Berlin", "America/St_Johns", "UTC"])
)
def test_a_column_of_local_times_is_turned_into_utc_as_each_alone(micros, zone):
    """Summer time, half hours, and the odd minutes of the nineteenth century."""
    expected = [to_utc(m, zone) for m in micros]
    assert all_to_utc(np.array(micros, np.int64), zone).tolist() == expected


def test_skipped_and_doubled_local_times_have_one_meaning():
    """Half past two on the two days when the clocks change."""
    skipped = micros_of(dt.datetime(2024, 3, 31, 2, 30))  # noqa: DTZ001
    doubled = micros_of(dt.datetime(2024, 10, 27, 2, 30))  # noqa: DTZ001
    assert to_utc(skipped, "Europe/Berlin") == micros_of(dt.datetime(2024, 3, 31, 1, 30))  # noqa: DTZ001
    assert to_utc(doubled, "Europe/Berlin") == micros_of(dt.datetime(2024, 10, 27, 0, 30))  # noqa: DTZ001
    assert all_to_utc(np.array([skipped, doubled]), "Europe/Berlin").tolist() == [
        to_utc(skipped, "Europe/Berlin"),
        to_utc(doubled, "Europe/Berlin"),
    ]


def test_a_zone_is_known_by_its_full_name():
    """Nothing else is one, least of all a path."""
    assert [is_zone(z) for z in ("UTC", "Asia/Kolkata", "Berlin", "", "../etc", "Europe")] == [True, True] + [False] * 4
