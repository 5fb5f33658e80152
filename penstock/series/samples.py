"""Which earlier moments a row is learned from: for every actual value a few places from which it might be forecast."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from penstock.series.grid import Floats, Grid, Ints
from penstock.series.rule import SeriesRule

# About so many samples are learned from, if every row gives at least one and at most so many.
ENOUGH, MOST_OF_A_ROW = 40_000, 4


class Samples(NamedTuple):
    """Rows, each with a place from which it is forecast: positions and indices of origins, shape (n_samples,)."""

    row: Ints
    origin: Ints


def draw_samples(grid: Grid, group: Ints, index: Ints, rows: Ints, horizon: int, seed: int) -> Samples:
    """Draw for every row some steps ahead between 1 and the horizon, and look for the last actual value before it.

    A sample is what a request would be: its origin is an actual value, and lies no more than the horizon before it.

    Parameters
    ----------
    grid : Grid
        The series.
    group, index : numpy.ndarray
        The series and the place of every row of the table, int64, shape (n_rows,).
    rows : numpy.ndarray
        Positions of the rows with an actual value.
    horizon : int
        The furthest step.
    seed : int
        The same seed gives the same samples.

    Returns
    -------
    Samples
        In the order of the rows, each pair once. A row has none if nothing of its series is known in the horizon
        before it.
    """
    each = int(np.clip(ENOUGH // max(len(rows), 1), 1, MOST_OF_A_ROW))
    # More samples of a row than there are steps would be the same ones.
    each = min(each, horizon)
    ahead = np.random.default_rng(seed).integers(1, horizon, (len(rows), each), endpoint=True)
    row = np.repeat(rows, each)
    origin, known = grid.origins(group[row], index[row] - ahead.ravel())
    near = known & (index[row] - origin <= horizon)
    # Unlucky draws must not cost a row: the nearest origin that there is takes their place.
    unlucky = np.repeat(~near.reshape(len(rows), each).any(axis=1), each)
    if unlucky.any():
        nearest, there = grid.origins(group[row], index[row] - 1)
        spare = unlucky & there & (index[row] - nearest <= horizon)
        origin, near = np.where(spare, nearest, origin), near | spare
    row, origin = row[near], origin[near]
    order = np.lexsort((origin, row))
    row, origin = row[order], origin[order]
    once = np.ones(len(row), dtype=bool)
    once[1:] = (np.diff(row) != 0) | (np.diff(origin) != 0)
    return Samples(row[once], origin[once])


def choose_season(grid: Grid, candidates: tuple[int, ...], until: int, horizon: int) -> tuple[int, Floats, Floats]:
    """Return the season whose naive forecast is best before a place, and what is known of every series' naive error.

    Parameters
    ----------
    grid : Grid
        The series.
    candidates : tuple of int
        Seasons in steps; with none, each value is forecast by the one before.
    until : int
        The index from which nothing is looked at.
    horizon : int
        The furthest step: a season longer than it is as good at any step, a shorter one repeats.

    Returns
    -------
    tuple
        The season; the mean absolute difference of values one season apart, by series, NaN where there are none; and
        how many differences each has.
    """
    place = np.arange(len(grid.value))
    series = np.repeat(np.arange(len(grid.groups)), np.diff(grid.start))
    index = place - grid.start[series] + grid.first[series]
    values = np.where(index < until, grid.value, np.nan)
    best, lowest = 1, np.inf
    for season in candidates:
        errors = []
        for cycles in sorted({1, -(-horizon // (2 * season)), -(-horizon // season)} - {0}):
            differences = np.abs(values - _shifted(values, series, season * cycles))
            errors.append(float(np.nanmean(differences)) if not np.isnan(differences).all() else np.inf)
        if (mean := float(np.mean(errors))) < lowest:
            best, lowest = season, mean
    differences = np.abs(values - _shifted(values, series, best))
    there = ~np.isnan(differences)
    n = np.bincount(series[there], minlength=len(grid.groups)).astype(np.float64)
    total = np.bincount(series[there], weights=differences[there], minlength=len(grid.groups))
    return best, np.where(n > 0, total / np.maximum(n, 1.0), np.nan), n


def _shifted(values: Floats, series: Ints, by: int) -> Floats:
    shifted = np.full(len(values), np.nan)
    if by < len(values):
        shifted[by:] = np.where(series[by:] == series[:-by], values[:-by], np.nan)
    return shifted


def seasons_for(every: float, n_steps: int) -> tuple[int, ...]:
    """Return the seasons, in steps, that a series of so many steps may have: an hour, a day, a week, a year.

    Examples
    --------
    >>> seasons_for(3600.0, 10_000), seasons_for(86_400.0, 2000), seasons_for(3600.0, 30)
    ((24, 168), (7, 365), ())
    """
    found = []
    for period in (3_600.0, 86_400.0, 604_800.0, 365.25 * 86_400.0):
        steps = round(period / every)
        fits = period / every > 1.5 and (abs(steps * every - period) < 1e-9 or period > 604_800.0)
        # A year of hours would make every bundle carry years; of a season at least three must be there to be learned.
        if fits and 2 <= steps <= 1000 and 3 * steps <= n_steps:
            found.append(steps)
    return tuple(found)


def typical(scales: Floats) -> float:
    """Return the scale of a series that training does not have: the middle one of those that it has.

    Examples
    --------
    >>> typical(np.array([np.nan, 2.0, 0.0, 4.0, 3.0]))
    3.0
    """
    known = scales[np.isfinite(scales) & (scales > 0)]
    return float(np.median(known)) if len(known) else 1.0


def with_scales(rule: SeriesRule, groups: tuple[str, ...], scales: Floats) -> SeriesRule:
    """Return the rule with the scale of every series that has one."""
    common = typical(scales)
    own = {
        name: float(value)
        for name, value in zip(groups, scales.tolist(), strict=True)
        if np.isfinite(value) and value > 0
    }
    return rule.model_copy(update={"scales": own, "scale": common})
