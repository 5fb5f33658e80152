from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from penstock.aims import Cost
from penstock.answering.decision import Decision, codes_of, optimal_decision, threshold_for
from penstock.errors import SpecError
from penstock.table import Target

BINARY = Target(name="y", task="binary", labels=("no", "yes"), positive="yes")
FIRST = Target(name="y", task="binary", labels=("1", "2"), label_type="integer", positive="1")
THREE = Target(name="y", task="multiclass", labels=("low", "mid", "high"))


def shares(high: np.ndarray, positive: int = 1) -> np.ndarray:
    return np.column_stack([1 - high, high] if positive else [high, 1 - high])


@pytest.mark.parametrize(("target", "positive"), [(BINARY, 1), (FIRST, 0)])
def test_fp_and_fn_are_those_of_the_positive_label(target: Target, positive: int) -> None:
    """Whichever of the two labels it is, and however the labels are ordered."""
    decision = optimal_decision(target, Cost(fp=5, fn=100))
    assert decision.cost[1 - positive][positive] == 5
    assert decision.cost[positive][1 - positive] == 100
    assert decision.threshold == pytest.approx(5 / 105)
    answers = decision.codes(shares(np.array([0.04, 0.06]), positive))
    assert (answers == positive).tolist() == [False, True]


def test_costs_may_be_named_by_labels_and_all_that_is_not_named_costs_one() -> None:
    """The published matrix of a credit data set is one line: {2: {1: 5}}."""
    decision = optimal_decision(FIRST, Cost.model_validate({2: {1: 5}}))
    assert decision.cost == ((0, 1), (5, 0))
    assert decision.threshold == pytest.approx(5 / 6)
    three = optimal_decision(THREE, Cost.model_validate({"HIGH": {"low": 9}}))
    assert three.cost == ((0, 1, 1), (1, 0, 1), (9, 1, 0))
    assert three.threshold is None
    # The likeliest is `low`, and `mid` costs least.
    assert three.codes(np.array([[0.55, 0.25, 0.2]])).tolist() == [1]


@pytest.mark.parametrize(
    ("target", "cost", "said"),
    [
        (Target(name="y", task="regression"), {"fp": 1, "fn": 2}, "predicted as a number"),
        (THREE, {"fp": 1, "fn": 2}, "is for two labels"),
        (BINARY, {"maybe": {"yes": 2}}, "none of the labels"),
        (BINARY, {"fp": 1, "fn": 2, "tn": 1}, "costs no more than the right one"),
    ],
)
def test_costs_that_do_not_fit_are_refused(target: Target, cost: dict[str, object], said: str) -> None:
    """Before anything is trained, with what was expected."""
    with pytest.raises(SpecError) as caught:
        optimal_decision(target, Cost.model_validate(cost))
    assert said in str(caught.value)


@settings(max_examples=25)
@given(st.integers(0, 10_000), st.floats(1, 20), st.floats(1, 20), st.floats(0.4, 2.5), st.floats(-1.5, 1.5))
def test_the_threshold_costs_hardly_more_than_the_best_on_new_rows(
    seed: int, fp: float, fn: float, slope: float, shift: float
) -> None:
    """However bold, timid or shifted the probabilities are: within a twentieth of what exact ones would cost."""
    random = np.random.default_rng(seed)
    true = random.beta(0.7, 1.5, 6_000)
    y = (random.random(6_000) < true).astype(np.int64)
    said = 1 / (1 + np.exp(-(slope * np.log(true / (1 - true)) + shift)))
    start = optimal_decision(BINARY, Cost(fp=fp, fn=fn))
    found = threshold_for(y[:4_000], shares(said[:4_000]), start)
    answered = found.codes(shares(said[4_000:])) == 1
    risk = np.where(answered, fp * (1 - true[4_000:]), fn * true[4_000:]).mean()
    least = np.minimum(fp * (1 - true[4_000:]), fn * true[4_000:]).mean()
    assert risk <= 1.05 * least + 1e-3


def test_probabilities_that_are_off_get_a_threshold_of_their_own_and_exact_ones_do_not() -> None:
    """A model that says 0.87 where 0.5 is true would answer too often."""
    random = np.random.default_rng(0)
    true = random.random(4_000)
    y = (random.random(4_000) < true).astype(np.int64)
    start = optimal_decision(BINARY, Cost(fp=1, fn=1))
    exact = threshold_for(y, shares(true), start)
    assert (exact.threshold, exact.n) == (0.5, 4_000)
    off = threshold_for(y, shares(true**0.2), start)
    assert off.threshold == pytest.approx(0.5**0.2, abs=0.03)
    flipped = threshold_for(1 - y, shares(true), start)
    assert flipped.threshold == 0.5


def test_the_threshold_is_that_of_rows_by_weight() -> None:
    """Rows that weigh nothing say nothing, and a weight of three is three rows."""
    random = np.random.default_rng(0)
    true = random.random(600)
    y, said = (random.random(600) < true).astype(np.int64), true**0.3
    w = random.integers(0, 4, 600).astype(float)
    start = optimal_decision(BINARY, Cost(fp=1, fn=4))
    told = np.repeat(np.arange(600), w.astype(int))
    weighed, copied = threshold_for(y, shares(said), start, w), threshold_for(y[told], shares(said[told]), start)
    assert weighed.threshold is not None
    assert weighed.threshold != start.threshold
    assert weighed.threshold == pytest.approx(copied.threshold, rel=0.02)


def test_what_no_fold_was_tested_on_does_not_count() -> None:
    """Rows without an out-of-fold prediction are NaN."""
    high = np.array([0.2, 0.8, np.nan, 0.7])
    start = optimal_decision(BINARY, Cost(fp=1, fn=1))
    assert threshold_for(np.array([0, 1, 1, 1]), shares(high), start).n == 3


def test_a_row_is_decided_alone_as_it_is_among_others() -> None:
    """Ties between labels must not be settled by the sums of a batch."""
    random = np.random.default_rng(0)
    p = random.dirichlet(np.ones(5), 500)
    decision = Decision(cost=tuple(map(tuple, (random.random((5, 5)) * (1 - np.eye(5))).tolist())))
    whole = decision.codes(p)
    assert [int(decision.codes(p[[i]])[0]) for i in range(500)] == whole.tolist()
    assert codes_of(p, None).tolist() == p.argmax(axis=1).tolist()
