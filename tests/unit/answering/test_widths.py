from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from penstock.answering.widths import FEWEST_IN_BIN, widths_for


def table(n: int, random: np.random.Generator, skewed: bool = True) -> tuple[np.ndarray, np.ndarray]:
    """Return true values whose errors grow with the prediction and have a long tail, and their predictions."""
    predicted = random.uniform(1, 20, n)
    noise = random.gamma(2, 1, n) - 2 if skewed else random.normal(0, 1, n)
    return predicted + noise * predicted / 5, predicted


@pytest.mark.parametrize(("n", "skewed"), [(60, False), (300, True), (1_500, True)])
def test_intervals_cover_what_they_promise(n: int, skewed: bool) -> None:
    """Nine in ten of new rows on average over many tables, errors of any size and shape."""
    random = np.random.default_rng(n)
    held = []
    for _ in range(150):
        found = widths_for(*table(n, random, skewed), 0.9)
        assert found is not None
        y, predicted = table(400, random, skewed)
        low, high = found.around(predicted)
        held.append(((y >= low) & (y <= high)).mean())
    assert 0.88 <= np.mean(held) <= 0.92


def test_intervals_are_as_wide_as_errors_are_where_the_prediction_lies() -> None:
    """With rows enough, low and high predictions are covered alike, and each end misses as often as the other."""
    random = np.random.default_rng(1)
    found = widths_for(*table(20_000, random), 0.9)
    assert found is not None
    assert len(found.n) == 10
    y, predicted = table(20_000, random)
    low, high = found.around(predicted)
    for part in np.array_split(np.argsort(predicted), 5):
        assert 0.88 <= ((y >= low) & (y <= high))[part].mean() <= 0.92
        assert 0.03 <= (y < low)[part].mean() <= 0.07
    assert (high - low)[predicted > 18].mean() > 4 * (high - low)[predicted < 3].mean()


@settings(max_examples=25)
@given(st.integers(2, 400), st.sampled_from([0.5, 0.8, 0.9, 0.95, 0.99]), st.integers(0, 5))
def test_the_prediction_lies_inside_and_the_errors_seen_are_held(n: int, level: float, distinct: int) -> None:
    """Whatever the rows, ties among predictions included: at least the level of the rows that it was made of."""
    random = np.random.default_rng(n)
    predicted = random.integers(0, distinct + 1, n).astype(float) if distinct else random.normal(0, 1, n)
    y = predicted + random.standard_t(2, n)
    found = widths_for(y, predicted, level)
    if found is None:
        assert n < level / (1 - level) + 1
        return
    low, high = found.around(predicted)
    assert (low <= predicted).all()
    assert (predicted <= high).all()
    assert ((y >= low) & (y <= high)).mean() >= level - 1e-9
    assert sum(found.n) == n
    assert len(found.n) == 1 or min(found.n) >= FEWEST_IN_BIN


def test_a_weight_is_so_many_errors() -> None:
    """Rows that count nothing widen nothing."""
    random = np.random.default_rng(0)
    y, predicted = random.normal(0, 1, 150), np.zeros(150)
    wild = np.append(y, 100 * random.normal(0, 1, 50))
    weights = np.append(np.ones(150), np.zeros(50))
    plain = widths_for(y, predicted, 0.9)
    weighted = widths_for(wild, np.zeros(200), 0.9, weights)
    assert plain is not None
    assert weighted is not None
    assert weighted.above[0] == pytest.approx(plain.above[0], abs=0.3)


def test_the_targets_domain_bounds_the_ends() -> None:
    """No negative price, no share above one; a prediction that lies outside by itself stays inside its interval."""
    random = np.random.default_rng(0)
    found = widths_for(random.random(50), np.full(50, 0.5), 0.9, floor=0.0, ceiling=1.0)
    assert found is not None
    low, high = found.around(np.array([0.1, 0.9, -0.2]))
    assert low.tolist() == [0.0, low[1], -0.2]
    assert high[1] == 1.0
    assert (low <= high).all()


def test_too_few_errors_give_no_interval() -> None:
    """Eight rows cannot say where nine in ten lie; rows without a prediction do not count."""
    y = np.arange(9.0)
    assert widths_for(y, np.zeros(9), 0.9) is not None
    assert widths_for(y, np.append(np.zeros(8), np.nan), 0.9) is None
