"""The figures of what a model goes by, from real evaluations and from odd metrics files."""

from __future__ import annotations

import json
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from penstock.bundle.candidate import Candidate
from penstock.evaluate import evaluate
from penstock.receipts import Evaluated
from penstock.report.explained import explained_facts
from penstock.report.facts import Picture
from penstock.report.measured import Measured, read_measured
from penstock.report.pictures import evaluation_pictures
from penstock.slices import Gate
from penstock.table import TableSchema
from tests.unit.explain.making import Fitted, fitted
from tests.unit.models.making import ships
from tests.unit.series import demand as shops

ALWAYS = ["leaderboard", "intervals", "learning-curve"]
CLASSES = ["confusion", "roc", "precision-recall", "gain", "calibration"]
NUMBERS = ["predicted-true", "residuals", "error-deciles", "error-spread"]
SECRETS = ("Ottokar", "Wilhelmine", "Friedlinde")


def evaluated(made: Any, champion: Path | None = None) -> Evaluated:
    """Judge a candidate."""
    run, trained = made
    return evaluate(run.wrangled, trained, champion, Gate(replicates=100), run.spec.typing, 3, run.store)


def schema_of(made: Any) -> TableSchema:
    """Return a run's columns."""
    return TableSchema.model_validate_json(made[0].store.read_bytes(made[0].wrangled.table_schema))


def drawn(made: Any, found: Evaluated | None = None) -> dict[str, Picture]:
    """Return a candidate's pictures by name, in order; a warning is an error."""
    found = found or evaluated(made)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        pictures = evaluation_pictures(made[1], found, read_measured(found, made[0].store), schema_of(made))
    return {picture.name: picture for picture in pictures}


@pytest.fixture(scope="module")
def binary(tmp_path_factory: pytest.TempPathFactory) -> Fitted:
    """Return a model of whether ships are late."""
    return fitted(ships(400), tmp_path_factory.mktemp("binary"))


@pytest.fixture(scope="module")
def found(binary: Fitted) -> Evaluated:
    """Return how it was judged."""
    return evaluated(binary)


@pytest.fixture(scope="module")
def pictures(binary: Fitted, found: Evaluated) -> dict[str, Picture]:
    """Return what is drawn of it."""
    return drawn(binary, found)


@pytest.mark.parametrize(("task", "own"), [("multiclass", CLASSES), ("regression", NUMBERS)])
def test_every_task_has_its_figures(tmp_path: Path, task: str, own: list[str]) -> None:
    """In one order, each with a title, a sentence and at most 100 kB."""
    found = drawn(fitted(ships(300, task=task), tmp_path))
    assert list(found) == [*ALWAYS, *own, "importance", "effects", "slices"]
    for picture in found.values():
        assert 0 < len(picture.png) <= 100_000
        assert picture.title
        assert picture.caption.endswith(".")
        assert len(picture.caption) < 600


def test_a_forecast_is_drawn_along_its_horizon(tmp_path: Path) -> None:
    """Errors by steps ahead, and origins to look at."""
    found = drawn(shops.demand(tmp_path))
    assert {"horizon-errors", "forecast-examples", "importance", "learning-curve"} <= set(found)
    assert "seasonal naive forecast in" in found["horizon-errors"].caption
    assert "past values of units" in found["importance"].caption


def test_two_classes_have_the_figures_of_many(pictures: dict[str, Picture]) -> None:
    """In the same order."""
    assert list(pictures) == [*ALWAYS, *CLASSES, "importance", "effects", "slices"]


def test_champion_and_challenger_are_drawn_side_by_side(binary: Fitted, found: Evaluated) -> None:
    """The same model is not better than itself, and the sentence does not say that it is."""
    run, trained = binary
    kept = Candidate(name="ships", trained=trained, evaluated=found, started_from="", spec={}, lineage={})
    done = kept.publish(run.store.root, force="a test wants it live")
    assert done.path is not None
    caption = drawn(binary, evaluated(binary, Path(done.path)))["challenge"].caption
    assert "neither is shown to be better" in caption


def test_a_held_out_side_of_one_class_makes_no_broken_figure(tmp_path: Path) -> None:
    """Nothing is drawn of what is not defined there, and the rest is."""
    table = ships(300, task="multiclass")
    table["sailed"] = pd.date_range("2020-01-01", periods=300, freq="D").strftime("%Y-%m-%d")
    table.loc[235:, "late"] = "a"
    found = set(drawn(fitted(table, tmp_path, split={"by": "time", "time": "sailed", "heldout": 0.2})))
    assert not {"roc", "precision-recall", "gain", "calibration"} & found
    assert {"confusion", "importance", "learning-curve"} <= found


def test_captions_say_how_much_was_looked_at(binary: Fitted, found: Evaluated, pictures: dict[str, Picture]) -> None:
    """Small groups are not over-read, and nobody takes a sample for all rows."""
    told = json.loads(binary[0].store.read_bytes(found.metrics))
    assert f"of {len(told['slices'])} groups" in pictures["slices"].caption
    assert f"at least {min(s['n'] for s in told['slices'])} rows" in pictures["slices"].caption
    assert f"of {told['n_heldout']} held-out rows where one of 4 things" in pictures["importance"].caption
    assert "by chance" in pictures["slices"].caption


def test_importance_is_told_in_a_table_too(binary: Fitted, found: Evaluated) -> None:
    """The same numbers as in the file, with a sentence on how they came to be."""
    facts = explained_facts(read_measured(found, binary[0].store), "late", frozenset({"place"}))
    assert facts is not None
    told = json.loads(binary[0].store.read_bytes(found.metrics))["importance"]["features"]
    assert [f.feature for f in facts.features] == [row["feature"] for row in told]
    assert [f.fall.value for f in facts.features] == [row["mean"] for row in told]
    assert [f.feature for f in facts.features if f.private] == ["place"]
    assert "3 times over" in facts.notes[0]


def test_a_file_of_an_earlier_release_is_still_drawn(binary: Fitted, found: Evaluated) -> None:
    """Without any of the newer keys there are the figures that there were, and no table."""
    run, _ = binary
    told = json.loads(run.store.read_bytes(found.metrics))
    newer = ("importance", "effects", "learning")
    old = {k: v for k, v in told.items() if k not in newer}
    for curves in old["curves"]["curves"].values():
        del curves["gain"], curves["histogram"]
    old["slices"] = [{k: v for k, v in s.items() if k not in ("low", "high")} for s in old["slices"]]
    earlier = found.model_copy(update={"metrics": run.store.put_json(old)})
    assert list(drawn(binary, earlier)) == [
        "leaderboard",
        "intervals",
        "confusion",
        "roc",
        "precision-recall",
        "calibration",
    ]
    assert explained_facts(read_measured(earlier, run.store), "late") is None


def test_of_private_numbers_and_columns_there_is_the_name_alone(tmp_path: Path) -> None:
    """Neither captions nor the file that the bundle carries hold a level, a row, or how high the target lies."""
    random = np.random.default_rng(0)
    nick = random.choice(SECRETS, 300)
    late = 7_654_000 + 100 * (nick == SECRETS[0]) + random.normal(0, 9, 300)
    table = pd.DataFrame({"nick": nick, "size": random.normal(0, 1, 300).round(3), "late": late.round(2)})
    made = fitted(table, tmp_path, columns={"nick": {"private": True}, "late": {"private": True}})
    judged = evaluated(made)
    pictures = drawn(made, judged)
    assert [name for name in pictures if name in (*NUMBERS, "effects")] == ["error-deciles"]
    assert "'nick'" in pictures["importance"].caption
    told = json.loads(made[0].store.read_bytes(judged.metrics))
    assert set(told["curves"]) == {"error_tenths"}
    assert {tenth["at"] for tenth in told["curves"]["error_tenths"]} == {None}
    whole = json.dumps(told) + " ".join(p.caption for p in pictures.values())
    assert not [secret for secret in (*SECRETS, "7654") if secret in whole]


def test_labels_of_a_private_target_are_numbered(tmp_path: Path) -> None:
    """They are its values."""
    made = fitted(
        ships(250).replace({"late": {"yes": SECRETS[0], "no": SECRETS[1]}}),
        tmp_path,
        columns={"late": {"private": True}},
    )
    found = drawn(made)
    assert "effects" not in found
    assert not [s for s in SECRETS for picture in found.values() if s in picture.caption]
    assert "'class " in found["gain"].caption


def test_a_model_that_goes_by_nothing_has_a_sentence_and_no_empty_figure(binary: Fitted, found: Evaluated) -> None:
    """Bars of zero length would be a broken figure."""
    run, _ = binary
    told = json.loads(run.store.read_bytes(found.metrics))
    for row in told["importance"]["features"]:
        row.update(mean=0.0, low=0.0, high=0.0)
    told["importance"]["note"] = "nothing that is sent changes the predictions"
    told["effects"]["features"] = []
    told["learning"]["points"] = told["learning"]["points"][-1:]
    flat = found.model_copy(update={"metrics": run.store.put_json(told)})
    assert not {"importance", "effects", "learning-curve"} & set(drawn(binary, flat))
    facts = explained_facts(read_measured(flat, run.store), "late")
    assert facts is not None
    assert "nothing that is sent changes the predictions" in facts.notes[0]


def test_what_cannot_be_measured_is_said() -> None:
    """A sentence stands where no feature could be asked about."""
    told = {"importance": {"metric": "roc_auc", "note": "ROC AUC is not defined on the held-out rows"}}
    facts = explained_facts(Measured.model_validate(told), "late")
    assert facts is not None
    assert facts.notes == (
        "How much each feature matters could not be measured: ROC AUC is not defined on the held-out rows.",
    )
