"""What is counted over all rows: rates, time, missing values, copies, steps."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from penstock.explore import take_sample
from penstock.explore.course import autocorrelated
from penstock.explore.stage import sketches
from penstock.plots.drawing import picture
from penstock.plots.rates import wilson
from penstock.receipts import Wrangled
from penstock.steps.audit import Audit
from penstock.store import Store
from tests.unit.explore.made import BINARY, NUMBER, run, wrangled


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path)


def thought(given: Wrangled, store: Store):
    """Return the figures by name, before they are drawn."""
    audit = Audit.model_validate_json(store.read_bytes(given.audit))
    return {sketch.name: sketch for sketch in sketches(take_sample(given, 1, store), audit)}


def test_wilson_intervals_are_those_of_the_literature():
    """Newcombe (1998), Statistics in Medicine 17, table I: 81 of 263, 15 of 148, 0 of 20, 1 of 29."""
    _, low, high = wilson(np.array([81.0, 15.0, 0.0, 1.0]), np.array([263.0, 148.0, 20.0, 29.0]))
    assert low.round(4).tolist() == [0.2553, 0.0624, 0.0, 0.0061]
    assert high.round(4).tolist() == [0.3662, 0.1605, 0.1611, 0.1718]


def test_rates_are_of_all_rows_of_a_level(store):
    """What is drawn beside a level is the share among its rows, missing ones included."""
    site = np.tile(["a", "a", "b", None], 100)
    y = np.tile([1, 0, 1, 0], 100)
    frame = pd.DataFrame({"site": pd.Series(site, dtype="str"), "x": np.arange(400.0)})
    made = thought(wrangled(store, frame, BINARY, y, heldout=np.arange(400) >= 200), store)["rates"]
    panels, what, overall, _ = made.given
    rate = next(panel for panel in panels if panel.name == "site")
    assert [label for label, _ in rate.labels] == ["a", "b", "(no value)"]
    assert rate.values.tolist() == [[0.5, 1.0, 0.0]]
    assert rate.n.tolist() == [100, 50, 50]
    assert (what, overall) == ("share of yes", [0.5])
    along = next(panel for panel in panels if panel.name == "x")
    assert along.n.tolist() == [20] * 10


def test_a_number_is_told_by_its_mean_with_an_interval(store):
    """Of a regression the trend is drawn, each tenth with the mean of its rows."""
    x = np.arange(500.0)
    made = thought(wrangled(store, pd.DataFrame({"x": x}), NUMBER, 2 * x, heldout=np.arange(500) < 0), store)["rates"]
    rate = made.given[0][0]
    assert rate.values[0] == pytest.approx(2 * rate.at)
    assert (rate.low < rate.values).all()
    assert made.given[1] == "mean price"


def test_gaps_in_time_are_found(store):
    """A month without a row is shaded, and its neighbours are not."""
    days = np.array([d for d in range(120) if not 40 <= d < 70])
    when = np.datetime64("2021-03-01", "us") + np.repeat(days, 4).astype("timedelta64[D]")
    frame = pd.DataFrame({"when": when, "x": np.arange(len(when)) * 1.0})
    given = wrangled(
        store, frame, NUMBER, np.sin(np.repeat(days, 4) * 2 * np.pi / 7), heldout=np.zeros(len(when), bool)
    )
    made = thought(given, store)
    drawn = made["course"].given[0]
    assert drawn.counts.sum() == len(when)
    assert [end - start for start, end in drawn.gaps] == [30.0]
    assert "1 span without a row is shaded" in made["course"].caption
    weekday = made["seasons"].given[0][0]
    assert weekday.name == "weekday"
    assert np.ptp(weekday.values) > 1.5
    assert all(picture(made[name].draw, made[name].given) for name in ("course", "seasons", "dates"))


def test_autocorrelation_is_that_of_its_definition():
    """The fast transform gives what sums of products give, over the pairs that are known."""
    series = np.random.default_rng(2).normal(size=200).cumsum()
    series[[5, 77, 78]] = np.nan
    known = np.isfinite(series)
    x = np.where(known, series - series[known].mean(), 0.0)
    variance = (x @ x) / known.sum()
    expected = [(x[:-k] @ x[k:]) / (known[:-k] & known[k:]).sum() / variance for k in range(1, 20)]
    assert autocorrelated(series, 19) == pytest.approx(expected, abs=1e-8)
    assert autocorrelated(np.ones(30), 3).tolist() == [0.0] * 3


def test_a_forecast_shows_its_season(tmp_path):
    """The longest series goes with itself a season back, and rows are counted once."""
    hours = np.arange(24 * 30)
    when = pd.date_range("2022-01-01", periods=len(hours), freq="h")
    rng = np.random.default_rng(4)
    load = 50 + 20 * np.sin(hours * 2 * np.pi / 24) + rng.normal(size=len(hours))
    table = pd.DataFrame({"at": when.strftime("%Y-%m-%d %H:%M:%S"), "load": load.round(2)})
    store, given = run(tmp_path, table, "load", task="forecast", time="at", horizon="6h")
    made = thought(given, store)
    assert "Beyond the first step it is strongest" in made["autocorrelation"].caption
    values, bound, step, name = made["autocorrelation"].given
    assert (step, name) == ("1h", "load")
    assert values[23] > 0.6 > bound
    assert made["course"].given[0].counts.sum() <= len(hours)
    assert made["seasons"].given[0][0].name == "hour"


def test_patterns_of_missing_values_are_counted_over_all_rows(store):
    """Which columns are missing together, and in how many rows."""
    n = 6000
    frame = pd.DataFrame({"a": np.ones(n), "b": np.ones(n), "c": np.ones(n)})
    frame.loc[:99, ["a", "b"]] = np.nan
    frame.loc[100:149, "a"] = np.nan
    given = wrangled(store, frame, BINARY, np.tile([0, 1], n // 2), heldout=np.zeros(n, bool))
    absence = thought(given, store)["missing"].given[0]
    assert absence.names == ("a", "b")
    assert absence.missing == (150, 100)
    assert absence.counts == (100, 50)
    assert absence.patterns.tolist() == [[True, True], [True, False]]


def test_copies_are_counted_by_how_often_they_occur(store):
    """The target is part of a row; a near copy is none."""
    frame = pd.DataFrame({"x": [1.0, 1.0, 1.0, 2.0, 2.0, *range(10, 40)], "t": pd.Series(["a"] * 35, dtype="str")})
    y = np.array([0, 0, 0, 1, 0, *[1] * 30])
    made = thought(wrangled(store, frame, BINARY, y, heldout=np.zeros(35, bool)), store)["duplicates"]
    labels, distinct, rows = made.given
    assert labels == ["once", "twice", "3 times"]
    assert distinct == [32, 0, 1]
    assert rows == [32, 0, 3]
    assert "3 of all 35 training rows have an equal" in made.caption


def test_every_step_is_shown_before_and_after(tmp_path):
    """In the order of the plan, with the audit's numbers, and what changed drawn from the replay."""
    rng = np.random.default_rng(6)
    n = 300
    x = rng.normal(size=n)
    x[7] = 500.0
    table = pd.DataFrame(
        {
            "x": [f"{v:.3f}" if i % 6 else "?" for i, v in enumerate(x)],
            "site": rng.choice(["north", "North ", "south"], n),
            "y": np.where(x + rng.normal(size=n) > 0, "yes", "no"),
        }
    )
    table = pd.concat([table, table.iloc[40:60]])
    steps = [
        {"kind": "duplicates"},
        {"kind": "strip"},
        {"kind": "case", "to": "lower"},
        {"kind": "outliers", "columns": ["x"], "action": "clip"},
        {"kind": "fill"},
    ]
    store, given = run(tmp_path, table, "y", steps=steps)
    made = thought(given, store)
    drawn = [name for name in made if name.startswith("step-")]
    assert drawn == sorted(drawn, key=lambda name: int(name.removeprefix("step-")))
    assert {"step-1", "step-3", "step-5"} <= set(drawn)
    first = made["step-1"]
    rows = {what: (before, after) for what, before, after in first.given[1]}["rows"]
    assert rows[0] > rows[1]
    assert "were rejected" in first.caption
    filled = made["step-5"]
    (column,) = [column for column in filled.given[0] if column.name == "x"]
    assert any(line.startswith("missing 1") and line.endswith("0.0 %") for line in column.told)
    assert column.before.counts.sum() < column.after.counts.sum()
    lower = made["step-3"].given[0][0].levels
    assert dict(zip(lower.labels, zip(lower.before, lower.after, strict=True), strict=True))["North"][1] == 0
    read = {column.name: column.levels for column in made["typing"].given[0]}
    assert read["site"].labels == ("North", "North ")
    assert set(read["x"].labels) == {"?", "(no value)"}
