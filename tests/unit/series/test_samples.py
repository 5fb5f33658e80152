"""From where rows are learned: origins that a request could have, and a season that the data chose."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from penstock.series.grid import Grid
from penstock.series.samples import ENOUGH, MOST_OF_A_ROW, choose_season, draw_samples


def one(value: np.ndarray) -> Grid:
    """Return one series."""
    return Grid.of(["a"], np.zeros(len(value), dtype=np.int64), np.arange(len(value)), value)


@settings(max_examples=40)
@given(st.integers(0, 10_000), st.integers(1, 30), st.floats(0, 0.6))
def test_every_sample_starts_at_an_actual_value_within_the_horizon(seed: int, horizon: int, gaps: float) -> None:
    """Whatever is missing: that is what a request will find."""
    random = np.random.default_rng(seed)
    value = np.where(random.random(200) < gaps, np.nan, 1.0)
    rows = np.flatnonzero(~np.isnan(value))
    group, index = np.zeros(200, dtype=np.int64), np.arange(200)
    found = draw_samples(one(value), group, index, rows, horizon, seed)
    assert (found.origin < found.row).all()
    assert (found.row - found.origin <= horizon).all()
    assert not np.isnan(value[found.origin]).any()
    assert len({*zip(found.row.tolist(), found.origin.tolist(), strict=True)}) == len(found.row)
    assert np.bincount(found.row, minlength=1).max(initial=0) <= MOST_OF_A_ROW


def test_samples_are_the_same_for_the_same_seed_and_bounded() -> None:
    """And every row that can be learned from is, once at least."""
    n = ENOUGH
    value = np.ones(n)
    ask = one(value), np.zeros(n, dtype=np.int64), np.arange(n), np.arange(n), 48
    first, again = draw_samples(*ask, 3), draw_samples(*ask, 3)
    assert np.array_equal(first.origin, again.origin)
    assert len(first.row) == n - 1
    assert set(draw_samples(*ask, 4).origin.tolist()) != set()
    assert not np.array_equal(draw_samples(*ask, 4).origin, first.origin)


def test_the_season_is_the_one_that_repeats_and_looks_at_training_rows_alone() -> None:
    """Held-out values are made absurd, and neither season nor scale changes."""
    hours = np.arange(2000)
    value = 10 + 5 * np.sin(2 * np.pi * hours / 24) + np.random.default_rng(0).normal(0, 0.1, 2000)
    season, scales, _ = choose_season(one(value), (24, 168), 1600, 24)
    value[1600:] *= 1000
    again, scaled, _ = choose_season(one(value), (24, 168), 1600, 24)
    assert season == again == 24
    assert scales.tolist() == scaled.tolist()
    assert 0.05 < scales[0] < 0.2
