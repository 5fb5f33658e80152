from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as sk

from penstock.answering.decision import Decision
from penstock.errors import SpecError
from penstock.metrics.metric import METRICS, OTHER_NAMES, metric_for, metrics_for
from penstock.metrics.scores import MOST_ROWS, bootstrap, score, scores, spread_of
from penstock.metrics.weighted import Context, defined_metrics, weighted_scores
from penstock.table import Target
from tests.unit.metrics.test_scores import BINARY, FIRST_IS_POSITIVE, NUMBER, THREE, guesses

ORDERED = Target(name="y", task="multiclass", labels=("1", "2", "3"), label_type="integer")


def counts(n: int, seed: int = 1) -> np.ndarray:
    """Return weights, some of them zero."""
    return np.random.default_rng(seed).choice([0.0, 0.5, 1.0, 3.0], n)


@pytest.mark.parametrize(("target", "positive"), [(BINARY, 1), (FIRST_IS_POSITIVE, 0)])
def test_weighted_scores_of_two_labels_are_scikit_learns(target: Target, positive: int) -> None:
    """Whichever label is positive, every metric of the answers counts rows by their weight."""
    y, p = guesses(400, 2)
    w = counts(400)
    true, answered = y == positive, p.argmax(axis=1) == positive
    own = scores(target, y, p, Context(weight=w, asked="gini"))
    expected = {
        "accuracy": sk.accuracy_score(true, answered, sample_weight=w),
        "balanced_accuracy": sk.balanced_accuracy_score(true, answered, sample_weight=w),
        "f1": sk.f1_score(true, answered, sample_weight=w),
        "precision": sk.precision_score(true, answered, sample_weight=w),
        "recall": sk.recall_score(true, answered, sample_weight=w),
        "specificity": sk.recall_score(~true, ~answered, sample_weight=w),
        "mcc": sk.matthews_corrcoef(true, answered, sample_weight=w),
        "roc_auc": sk.roc_auc_score(true, p[:, positive], sample_weight=w),
        "gini": 2 * sk.roc_auc_score(true, p[:, positive], sample_weight=w) - 1,
        "average_precision": sk.average_precision_score(true, p[:, positive], sample_weight=w),
        "log_loss": sk.log_loss(y, p, sample_weight=w),
        "brier": sk.brier_score_loss(true, p[:, positive], sample_weight=w),
    }
    assert set(own) == set(expected)
    assert own == pytest.approx(expected, abs=1e-12)


def test_weighted_scores_of_several_labels_are_scikit_learns() -> None:
    """Means over labels are unweighted, rows are not."""
    y, p = guesses(400, 3)
    w, answered = counts(400), p.argmax(axis=1)
    own = scores(ORDERED, y, p, Context(weight=w, asked="quadratic_kappa"))
    macro = {"average": "macro", "sample_weight": w}
    assert own["precision"] == pytest.approx(sk.precision_score(y, answered, **macro), abs=1e-12)
    assert own["recall"] == pytest.approx(sk.recall_score(y, answered, **macro), abs=1e-12)
    assert own["balanced_accuracy"] == pytest.approx(own["recall"])
    assert own["mcc"] == pytest.approx(sk.matthews_corrcoef(y, answered, sample_weight=w), abs=1e-12)
    kappa = sk.cohen_kappa_score(y, answered, weights="quadratic", sample_weight=w)
    assert own["quadratic_kappa"] == pytest.approx(kappa, abs=1e-12)


@pytest.mark.parametrize("name", [m.name for m in metrics_for("regression")])
def test_weighted_scores_of_numbers_are_scikit_learns(name: str) -> None:
    """Each is checked against the library that people compare with."""
    random = np.random.default_rng(0)
    y = random.gamma(2.0, 3.0, 300) + 0.5
    p = np.maximum(y + random.normal(0, 1, 300), 0.05)
    w = counts(300)
    theirs = {
        "rmse": sk.root_mean_squared_error,
        "mae": sk.mean_absolute_error,
        "median_ae": sk.median_absolute_error,
        "r2": sk.r2_score,
        "mape": sk.mean_absolute_percentage_error,
        "rmsle": sk.root_mean_squared_log_error,
        "poisson_deviance": sk.mean_poisson_deviance,
        "gamma_deviance": sk.mean_gamma_deviance,
    }
    own = score(NUMBER, name, y, p, Context(weight=w))
    if name.startswith("pinball_"):
        alpha = int(name.removeprefix("pinball_")) / 100
        expected = sk.mean_pinball_loss(y, p, sample_weight=w, alpha=alpha)
    elif name == "max_error":
        expected = sk.max_error(y[w > 0], p[w > 0])
    elif name == "median_ae":
        # Theirs takes one of two middle rows that weigh the same; unweighted there is no question.
        own, expected = score(NUMBER, name, y, p), sk.median_absolute_error(y, p)
    else:
        expected = theirs[name](y, p, sample_weight=w)
    assert own == pytest.approx(expected, rel=1e-9)


@settings(max_examples=25)
@given(st.data())
def test_a_weight_is_so_many_rows(data: st.DataObject) -> None:
    """A table with a column of counts scores as the table that it stands for."""
    n = data.draw(st.integers(2, 12))
    times = np.array(data.draw(st.lists(st.integers(0, 3), min_size=n, max_size=n).filter(any)))
    random = np.random.default_rng(n)
    y, p = random.gamma(2, 1, n), random.gamma(2, 1, n)
    names = ("rmse", "mae", "median_ae", "max_error", "rmsle", "poisson_deviance", "pinball_90")
    told = np.repeat(np.arange(n), times)
    one = weighted_scores(NUMBER, y, p, names, np.ones((1, n)), Context(weight=times.astype(float)))
    many = weighted_scores(NUMBER, y[told], p[told], names, np.ones((1, len(told))))
    for name in names:
        assert one[name][0] == pytest.approx(many[name][0], rel=1e-9), name


def test_a_metric_is_defined_where_the_true_values_allow_it() -> None:
    """RMSLE and deviances have a domain, kappa needs an order, and rows without weight define nothing."""
    y = np.array([0.0, 1.0, 2.0])
    asked = {name: Context(asked=name) for name in ("rmsle", "poisson_deviance", "gamma_deviance", "max_error")}
    assert {name for name, c in asked.items() if name in defined_metrics(NUMBER, y, c)} == {
        "rmsle",
        "poisson_deviance",
        "max_error",
    }
    assert "rmsle" not in defined_metrics(NUMBER, y - 1, asked["rmsle"])
    kappa = Context(asked="quadratic_kappa")
    labels = np.array([0, 1, 2])
    assert "quadratic_kappa" in defined_metrics(ORDERED, labels, kappa)
    assert "quadratic_kappa" not in defined_metrics(THREE, labels, kappa)
    one = Context(weight=np.array([1.0, 1.0, 0.0]))
    assert "roc_auc" in defined_metrics(BINARY, np.array([0, 0, 1]))
    assert "roc_auc" not in defined_metrics(BINARY, np.array([0, 0, 1]), one)


@pytest.mark.parametrize(
    ("task", "name", "meant"),
    [
        ("binary", "auc", "roc_auc"),
        ("binary", "neg_log_loss", "log_loss"),
        ("multiclass", "matthews_corrcoef", "mcc"),
        ("regression", "neg_mean_squared_error", "rmse"),
        ("regression", "neg_root_mean_squared_error", "rmse"),
        ("regression", "MAE", "mae"),
    ],
)
def test_a_metric_by_another_name_is_understood_and_named(task: str, name: str, meant: str) -> None:
    """People type what other libraries call it."""
    with pytest.raises(SpecError) as caught:
        metric_for(task, name)  # type: ignore[arg-type] - the parameters are plain text
    assert f"did you mean {meant!r}?" in str(caught.value)


def test_other_names_lead_to_metrics_that_there_are() -> None:
    """And none of them is a name of its own."""
    known = {m.name for m in METRICS}
    assert set(OTHER_NAMES.values()) <= known
    assert not known & set(OTHER_NAMES)


def test_the_cost_is_the_mean_of_what_answers_cost_and_counts_by_weight() -> None:
    """With the decision's own threshold, by hand."""
    y = np.array([0, 0, 1, 1])
    high = np.array([0.1, 0.3, 0.3, 0.9])
    context = Context(decision=Decision(cost=((0, 5), (100, 0)), threshold=0.2), weight=np.array([1.0, 2.0, 1.0, 0.0]))
    own = scores(BINARY, y, np.column_stack([1 - high, high]), context)
    assert next(iter(own)) == "cost"
    assert own["cost"] == pytest.approx((0 * 1 + 5 * 2 + 0 * 1) / 4)
    assert own["recall"] == 1.0
    likeliest = scores(BINARY, y, np.column_stack([1 - high, high]), replace(context, decision=None))
    assert likeliest["recall"] == 0.0


def test_groups_are_resampled_whole() -> None:
    """Ten copies of each row tell no more than the row: the interval is that of the rows, and not a third as wide."""
    random = np.random.default_rng(0)
    y = random.normal(0, 1, 100)
    p = y + random.normal(0, 1, 100)
    # Blocks of one row each, for the intervals of blocks are percentiles, and those of few rows are not.
    alone = bootstrap(NUMBER, y, p, replicates=400, seed=1, context=Context(block=np.arange(100)))["rmse"]
    ten, block = np.repeat(np.arange(100), 10), np.repeat(np.arange(100), 10)
    whole = bootstrap(NUMBER, y[ten], p[ten], replicates=400, seed=1, context=Context(block=block))["rmse"]
    apart = bootstrap(NUMBER, y[ten], p[ten], replicates=400, seed=1)["rmse"]
    assert whole.high - whole.low == pytest.approx(alone.high - alone.low, rel=0.02)
    assert apart.high - apart.low < 0.4 * (whole.high - whole.low)


def test_of_very_many_rows_some_groups_are_resampled_and_the_interval_is_that_of_all() -> None:
    """A large table costs no more time, and its interval is as wide as the full one but for chance."""
    random = np.random.default_rng(0)
    n, each = 3 * MOST_ROWS // 2, 3
    block = np.arange(n) // each
    y = random.normal(0, 1, n)
    p = y + np.repeat(random.normal(0, 1, n // each), each)
    some = spread_of(NUMBER, "mae", y, p, replicates=300, seed=1, context=Context(block=block))
    sd = np.abs(p - y).reshape(-1, each).mean(axis=1).std() / (n / each) ** 0.5
    assert some.n == n
    assert (some.high - some.low) / 3.92 == pytest.approx(sd, rel=0.15)
