from __future__ import annotations

import io
import json
from pathlib import Path

import joblib
import numpy as np
import pandas as pd
import pytest

from penstock.bundle.candidate import Candidate
from penstock.evaluate import evaluate
from penstock.metrics.scores import scores
from penstock.models.stage import train
from penstock.receipts import Evaluated, Trained
from penstock.slices import Gate, Modelling
from penstock.table import Target
from tests.unit.models.making import Run, run_until_trained, ships

QUICK = Modelling(families=("linear",), folds=3, trials=1)


def trained(run: Run, modelling: Modelling = QUICK) -> Trained:
    return train(run.wrangled, modelling, run.spec.typing, 5, run.store)


def evaluated(run: Run, candidate: Trained, champion: Path | None = None, withdrawn: tuple[str, ...] = ()) -> Evaluated:
    gate = Gate(replicates=300)
    return evaluate(run.wrangled, candidate, champion, gate, run.spec.typing, 9, run.store, withdrawn=withdrawn)


def published(run: Run, candidate: Trained, judged: Evaluated) -> Path:
    """Publish a candidate and return its version's directory."""
    kept = Candidate(name="ships", trained=candidate, evaluated=judged, started_from="", spec={}, lineage={})
    done = kept.publish(run.store.root, force="a test wants it live")
    assert done.path is not None
    return Path(done.path)


@pytest.fixture(scope="module")
def table() -> pd.DataFrame:
    """Return a season of ships."""
    return ships(n=600)


@pytest.fixture(scope="module")
def run(table: pd.DataFrame, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Return the season's first 400 ships, wrangled."""
    return run_until_trained(table.iloc[:400], tmp_path_factory.mktemp("first"))


@pytest.fixture(scope="module")
def candidate(run: Run) -> Trained:
    """Return a model of them."""
    return trained(run)


@pytest.fixture(scope="module")
def live(run: Run, candidate: Trained) -> Path:
    """Return that model, published."""
    return published(run, candidate, evaluated(run, candidate))


@pytest.fixture(scope="module")
def grown(table: pd.DataFrame, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Return the whole season, wrangled."""
    return run_until_trained(table, tmp_path_factory.mktemp("grown"))


def test_scores_are_the_twins_on_raw_held_out_rows(run: Run, candidate: Trained) -> None:
    """The same numbers come out of the twin and the frame at the cut: raw rows were read as in training."""
    found = evaluated(run, candidate)
    twin = joblib.load(io.BytesIO(run.store.read_bytes(candidate.twin)))
    cut, sides = run.store.read_frame(run.wrangled.cut), run.store.read_frame(run.wrangled.sides)
    held = (sides["side"] == "heldout").to_numpy()
    schema = json.loads(run.store.read_bytes(candidate.table_schema))
    assert schema["target"]["labels"] == ["no", "yes"]
    target = Target.model_validate(schema["target"])
    by_hand = scores(target, sides["target"].to_numpy()[held], twin.predict_proba(cut[held]))
    assert {name: s.value for name, s in found.scores.items()} == pytest.approx(by_hand)
    assert {s.n for s in found.scores.values()} == {int(held.sum())}
    assert found.verdict.passed
    assert found.baseline["roc_auc"].value == 0.5
    assert set(found.cross_validation) >= {"roc_auc"}


def test_the_same_inputs_give_the_same_verdict(run: Run, candidate: Trained) -> None:
    """Every resample hangs on the seed alone; how fast the machine was just then is no part of what is cached."""
    one, two = evaluated(run, candidate), evaluated(run, candidate)
    assert one.identity() == two.identity()
    assert one.verdict == two.verdict
    assert set(one.measured) == {"latency_ms", "memory_mb", "bundle_mb"}
    assert all(value > 0 for value in one.measured.values())


def test_the_metrics_file_tells_all_that_the_report_draws(run: Run, candidate: Trained) -> None:
    """JSON without NaN, with the keys that the report reads."""
    told = json.loads(run.store.read_bytes(evaluated(run, candidate).metrics))
    assert {"scores", "unflagged", "baseline", "cross_validation", "curves", "slices", "findings", "champion"} <= set(
        told
    )
    assert np.sum(told["curves"]["confusion"]) == told["n_heldout"]
    assert told["champion"] is None


def test_a_model_is_as_good_as_itself(run: Run, candidate: Trained, live: Path) -> None:
    """Judged against its own twin the difference is nothing, and it passes."""
    found = evaluated(run, candidate, live)
    told = json.loads(run.store.read_bytes(found.metrics))["champion"]
    assert (told["difference"]["value"], told["difference"]["low"], told["difference"]["high"]) == (0, 0, 0)
    assert found.verdict.passed
    assert found.verdict.champion == live.name


def test_on_grown_data_champion_and_challenger_meet_on_rows_that_neither_has_seen(
    run: Run, grown: Run, live: Path
) -> None:
    """A row's side is for life: what is held out now was held out then, and all of it counts."""
    then, now = (r.store.read_frame(r.wrangled.sides) for r in (run, grown))
    sides = dict(zip(then["row"], then["side"], strict=True))
    assert all(sides[row] == side for row, side in zip(now["row"], now["side"], strict=True) if row in sides)
    found = evaluated(grown, trained(grown), live)
    told = json.loads(grown.store.read_bytes(found.metrics))["champion"]
    assert told["n"] == (now["side"] == "heldout").sum() > (then["side"] == "heldout").sum()
    assert told["note"] == ""
    assert found.verdict.passed


def test_a_worse_challenger_is_refused(run: Run, live: Path) -> None:
    """The dummy, put forward where no family is named, beats neither the baseline nor the champion nor the floor."""
    worse = trained(run, QUICK.model_copy(update={"families": ()}))
    verdict = evaluated(run, worse, live).verdict
    assert not verdict.passed
    assert "does not beat the dummy baseline" in verdict.reasons[0]
    assert "is worse than the champion" in verdict.reasons[1]
    assert "is worse than untuned histogram gradient boosting" in verdict.reasons[2]
    assert "the same, whatever they hold" in verdict.reasons[3]


def test_a_withdrawn_model_is_refused(run: Run, candidate: Trained) -> None:
    """Whatever its scores."""
    verdict = evaluated(run, candidate, withdrawn=(candidate.content_digest,)).verdict
    assert not verdict.passed
    assert "rolled back" in verdict.reasons[0]


def test_rows_that_a_step_would_reject_are_scored_with_and_without(table: pd.DataFrame, tmp_path: Path) -> None:
    """No held-out row is dropped; those with a cell that cannot be read are flagged."""
    spoiled = table.astype({"weight": object}).copy()
    spoiled.loc[np.arange(0, 600, 60), "weight"] = "a lot"
    run = run_until_trained(spoiled, tmp_path)
    sides = run.store.read_frame(run.wrangled.sides)
    flagged = int((sides["reason"].notna() & (sides["side"] == "heldout")).sum())
    assert flagged > 0
    found = evaluated(run, trained(run))
    told = json.loads(run.store.read_bytes(found.metrics))
    assert told["n_flagged"] == flagged
    assert told["unflagged"]["roc_auc"]["n"] == told["scores"]["roc_auc"]["n"] - flagged


def test_labels_of_the_champion_that_are_gone_block_and_the_champion_does_not_count(live: Path, tmp_path: Path) -> None:
    """Losses over other labels mean different things, and callers who wait for a label would wait for ever."""
    other = ships(n=400).replace({"late": {"yes": "maybe"}})
    run = run_until_trained(other, tmp_path)
    verdict = evaluated(run, trained(run), live).verdict
    (reason,) = verdict.reasons
    assert f"The live version {live.name} knows labels of 'late' that no row has any more: 'yes'" in reason
    told = next(check["reason"] for check in verdict.checks if check["name"] == "champion")
    assert "It knows other labels; those that only one of them knows: 'maybe', 'yes'." in str(told)


def test_a_champion_that_cannot_be_trusted_is_not_opened_and_that_is_said(
    run: Run, candidate: Trained, live: Path
) -> None:
    """One byte of its twin is flipped."""
    path = live / "twin.joblib"
    whole = path.read_bytes()
    mode = path.stat().st_mode
    path.chmod(0o600)
    try:
        path.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
        verdict = evaluated(run, candidate, live).verdict
    finally:
        path.write_bytes(whole)
        path.chmod(mode)
    assert verdict.passed
    assert "It cannot be opened" in verdict.reasons[1]


def test_a_champion_that_was_split_otherwise_is_compared_on_what_neither_saw(
    table: pd.DataFrame, live: Path, tmp_path: Path
) -> None:
    """Another share held out is another rule: only rows on the held-out side of both count."""
    run = run_until_trained(table.iloc[:400], tmp_path, split={"heldout": 0.5})
    found = evaluated(run, trained(run), live)
    told = json.loads(run.store.read_bytes(found.metrics))["champion"]
    assert 0 < told["n"] < told["difference"]["n"] + 1
    assert told["n"] < (run.store.read_frame(run.wrangled.sides)["side"] == "heldout").sum()
    assert "split otherwise" in told["note"]


def test_a_column_made_from_the_target_blocks(table: pd.DataFrame, tmp_path: Path) -> None:
    """Whatever it scores, the verdict names the column; declared as known only afterwards, it is left out."""
    leaking = table.assign(fine=np.where(table["late"] == "yes", 250.0, 0.0) + np.arange(600) / 100)
    run = run_until_trained(leaking, tmp_path / "leaking")
    verdict = evaluated(run, trained(run)).verdict
    assert not verdict.passed
    assert "'fine' alone tells the target" in verdict.reasons[0]
    honest = run_until_trained(leaking, tmp_path / "honest", known_after=["fine"])
    assert evaluated(honest, trained(honest)).verdict.passed


@pytest.mark.parametrize("task", ["multiclass", "regression"])
def test_other_tasks_are_judged_too(task: str, tmp_path: Path) -> None:
    """With the metrics of their own."""
    run = run_until_trained(ships(n=400, task=task), tmp_path)
    found = evaluated(run, trained(run))
    assert found.verdict.passed
    assert found.metric == {"multiclass": "log_loss", "regression": "rmse"}[task]
    assert found.metric in found.scores
