"""Real columns of text that are numbers and dates, read in the plan."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from penstock.steps.plan import Plan


@pytest.fixture(scope="module")
def apps(shared: Path) -> pd.DataFrame:
    """Return a table of apps as text, one row of which is shifted by a column."""
    return pd.read_csv(shared / "data" / "google_play" / "googleplaystore.csv", dtype="str", keep_default_na=False)


PLAN = Plan.model_validate(
    {
        "steps": [
            {"kind": "parse_number", "columns": "Size", "units": {"M": 1e6, "k": 1e3}},
            {"kind": "parse_number", "columns": "Installs", "thousands": ",", "suffix": "+"},
            {"kind": "parse_number", "columns": "Price", "prefix": "$"},
            {"kind": "parse_date", "columns": "Last Updated", "formats": "%B %d, %Y"},
            {"kind": "extract", "column": "Android Ver", "pattern": "^(?P<android>[0-9]+)"},
            {"kind": "split", "column": "Genres", "by": ";", "take": 1},
            {
                "kind": "derive",
                "columns": {"age": "days('2018-08-10' - `Last Updated`)", "dear": "if(Price > 10, 'dear', 'cheap')"},
            },
        ]
    }
)


def test_sizes_installs_prices_and_dates_of_apps_are_read(apps: pd.DataFrame):
    """Against pandas' own string functions, on every row; what stays unread is what says no number at all."""
    made = PLAN.apply_cells(apps)
    million = apps["Size"].str.extract(r"^([0-9.]+)M$")[0].astype(float) * 1e6
    thousand = apps["Size"].str.extract(r"^([0-9.]+)k$")[0].astype(float) * 1e3
    pd.testing.assert_series_equal(made["Size"], million.fillna(thousand), check_names=False)
    assert set(apps["Size"][made["Size"].isna()]) == {"Varies with device", "1,000+"}
    installs = apps["Installs"].str.replace("[,+]", "", regex=True)
    assert set(apps["Installs"][made["Installs"].isna()]) == {"Free"}
    pd.testing.assert_series_equal(
        made["Installs"], pd.to_numeric(installs, errors="coerce").astype("float64"), check_names=False
    )
    assert set(apps["Price"][made["Price"].isna()]) == {"Everyone"}
    days = pd.to_datetime(apps["Last Updated"], format="%B %d, %Y", errors="coerce")
    assert int(days.isna().sum()) == 1
    assert (made["Last Updated"].dropna() == days.dropna()).all()
    assert made["age"].min() == (pd.Timestamp("2018-08-10") - days.max()).days
    assert (made["Genres"].dropna() == apps["Genres"].str.split(";").str[0][made["Genres"].notna()]).all()
    assert made["dear"].value_counts().to_dict() == {
        "cheap": int((made["Price"] <= 10).sum()),
        "dear": int((made["Price"] > 10).sum()),
    }


def test_real_rows_are_read_one_at_a_time_as_all_at_once(apps: pd.DataFrame):
    """A request is one of these rows."""
    some = apps.iloc[::500].reset_index(drop=True)
    whole = PLAN.apply_cells(some)
    apart = [PLAN.apply_cells(some.iloc[[i]].reset_index(drop=True)) for i in range(len(some))]
    pd.testing.assert_frame_equal(whole, pd.concat(apart, ignore_index=True), check_exact=True)
