"""What a table looks like as series, from the table alone."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from penstock.errors import DataError
from penstock.series.guess import guess_forecast
from tests.unit.series.demand import sales


def table(frame: pd.DataFrame) -> pa.Table:
    """Return a frame as a CSV's raw table."""
    return pa.table({str(name): pa.array(frame[name].astype(str).tolist()) for name in frame.columns})


def test_time_series_step_and_reach_are_found() -> None:
    """The column of the series is the one with which every time is there once."""
    found = guess_forecast(table(sales(200)), "units")
    assert found == {"time": "ts", "group": "store", "every": "1h", "horizon": "2d"}


def test_a_date_and_an_hour_are_one_time() -> None:
    """As in tables of counts by hour."""
    hours = pd.date_range("2026-01-01", periods=240, freq="h")
    frame = pd.DataFrame({"day": hours.strftime("%d-%m-%Y"), "hr": hours.hour, "riders": np.arange(240)})
    assert guess_forecast(table(frame), "riders")["time"] == ["day", "hr"]


def test_days_reach_weeks_ahead() -> None:
    """Two days would be too short for a daily series."""
    frame = pd.DataFrame({"day": pd.date_range("2026-01-01", periods=90).strftime("%Y-%m-%d"), "y": np.arange(90)})
    assert guess_forecast(table(frame), "y") == {"time": "day", "every": "1d", "horizon": "4w"}


def test_a_table_without_times_or_with_several_keys_is_refused() -> None:
    """A guess would be wrong."""
    with pytest.raises(DataError, match="needs a column of dates"):
        guess_forecast(table(pd.DataFrame({"a": range(60), "y": range(60)})), "y")
    twice = sales(60)
    double = pd.concat([twice.assign(kind="a"), twice.assign(kind="b")]).drop(columns="temperature")
    with pytest.raises(DataError, match="no one column tells series apart"):
        guess_forecast(table(double), "units")
