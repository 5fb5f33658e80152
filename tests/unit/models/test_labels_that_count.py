"""Labels that count more in fits, labels that have an order, and labels that are rare."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from penstock.answering.decision import Decision
from penstock.errors import SpecError
from penstock.metrics.aim import aim_of
from penstock.metrics.class_weight import class_weights
from penstock.metrics.metric import metric_for
from penstock.metrics.scores import score, scores
from penstock.metrics.weighted import Context
from penstock.models.checking import check_modelling
from penstock.models.families import HistogramFamily, LinearFamily, LogisticFamily
from penstock.models.stage import train
from penstock.models.training import fit_fold, fit_weights
from penstock.slices import ColumnSpec, Modelling, Typing
from penstock.table import Target
from tests.unit.models.making import BINARY, NUMBER, THREE, run_until_trained, ships, training

TYPING = Typing(base="t", target="late")
ORDERED = THREE.model_copy(update={"ordered": True})


def test_balanced_labels_count_the_same_together_and_named_ones_what_they_are_given() -> None:
    """The usual meaning of both."""
    y = np.repeat([0, 1], [90, 10])
    weights = np.array(class_weights(BINARY, "balanced", y))[y]
    assert weights[y == 0].sum() == pytest.approx(weights[y == 1].sum()) == pytest.approx(50)
    assert class_weights(BINARY, {"YES": 3.0}, y) == (1.0, 3.0)
    rows = np.where(y == 1, 9.0, 1.0)
    assert class_weights(BINARY, "balanced", y, rows) == pytest.approx((1.0, 1.0))


@pytest.mark.parametrize("family", [LinearFamily(), LogisticFamily(), HistogramFamily()], ids=lambda f: f.kind)
def test_what_labels_count_reaches_fits_and_no_score(family: LinearFamily) -> None:
    """A label that counts more is found likelier; what is measured stays what it was."""
    plain = training("binary")
    heavy = replace(plain, class_weight=(1.0, 6.0))
    one, other = (fit_fold(t, family, 0).predicted for t in (plain, heavy))
    assert other[:, 1].mean() > one[:, 1].mean() + 0.05
    assert heavy.context is None
    assert heavy.weights is None
    rows = np.arange(10)
    found = fit_weights(heavy, rows)
    assert found is not None
    np.testing.assert_array_equal(found, np.where(plain.y[rows] == 1, 6.0, 1.0))


def test_a_run_weighs_labels_and_says_so(tmp_path: Path) -> None:
    """From the spec to what is answered: the probability of the rarer label is no longer calibrated away."""
    table = ships(400)
    table = table[(table["late"] == "no") | (np.arange(400) % 6 == 0)]
    found = []
    for model in ({}, {"class_weight": "balanced"}):
        run = run_until_trained(table, tmp_path / str(len(model)), positive="yes")
        how = Modelling.model_validate({"families": ["linear"], "folds": 3, "trials": 1, **model})
        trained = train(run.wrangled, how, run.spec.typing, 3, run.store)
        found.append(trained)
    assert found[0].content_digest != found[1].content_digest
    assert found[0].cross_validation["recall"][0] + 0.1 < found[1].cross_validation["recall"][0]


@pytest.mark.parametrize(
    ("target", "model", "message"),
    [
        (NUMBER, {"class_weight": "balanced"}, "`class_weight` is for labels"),
        (BINARY, {"class_weight": {"yess": 2}}, "did you mean 'yes'?"),
        (BINARY, {"metric": "rmse"}, "There is no metric 'rmse' for a binary target"),
        (NUMBER, {"metric": "neg_mean_squared_error"}, "did you mean 'rmse'?"),
        (THREE, {"metric": "qwk"}, "did you mean 'quadratic_kappa'?"),
        (THREE, {"metric": "quadratic_kappa"}, "needs labels that have an order"),
        (THREE, {"metric": "mean_rank_error"}, "columns: {late: {ordinal: [LOW, MIDDLE, HIGH]}}"),
    ],
)
def test_what_does_not_suit_the_target_is_refused_at_the_check(
    target: Target, model: dict[str, object], message: str
) -> None:
    """With what was probably meant, and before anything is trained."""
    with pytest.raises(SpecError) as raised:
        check_modelling(target, Modelling.model_validate(model), TYPING)
    assert message in str(raised.value)


def test_the_labels_of_a_private_target_are_told_nobody() -> None:
    """Not as what was probably meant either."""
    typing = TYPING.model_copy(update={"columns": {"late": ColumnSpec(private=True)}})
    with pytest.raises(SpecError) as raised:
        check_modelling(BINARY, Modelling(class_weight={"yess": 2}), typing)
    assert "'yes'" not in str(raised.value)


def test_the_label_in_the_middle_is_answered_where_labels_have_an_order() -> None:
    """Between two that are as likely at both ends, the middle one errs least; the likeliest is an end."""
    shares = np.array([[0.4, 0.25, 0.35]])
    plain, ranked = aim_of(THREE, Modelling(), TYPING), aim_of(ORDERED, Modelling(), TYPING)
    assert plain.decision is None
    assert ranked.decision is not None
    assert ranked.decision.codes(shares).tolist() == [1]
    assert ranked.metric is not None
    assert ranked.metric.name == "log_loss"
    squared = aim_of(ORDERED, Modelling(metric="quadratic_kappa"), TYPING).decision
    assert squared == Decision.of_ranks(3, 2)


def test_the_scores_of_ordered_labels_know_how_far_off_an_answer_is() -> None:
    """By hand: of four answers one is two ranks off and one is one."""
    y, answers = np.array([0, 1, 2, 2]), np.array([0, 2, 0, 2])
    shares = np.eye(3)[answers]
    assert score(ORDERED, "mean_rank_error", y, shares) == pytest.approx(0.75)
    told = scores(ORDERED, y, shares, Context())
    assert {"mean_rank_error", "quadratic_kappa"} <= set(told)
    assert "cost" not in scores(ORDERED, y, shares, Context(decision=Decision.of_ranks(3)))
    assert "mean_rank_error" not in scores(THREE, y, shares, Context())
    assert not metric_for("multiclass", "mean_rank_error").greater_is_better


@pytest.mark.parametrize(
    ("ranks", "message"),
    [
        (["low", "mid", "higher"], "did you mean 'high'?"),
        (["low", "high"], "gives 1 of the labels of 'late' no rank"),
        (["low", "LOW", "mid", "high"], "names a label twice"),
    ],
)
def test_an_order_that_does_not_fit_the_labels_is_refused(ranks: list[str], message: str, tmp_path: Path) -> None:
    """A label without a rank cannot be put anywhere."""
    table = ships(200, task="multiclass").replace({"late": {"a": "low", "b": "high", "c": "mid"}})
    with pytest.raises(SpecError) as raised:
        run_until_trained(table, tmp_path, columns={"late": {"ordinal": ranks}})
    assert message in str(raised.value)


def test_ordered_labels_are_learned_in_their_order_and_judged_by_it(tmp_path: Path) -> None:
    """From the spec to the plan: labels stand in the user's order, and the search goes by ranks where it is asked."""
    table = ships(240, task="multiclass").replace({"late": {"a": "low", "b": "mid", "c": "high"}})
    run = run_until_trained(table, tmp_path, columns={"late": {"ordinal": ["Low", "mid", "high"]}})
    how = Modelling(families=("linear",), folds=3, trials=1, metric="mean_rank_error")
    trained = train(run.wrangled, how, run.spec.typing, 3, run.store)
    assert trained.metric == "mean_rank_error"
    assert trained.cross_validation["mean_rank_error"][0] < 0.6
    schema = run.store.read_bytes(trained.table_schema)
    assert b'"labels":["low","mid","high"]' in schema.replace(b" ", b"")
