"""Which candidates stand in an ensemble."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from penstock.metrics.metric import metric_for
from penstock.models.selection import Pool, ensemble, greedy, mean_of
from tests.unit.models.making import BINARY, NUMBER

N = 1_200


def pool(errors: list[float], shared: float = 0.0, costs: list[float] | None = None, most: float = 9.0) -> Pool:
    """Return candidates for a number, each off by an error of its own beside one that all share."""
    random = np.random.default_rng(0)
    y = random.normal(0, 1, N)
    common = random.normal(0, shared, N) if shared else np.zeros(N)
    predicted = [y + common + random.normal(0, error, N) for error in errors]
    costs = costs or [0.1] * len(errors)
    return Pool(NUMBER, metric_for("regression"), y, np.arange(N) % 5, predicted, costs, most)


def rmse(given: Pool, weights: np.ndarray) -> float:
    return float(np.sqrt(np.mean((mean_of(given.predicted, weights) - given.y) ** 2)))


def test_errors_of_their_own_cancel_out_and_the_worse_weigh_less() -> None:
    """Weights go about by the inverse of the variance."""
    given = pool([1.0, 1.0, 2.0])
    weights = ensemble(given, 0)
    assert weights is not None
    assert weights.sum() == pytest.approx(1.0)
    assert weights[2] < weights[0]
    assert rmse(given, weights) < 0.75


def test_what_makes_the_same_mistakes_is_no_ensemble() -> None:
    """Nothing is gained by a second candidate that says the same, or by a third that adds noise."""
    given = pool([0.0, 0.0, 0.7], shared=1.0)
    assert ensemble(given, 0) is None


def test_an_ensemble_takes_no_longer_than_it_may() -> None:
    """The costly third would help, and has to stay out."""
    given = pool([1.0, 1.0, 1.0], costs=[1.0, 1.0, 5.0], most=2.0)
    weights = greedy(given, np.arange(N))
    assert weights[2] == 0
    assert np.count_nonzero(weights) == 2


def test_ranks_are_climbed_with_a_share_of_log_loss() -> None:
    """Of two that rank alike the one that is also right about how sure it is weighs more."""
    random = np.random.default_rng(2)
    logits = random.normal(0, 2, N)
    y = (random.random(N) < 1 / (1 + np.exp(-logits))).astype(np.int64)
    said: list[Any] = []
    for slope in (1.0, 8.0):
        share = 1 / (1 + np.exp(-slope * logits))
        said.append(np.column_stack([1 - share, share]))
    given = Pool(BINARY, metric_for("binary"), y, np.arange(N) % 5, said, [0.1, 0.1], 9.0)
    weights = greedy(given, np.arange(N))
    assert weights[0] > 0.9


def test_a_candidate_alone_is_no_ensemble() -> None:
    """There is nothing to choose."""
    assert ensemble(pool([1.0]), 0) is None
