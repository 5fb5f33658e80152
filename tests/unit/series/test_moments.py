"""When rows are: one column or two, the step, the place on the grid."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from penstock.errors import DataError, SpecError
from penstock.series.moments import check_time, find_step, indices_of, moment_at, moments_at, moments_of
from penstock.table import Column, TableSchema

DAY = Column(name="day", kind="datetime")


def at(*texts: str) -> np.ndarray:
    """Return moments."""
    return np.array(texts, dtype="datetime64[us]")


def one_series(moments: np.ndarray) -> np.ndarray:
    """Return the codes of one series."""
    return np.zeros(len(moments), dtype=np.int64)


def test_a_date_without_a_time_of_day_is_midnight_but_one_without_an_hour_is_nothing() -> None:
    """Workbooks leave midnight out; a missing number is missing."""
    frame = pd.DataFrame({"day": pd.to_datetime(["2026-01-02"] * 2), "clock": [np.nan, 3600.0]})
    for kind, expected in (("time", "2026-01-02"), ("integer", "NaT")):
        schema = TableSchema(columns=(DAY, Column(name="clock", kind=kind)))
        assert moments_of(frame, schema, "day", "clock")[0].astype(str).startswith(expected)
    schema = TableSchema(columns=(DAY, Column(name="clock", kind="time")))
    assert moments_of(frame, schema, "day", "clock")[1] == np.datetime64("2026-01-02T01:00")


def test_clocks_that_are_a_little_early_stand_at_the_full_hour() -> None:
    """Some instruments write 22:59:40."""
    hours = at("2026-01-01T00:00") + np.arange(48) * np.timedelta64(3_600_000_000, "us")
    late = np.where(np.arange(48) % 6 == 5, hours - np.timedelta64(20_000_000, "us"), hours)
    step = find_step(late, one_series(late), None, "a.csv")
    assert (step.every, step.phase) == (3600.0, 0.0)
    index, astray = indices_of(late, step.every, step.phase)
    assert not astray.any()
    assert (np.diff(index) == 1).all()
    assert (moments_at(index, step.every, step.phase) == hours).all()


def test_a_moment_between_two_steps_lies_nowhere() -> None:
    """Half past is neither this hour nor the next."""
    _, astray = indices_of(at("2026-01-01T10:30", "2026-01-01T10:05", "NaT"), 3600.0, 0.0)
    assert astray.tolist() == [True, False, True]


def test_months_and_rows_without_a_step_are_refused() -> None:
    """A month has no length; what comes whenever it likes is no series."""
    months = pd.date_range("2020-01-01", periods=36, freq="MS").to_numpy().astype("datetime64[us]")
    with pytest.raises(DataError, match="a month apart"):
        find_step(months, one_series(months), None, "a.csv")
    random = np.random.default_rng(0)
    whenever = at("2026-01-01") + np.cumsum(random.integers(1, 10_000, 50)) * np.timedelta64(1_000_000, "us")
    with pytest.raises(DataError, match="no step of their own"):
        find_step(whenever, one_series(whenever), None, "a.csv")


def test_a_time_that_is_no_time_says_how_to_make_it_one() -> None:
    """Before anything is laid out."""
    schema = TableSchema(columns=(DAY, Column(name="units", kind="float"), Column(name="shop", kind="category")))
    with pytest.raises(SpecError, match="'units' is no date or time"):
        check_time(schema, "units", None)
    with pytest.raises(SpecError, match="'shop' is no time of day"):
        check_time(schema, "day", "shop")


@settings(max_examples=40)
@given(
    st.integers(-500_000, 1_000_000),
    st.sampled_from([1.0, 60.0, 900.0, 3600.0, 86_400.0, 604_800.0]),
    st.integers(0, 59),
)
def test_a_place_and_its_moment_are_one(place: int, every: float, phase: int) -> None:
    """There and back, before 1970 as well."""
    moment = moments_at(np.array([place]), every, float(phase % every))
    index, astray = indices_of(moment, every, float(phase % every))
    assert index.tolist() == [place]
    assert not astray.any()
    assert np.datetime64(moment_at(place, every, float(phase % every)).replace(" ", "T")) == moment[0]
