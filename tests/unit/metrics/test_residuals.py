"""Errors with a known flaw are found to have it, and errors without one are not."""

from __future__ import annotations

import numpy as np
import pytest

from penstock.metrics.residuals import calibration_of, mean_with_interval, memory, tails, uneven_spread

N = 1500
RANDOM = np.random.default_rng(5)
NORMAL, ALONG = RANDOM.normal(0, 1, N), RANDOM.uniform(1, 5, N)


def test_errors_without_a_flaw_show_none() -> None:
    """Whoever is warned of everything reads nothing."""
    assert mean_with_interval(NORMAL).holds(0.0)
    assert uneven_spread(NORMAL, ALONG).p > 0.01
    assert tails(NORMAL).p > 0.01
    assert memory(NORMAL).p > 0.01


def test_each_flaw_is_found_with_its_size() -> None:
    """A shift, a funnel, tails and a memory, each planted."""
    assert mean_with_interval(NORMAL + 0.3).low > 0.2
    funnel = uneven_spread(NORMAL * ALONG, ALONG)
    assert funnel.p < 1e-6
    assert funnel.effect == pytest.approx(4.33 / 1.67, rel=0.2)
    heavy = tails(np.random.default_rng(1).standard_t(3, N))
    assert heavy.p < 1e-6
    assert heavy.effect > 1
    remembered = NORMAL.copy()
    for i in range(1, N):
        remembered[i] += 0.5 * remembered[i - 1]
    assert memory(remembered).effect == pytest.approx(0.5, abs=0.08)
    assert memory(remembered).p < 1e-6


def test_the_tests_are_those_of_statsmodels() -> None:
    """The figures are what a statistician would get elsewhere."""
    diagnostic = pytest.importorskip("statsmodels.stats.diagnostic")
    funnel = NORMAL * ALONG
    theirs = diagnostic.het_breuschpagan(funnel - funnel.mean(), np.column_stack([np.ones(N), ALONG]))
    assert uneven_spread(funnel, ALONG).statistic == pytest.approx(theirs[0])
    assert uneven_spread(funnel, ALONG).p == pytest.approx(theirs[1])
    box = diagnostic.acorr_ljungbox(NORMAL, lags=[1])
    assert memory(NORMAL).statistic == pytest.approx(float(box["lb_stat"].iloc[0]))
    assert memory(NORMAL).p == pytest.approx(float(box["lb_pvalue"].iloc[0]))


@pytest.mark.parametrize(("stretch", "shift"), [(1.0, 0.0), (2.0, 0.0), (1.0, 0.7)])
def test_probabilities_that_are_stretched_or_moved_are_found_so(stretch: float, shift: float) -> None:
    """The slope is what their log-odds have to be multiplied with; the intercept what they lack on the whole."""
    random = np.random.default_rng(3)
    odds = random.normal(0, 1.2, 4000)
    true = random.random(4000) < 1 / (1 + np.exp(-(odds + shift)))
    found = calibration_of(true, 1 / (1 + np.exp(-stretch * odds)))
    assert found is not None
    slope, intercept = found
    assert slope.holds(1 / stretch)
    assert intercept.holds(shift)
    assert slope.high - slope.low < 0.25


def test_labels_that_say_nothing_of_probabilities_give_no_calibration() -> None:
    """Two rows of a label, or one that is told apart without an error, bear no slope."""
    true = np.arange(200) < 2
    assert calibration_of(true, np.linspace(0.1, 0.9, 200)) is None
    assert calibration_of(np.arange(200) >= 100, np.full(200, 0.5)) is None
