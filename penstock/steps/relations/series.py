"""A base whose rows are series: laid out on a grid, split by time, each row joined with what was known before it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from penstock.casting import canonical_array
from penstock.durations import told
from penstock.errors import DataError, SpecError
from penstock.series.features import features_frame, series_columns, series_features
from penstock.series.grid import Grid, Ints, check_once
from penstock.series.moments import ASTRAY, Step, check_time, find_step, indices_of, moment_at, moments_at, moments_of
from penstock.series.rule import HISTORY, SeriesRule
from penstock.series.samples import Samples, choose_season, draw_samples, seasons_for, with_scales
from penstock.slices import Forecast, Split, Typing
from penstock.split import HELDOUT, SplitRule
from penstock.steps.labels import Labelled
from penstock.steps.relations.assemble import Assembled
from penstock.steps.relations.source import SourceTable
from penstock.steps.time.calendar import Calendar
from penstock.steps.time.clock import Part
from penstock.steps.union import Step as PlanStep
from penstock.table import Column, TableSchema, closest

# A series has to be so many horizons long: one to judge by, and more to learn from.
FEWEST_HORIZONS = 4
MOST_CYCLES = 4


@dataclass(frozen=True)
class Laid:
    """The base's rows as series.

    `group` and `index` say where each row lies, `why` the reason why it lies nowhere, else None; shape (n_rows,).
    """

    rule: SeriesRule
    step: Step
    grid: Grid
    group: Ints
    index: Ints
    why: np.ndarray
    moments: np.ndarray

    @property
    def placed(self) -> np.ndarray:
        """Which rows lie somewhere."""
        return np.array([w is None for w in self.why], dtype=bool)

    @property
    def span(self) -> tuple[int, int]:
        """The first index and that of the last actual value, over all series."""
        ends, known = self.grid.ends()
        return int(self.grid.first.min()), int(ends[known].max())


@dataclass(frozen=True)
class Expanded:
    """The rows that a forecast learns from: each row of the base as often as it has origins.

    `frame` holds their features, `row` their positions in the base, `index` and `origin` their places in their series.
    `lacking` says of each row of the base why it is not among them, else None.
    """

    rule: SeriesRule
    frame: pd.DataFrame
    table_schema: TableSchema
    row: Ints
    group: Ints
    index: Ints
    origin: Ints
    lacking: np.ndarray
    history: pa.Table
    tail: pa.Table


def lay_out(base: SourceTable, labelled_values: np.ndarray, forecast: Forecast, typing: Typing) -> Laid:
    """Lay the base's rows out on their grid.

    Parameters
    ----------
    base : SourceTable
        The table.
    labelled_values : numpy.ndarray
        The target's values, NaN where there is none, shape (n_rows,).
    forecast, typing
        What the spec decides.

    Raises
    ------
    SpecError
        A column is named that is not there or no time.
    DataError
        Two rows stand for one time of one series, or the rows have no step of their own.
    """
    schema = base.table_schema
    assert typing.time is not None
    _check_columns(schema, forecast, typing)
    check_time(schema, typing.time, typing.clock)
    moments = moments_of(base.typed, schema, typing.time, typing.clock)
    texts = _group_texts(base.raw, typing.group)
    why = np.full(len(moments), None, dtype=object)
    why[np.isnat(moments)] = "it has no time"
    if typing.group is not None:
        why[texts.isna().to_numpy()] = f"it belongs to no series: {typing.group!r} is missing"
    good = np.array([w is None for w in why], dtype=bool)
    codes, names = pd.factorize(texts.where(good), sort=True)
    group = np.asarray(codes, dtype=np.int64)
    step = find_step(moments[good], group[good], forecast.every, base.name)
    if forecast.horizon % step.every:
        raise SpecError(
            "The horizon is not a whole number of the series' steps",
            got=f"horizon {told(forecast.horizon)}, {step.told}",
            todo="Correct `horizon`, or name the step: every: …",
        )
    index, astray = indices_of(moments, step.every, step.phase)
    why[good & astray] = f"its time lies between the steps of {told(step.every)}"
    good &= ~astray
    rows = np.flatnonzero(good)
    private = typing.group is not None and schema.column(typing.group).private
    shown = ["" if private else str(name) for name in names]
    check_once(group[rows], index[rows], shown, rows, moments[rows], told(step.every), base.name)
    values = np.where(good, labelled_values, np.nan)
    grid = Grid.of([str(n) for n in names], group[rows], index[rows], values[rows], base.name)
    # The grid was made of the good rows alone: it counts them, and is told their positions.
    grid = replace(grid, row=np.where(grid.row >= 0, rows[np.maximum(grid.row, 0)], grid.row))
    rule = SeriesRule(
        time=typing.time,
        clock=typing.clock,
        group=typing.group,
        target=typing.target,
        every=step.every,
        phase=step.phase,
        horizon=round(forecast.horizon / step.every),
        known_ahead=forecast.known_ahead,
        past=tuple(c.name for c in schema.features if _is_past(c, forecast)),
        intervals=forecast.intervals,
    )
    return Laid(rule, step, grid, group, index, why, moments)


def _check_columns(schema: TableSchema, forecast: Forecast, typing: Typing) -> None:
    names = [c.name for c in schema.columns]
    for name in forecast.known_ahead:
        if name not in names:
            raise SpecError(f"`known_ahead` names a column that is not there: {name!r}", expected=closest(name, names))
        if schema.column(name).role == "known_after":
            raise SpecError(f"The column {name!r} cannot be known ahead and only after the fact")
    if typing.known_after and typing.target in typing.known_after:
        raise SpecError(f"The target {typing.target!r} is known after the fact by its nature; leave it out")


def _is_past(column: Column, forecast: Forecast) -> bool:
    return column.role == "feature" and not column.table and column.name not in forecast.known_ahead


def _group_texts(raw: pa.Table, group: str | None) -> pd.Series[Any]:
    if group is None:
        return pd.Series([""] * raw.num_rows, dtype=object)
    texts = canonical_array(raw[group].combine_chunks()).to_pandas()
    return pd.Series(texts.to_numpy(dtype=object)).replace("", None)


def forecast_split(laid: Laid, split: Split, salt: str, where: str) -> SplitRule:
    """Return the rule that holds out the last share of the time, in whole horizons.

    Raises
    ------
    DataError
        The series are too short for the horizon.
    """
    first, last = laid.span
    length, horizon = last - first + 1, laid.rule.horizon
    if length < FEWEST_HORIZONS * horizon:
        raise DataError(
            "The series are too short for the horizon",
            where=where,
            got=f"{length:,} steps of {told(laid.rule.every)}",
            expected=f"at least {FEWEST_HORIZONS} horizons of {horizon:,} steps",
            todo="Bring more rows, or forecast less far ahead.",
        )
    whole = max(1, round(split.heldout * length / horizon))
    whole = min(whole, (length // 2) // horizon)
    cutoff = last - whole * horizon + 1
    exact = (moments_at(laid.index, laid.rule.every, laid.rule.phase) == laid.moments)[laid.placed].all()
    # A row that its clock has a little early belongs to its place all the same.
    early = 0.0 if exact else ASTRAY * laid.rule.every
    moment = moment_at(cutoff, laid.rule.every, laid.rule.phase - early)
    columns = tuple(name for name in (laid.rule.time, laid.rule.clock) if name is not None)
    return SplitRule(by="time", columns=columns, heldout=split.heldout, salt=salt, cutoff=moment)


def telling_calendar(step: PlanStep, laid: Laid) -> PlanStep:
    """Return a step of the automatic plan; a calendar with those parts alone that come round again in the series.

    What rises and never comes back tells a model the time of its training rows, and nothing of later ones.
    """
    if not isinstance(step, Calendar):
        return step
    every, days = laid.rule.every, (laid.span[1] - laid.span[0] + 1) * laid.rule.every / 86_400.0
    least: dict[Part, tuple[float, float]] = {"month": (0.0, 730.0), "day": (86_400.0, 90.0)}
    least |= {"weekday": (86_400.0, 14.0), "hour": (43_200.0, 2.0)}
    parts = tuple(
        part for part, (longest, fewest) in least.items() if days >= fewest and (not longest or every <= longest)
    )
    return step.model_copy(update={"parts": parts})


def expand(
    base: SourceTable, assembled: Assembled, labelled: Labelled, laid: Laid, side: np.ndarray, seed: int
) -> Expanded:
    """Return the base's rows as samples, each with what was known at its origin.

    Seasons and scales are taken from training rows alone.

    Raises
    ------
    DataError
        A column that is made has the name of one that is there.
    """
    held = laid.index[laid.placed & (side == HELDOUT)]
    cutoff = int(held.min()) if len(held) else laid.span[1] + 1
    rule = _with_seasons(laid, cutoff)
    schema = _schema(assembled.table_schema, rule)
    lacking = labelled.lacking.copy()
    lacking[~laid.placed] = laid.why[~laid.placed]
    able = np.flatnonzero(np.array([why is None for why in lacking], dtype=bool))
    samples = draw_samples(laid.grid, laid.group, laid.index, able, rule.horizon, seed)
    without = np.zeros(len(lacking), dtype=bool)
    without[able] = True
    without[samples.row] = False
    lacking[without] = f"nothing of its series is known in the {rule.length(rule.horizon)} before it"
    return Expanded(
        rule=rule,
        frame=_frame(base, assembled, laid, rule, schema, samples),
        table_schema=schema,
        row=samples.row,
        group=laid.group[samples.row],
        index=laid.index[samples.row],
        origin=samples.origin,
        lacking=lacking,
        history=base.raw.select(list(rule.columns)),
        tail=_tail(base.raw.select(list(rule.columns)), laid, rule),
    )


def _with_seasons(laid: Laid, cutoff: int) -> SeriesRule:
    length = cutoff - laid.span[0]
    seasons = seasons_for(laid.rule.every, length)
    season, scales, _ = choose_season(laid.grid, seasons, cutoff, laid.rule.horizon)
    longest = max((*seasons, season))
    cycles = int(np.clip(length // longest - 1, 2, MOST_CYCLES))
    rule = laid.rule.model_copy(update={"seasons": seasons, "season": season, "cycles": cycles})
    return with_scales(rule, laid.grid.groups, scales)


def _schema(schema: TableSchema, rule: SeriesRule) -> TableSchema:
    kept = [_as_known(c, rule) for c in schema.columns]
    names = {c.name for c in kept}
    made = series_columns(rule, schema)
    clash = next((c.name for c in made if c.name in names), None)
    if clash is not None:
        raise DataError(f"The forecast would make a second column {clash!r}", todo="Rename that column at its source.")
    return TableSchema(columns=(*kept, *made), target=schema.target)


def _as_known(column: Column, rule: SeriesRule) -> Column:
    if column.name in rule.past:
        return column.model_copy(update={"role": "past"})
    # Without them no row has a place.
    return column.model_copy(update={"nullable": False}) if column.name in (rule.time, rule.group) else column


def _frame(
    base: SourceTable, assembled: Assembled, laid: Laid, rule: SeriesRule, schema: TableSchema, samples: Samples
) -> pd.DataFrame:
    known = [c.name for c in schema.features if c.table != HISTORY]
    sent = assembled.features[known].iloc[samples.row].reset_index(drop=True)
    # Clocks that are a little early or late are put right.
    sent[rule.time] = moments_at(laid.index[samples.row], rule.every, rule.phase)
    past = {name: typed_values(base.typed[name]) for name in rule.past}
    group, index = laid.group[samples.row], laid.index[samples.row]
    made = features_frame(series_features(rule, laid.grid, past, group, index, samples.origin))
    return pd.concat([sent, made], axis=1)


def typed_values(series: pd.Series[Any]) -> Any:
    """Return a typed column as `series_features` takes it: NumPy for numbers and moments, pandas for text."""
    if series.dtype.kind == "M":
        return series.to_numpy().astype("datetime64[us]")
    return series.to_numpy(dtype=np.float64) if series.dtype.kind in "fiub" else series.array


def _tail(history: pa.Table, laid: Laid, rule: SeriesRule) -> pa.Table:
    """Return the last rows of every series, up to its last actual value."""
    ends, known = laid.grid.ends()
    group = np.maximum(laid.group, 0)
    end = ends[group]
    recent = laid.placed & known[group] & (laid.index <= end) & (laid.index > end - rule.tail)
    rows = np.flatnonzero(recent)
    return history.take(pa.array(rows[np.lexsort((laid.index[rows], laid.group[rows]))]))
