"""Tables that there is little to learn from: a message that says what to do, or a model that is honest about itself."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from penstock.errors import DataError
from penstock.metrics.metric import metric_for
from penstock.models.families import DummyFamily, LightGBMFamily, LinearFamily
from penstock.models.folds import make_folds
from penstock.models.search import search
from penstock.models.stage import train
from penstock.models.training import Training
from penstock.slices import Modelling
from penstock.steps.plan import Plan
from penstock.table import Target
from tests.unit.models.making import run_until_trained

TINY = Modelling(families=("linear", "lightgbm"), folds=3, trials=2)


def table(n: int, columns: int = 3) -> pd.DataFrame:
    """Return numbers, and a target that goes by the first two."""
    random = np.random.default_rng(0)
    features = pd.DataFrame(random.normal(size=(n, columns)).round(3), columns=[f"x{i}" for i in range(columns)])
    return features.assign(late=np.where(features["x0"] + features["x1"] > 0, "yes", "no"))


def test_two_rows_are_too_few(tmp_path: Path) -> None:
    """The message says how many there have to be."""
    with pytest.raises(DataError, match="too few rows") as raised:
        run_until_trained(table(2), tmp_path)
    assert "at least 50" in str(raised.value)


def test_columns_that_never_differ_are_no_columns(tmp_path: Path) -> None:
    """There is nothing to learn from, and that is said."""
    given = table(200)
    given[["x0", "x1", "x2"]] = 1.0
    with pytest.raises(DataError, match="no column to learn from"):
        run_until_trained(given, tmp_path)


def test_more_columns_than_rows_end_in_a_model(tmp_path: Path) -> None:
    """Each family is regularised, and every seed says the same."""
    run = run_until_trained(table(80, 90), tmp_path)
    done = train(run.wrangled, TINY, run.spec.typing, 5, run.store)
    assert {row.state for row in done.leaderboard} == {"completed"}


def test_an_infinite_target_is_no_number_to_learn(tmp_path: Path) -> None:
    """Its row is rejected, and all others are learned from."""
    random = np.random.default_rng(0)
    given = table(200).assign(late=random.normal(size=200))
    given.loc[3, "late"] = np.inf
    run = run_until_trained(given, tmp_path)
    assert run.wrangled.n_train + run.wrangled.n_heldout == 199
    done = train(run.wrangled, TINY, run.spec.typing, 5, run.store)
    assert np.isfinite([row.mean for row in done.leaderboard]).all()


def test_a_fold_with_one_class_costs_its_score_alone() -> None:
    """A rank cannot be told there; the other folds decide."""
    given = table(60)
    y = np.array([0] * 58 + [1, 1])
    target = Target(name="late", task="binary", labels=("no", "yes"), positive="yes")
    fold_of = np.arange(60) % 3
    fold_of[58:] = [0, 1]
    made = Training(given.drop(columns="late"), y, fold_of, Plan(steps=()), target, 3, 60)
    found = search(made, (DummyFamily(), LinearFamily(), LightGBMFamily(trees=5)), metric_for("binary"))
    assert all(len(row.folds) == 2 and row.state == "completed" for row in found.rows)


def test_hundreds_of_labels_are_handled() -> None:
    """Many of them are rarer than folds: those that a fit lacks have probability 0 there."""
    random = np.random.default_rng(0)
    n_labels = 300
    y = np.concatenate([np.arange(n_labels), random.integers(0, n_labels, 600)])
    target = Target(name="late", task="multiclass", labels=tuple(f"c{i:03}" for i in range(n_labels)))
    given = pd.DataFrame({"x": y + random.normal(0, 0.1, len(y)), "z": random.normal(size=len(y))})
    made = Training(given, y, make_folds(target, y, None, 3, 1), Plan(steps=()), target, 3, len(y))
    found = search(made, (DummyFamily(), LinearFamily()), metric_for("multiclass", "accuracy"))
    assert found.out_of_fold.shape == (len(y), n_labels)
    np.testing.assert_allclose(found.out_of_fold.sum(axis=1), 1.0)
    assert all(row.state == "completed" for row in found.rows)


def test_a_budget_of_one_second_ends_in_a_model_or_in_an_honest_baseline(tmp_path: Path) -> None:
    """What was not tried is said; what was chosen completed its folds."""
    run = run_until_trained(table(300), tmp_path)
    hasty = Modelling(families=("linear", "ridge", "tree"), folds=3, budget=1.0)
    done = train(run.wrangled, hasty, run.spec.typing, 5, run.store)
    first = done.leaderboard[0]
    assert first.chosen
    assert first.state == "completed"
    assert all(row.state == "completed" or row.note for row in done.leaderboard)


def test_two_rows_of_a_label_are_learned_from_and_what_they_cannot_tell_is_said(tmp_path: Path) -> None:
    """A label that is rarer than folds costs the others nothing, and the run says where it was missing."""
    given = table(200)
    given.loc[:9, "late"] = "maybe"
    run = run_until_trained(given, tmp_path, split={"heldout": 0.5})
    done = train(run.wrangled, Modelling(families=("naive_bayes",), folds=12, trials=1), run.spec.typing, 5, run.store)
    assert done.leaderboard[0].state == "completed"
    assert any("fewer rows than there are folds: 'maybe'" in line for line in done.selection)


def test_more_than_two_hundred_labels_are_refused_with_what_to_do(tmp_path: Path) -> None:
    """A thousand labels are names or numbers, and no classes."""
    given = table(1000).assign(late=[f"name {i}" for i in range(1000)])
    with pytest.raises(DataError, match="too many classes") as raised:
        run_until_trained(given, tmp_path)
    assert "at most 200 classes" in str(raised.value)
