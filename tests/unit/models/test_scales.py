"""Learning a skewed number on a logarithm, and coming back from it without bias."""

from __future__ import annotations

import numpy as np
import pytest

from penstock.metrics.metric import metric_for
from penstock.models.candidates import Candidate, Configured, estimates, smear_of
from penstock.models.families import LinearFamily
from penstock.models.scales import PLAIN, Scale, log_scale, smearing
from penstock.models.training import FoldFit
from tests.unit.models.making import BINARY, NUMBER, training


def test_only_what_is_skewed_and_never_negative_is_put_on_a_logarithm() -> None:
    """Counts with zeros are moved by one; what is symmetric, negative, constant or a label stays."""
    random = np.random.default_rng(0)
    prices = np.exp(random.normal(3, 1, 400))
    found = log_scale(NUMBER, prices)
    assert found is not None
    assert found.shift == 0.0
    counts = log_scale(NUMBER, np.floor(prices))
    assert (counts.shift if counts else None) == (1.0 if np.floor(prices).min() == 0 else 0.0)
    for other in (random.normal(50, 1, 400), prices - 30, np.ones(400), np.append(prices, np.inf)):
        assert log_scale(NUMBER, other) is None
    assert log_scale(BINARY, np.arange(9) % 2) is None
    assert log_scale(NUMBER.model_copy(update={"task": "forecast"}), prices) == found


def test_an_estimate_far_beyond_what_was_learned_is_held() -> None:
    """Exp makes much of a little: ten more on the logarithm is twenty thousand times as much."""
    y = np.exp(np.linspace(0, 9, 50))
    found = log_scale(NUMBER, y)
    assert found is not None
    assert found.back(np.array([99.0]))[0] == pytest.approx(y.max() * np.e)


def test_the_mean_comes_back_and_not_the_median() -> None:
    """Of a lognormal number exp of the mean logarithm is too small by exp of half the variance."""
    random = np.random.default_rng(1)
    z = random.normal(2.0, 0.8, 40_000)
    scale = Scale(kind="log")
    smear = smearing(scale, np.exp(z), np.full(len(z), 2.0))
    assert smear == pytest.approx(np.exp(0.32), rel=0.03)
    assert scale.back(np.array([2.0]), smear)[0] == pytest.approx(np.exp(z).mean(), rel=1e-6)
    assert smearing(PLAIN, z, z) == 1.0


def test_the_factor_of_a_fold_is_learned_from_the_others() -> None:
    """A row must not tell its own estimate anything, not even by the factor; the median needs none."""
    given = training("regression")
    scale = Scale(kind="log")
    object.__setattr__(given, "y", np.exp(given.y / 10))
    whole = Candidate(Configured(LinearFamily(), scale), given.n_folds)
    for fold in range(given.n_folds):
        whole.fits[fold] = FoldFit(np.full(len(given.tested(fold)), 0.1 * fold), 0.0)
    rmse, mae = metric_for("regression"), metric_for("regression", "mae")
    before = estimates(given, whole, rmse)
    changed = given.y.copy()
    changed[given.tested(1)] *= 3
    object.__setattr__(given, "y", changed)
    after = estimates(given, whole, rmse)
    np.testing.assert_array_equal(before[given.tested(1)], after[given.tested(1)])
    assert (before[given.tested(0)] != after[given.tested(0)]).all()
    assert smear_of(given, whole, rmse) != 1.0
    assert smear_of(given, whole, mae) == 1.0
