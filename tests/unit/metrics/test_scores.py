from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as sk

from penstock.errors import SpecError
from penstock.metrics.metric import MAIN, METRICS, metric_for, metrics_for
from penstock.metrics.scores import MOST_ROWS, averaged, bootstrap, paired, score, scores, spread_of
from penstock.metrics.weighted import average_precision, rank_auc
from penstock.table import Target

BINARY = Target(name="y", task="binary", labels=("no", "yes"), positive="yes")
FIRST_IS_POSITIVE = Target(name="y", task="binary", labels=("bad", "good"), positive="bad")
THREE = Target(name="y", task="multiclass", labels=("a", "b", "c"))
NUMBER = Target(name="y", task="regression")


def guesses(n: int, k: int, seed: int = 0, digits: int = 2) -> tuple[np.ndarray, np.ndarray]:
    """Return labels, and probabilities that tell something of them and have ties."""
    random = np.random.default_rng(seed)
    y = random.integers(0, k, n)
    shares = random.dirichlet(np.ones(k), n) + 0.5 * np.eye(k)[y]
    shares = np.round(shares / shares.sum(axis=1, keepdims=True), digits) + 1e-3
    return y, shares / shares.sum(axis=1, keepdims=True)


@pytest.mark.parametrize(("target", "positive"), [(BINARY, 1), (FIRST_IS_POSITIVE, 0)])
def test_binary_scores_are_scikit_learns(target: Target, positive: int) -> None:
    """Whichever label is positive, ties included."""
    y, p = guesses(500, 2)
    is_positive, guessed = y == positive, p.argmax(axis=1) == positive
    own = scores(target, y, p)
    first = ["roc_auc", "average_precision", "log_loss", "brier", "accuracy", "balanced_accuracy", "f1"]
    assert list(own) == [*first, "precision", "recall", "specificity", "mcc"]
    assert own["roc_auc"] == pytest.approx(sk.roc_auc_score(is_positive, p[:, positive]), abs=1e-12)
    assert own["average_precision"] == pytest.approx(sk.average_precision_score(is_positive, p[:, positive]), abs=1e-12)
    assert own["log_loss"] == pytest.approx(sk.log_loss(y, p), abs=1e-12)
    assert own["brier"] == pytest.approx(sk.brier_score_loss(is_positive, p[:, positive]), abs=1e-12)
    assert own["accuracy"] == pytest.approx(sk.accuracy_score(is_positive, guessed), abs=1e-12)
    assert own["f1"] == pytest.approx(sk.f1_score(is_positive, guessed), abs=1e-12)


def test_multiclass_scores_are_scikit_learns() -> None:
    """ROC AUC is one label against the rest, and F1 their mean."""
    y, p = guesses(500, 3)
    own = scores(THREE, y, p)
    assert next(iter(own)) == "log_loss"
    assert own["log_loss"] == pytest.approx(sk.log_loss(y, p), abs=1e-12)
    assert own["roc_auc"] == pytest.approx(sk.roc_auc_score(y, p, multi_class="ovr"), abs=1e-12)
    assert own["f1"] == pytest.approx(sk.f1_score(y, p.argmax(axis=1), average="macro"), abs=1e-12)
    assert own["brier"] == pytest.approx(((p - np.eye(3)[y]) ** 2).sum(axis=1).mean(), abs=1e-12)


def test_regression_scores_are_scikit_learns_far_from_zero() -> None:
    """The variance is a difference of sums, and must not cancel for large values."""
    random = np.random.default_rng(0)
    y = 1e9 + random.normal(0, 1, 300)
    p = y + random.normal(0, 0.5, 300)
    own = scores(NUMBER, y, p)
    assert own["rmse"] == pytest.approx(sk.root_mean_squared_error(y, p))
    assert own["mae"] == pytest.approx(sk.mean_absolute_error(y, p))
    assert own["r2"] == pytest.approx(sk.r2_score(y, p), abs=1e-9)
    assert own["mape"] == pytest.approx(sk.mean_absolute_percentage_error(y, p))


@settings(max_examples=100)
@given(
    rows=st.lists(st.tuples(st.booleans(), st.integers(0, 5), st.integers(0, 3)), min_size=2, max_size=40).filter(
        lambda rows: len({r[0] for r in rows if r[2]}) == 2
    )
)
def test_a_weight_is_as_many_copies_of_a_row(rows: list[tuple[bool, int, int]]) -> None:
    """Rank metrics under weights are scikit-learn's on the rows written out, ties and absent rows included."""
    positive = np.array([r[0] for r in rows])
    values = np.array([r[1] for r in rows], dtype=np.float64)
    weights = np.array([r[2] for r in rows], dtype=np.float64)
    copies = np.repeat(np.arange(len(rows)), weights.astype(int))
    auc = rank_auc(positive, values, weights[None, :])[0]
    precision = average_precision(positive, values, weights[None, :])[0]
    assert auc == pytest.approx(sk.roc_auc_score(positive[copies], values[copies]), abs=1e-12)
    assert precision == pytest.approx(sk.average_precision_score(positive[copies], values[copies]), abs=1e-12)


def test_a_probability_of_zero_for_what_happened_costs_much_but_not_everything() -> None:
    """Log loss stays finite."""
    own = scores(BINARY, np.array([0, 1]), np.array([[0.0, 1.0], [0.0, 1.0]]))
    assert own["log_loss"] == pytest.approx(-np.log(1e-15) / 2)


def test_mape_is_left_out_where_a_true_value_is_near_zero() -> None:
    """One such row would be the whole score."""
    y = np.array([100.0, 90.0, 110.0, 0.1])
    assert "mape" not in scores(NUMBER, y, y + 1)
    assert "mape" in scores(NUMBER, y[:3], y[:3] + 1)
    assert "mape" not in scores(NUMBER, np.array([0.0, 1.0]), np.array([1.0, 1.0]))


def test_rank_metrics_are_left_out_where_one_label_is_absent() -> None:
    """They are not defined there; what is defined is told."""
    assert list(scores(BINARY, np.array([1, 1]), np.array([[0.4, 0.6], [0.2, 0.8]]))) == [
        "log_loss",
        "brier",
        "accuracy",
        "f1",
    ]
    assert np.isnan(score(BINARY, "roc_auc", np.array([1, 1]), np.array([[0.4, 0.6], [0.2, 0.8]])))


@pytest.mark.parametrize("target", [BINARY, THREE, NUMBER], ids=lambda t: t.task)
def test_an_interval_holds_the_score_and_narrows_with_more_rows(target: Target) -> None:
    """Four times the rows, half the width, more or less."""
    widths = {}
    for n in (250, 1000):
        y: np.ndarray
        if target.task == "regression":
            random = np.random.default_rng(n)
            y = random.normal(50, 5, n)
            p = y + random.normal(0, 1, n)
        else:
            y, p = guesses(n, len(target.labels), seed=n)
        found = bootstrap(target, y, p, replicates=400, seed=1)
        assert found == bootstrap(target, y, p, replicates=400, seed=1)
        for name, value in scores(target, y, p).items():
            assert found[name].value == pytest.approx(value)
            assert found[name].low <= value <= found[name].high
            assert found[name].n == n
        main = found[MAIN[target.task]]
        widths[n] = main.high - main.low
    assert 1.4 < widths[250] / widths[1000] < 2.8


def test_the_interval_covers_the_truth_about_as_often_as_it_says() -> None:
    """Of 200 samples of normal errors, some 95 % of intervals hold the true mean absolute error."""
    random = np.random.default_rng(0)
    truth = np.sqrt(2 / np.pi)
    held = 0
    for i in range(200):
        y = random.normal(0, 10, 150)
        found = bootstrap(NUMBER, y, y + random.normal(0, 1, 150), replicates=300, seed=i)["mae"]
        held += found.low <= truth <= found.high
    assert 180 <= held <= 199


def test_a_large_table_is_resampled_in_part_and_its_interval_scaled() -> None:
    """The width is that of all rows, not of the part; the value is of all rows."""
    random = np.random.default_rng(0)
    n = 5 * MOST_ROWS
    y = random.normal(0, 10, n)
    found = bootstrap(NUMBER, y, y + random.normal(0, 1, n), replicates=200, seed=1)["mae"]
    expected = 2 * 1.96 * np.sqrt(1 - 2 / np.pi) / np.sqrt(n)
    assert found.high - found.low == pytest.approx(expected, rel=0.25)
    assert found.low < found.value < found.high


def test_a_pair_is_compared_on_the_same_resamples() -> None:
    """Two models that differ by a constant tell it apart where two single intervals overlap."""
    random = np.random.default_rng(0)
    y = random.normal(100, 5, 300)
    hard = random.normal(0, 5, 300)
    good, bad = y + hard, y + 1.1 * hard
    single = [bootstrap(NUMBER, y, p, seed=1)["rmse"] for p in (good, bad)]
    difference = paired(NUMBER, "rmse", y, good, bad, seed=1)
    assert single[0].high > single[1].low
    assert 0 < difference.low < difference.value < difference.high
    assert difference.value == pytest.approx(single[1].value - single[0].value)


def test_a_positive_difference_means_better_whatever_the_metric() -> None:
    """A better model has the higher AUC and the lower loss; both differences are positive."""
    y, p = guesses(400, 2)
    worse = np.full_like(p, 0.5)
    for metric in ("roc_auc", "log_loss", "brier", "accuracy"):
        assert paired(BINARY, metric, y, p, worse, replicates=200, seed=1).low > 0
        assert paired(BINARY, metric, y, worse, p, replicates=200, seed=1).high < 0
    same = paired(BINARY, "roc_auc", y, p, p, replicates=200, seed=1)
    assert (same.value, same.low, same.high) == (0.0, 0.0, 0.0)


def test_replicates_without_a_label_are_passed_over() -> None:
    """One positive row among thirty: a third of the resamples lack it, and the interval stands on the others."""
    y = np.zeros(30, dtype=np.int64)
    y[7] = 1
    p = np.column_stack([1 - np.linspace(0, 1, 30), np.linspace(0, 1, 30)])
    found = bootstrap(BINARY, y, p, seed=1)["roc_auc"]
    assert 0 <= found.low <= found.value <= found.high <= 1


def test_every_task_has_a_main_metric_and_unknown_ones_are_refused() -> None:
    """The main one stands first; the error names what there is."""
    for task, main in MAIN.items():
        assert metrics_for(task)[0].name == main
    assert {m.name for m in METRICS} == {m.name for task in MAIN for m in metrics_for(task)}
    with pytest.raises(SpecError, match="no metric 'auc'") as raised:
        metric_for("binary", "auc")
    assert "roc_auc" in str(raised.value)


@pytest.mark.parametrize("n", [300, MOST_ROWS + 500])
def test_one_metric_alone_has_the_interval_that_it_has_among_all(n: int) -> None:
    """Slices and learning curves must not tell another interval than the scores do."""
    y, p = guesses(n, 2)
    alone = spread_of(BINARY, "log_loss", y, p, replicates=100, seed=4)
    assert alone == bootstrap(BINARY, y, p, replicates=100, seed=4)["log_loss"]


def test_the_difference_to_several_is_the_mean_of_the_differences_to_each() -> None:
    """Repeats of a permutation are averaged before the interval is taken, which is so the narrower."""
    y, own = guesses(400, 2)
    others = [own[np.random.default_rng(k).permutation(400)] for k in range(3)]
    drawn = {"replicates": 200, "seed": 4}
    each = [paired(BINARY, "roc_auc", y, own, other, **drawn) for other in others]
    found = averaged(BINARY, "roc_auc", y, own, others, **drawn)
    assert found.value == pytest.approx(np.mean([e.value for e in each]))
    assert found.low < found.value < found.high
    assert found.high - found.low < max(e.high - e.low for e in each)
