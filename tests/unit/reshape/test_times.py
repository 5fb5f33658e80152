"""Table steps that look at times: spans, grids, gaps, and what is out of order."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from penstock.errors import DataError, PlanError
from penstock.reshape.steps.fill_gaps import FillGaps
from penstock.reshape.steps.resample import ResampleRows
from penstock.reshape.times import floored

from .tables import cells, done, table

SERIES = table(
    who=("category", ["a", "a", "b", "a"]),
    at=("datetime", ["2024-01-30T10:05", "2024-01-30T10:50", "2024-01-30T10:10", "2024-02-01T00:00"]),
    n=("integer", [1, 2, 4, 8]),
)


def test_resampling_makes_one_row_of_each_span_and_group() -> None:
    """By the hour, and by the month of the calendar."""
    values = {"n": {"sum": "n"}, "last": {"last": "n"}}
    hourly = cells(done(ResampleRows(time="at", every="1h", by="who", values=values), SERIES))
    assert hourly["who"] == ["a", "a", "b"]
    assert [str(t) for t in hourly["at"]] == ["2024-01-30 10:00:00", "2024-02-01 00:00:00", "2024-01-30 10:00:00"]
    assert (hourly["n"], hourly["last"]) == ([3.0, 8.0, 4.0], [2.0, 8.0, 4.0])
    monthly = cells(done(ResampleRows(time="at", every="month", values=values, sort=True), SERIES))
    assert [str(t)[:10] for t in monthly["at"]] == ["2024-01-01", "2024-02-01"]
    assert monthly["n"] == [7.0, 8.0]


@pytest.mark.parametrize("step", [ResampleRows(time="at", every="1h", values={}), FillGaps(time="at", every="1h")])
def test_times_that_are_missing_or_out_of_order_are_told_by_their_rows(step) -> None:
    """The first and the last of a span would be others than those that are meant."""
    with pytest.raises(DataError, match=r"not in order: 1 row \(2\) stand after later ones") as told:
        done(step, SERIES)
    assert "{at: 2024-01-30 10:10:00}" in told.value.got
    assert "sort: true" in told.value.todo
    gone = table(private="who", who=("category", ["Ann", "Bo"]), at=("datetime", ["2024-01-01", None]))
    with pytest.raises(DataError, match=r"no time in 1 row \(1\)") as told:
        done(step.model_copy(update={"by": ("who",), "sort": True}), gone)
    assert told.value.got == "{who: (private), at: None}"
    with pytest.raises(PlanError, match="cannot work on the column 'n'"):
        done(step.model_copy(update={"time": "n"}), SERIES)


@given(
    st.lists(
        st.datetimes(pd.Timestamp(1890, 1, 1), pd.Timestamp(2100, 1, 1)).map(lambda t: np.datetime64(t, "us")),
        min_size=1,
        max_size=12,
    ),
    st.sampled_from(["h", "D", "W-SUN", "M", "Q", "Y"]),
)
@settings(max_examples=40)
def test_spans_begin_where_pandas_periods_begin(moments, unit) -> None:
    """Before 1970 too; weeks begin on Monday."""
    every = {"h": 3600.0, "D": 86400.0, "W-SUN": 604800.0, "M": "month", "Q": "quarter", "Y": "year"}[unit]
    times = np.array(moments, dtype="datetime64[us]")
    expected = pd.DatetimeIndex(times).to_period(unit).start_time
    assert floored(times, every).tolist() == expected.to_numpy().astype("datetime64[us]").tolist()


def test_gaps_are_filled_for_each_group_and_never_from_another() -> None:
    """From its first to its last time; new rows are empty, or repeat the row before."""
    given_table = table(
        who=("category", ["b", "a", "a", "b"]),
        at=("datetime", ["2024-01-31", "2024-02-29", "2024-05-31", "2024-03-31"]),
        n=("integer", [1, None, 3, 4]),
        note=("text", ["x", "y", "z", None]),
    )
    step = FillGaps(time="at", every="1d", by="who")
    daily = done(step, given_table)
    assert daily.n_rows == 61 + 93
    assert daily.remarks == ("fill_gaps inserted 150 rows",)
    assert daily.frame["who"].isna().sum() == 0
    forward = cells(done(step.model_copy(update={"fill": "forward"}), given_table))
    last_of_a = forward["who"].index("b") - 1
    assert (forward["n"][last_of_a], forward["note"][last_of_a]) == (3.0, "z")
    assert (forward["n"][1], forward["note"][1]) == (None, "y")
    assert (forward["n"][last_of_a + 1], forward["n"][-1], forward["note"][-1]) == (1.0, 4.0, None)


@pytest.mark.parametrize(("every", "n"), [("month", 3), ("15min", 97), ("quarter", 2), ("year", 2)])
def test_a_grid_may_be_the_calendars(every, n) -> None:
    """Months are of no one length."""
    ends = {"month": "2024-04-05T06:00", "15min": "2024-02-06T06:00", "quarter": "2024-05-05T06:00"}
    last = ends.get(every, "2025-02-05T06:00")
    given_table = table(at=("datetime", ["2024-02-05T06:00", last]), n=("float", [1.0, 2.0]))
    made = done(FillGaps(time="at", every=every), given_table)
    assert (made.n_rows, str(made.frame["at"].iloc[-1])[:16]) == (n, last.replace("T", " "))


@given(
    first=st.dates(pd.Timestamp(1950, 1, 1).date(), pd.Timestamp(2050, 1, 1).date()),
    kept=st.lists(st.booleans(), min_size=2, max_size=30),
    at_the_end=st.booleans(),
    months=st.sampled_from([1, 3, 12]),
)
@settings(max_examples=40)
def test_a_calendar_series_is_completed_on_its_first_or_its_last_days(first, kept, at_the_end, months) -> None:
    """Whatever the lengths of the months between."""
    month = np.datetime64(first, "M") + np.arange(len(kept)) * months
    days = (month + 1).astype("datetime64[D]") - 1 if at_the_end else month.astype("datetime64[D]") + 4
    there = np.array([True, *kept[1:-1], True])
    given_table = table(at=("datetime", days[there].tolist()))
    every = {1: "month", 3: "quarter", 12: "year"}[months]
    made = done(FillGaps(time="at", every=every), given_table)
    assert made.frame["at"].to_numpy().astype("datetime64[D]").tolist() == days.tolist()


def test_a_month_without_the_day_has_its_last_one_there() -> None:
    """Thirty days hath September."""
    given_table = table(at=("datetime", ["2023-01-30", "2023-02-28", "2023-04-30", "2023-06-30"]))
    made = done(FillGaps(time="at", every="month"), given_table)
    assert [str(t)[5:10] for t in made.frame["at"]] == ["01-30", "02-28", "03-30", "04-30", "05-30", "06-30"]


def test_times_off_the_grid_and_times_there_twice_are_told_by_their_rows() -> None:
    """Neither has a place in a regular series."""
    step = FillGaps(time="at", every="1d")
    off = table(at=("datetime", ["2024-01-01", "2024-01-02T00:01", "2024-01-03"]))
    with pytest.raises(DataError, match=r"off the grid: 1 row \(1\)") as told:
        done(step, off)
    assert "a step of 1d" in told.value.expected
    with pytest.raises(DataError, match=r"more than once: 1 row \(1\)"):
        done(step, table(at=("datetime", ["2024-01-01", "2024-01-01"])))
    with pytest.raises(DataError, match="too large") as told:
        done(FillGaps(time="at", every="1s"), table(at=("datetime", ["1990-01-01", "2024-01-01"])))
    assert "1,072,915,201 rows" in told.value.got


@pytest.mark.parametrize("every", ["0s", "1 month", "often", -5])
def test_a_step_of_time_has_to_be_one(every) -> None:
    """Nothing, and what is no length of time, is refused."""
    with pytest.raises(ValidationError):
        FillGaps(time="at", every=every)
