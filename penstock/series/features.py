"""What is known at the last actual value of a series about a later moment: nothing after it is looked at."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from penstock.series.grid import NOWHERE, Floats, Grid, Ints
from penstock.series.rule import BEFORE, HISTORY, STEPS_AHEAD, SeriesRule
from penstock.table import Column, TableSchema

# A window's cells are gathered for so many rows at once.
_CELLS = 4_000_000


def naive_name(target: str) -> str:
    """Return the name of the column that holds the seasonal naive forecast of a target."""
    return f"{target}_naive"


def series_columns(rule: SeriesRule, schema: TableSchema) -> tuple[Column, ...]:
    """Return the columns that `series_features` gives, as a schema has them.

    Parameters
    ----------
    rule : SeriesRule
        The rule.
    schema : TableSchema
        The columns of the base, whose reading those of past values keep.
    """
    private = schema.column(rule.target).private
    names = [STEPS_AHEAD, naive_name(rule.target), f"{rule.target}_last"]
    names += [f"{rule.target}_before_{k}" for k in range(1, BEFORE + 1)]
    for season in rule.seasons:
        names += [f"{rule.target}_season_{season}_{k}" for k in _cycles(rule, season)]
        names.append(f"{rule.target}_season_{season}_mean")
    for window in rule.windows:
        names += [f"{rule.target}_mean_{window}", f"{rule.target}_std_{window}"]
    made = [
        Column(
            name=name,
            kind="integer" if name == STEPS_AHEAD else "float",
            table=HISTORY,
            serve="bundle",
            private=private and name != STEPS_AHEAD,
            nullable=name != STEPS_AHEAD,
        )
        for name in names
    ]
    for name in rule.past:
        known = schema.column(name)
        update = {"name": f"{name}_last", "role": "feature", "table": HISTORY, "serve": "bundle", "nullable": True}
        made.append(known.model_copy(update={**update, "evidence": "", "proposals": (), "counter_examples": ()}))
    return tuple(made)


def _cycles(rule: SeriesRule, season: int) -> range:
    # Of the main season the latest value is the naive forecast.
    return range(2 if season == rule.season else 1, 3)


def series_features(
    rule: SeriesRule, grid: Grid, past: Mapping[str, Any], group: Ints, index: Ints, origin: Ints
) -> dict[str, Any]:
    """Return what is known at origins about later moments.

    Parameters
    ----------
    rule : SeriesRule
        The rule.
    grid : Grid
        The series; of it nothing is looked at that lies after a row's origin.
    past : mapping of str to array
        For every past column its typed values, by the grid's rows.
    group, index, origin : numpy.ndarray
        The series, the moment that is predicted and the last actual value before it, as indices; int64, (n_rows,).

    Returns
    -------
    dict of str to array
        float64 arrays and pandas arrays of text, each of shape (n_rows,), in the order of `series_columns`.
    """
    name = rule.target
    ahead = index - origin
    last = grid.values_at(group, origin)
    made: dict[str, Any] = {STEPS_AHEAD: ahead.astype(np.float64)}
    made[naive_name(rule.target)] = seasonal_naive(rule, grid, group, index, origin)
    made[f"{name}_last"] = last
    for k in range(1, BEFORE + 1):
        made[f"{name}_before_{k}"] = grid.values_at(group, origin - k)
    for season in rule.seasons:
        latest = index - season * _whole_seasons(ahead, season)
        for k in _cycles(rule, season):
            made[f"{name}_season_{season}_{k}"] = grid.values_at(group, latest - season * (k - 1))
        made[f"{name}_season_{season}_mean"] = _mean_of(
            [grid.values_at(group, latest - season * k) for k in range(rule.cycles)]
        )
    made |= _window_features(rule, grid, group, origin)
    found = grid.rows_at(group, origin)
    for column in rule.past:
        made[f"{column}_last"] = _taken(past[column], found)
    return made


def seasonal_naive(rule: SeriesRule, grid: Grid, group: Ints, index: Ints, origin: Ints) -> Floats:
    """Return the latest value of the same season at or before the origin; where it is missing, that of a season before.

    Where no season has one it is the last actual value.
    """
    latest = index - rule.season * _whole_seasons(index - origin, rule.season)
    found = grid.values_at(group, latest)
    for k in range(1, rule.cycles):
        gone = np.isnan(found)
        if not gone.any():
            return found
        found = np.where(gone, grid.values_at(group, latest - k * rule.season), found)
    return np.where(np.isnan(found), grid.values_at(group, origin), found)


def _whole_seasons(ahead: Ints, season: int) -> Ints:
    return -(-ahead // season)


def _mean_of(several: list[Floats]) -> Floats:
    # One by one, in order: the same bits for a row and a million.
    total, n = np.zeros(len(several[0])), np.zeros(len(several[0]))
    for values in several:
        there = ~np.isnan(values)
        total = total + np.where(there, values, 0.0)
        n = n + there
    return np.where(n > 0, total / np.maximum(n, 1.0), np.nan)


def _window_features(rule: SeriesRule, grid: Grid, group: Ints, origin: Ints) -> dict[str, Floats]:
    # Rows of one series at one origin share their windows.
    low = int(origin.min()) if len(origin) else 0
    span = int(origin.max()) - low + 1 if len(origin) else 1
    pairs, inverse = np.unique(group * span + (origin - low), return_inverse=True)
    groups, origins = pairs // span, pairs % span + low
    made: dict[str, Floats] = {}
    for window in rule.windows:
        size = max(1, _CELLS // window)
        parts = [_window(grid, groups[i : i + size], origins[i : i + size], window) for i in range(0, len(pairs), size)]
        means = np.concatenate([mean for mean, _ in parts]) if parts else np.empty(0)
        spreads = np.concatenate([spread for _, spread in parts]) if parts else np.empty(0)
        made[f"{rule.target}_mean_{window}"] = means[inverse]
        made[f"{rule.target}_std_{window}"] = spreads[inverse]
    return made


def _window(grid: Grid, group: Ints, origin: Ints, window: int) -> tuple[Floats, Floats]:
    back = np.arange(window)[:, None]
    cells = grid.values_at(np.broadcast_to(group, (window, len(group))), origin - back)
    there = ~np.isnan(cells)
    n = there.sum(axis=0)
    # Running sums add in one order whatever the number of rows; a plain sum does not.
    mean = _sum(np.where(there, cells, 0.0)) / np.maximum(n, 1)
    spread = np.sqrt(_sum(np.where(there, cells - mean, 0.0) ** 2) / np.maximum(n - 1, 1))
    return np.where(n > 0, mean, np.nan), np.where(n > 1, spread, np.nan)


def _sum(cells: Floats) -> Floats:
    return np.asarray(np.cumsum(cells, axis=0)[-1])


def _taken(values: Any, rows: Ints) -> Any:
    gone = rows == NOWHERE
    if not isinstance(values, np.ndarray):
        return values.take(rows, allow_fill=True)
    nothing = np.datetime64("NaT", "us") if values.dtype.kind == "M" else np.nan
    if not len(values):
        return np.full(len(rows), nothing)
    return np.where(gone, nothing, values[np.where(gone, 0, rows)])


def features_frame(made: Mapping[str, Any]) -> pd.DataFrame:
    """Return features as a typed frame."""
    n = len(next(iter(made.values())))
    return pd.DataFrame(dict(made), index=pd.RangeIndex(n), copy=False)
