from __future__ import annotations

import dataclasses
import os
import signal
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Literal

import numpy as np
import psutil
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin

from penstock.errors import DataError
from penstock.metrics.metric import metric_for
from penstock.metrics.scores import score
from penstock.models.crew import Alone, Processes
from penstock.models.families import BaseFamily, DummyFamily, LightGBMFamily, LinearFamily
from penstock.models.search import search
from penstock.models.training import Training, fit_fold
from penstock.steps.missing.fill import Fill
from penstock.steps.plan import Plan
from penstock.table import Target
from tests.unit.models.making import training

AUC = metric_for("binary")


class Sleeper(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """An estimator that takes its time, or fails."""

    def __init__(self, seconds: float = 0.0, message: str = "", blames_data: bool = False) -> None:
        self.seconds = seconds
        self.message = message
        self.blames_data = blames_data

    def fit(self, X: np.ndarray, y: np.ndarray) -> Sleeper:
        """Sleep."""
        time.sleep(self.seconds)
        if self.message:
            raise (DataError if self.blames_data else ValueError)(self.message)
        self.classes_ = np.unique(y)
        return self

    def predict_proba(self, X: np.ndarray) -> np.ndarray:
        """Guess."""
        return np.full((len(X), len(self.classes_)), 1 / len(self.classes_))


class SleepyFamily(BaseFamily):
    """A family that is as slow, or as broken, as a test needs it."""

    kind: Literal["sleepy"] = "sleepy"
    seconds: float = 0.0
    message: str = ""
    blames_data: bool = False

    def estimator(self, target: Target, n_rows: int, seed: int, threads: int) -> Any:
        """Return what sleeps."""
        return Sleeper(self.seconds, self.message, self.blames_data)


class Killing(Sleeper):
    """An estimator that the system kills."""

    def fit(self, X: np.ndarray, y: np.ndarray) -> Killing:
        """Die."""
        os.kill(os.getpid(), signal.SIGKILL)
        return self


class KillingFamily(BaseFamily):
    """A family that no memory is enough for."""

    kind: Literal["killing"] = "killing"

    def estimator(self, target: Target, n_rows: int, seed: int, threads: int) -> Any:
        """Return what is killed."""
        return Killing()


class TwinFamily(LinearFamily):
    """The linear family under another name."""

    kind: Literal["twin"] = "twin"  # type: ignore[assignment]


def named(found: Any) -> dict[str, Any]:
    return {row.family: row for row in found.rows}


def test_the_best_family_wins_and_the_leaderboard_says_by_how_much() -> None:
    """Each row holds its folds, their mean and deviation; the winner stands first."""
    given = training("binary", n=300)
    found = search(given, (DummyFamily(), LinearFamily(), LightGBMFamily(trees=20)), AUC)
    assert [row.chosen for row in found.rows] == [True, False, False]
    best = found.rows[0]
    assert best.family == found.winner.kind != "dummy"
    assert len(best.folds) == 3
    assert best.mean == pytest.approx(np.mean(best.folds))
    assert best.sd == pytest.approx(np.std(best.folds, ddof=1))
    assert best.mean > 0.8 > named(found)["dummy"].mean == 0.5
    assert found.cross_validation["roc_auc"] == (pytest.approx(best.mean), pytest.approx(best.sd))
    assert {"roc_auc", "average_precision", "log_loss", "brier", "accuracy", "f1"} <= set(found.cross_validation)
    assert score(given.target, "roc_auc", given.y, found.out_of_fold) > 0.8


@pytest.mark.parametrize("task", ["multiclass", "regression"])
def test_less_is_better_for_a_loss(task: Literal["multiclass", "regression"]) -> None:
    """The dummy has the largest loss and comes last."""
    found = search(training(task), (DummyFamily(), LinearFamily()), metric_for(task))
    assert [row.family for row in found.rows] == ["linear", "dummy"]
    assert found.rows[0].mean < found.rows[1].mean


def test_of_two_equally_good_families_the_earlier_is_chosen() -> None:
    """Twice the same model under two names: the order of trying decides, not chance."""
    given = training()
    first = search(given, (DummyFamily(), LinearFamily(), TwinFamily()), AUC)
    second = search(given, (DummyFamily(), TwinFamily(), LinearFamily()), AUC)
    assert (first.winner.kind, second.winner.kind) == ("linear", "twin")


def test_learned_steps_are_fitted_in_every_fold_anew() -> None:
    """What a step learns from a row must not reach the fold in which that row is tested."""
    given = training(plan=Plan(steps=(Fill(),)))
    tested = np.flatnonzero(given.fold_of == 1)
    wild = given.cut.copy()
    wild.loc[tested[1:], ["size", "weight"]] = 1e6
    wild.loc[tested[1:], "colour"] = "unheard of"
    y = given.y.copy()
    y[tested[1:]] = 1 - y[tested[1:]]
    changed = dataclasses.replace(given, cut=wild, y=y)
    for family in (LinearFamily(), LightGBMFamily(trees=10)):
        before, after = fit_fold(given, family, 1).predicted, fit_fold(changed, family, 1).predicted
        np.testing.assert_array_equal(before[0], after[0])
        assert (before[1:] != after[1:]).any()


def test_a_family_that_fails_is_told_and_not_chosen() -> None:
    """Others go on; the leaderboard has the first line of what went wrong."""
    found = search(training(), (DummyFamily(), SleepyFamily(message="no luck\nsecond line"), LinearFamily()), AUC)
    row = named(found)["sleepy"]
    assert (row.state, row.mean, row.note) == ("failed", None, "ValueError: no luck")
    assert found.winner.kind == "linear"


def test_what_the_user_has_to_correct_is_no_familys_failure() -> None:
    """A step that finds fault with the rows ends the search with its own message."""
    with pytest.raises(DataError, match="no such lake"):
        search(training(), (DummyFamily(), SleepyFamily(message="no such lake", blames_data=True)), AUC)


def test_the_dummy_completes_whatever_the_deadline() -> None:
    """With no time at all it is chosen, and the leaderboard says why."""
    found = search(training(), (DummyFamily(), LinearFamily()), AUC, deadline=time.monotonic() - 1)
    assert found.winner.kind == "dummy"
    assert named(found)["linear"].state == "skipped"
    assert "budget" in named(found)["linear"].note
    assert "no other family" in named(found)["dummy"].note


def test_the_first_two_families_may_take_longer_so_that_any_budget_ends_in_a_model() -> None:
    """A plain one and a strong one, whose grace is their own: the others are not even begun."""
    families = (DummyFamily(), LinearFamily(), LightGBMFamily(trees=5), SleepyFamily())
    found = search(training(), families, AUC, deadline=time.monotonic() - 1, grace=60.0)
    assert found.winner.kind in {"linear", "lightgbm"}
    states = [named(found)[kind].state for kind in ("linear", "lightgbm", "sleepy")]
    assert states == ["completed", "completed", "skipped"]


def test_alone_it_begins_no_fold_that_would_outlast_the_deadline() -> None:
    """A family of half a second a fold is stopped after the fold that fits, and cannot be chosen."""
    started = time.monotonic()
    families = (DummyFamily(), SleepyFamily(seconds=0.5), LinearFamily())
    found = search(training(), families, AUC, crew=Alone(), deadline=started + 0.9)
    row = named(found)["sleepy"]
    assert (row.state, len(row.folds), row.chosen) == ("stopped", 1, False)
    assert row.note == "1 of 3 folds when the budget ended it"
    assert time.monotonic() - started < 2.0


def test_processes_are_killed_at_the_deadline_and_what_was_done_counts() -> None:
    """A fit that would take a minute does not: its process is gone, and the quick family is chosen."""
    crew, given = Processes(2), training(n=150, folds=8)
    try:
        # Processes that stand already: how long they take to start is up to the machine.
        assert [i for i, _ in crew.each(given, [(fit_fold, (LinearFamily(), fold)) for fold in range(4)], None)]
        started = time.monotonic()
        families = (DummyFamily(), LinearFamily(), SleepyFamily(seconds=60.0))
        found = search(given, families, AUC, crew=crew, deadline=started + 5.0)
    finally:
        crew.close()
    lasted = time.monotonic() - started
    assert lasted < 13.0
    assert found.winner.kind == "linear"
    assert named(found)["sleepy"].state == "skipped"
    children = psutil.Process().children(recursive=True)
    assert not [
        c for c in children if "loky" in " ".join(c.cmdline()) and "resource_tracker" not in " ".join(c.cmdline())
    ]


@pytest.mark.long
def test_a_family_whose_process_is_killed_fails_alone() -> None:
    """The system ends it for want of memory, say; what shared its pool is fitted all the same."""
    crew = Processes(1)
    try:
        found = search(training(n=150), (DummyFamily(), KillingFamily(), LinearFamily()), AUC, crew=crew)
    finally:
        crew.close()
    assert found.winner.kind == "linear"
    assert named(found)["killing"].state == "failed"
    assert "want of memory" in named(found)["killing"].note


def test_an_executor_of_somebody_else_is_used_and_left_alone() -> None:
    """The flow owns it, and goes on using it."""
    with ThreadPoolExecutor(2) as executor:
        crew = Processes(2, executor)
        found = search(training(n=150), (DummyFamily(), LinearFamily()), AUC, crew=crew)
        crew.close()
        assert executor.submit(lambda: 1).result() == 1
    assert found.winner.kind == "linear"


def test_ctrl_c_ends_the_search_with_the_best_so_far() -> None:
    """One interrupt: what was completed is compared, the rest is told."""

    class Interrupted(Alone):
        yielded = 0

        def each(self, given: Training, jobs: Sequence[Any], deadline: float | None) -> Iterator[Any]:
            for done in super().each(given, jobs, deadline):
                if self.yielded == 4:
                    signal.raise_signal(signal.SIGINT)
                self.yielded += 1
                yield done

    assert threading.current_thread() is threading.main_thread()
    found = search(training(), (DummyFamily(), LinearFamily(), SleepyFamily()), AUC, crew=Interrupted())
    assert found.interrupted
    assert found.winner.kind == "linear"
    assert named(found)["sleepy"].note == "1 of 3 folds when Ctrl-C ended it"
