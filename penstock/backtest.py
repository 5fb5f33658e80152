"""Rolling origins: a forecast's held-out rows, each asked for from the end of a history that ends before it."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

from penstock.bundle.bundle import Bundle
from penstock.errors import DataError
from penstock.metrics.scores import scores
from penstock.metrics.weighted import Context, Floats, Ints
from penstock.series.features import seasonal_naive
from penstock.series.grid import Grid
from penstock.series.history import names_of
from penstock.series.moments import indices_of, moment_at, moments_of
from penstock.series.rule import SeriesRule
from penstock.series.widths import edges_of
from penstock.table import TableSchema, Target
from penstock.target import encode_target

# Fewer whole horizons than this are judged from origins that lie closer together.
FEWEST_ORIGINS = 8
MOST_ORIGINS, MOST_ROWS = 120, 150_000


@dataclass(frozen=True)
class Window:
    """What is asked at one origin: raw rows, and the raw history up to there; `origin` is the moment, ISO 8601."""

    rows: pa.Table
    history: pa.Table
    origin: str


@dataclass(frozen=True)
class Backtest:
    """Held-out rows as they are asked for, origin by origin; arrays have shape (n_asked,).

    Attributes
    ----------
    windows : tuple of Window
        One for each origin.
    y : numpy.ndarray
        What came true.
    naive : numpy.ndarray
        What the seasonal naive forecast says.
    steps : numpy.ndarray
        How many steps ahead each row was.
    flagged : numpy.ndarray
        Whether a row step would reject it.
    asked : numpy.ndarray
        The position of each row among the held-out rows, each of which may be asked for more than once.
    context : Context
        The scale of its series, and which rows are resampled as one: those of one horizon, whatever their series.
    told : dict
        Where the origins lie, and how many rows were left out.
    """

    windows: tuple[Window, ...]
    y: Floats
    naive: Floats
    steps: Ints
    flagged: npt.NDArray[np.bool_]
    asked: Ints
    context: Context
    told: dict[str, Any]

    @property
    def raw(self) -> pa.Table:
        """All rows that are asked for."""
        return pa.concat_tables([window.rows for window in self.windows])

    def ask(
        self, twin: Bundle, called: Callable[[pa.Table], pa.Table] | None = None
    ) -> tuple[Floats, Floats | None, Floats | None]:
        """Return what a bundle says at every origin, and the ends of its intervals where it gives them.

        Parameters
        ----------
        twin : Bundle
            Which has not seen these rows.
        called : callable, optional
            Gives a table's columns the names that the bundle knows.
        """
        named = called or _as_they_are
        answers = [twin.predict(named(window.rows), history=named(window.history)) for window in self.windows]
        lows = [answer.low for answer in answers if answer.low is not None]
        highs = [answer.high for answer in answers if answer.high is not None]
        whole = len(lows) == len(highs) == len(answers)
        return (
            np.concatenate([answer.estimates for answer in answers]),
            np.concatenate(lows) if whole else None,
            np.concatenate(highs) if whole else None,
        )


def _as_they_are(table: pa.Table) -> pa.Table:
    return table


def roll(rule: SeriesRule, schema: TableSchema, rows: pa.Table, sides: pd.DataFrame, history: pa.Table) -> Backtest:
    """Return the held-out rows of a forecast as they are asked for from rolling origins.

    Parameters
    ----------
    rule : SeriesRule
        The rule.
    schema : TableSchema
        The model's columns.
    rows : pyarrow.Table
        Held-out rows as a caller would send them, each once.
    sides : pandas.DataFrame
        What is known of them: `index`, `target`, `reason`, `group`.
    history : pyarrow.Table
        All raw rows of the base with the columns of a history.

    Raises
    ------
    DataError
        No row can be asked for.
    """
    columns = {name: history[name] for name in history.column_names}
    read = [name for name in (rule.time, rule.clock) if name is not None]
    at, astray = indices_of(
        moments_of(schema.cast(history, read).frame, schema, rule.time, rule.clock), rule.every, rule.phase
    )
    names = names_of(columns, rule.group, history.num_rows)
    good = np.flatnonzero(~astray & np.array([name is not None for name in names], dtype=bool))
    codes, known = pd.factorize(names[good], sort=True)
    target = schema.target
    assert target is not None
    values = np.asarray(encode_target(target, history[rule.target]), dtype=np.float64)[good]
    grid = Grid.of([str(n) for n in known], np.asarray(codes, dtype=np.int64), at[good], values)
    index = sides["index"].to_numpy(dtype=np.int64)
    place = {str(name): code for code, name in enumerate(known)}
    own = [name if isinstance(name, str) else "" for name in sides["group"].tolist()]
    group = np.array([place[name] for name in own], dtype=np.int64)
    scale = np.array([rule.scale_of(name) for name in own])
    first, last = int(index.min()), int(index.max())
    windows: list[Window] = []
    asked: list[Ints] = []
    origins: list[Ints] = []
    for origin in _origins(first, last, rule.horizon, min((*rule.seasons, rule.season)), len(index)):
        chosen = np.flatnonzero((index > origin) & (index <= origin + rule.horizon))
        own_origin, there = grid.origins(group[chosen], np.full(len(chosen), origin))
        near = there & (index[chosen] - own_origin <= rule.horizon)
        chosen, own_origin = chosen[near], own_origin[near]
        if not len(chosen):
            continue
        before = good[(at[good] <= origin) & (at[good] > origin - rule.tail)]
        when = moment_at(origin, rule.every, rule.phase)
        windows.append(Window(rows.take(pa.array(chosen)), history.take(pa.array(before)), when))
        asked.append(chosen)
        origins.append(own_origin)
    if not windows:
        raise DataError("No held-out row has an actual value of its series within the horizon before it")
    row, origin_of = np.concatenate(asked), np.concatenate(origins)
    block = (index[row] - first) // rule.horizon
    naive = seasonal_naive(rule, grid, group[row], index[row], origin_of)
    return Backtest(
        windows=tuple(windows),
        y=sides["target"].to_numpy(dtype=np.float64)[row],
        naive=naive,
        steps=index[row] - origin_of,
        flagged=sides["reason"].notna().to_numpy(dtype=bool)[row],
        asked=row,
        context=Context(scale[row], block).take(np.arange(len(row))),
        told={
            "origins": len(windows),
            "from": moment_at(first, rule.every, rule.phase),
            "to": moment_at(last, rule.every, rule.phase),
            "horizon": rule.length(rule.horizon),
            "steps": rule.horizon,
            "every": rule.length(1),
            "season": rule.length(rule.season),
            "never_asked": len(index) - len(np.unique(row)),
        },
    )


def _origins(first: int, last: int, horizon: int, season: int, n_rows: int) -> list[int]:
    """Return the places from which is forecast: about a horizon apart, closer where they are few."""
    length = last - first + 1
    # Whole horizons would begin at one hour of the day for ever, and a step ahead would always be that of one hour.
    stride = horizon
    if length < FEWEST_ORIGINS * horizon:
        stride = max(1, (length - horizon) // (FEWEST_ORIGINS - 1)) if length > horizon else horizon
    stride = next(step for step in range(stride, 0, -1) if math.gcd(step, season) == 1)
    origins = list(range(first - 1, last, stride))
    each = max(1.0, n_rows * min(horizon, length) / length)
    most = max(1, min(MOST_ORIGINS, int(MOST_ROWS / each)))
    if len(origins) <= most:
        return origins
    chosen = np.unique(np.linspace(0, len(origins) - 1, most).round().astype(int))
    return [origins[i] for i in chosen]


def by_horizon(target: Target, test: Backtest, predicted: Floats) -> list[dict[str, Any]]:
    """Return the scores by how far ahead a row lies, beside those of the seasonal naive forecast."""
    told = []
    lowest = 0
    for edge in edges_of(int(test.told["steps"])):
        rows = np.flatnonzero((test.steps > lowest) & (test.steps <= edge))
        if len(rows):
            part = test.context.take(rows)
            own = scores(target, test.y[rows], predicted[rows], part)
            naive = scores(target, test.y[rows], test.naive[rows], part)
            told.append({"from": lowest + 1, "to": edge, "n": len(rows), "scores": own, "naive": naive})
        lowest = edge
    return told


def coverage(test: Backtest, level: float, low: Floats, high: Floats) -> dict[str, Any]:
    """Return which share of what came true the intervals held, and how wide they are in the target's unit."""
    inside = (test.y >= low) & (test.y <= high)
    steps = []
    lowest = 0
    for edge in edges_of(int(test.told["steps"])):
        rows = (test.steps > lowest) & (test.steps <= edge)
        if rows.any():
            steps.append({"from": lowest + 1, "to": edge, "n": int(rows.sum()), "coverage": float(inside[rows].mean())})
        lowest = edge
    width = float(np.mean(high - low))
    return {
        "level": level,
        "coverage": float(inside.mean()),
        "n": len(inside),
        "mean_width": width,
        "by_horizon": steps,
    }
