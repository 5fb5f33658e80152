"""What is known at an origin: nothing after it, and the same for one row and for many."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from penstock.series.features import naive_name, seasonal_naive, series_columns, series_features
from penstock.series.grid import Grid
from penstock.series.rule import BEFORE, SeriesRule
from penstock.table import Column, TableSchema

RULE = SeriesRule(
    time="ts", target="y", every=3600.0, horizon=6, past=("wind", "sky"), seasons=(4, 12), season=4, cycles=3
)
SCHEMA = TableSchema(
    columns=(
        Column(name="ts", kind="datetime"),
        Column(name="y", kind="float", role="target"),
        Column(name="wind", kind="float", role="past"),
        Column(name="sky", kind="category", role="past"),
    )
)


def made(n: int = 80, series: int = 2, seed: int = 0, gaps: float = 0.2) -> tuple[Grid, dict[str, object]]:
    """Return series with gaps, and their past columns."""
    random = np.random.default_rng(seed)
    group = np.repeat(np.arange(series), n)
    index = np.tile(np.arange(n), series)
    value = np.round(random.normal(10, 3, n * series), 3)
    value[random.random(n * series) < gaps] = np.nan
    past = {
        "wind": random.normal(0, 1, n * series),
        "sky": pd.array(random.choice(["clear", "grey"], n * series), dtype="str"),
    }
    return Grid.of(["a", "b"][:series], group, index, value), past


def asked(grid: Grid, n: int, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return rows that can be asked for."""
    random = np.random.default_rng(seed)
    group = random.integers(0, len(grid.groups), n)
    wanted = random.integers(BEFORE, 75, n)
    origin, known = grid.origins(group, wanted)
    return group[known], (origin + random.integers(1, RULE.horizon + 1, n))[known], origin[known]


@settings(max_examples=40)
@given(st.integers(0, 10_000))
def test_nothing_after_an_origin_changes_what_is_known_there(seed: int) -> None:
    """Every value after the latest origin is altered, those of past columns too, and no feature sees it."""
    grid, past = made(seed=seed)
    group, index, origin = asked(grid, 30, seed)
    before = series_features(RULE, grid, past, group, index, origin)
    for i in range(len(group)):
        later = np.arange(len(grid.value)) - grid.start[group[i]] + grid.first[group[i]] > origin[i]
        mine = np.repeat(np.arange(2), np.diff(grid.start)) == group[i]
        value = np.where(later | ~mine, 1e9, grid.value)
        other = Grid(grid.groups, grid.first, grid.start, grid.row, value, grid.last)
        wind = np.where((later | ~mine)[np.argsort(grid.row)], -1e9, np.asarray(past["wind"]))
        changed = {"wind": wind, "sky": past["sky"]}
        own = slice(i, i + 1)
        after = series_features(RULE, other, changed, group[own], index[own], origin[own])
        for name, values in before.items():
            assert list(values[own]) == pytest.approx(list(after[name]), nan_ok=True) if name != "sky_last" else True


@settings(max_examples=30)
@given(st.integers(0, 10_000))
def test_a_batch_is_its_rows_one_at_a_time(seed: int) -> None:
    """To the last bit, windows with gaps included."""
    grid, past = made(seed=seed)
    group, index, origin = asked(grid, 25, seed)
    whole = series_features(RULE, grid, past, group, index, origin)
    for i in range(len(group)):
        own = slice(i, i + 1)
        alone = series_features(RULE, grid, past, group[own], index[own], origin[own])
        for name, values in whole.items():
            if name == "sky_last":
                assert values[i] == alone[name][0]
            else:
                assert np.array_equal(np.asarray(values)[own], np.asarray(alone[name]), equal_nan=True), name


def test_seasonal_values_are_the_latest_that_are_known() -> None:
    """Five steps ahead in a season of four it is the value of eight steps before: the origin knows it."""
    grid = Grid.of(["a"], np.zeros(40, dtype=np.int64), np.arange(40), np.arange(40.0))
    ask = [np.array([0, 0]), np.array([31, 35]), np.array([30, 30])]
    found = series_features(RULE.model_copy(update={"past": ()}), grid, {}, *ask)
    assert found["steps_ahead"].tolist() == [1, 5]
    assert found["y_naive"].tolist() == [27, 27]
    assert found["y_season_4_2"].tolist() == [23, 23]
    assert found["y_season_4_mean"].tolist() == [23, 23]
    assert found["y_season_12_1"].tolist() == [19, 23]
    assert found["y_last"].tolist() == [30, 30]
    assert found["y_before_5"].tolist() == [25, 25]
    assert found["y_mean_4"].tolist() == [28.5, 28.5]
    assert found["y_std_4"].tolist() == pytest.approx([np.std([27, 28, 29, 30], ddof=1)] * 2)


def test_the_naive_forecast_goes_further_back_where_a_value_is_missing() -> None:
    """To earlier seasons, and at last to the last actual value."""
    value = np.arange(40.0)
    value[[27, 23]] = np.nan
    grid = Grid.of(["a"], np.zeros(40, dtype=np.int64), np.arange(40), value)
    ask = np.array([0]), np.array([31]), np.array([30])
    assert seasonal_naive(RULE, grid, *ask).tolist() == [19]
    value[19] = np.nan
    grid = Grid.of(["a"], np.zeros(40, dtype=np.int64), np.arange(40), value)
    assert seasonal_naive(RULE, grid, *ask).tolist() == [30]


def test_the_columns_are_those_that_are_promised() -> None:
    """In their order, with the kinds of the past columns, nothing of them the caller's to send."""
    grid, past = made()
    columns = series_columns(RULE, SCHEMA)
    found = series_features(RULE, grid, past, *asked(grid, 5, 1))
    assert [c.name for c in columns] == list(found)
    assert {c.name: c.kind for c in columns}["sky_last"] == "category"
    assert {(c.role, c.serve, c.table) for c in columns} == {("feature", "bundle", "history")}
    assert naive_name("y") in found
