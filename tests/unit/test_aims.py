"""What good means, from the spec to the bundle: every key reaches the search, the verdict, the report and answers."""

from __future__ import annotations

import json
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from penstock.aiming import context_of
from penstock.bundle.bundle import Bundle
from penstock.bundle.candidate import Candidate
from penstock.errors import DataError, SpecError, UserError
from penstock.evaluate import evaluate
from penstock.metrics.aim import aim_of
from penstock.metrics.scores import score, scores
from penstock.models.stage import train
from penstock.receipts import Evaluated, Trained
from penstock.slices import Gate
from penstock.spec.pipeline import spec_from
from penstock.table import Target
from tests.real import GERMAN
from tests.unit.models.making import Run, run_until_trained, ships

QUICK = {"families": ("linear",), "folds": 3}


def trained(run: Run, **given: Any) -> Trained:
    modelling = run.spec.modelling.model_copy(update=QUICK | given)
    return train(run.wrangled, modelling, run.spec.typing, 5, run.store)


def judged(run: Run, candidate: Trained) -> tuple[Evaluated, dict[str, Any]]:
    """Return the verdict on a candidate, and its metrics file."""
    done = evaluate(run.wrangled, candidate, None, Gate(replicates=200), run.spec.typing, 9, run.store)
    return done, json.loads(run.store.read_bytes(done.metrics))


def sealed(run: Run, candidate: Trained, done: Evaluated) -> Bundle:
    """Return the candidate as it is opened to serve."""
    kept = Candidate(name="ships", trained=candidate, evaluated=done, started_from="", spec={}, lineage={})
    published = kept.publish(run.store.root, force="a test wants it live")
    assert published.path is not None
    return Bundle.load(published.path)


def module(folder: Path, text: str) -> Path:
    """Write a module beside a spec that is to come."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "mine.py").write_text(text)
    return folder


def test_costs_decide_the_search_the_threshold_and_the_answer(tmp_path: Path) -> None:
    """A false alarm that costs a fifth of a miss is answered sooner; probabilities stay as they are."""
    run = run_until_trained(ships(600), tmp_path, cost={"fp": 1, "fn": 5})
    candidate = trained(run)
    assert candidate.metric == "cost"
    assert candidate.leaderboard[0].metric == "cost"
    done, told = judged(run, candidate)
    bundle = sealed(run, candidate, done)
    decision = bundle.aim.decision
    assert decision is not None
    assert decision.threshold is not None
    assert decision.threshold < 0.4
    answers = bundle.predict(ships(300, seed=3).drop(columns="late"))
    assert answers.probabilities is not None
    high = answers.probabilities[:, 1]
    between = (high >= decision.threshold) & (high < 0.5)
    assert between.any()
    assert [answers.labels[i] for i in np.flatnonzero(between)] == ["yes"] * int(between.sum())
    assert answers.to_frame()["prediction"].tolist() == np.where(high >= decision.threshold, "yes", "no").tolist()
    assert [row["prediction"] for row in answers.rows()] == answers.labels
    costs = {c["answers"]: c for c in told["aim"]["costs"]}
    assert set(costs) == {"as answered", "from 0.5 on", "always 'no'", "always 'yes'"}
    assert costs["as answered"]["value"] == pytest.approx(done.scores["cost"].value)
    assert costs["as answered"]["high"] < costs["always 'yes'"]["value"]
    confusion = np.array(told["curves"]["confusion"])
    assert (confusion * [[0, 1], [5, 0]]).sum() / confusion.sum() == pytest.approx(done.scores["cost"].value)
    assert "from a probability of" in told["aim"]["lines"][1]
    assert "from a probability of" in bundle.card


def test_another_metric_may_decide_beside_costs_and_another_cost_is_another_model(tmp_path: Path) -> None:
    """The threshold is part of what the bundle's digest covers."""
    table = ships(300)
    one = trained(run_until_trained(table, tmp_path / "one", cost={"fp": 1, "fn": 5}, metric="log_loss"))
    assert one.metric == "log_loss"
    other = trained(run_until_trained(table, tmp_path / "other", cost={"fp": 1, "fn": 6}, metric="log_loss"))
    assert one.content_digest != other.content_digest


def test_the_named_positive_label_is_that_of_costs_and_curves(tmp_path: Path) -> None:
    """Labels that are numbers, the first of them positive."""
    table = ships(400)
    table["late"] = np.where(table["late"] == "yes", 1, 2)
    run = run_until_trained(table, tmp_path, positive="1", cost={"fp": 1, "fn": 5})
    candidate = trained(run)
    done, told = judged(run, candidate)
    assert list(told["curves"]["curves"]) == ["1"]
    bundle = sealed(run, candidate, done)
    answers = bundle.predict(table.drop(columns="late"))
    assert answers.probabilities is not None
    decision = bundle.aim.decision
    assert decision is not None
    assert decision.positive == 0
    assert answers.labels == np.where(answers.probabilities[:, 0] >= decision.threshold, 1, 2).tolist()
    assert (np.array(answers.labels) == 1).mean() > (table["late"] == 1).mean()


def test_weights_reach_fits_scores_and_the_threshold_and_are_no_feature(tmp_path: Path) -> None:
    """A row that weighs nothing changes neither the model nor its scores; a request may carry the weight."""
    table = ships(500)
    broken = table.assign(late=np.where(table["late"] == "yes", "no", "yes"), ship=[f"B{i:05}" for i in range(500)])
    both = pd.concat([table.assign(times=1), broken.assign(times=0)], ignore_index=True)
    run = run_until_trained(both, tmp_path / "both", weight="times")
    candidate = trained(run)
    done, told = judged(run, candidate)
    alone = run_until_trained(table, tmp_path / "alone")
    expected, _ = judged(alone, trained(alone))
    assert done.scores["roc_auc"].value == pytest.approx(expected.scores["roc_auc"].value, abs=0.02)
    assert done.scores["roc_auc"].value > 0.9
    assert done.baseline["roc_auc"].value == 0.5
    assert "Rows count by 'times'" in told["aim"]["lines"][0]
    bundle = sealed(run, candidate, done)
    assert "times" not in [c.name for c in bundle.schema.features]
    rows = table.drop(columns="late").head(3)
    with_weight = bundle.predict(rows.assign(times=7))
    assert with_weight.notes == ()
    assert with_weight.estimates.tolist() == bundle.predict(rows).estimates.tolist()


def test_scores_with_weights_are_those_of_the_held_out_rows_by_weight(tmp_path: Path) -> None:
    """By hand, from the sides and the twin's predictions."""
    table = ships(400).assign(times=1.0 + np.arange(400) % 4)
    run = run_until_trained(table, tmp_path, weight="times")
    sides = run.store.read_frame(run.wrangled.sides)
    weights = sides["weight"].to_numpy()
    assert sorted(set(weights)) == [1.0, 2.0, 3.0, 4.0]
    candidate = trained(run)
    done, _ = judged(run, candidate)
    from penstock.judging import judge
    from penstock.metrics.weighted import Context

    held = (sides["side"] == "heldout").to_numpy(dtype=bool)
    said = judge(run.wrangled, candidate, sides, run.store)
    by_hand = scores(said.target, said.y, said.predicted, Context(weight=weights[held]))
    assert {k: v.value for k, v in done.scores.items()} == pytest.approx(by_hand)
    assert by_hand["accuracy"] != scores(said.target, said.y, said.predicted)["accuracy"]


@pytest.mark.parametrize(
    ("weights", "said"),
    [
        ([None, 1, 1], "without a weight"),
        ([-1, 1, 1], "below 0"),
        ([0, 0, 0], "weigh nothing"),
        (["a", "b", "c"], "no numbers"),
    ],
)
def test_weights_that_are_none_are_refused(weights: list[object], said: str, tmp_path: Path) -> None:
    """With the column, how many rows and the first of them."""
    table = ships(300)
    table["times"] = pd.Series((weights * 100)[:300], dtype=object)
    with pytest.raises(UserError) as caught:
        run_until_trained(table, tmp_path, weight="times")
    assert said in str(caught.value)
    assert "times" in str(caught.value)


def test_the_target_cannot_weigh_rows(tmp_path: Path) -> None:
    """Nor can the column that groups them."""
    for clash in ({"weight": "late"}, {"weight": "ship", "group": "ship"}):
        with pytest.raises(SpecError, match="`weight` names"):
            run_until_trained(ships(200), tmp_path, **clash)


def test_a_metric_of_ones_own_decides_the_search_and_the_gate(tmp_path: Path) -> None:
    """Its source travels in the bundle; its score is that of the function called by hand."""
    text = (
        "def worth(y_true, y_pred, sample_weight=None):\n"
        "    import numpy as np\n"
        "    gain = np.where(y_pred == 'yes', np.where(y_true == 'yes', 3.0, -1.0), 0.0)\n"
        "    return np.average(gain, weights=sample_weight)\n"
    )
    folder = module(tmp_path, text)
    run = run_until_trained(ships(400), folder, metric={"use": "mine:worth", "greater_is_better": True})
    candidate = trained(run)
    assert candidate.metric == "worth"
    done, told = judged(run, candidate)
    assert done.verdict.passed
    assert "Worth" in done.verdict.reasons[0]
    own = done.scores["worth"]
    assert own.low < own.value < own.high
    confusion = told["curves"]["confusion"]
    assert own.value == pytest.approx((3 * confusion[1][1] - confusion[0][1]) / np.sum(confusion))
    assert told["importance"]["metric"] == told["learning"]["metric"] == "worth"
    bundle = sealed(run, candidate, done)
    assert bundle.aim.own is not None
    assert bundle.aim.own.source == {"mine": text}
    (folder / "mine.py").write_text(text.replace("3.0", "4.0"))
    changed = spec_from({"source": "ships.csv", "target": "late", "metric": "mine:worth"}, folder)
    assert changed.modelling != run.spec.modelling


def test_a_metric_of_ones_own_may_take_probabilities_and_less_may_be_better(tmp_path: Path) -> None:
    """Without `sample_weight` it is given rows as often as they are drawn."""
    text = (
        "def surprise(y_true, probabilities):\n    return float(((y_true == 'yes') - probabilities).__abs__().mean())\n"
    )
    run = run_until_trained(
        ships(300), module(tmp_path, text), metric={"use": "mine:surprise", "greater_is_better": False}
    )
    done, told = judged(run, trained(run))
    assert told["greater_is_better"] is False
    assert done.verdict.passed
    assert done.scores["surprise"].value < done.baseline["surprise"].value


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("return float('nan')", "NaN"),
        ("return 'good'", "type str"),
        ("raise ValueError('a secret: ' + str(y_true[0]))", "ValueError"),
    ],
)
def test_a_metric_that_gives_no_score_is_told(body: str, said: str, tmp_path: Path) -> None:
    """Which function, what it gave and what was expected; and no value that its exception quotes."""
    folder = module(tmp_path, f"def bad(y_true, y_pred):\n    {body}\n")
    run = run_until_trained(ships(200), folder, metric={"use": "mine:bad"})
    with pytest.raises(SpecError) as caught:
        trained(run)
    assert said in str(caught.value)
    assert "mine:bad" in str(caught.value)
    assert "secret" not in str(caught.value)


def test_a_metric_that_does_not_fit_is_refused_before_the_search(tmp_path: Path) -> None:
    """A function that takes no weights, a name that is taken, a module that is not there, a domain that is left."""
    folder = module(tmp_path, "def plain(y_true, y_pred):\n    return 1.0\n\n\ndef one(y_true):\n    return 1.0\n")
    table = ships(200).assign(times=1)
    weighted = run_until_trained(table, folder, metric="mine:plain", weight="times")
    with pytest.raises(SpecError, match="takes no weights"):
        trained(weighted)
    taken = run_until_trained(table, folder, metric={"use": "mine:plain", "name": "accuracy"})
    with pytest.raises(SpecError, match="as a built-in one"):
        trained(taken)
    single = run_until_trained(table, folder, metric="mine:one")
    with pytest.raises(SpecError, match="cannot be called"):
        trained(single)
    with pytest.raises(SpecError, match="no module"):
        run_until_trained(table, folder, metric="nobodys:plain")
    negative = run_until_trained(ships(200, task="regression"), tmp_path / "number", metric="rmsle")
    with pytest.raises(DataError, match="no value below 0"):
        trained(negative)
    labels = run_until_trained(table, tmp_path / "labels", intervals=0.9)
    with pytest.raises(SpecError, match="`intervals` are for numbers"):
        trained(labels)
    with pytest.raises(SpecError, match="`intervals` are for numbers"):
        run_until_trained(table, folder, task="binary", intervals=0.9)


def test_a_group_is_never_on_both_sides_of_split_or_fold_and_is_resampled_whole(tmp_path: Path) -> None:
    """Rows that come in sixes are a sixth as many."""
    table = ships(120)
    six = pd.concat([table] * 6, ignore_index=True).assign(owner=np.tile(np.arange(120), 6))
    six["size"] += np.random.default_rng(0).normal(0, 1e-3, len(six))
    six["ship"] = [f"S{i:05}" for i in range(len(six))]
    run = run_until_trained(six, tmp_path, group="owner")
    sides = run.store.read_frame(run.wrangled.sides)
    assert sides.groupby("group")["side"].nunique().max() == 1
    done, told = judged(run, trained(run))
    assert "Rows of one 'owner' stay together" in told["aim"]["lines"][0]
    apart = run_until_trained(six.drop(columns="owner"), tmp_path / "apart")
    other, _ = judged(apart, trained(apart))
    widths = [d.scores["brier"].high - d.scores["brier"].low for d in (done, other)]
    assert widths[0] > 1.5 * widths[1]


def test_intervals_of_a_number_come_with_every_answer_and_hold_what_they_promise(tmp_path: Path) -> None:
    """The bundle keeps them, the report says what they held, and what is never negative has no negative end."""
    table = ships(900, task="regression")
    table["late"] = np.exp(table["late"] / 2)
    run = run_until_trained(table, tmp_path, intervals=0.9)
    candidate = trained(run)
    done, told = judged(run, candidate)
    held = told["intervals"]
    assert held["low"] < held["coverage"] < held["high"]
    assert held["low"] <= 0.9 <= held["high"]
    assert len(held["by_prediction"]) > 3
    assert "low and high are to hold 90%" in told["aim"]["lines"][-1]
    bundle = sealed(run, candidate, done)
    new = ships(500, seed=4, task="regression")
    answers = bundle.predict(new.drop(columns="late"))
    assert answers.low is not None
    assert answers.high is not None
    true = np.exp(new["late"].to_numpy() / 2)
    assert 0.85 <= ((true >= answers.low) & (true <= answers.high)).mean() <= 0.95
    assert (answers.low >= np.minimum(answers.estimates, 0)).all()
    assert list(answers.to_frame().columns[:3]) == ["prediction", "low", "high"]
    one = bundle.predict(new.drop(columns="late").head(1)).rows()[0]
    assert one["low"] == answers.low[0]
    without = trained(run, intervals=None)
    assert without.content_digest != candidate.content_digest


def test_several_labels_are_answered_by_their_expected_cost(tmp_path: Path) -> None:
    """A matrix by label names: what is dear to miss is answered more often."""
    table = ships(500, task="multiclass")
    plain = run_until_trained(table, tmp_path / "plain")
    dear = run_until_trained(table, tmp_path / "dear", cost={"c": {"a": 20, "b": 20}})
    answered = []
    for run in (plain, dear):
        candidate = trained(run)
        done, told = judged(run, candidate)
        answered.append(sealed(run, candidate, done).predict(table.drop(columns="late")).labels.count("c"))
    assert answered[1] > 1.2 * answered[0]
    assert {c["answers"] for c in told["aim"]["costs"]} >= {"as answered", "the likeliest label", "always 'c'"}


def test_of_a_private_target_no_label_is_told_with_its_costs(tmp_path: Path) -> None:
    """Neither in sentences, nor in the numbers that are kept, nor in an error."""
    private = {"late": {"private": True}}
    run = run_until_trained(ships(300), tmp_path, cost={"yes": {"no": 5}}, columns=private)
    _, told = judged(run, trained(run))
    text = json.dumps(told["aim"])
    assert "label 2" in text
    assert "yes" not in text
    wrong = run_until_trained(ships(300), tmp_path, cost={"perhaps": {"no": 5}}, columns=private)
    with pytest.raises(SpecError) as caught:
        trained(wrong)
    assert "'yes'" not in str(caught.value)


def test_what_scores_hang_on_can_go_to_another_process(tmp_path: Path) -> None:
    """Fits and scores of a large table are done by processes; carried source is loaded anew there."""
    text = "def near(y_true, y_pred):\n    return float(abs(y_true - y_pred).mean())\n"
    run = run_until_trained(ships(200, task="regression"), module(tmp_path, text), metric="mine:near")
    target = Target(name="late", task="regression")
    aim = aim_of(target, run.spec.modelling, run.spec.typing)
    context = context_of(aim, run.store.read_frame(run.wrangled.sides))
    again = pickle.loads(pickle.dumps(context))
    y = np.arange(5.0)
    assert score(target, "near", y, y + 2, again) == 2.0


@pytest.mark.long
def test_german_credit_by_its_published_costs(shared: Path, tmp_path: Path) -> None:
    """To take a bad customer for a good one costs five times as much: the threshold saves what likely labels lose."""
    table = pd.read_csv(shared / "data" / "german_credit" / "german.csv", header=None, names=GERMAN)
    run = run_until_trained(
        table.rename(columns={"bad": "late"}), tmp_path, positive="2", cost={"2": {"1": 5}, "1": {"2": 1}}
    )
    candidate = trained(run, folds=5)
    done, told = judged(run, candidate)
    costs = {c["answers"]: c["value"] for c in told["aim"]["costs"]}
    # To refuse everybody costs 0.7 a row, and to take everybody 1.5.
    assert costs["as answered"] < 0.68
    assert costs["as answered"] < costs["from 0.5 on"] - 0.1
    bundle = sealed(run, candidate, done)
    assert bundle.aim.decision is not None
    assert bundle.aim.decision.optimal == pytest.approx(1 / 6)
    labels = np.array(bundle.predict(table.drop(columns="bad")).labels)
    assert 0.4 < (labels == 2).mean() < 0.8
