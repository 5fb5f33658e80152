"""The metrics of forecasts: errors in units of the naive one, and intervals over whole blocks of time."""

from __future__ import annotations

import numpy as np
import pytest

from penstock.metrics.metric import metric_for
from penstock.metrics.scores import bootstrap, paired, scores
from penstock.metrics.weighted import Context
from penstock.table import Target

UNITS = Target(name="units", task="forecast")


def test_errors_are_told_in_units_of_each_series_own_naive_error() -> None:
    """A large shop does not outweigh a small one."""
    y, predicted = np.array([10.0, 1000.0]), np.array([12.0, 1200.0])
    found = scores(UNITS, y, predicted, Context(scale=np.array([2.0, 200.0]), block=np.array([0, 1])))
    assert found["mase"] == 1.0
    assert found["mae"] == 101.0
    assert found["rmse"] == pytest.approx(np.sqrt((4 + 40_000) / 2))
    assert found["smape"] == pytest.approx(2 / 11)
    assert metric_for("forecast").name == "mase"
    assert not metric_for("forecast").greater_is_better


def test_nothing_sold_and_nothing_forecast_is_no_error() -> None:
    """Where both are zero the relative error is zero, not undefined."""
    assert scores(UNITS, np.zeros(3), np.array([0.0, 0.0, 1.0]))["smape"] == pytest.approx(2 / 3)


def test_what_happens_together_is_resampled_together() -> None:
    """Errors that come in blocks make the interval as wide as that of as many rows as there are blocks."""
    random = np.random.default_rng(0)
    block = np.repeat(np.arange(20), 50)
    error = np.repeat(np.abs(random.normal(0, 1, 20)), 50)
    ones = np.ones(1000)
    together = bootstrap(UNITS, np.zeros(1000), error, seed=1, context=Context(ones, block))["mae"]
    apart = bootstrap(UNITS, np.zeros(1000), error, seed=1, context=Context(ones, np.arange(1000)))["mae"]
    rows = bootstrap(UNITS, np.zeros(20), error[::50], seed=1, context=Context(np.ones(20), np.arange(20)))["mae"]
    assert together.value == apart.value == pytest.approx(rows.value)
    assert together.high - together.low == pytest.approx(rows.high - rows.low)
    assert together.high - together.low > 4 * (apart.high - apart.low)


def test_a_better_forecast_is_better_by_a_positive_difference() -> None:
    """On the same blocks, in units of the scale."""
    random = np.random.default_rng(0)
    y = random.normal(0, 1, 400)
    context = Context(np.full(400, 2.0), np.repeat(np.arange(40), 10))
    difference = paired(UNITS, "mase", y, y + 1.0, y + 3.0, seed=2, context=context)
    assert (difference.value, difference.low, difference.high) == (1.0, 1.0, 1.0)
