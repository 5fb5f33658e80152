"""Intervals from errors of earlier forecasts: they hold what they promise, and say where they cannot."""

from __future__ import annotations

import numpy as np
import pytest

from penstock.series.widths import widths_of


@pytest.mark.parametrize("level", [0.8, 0.9, 0.95])
def test_intervals_hold_their_share_of_new_values(level: float) -> None:
    """Errors that grow with the distance, as those of forecasts do."""
    random = np.random.default_rng(1)
    steps = random.integers(1, 49, 20_000)
    errors = np.abs(random.standard_t(4, 20_000)) * np.sqrt(steps)
    widths = widths_of(errors[:10_000], steps[:10_000], 48, level)
    assert widths is not None
    low, high = widths.around(np.zeros(10_000), steps[10_000:], np.ones(10_000))
    signed = errors[10_000:] * random.choice([-1, 1], 10_000)
    inside = (signed >= low) & (signed <= high)
    assert inside.mean() == pytest.approx(level, abs=0.015)
    assert inside[steps[10_000:] <= 3].mean() == pytest.approx(level, abs=0.04)
    assert widths.half == tuple(sorted(widths.half))


def test_the_rank_is_that_of_a_finite_sample() -> None:
    """Of 19 errors the 18th is the 90 % one; of eight none would reach 90 %, and there is no interval."""
    nineteen = np.arange(1.0, 20.0)
    found = widths_of(nineteen, np.ones(19, dtype=np.int64), 1, 0.9)
    assert found is not None
    assert found.half == (18.0,)
    assert widths_of(np.arange(8.0), np.ones(8, dtype=np.int64), 1, 0.9) is None


def test_a_step_with_too_few_errors_borrows_from_the_next() -> None:
    """Two errors of one step ahead say nothing of 90 %."""
    steps = np.array([1, 1, *([2] * 40)])
    found = widths_of(np.arange(42.0), steps, 2, 0.9)
    assert found is not None
    assert found.upto == (2,)
    assert found.n == (42,)


def test_an_interval_of_what_is_never_negative_is_not_either() -> None:
    """Unless the prediction itself is: it always lies inside its interval."""
    found = widths_of(np.full(50, 5.0), np.ones(50, dtype=np.int64), 1, 0.9, floor=0.0)
    assert found is not None
    low, high = found.around(np.array([2.0, 9.0, -1.0]), np.ones(3, dtype=np.int64), np.ones(3))
    assert low.tolist() == [0.0, 4.0, -1.0]
    assert high.tolist() == [7.0, 14.0, 4.0]
