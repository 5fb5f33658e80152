from __future__ import annotations

import io
import json
import time
from pathlib import Path

import joblib
import numpy as np
import pytest

from penstock.errors import SpecError
from penstock.models import stage
from penstock.models.recipe import Recipe
from penstock.models.stage import train
from penstock.receipts import Trained
from penstock.slices import Modelling
from penstock.store import Store
from tests.unit.models.making import Run, run_until_trained, ships

QUICK = Modelling(families=("linear", "lightgbm"), folds=3, trials=2)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Return ships that may be late, wrangled."""
    return run_until_trained(ships(), tmp_path_factory.mktemp("ships"))


def trained(run: Run, modelling: Modelling = QUICK, seed: int = 5) -> Trained:
    return train(run.wrangled, modelling, run.spec.typing, seed, run.store)


def opened(store: Store, done: Trained, which: str) -> Recipe:
    recipe: Recipe = joblib.load(io.BytesIO(store.read_bytes(getattr(done, which))))
    return recipe


def test_the_twin_has_seen_training_rows_only_and_the_served_model_all(run: Run) -> None:
    """Refitting the winner by hand on either set of rows gives the same predictions."""
    done = trained(run)
    cut, sides = run.store.read_frame(run.wrangled.cut), run.store.read_frame(run.wrangled.sides)
    learn = (sides["side"] == "train").to_numpy()
    assert 0 < learn.sum() < len(learn)
    y = sides["target"].to_numpy()
    twin, served = opened(run.store, done, "twin"), opened(run.store, done, "served")
    for recipe, rows in ((twin, learn), (served, sides["reason"].isna().to_numpy())):
        again = joblib.load(io.BytesIO(run.store.read_bytes(done.twin)))
        again.fit(cut[rows], y[rows])
        np.testing.assert_array_equal(recipe.predict_proba(cut), again.predict_proba(cut))
    assert (twin.predict_proba(cut) != served.predict_proba(cut)).any()


def test_refit_train_serves_the_twin(run: Run) -> None:
    """Who wants to serve exactly what was judged can have it."""
    done = trained(run, QUICK.model_copy(update={"refit": "train"}))
    assert done.served == done.twin


def test_the_same_seed_gives_the_same_content_digest(run: Run) -> None:
    """And so a second publish of it changes nothing; budget and threads are no part of it, another metric is."""
    first = trained(run)
    assert trained(run, QUICK.model_copy(update={"budget": 60.0})).content_digest == first.content_digest
    assert trained(run, QUICK.model_copy(update={"threads": 1})).content_digest == first.content_digest
    assert trained(run, QUICK.model_copy(update={"metric": "log_loss"})).content_digest != first.content_digest


def test_processes_train_the_very_same_model(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """A large table takes another road to the same digest."""
    first = trained(run)
    monkeypatch.setattr(stage, "LARGE", 0)
    second = trained(run)
    assert second.content_digest == first.content_digest
    assert [r.folds for r in second.leaderboard] == [r.folds for r in first.leaderboard]


def test_a_budget_that_allows_nothing_leaves_the_dummy_and_says_so(run: Run) -> None:
    """Training ends soon, with a model that the gate will refuse."""
    began = time.monotonic()
    done = trained(run, QUICK.model_copy(update={"budget": 1e-6}))
    assert done.family == "dummy"
    assert {row.state for row in done.leaderboard if row.family != "dummy"} == {"skipped"}
    assert time.monotonic() - began < 10


def test_an_unknown_metric_names_those_that_there_are(run: Run) -> None:
    """A metric of another task is one that there is not."""
    with pytest.raises(SpecError, match="no metric 'rmse' for a binary target"):
        trained(run, QUICK.model_copy(update={"metric": "rmse"}))
    with pytest.raises(SpecError) as raised:
        trained(run, QUICK.model_copy(update={"metric": "roc-auc"}))
    assert "roc_auc" in str(raised.value)


def test_probes_are_nobodys_record(run: Run) -> None:
    """No probe row is a row of the data, and no probe holds an identifier."""
    done = trained(run)
    probe = run.store.read_table(done.probe)
    assert "ship" not in probe.column_names
    names = [n for n in probe.column_names if n in ("size", "colour", "weight", "place")]
    real = {tuple(row.values()) for row in run.store.read_table(run.wrangled.raw).select(names).to_pylist()}
    made_up = [tuple(row.values()) for row in probe.select(names).to_pylist()[:-2]]
    assert not real & set(made_up)


def test_the_environment_names_the_libraries(run: Run) -> None:
    """Whoever opens the model elsewhere can see what it was made with."""
    told = json.loads(run.store.read_bytes(trained(run).environment))
    assert {"python", "scikit-learn", "numpy", "lightgbm"} <= set(told)


@pytest.mark.parametrize("task", ["multiclass", "regression"])
def test_other_tasks_train_too(task: str, tmp_path: Path) -> None:
    """The served model answers raw rows, whatever the target is."""
    run = run_until_trained(ships(task=task), tmp_path)
    done = trained(run)
    assert done.family != "dummy"
    assert done.metric == {"multiclass": "log_loss", "regression": "rmse"}[task]
    cut, sides = run.store.read_frame(run.wrangled.cut), run.store.read_frame(run.wrangled.sides)
    recipe = opened(run.store, done, "twin")
    held = (sides["side"] == "heldout").to_numpy()
    assert len(recipe.predict(cut[held])) == held.sum()


def test_groups_stay_together_in_folds(tmp_path: Path) -> None:
    """A target that is a property of the group cannot be learned from the group's other rows."""
    random = np.random.default_rng(0)
    table = ships(n=600)
    group = random.integers(0, 60, 600)
    per_group = random.permutation(np.arange(60) % 2)
    table["harbour"] = [f"H{g}" for g in group]
    table["depth"] = group + 0.001 * random.random(600)
    table["late"] = np.where(per_group[group] == 1, "yes", "no")
    run = run_until_trained(
        table[["ship", "harbour", "depth", "late"]], tmp_path, group="harbour", columns={"harbour": {"role": "group"}}
    )
    done = trained(run, Modelling(families=("lightgbm",), folds=5, trials=1))
    row = next(r for r in done.leaderboard if r.family == "lightgbm")
    assert row.mean is not None
    assert row.mean < 0.8
