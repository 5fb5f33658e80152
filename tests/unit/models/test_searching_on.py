"""What a search does beyond the given configurations, and what it remembers."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Literal, Self

import numpy as np
import pandas as pd
import pytest
from pydantic import Field

from penstock.metrics.metric import metric_for
from penstock.models.candidates import Configured
from penstock.models.crew import Alone
from penstock.models.families import (
    BaseFamily,
    DummyFamily,
    LightGBMFamily,
    LinearFamily,
    PerceptronFamily,
    TreeFamily,
)
from penstock.models.folds import make_folds
from penstock.models.proposing import portfolio, variation
from penstock.models.remembered import Kept
from penstock.models.search import search
from penstock.models.training import Training, fit_fold
from penstock.store import Store
from penstock.table import Target
from tests.unit.models.making import BINARY, training
from tests.unit.models.test_search import AUC, SleepyFamily


class VariedFamily(LinearFamily):
    """A linear family with something to vary."""

    kind: Literal["varied"] = "varied"  # type: ignore[assignment]

    @classmethod
    def portfolio(cls, target: Target, n_rows: int, n_columns: int) -> tuple[Self, ...]:
        """Return two configurations."""
        return cls(), cls(c=0.01)

    def varied(self, rng: np.random.Generator, target: Target, n_rows: int) -> Self:
        """Draw another penalty."""
        return self.model_copy(update={"c": float(np.exp(rng.normal(np.log(self.c), 1)))})


class Guessing(BaseFamily):
    """A family whose worse configurations know less."""

    kind: Literal["guessing"] = "guessing"
    noise: float = Field(default=0.0)

    def estimator(self, target: Target, n_rows: int, seed: int, threads: int) -> Any:
        """Return a linear model of features that are spoiled."""
        from penstock.models.estimators.linear import Logistic

        noise = self.noise

        class Spoiled(Logistic):
            def predict_proba(self, X: np.ndarray) -> np.ndarray:
                spoiled = np.random.default_rng(len(X)).normal(0, noise, X.shape)
                return super().predict_proba(np.nan_to_num(X) + spoiled)

            def fit(self, X: np.ndarray, y: np.ndarray) -> Any:
                return super().fit(np.nan_to_num(X), y)

        return Spoiled()


class Counting(Alone):
    """Counts what is fitted."""

    n = 0

    def each(self, given: Training, jobs: Sequence[Any], deadline: float | None) -> Iterator[Any]:
        """Do the jobs."""
        for done in super().each(given, jobs, deadline):
            self.n += 1
            yield done


def test_each_family_comes_with_its_strongest_before_any_with_its_second() -> None:
    """So that little time still sees every family; what was set by hand comes before the portfolio."""
    found = portfolio((DummyFamily(), VariedFamily(), LightGBMFamily(trees=9)), BINARY, 100, 4)
    assert found[:3] == (DummyFamily(), VariedFamily(), LightGBMFamily(trees=9))
    assert VariedFamily(c=0.01) in found[3:]


def test_a_number_of_trials_decides_what_is_tried_and_time_does_not() -> None:
    """Twice the same candidates with the same scores; their number is the one that was asked for."""
    given = training()
    first, second = (
        search(given, (DummyFamily(), VariedFamily()), AUC, most=7, deadline=time.monotonic() + wait)
        for wait in (60.0, 90.0)
    )
    told = [(row.family, row.config, row.folds, row.state) for row in first.rows]
    assert told == [(row.family, row.config, row.folds, row.state) for row in second.rows]
    assert sum(row.family == "varied" for row in first.rows) == 7
    assert len({row.config for row in first.rows if row.family == "varied"}) == 7
    np.testing.assert_array_equal(first.out_of_fold, second.out_of_fold)


def test_a_space_without_variations_ends_the_search() -> None:
    """Nothing is tried twice, however much time there is."""
    found = search(training(), (DummyFamily(), SleepyFamily()), AUC, most=None, deadline=time.monotonic() + 60)
    assert [row.family for row in found.rows].count("sleepy") == 1


def test_a_configuration_that_is_behind_is_given_up_after_two_folds() -> None:
    """The strongest of each family is always fitted on all; what is behind half of those before is not."""
    families = [Guessing(noise=n) for n in (0.0, 0.01, 0.02, 0.03, 0.04, 9.0, 8.0)]
    found = search(training(folds=4), (DummyFamily(), *families), AUC)
    rows = {row.config: row for row in found.rows}
    assert rows["noise 9"].state == rows["noise 8"].state == "stopped"
    assert len(rows["noise 9"].folds) == 2
    assert "behind half" in rows["noise 9"].note
    assert rows[""].state == "completed"


def test_the_best_are_compared_on_other_divisions_too() -> None:
    """With few rows chance in the division is large: the leaderboard has a score for every fold of every division."""
    given = training()
    again = dataclasses.replace(given, repeats=(make_folds(BINARY, given.y, None, 3, 99),))
    found = search(again, (DummyFamily(), LinearFamily()), AUC)
    once = search(given, (DummyFamily(), LinearFamily()), AUC)
    row = found.rows[0]
    assert (row.family, len(row.folds)) == ("linear", 6)
    assert row.folds[:3] == once.rows[0].folds
    assert np.isfinite(found.out_of_fold).all()
    assert (found.out_of_fold != once.out_of_fold).any()


def test_a_fold_of_a_repeat_has_not_seen_what_it_is_tested_on() -> None:
    """Numbered on from the first division's folds."""
    given = training()
    again = dataclasses.replace(given, repeats=(make_folds(BINARY, given.y, None, 3, 99),))
    for fold in range(6):
        assert not set(again.learned(fold)) & set(again.tested(fold))
    tested = np.concatenate([again.tested(fold) for fold in (3, 4, 5)])
    assert sorted(tested.tolist()) == list(range(len(given.y)))


def test_what_one_row_would_take_too_long_for_is_not_chosen_and_said() -> None:
    """The dummy stands in where nothing else can be served."""
    found = search(training(), (DummyFamily(), LinearFamily()), AUC, most_ms=1e-6)
    row = next(row for row in found.rows if row.family == "linear")
    assert found.kind == "dummy"
    assert row.state == "skipped"
    assert "max_latency_ms" in row.note


def test_early_stopping_says_how_many_rounds_a_model_bears() -> None:
    """Fits stop before the most that they may, and remember where."""
    given = training()
    fit = fit_fold(given, LightGBMFamily(trees=400), 0)
    assert 0 < fit.rounds < 400
    found = search(given, (DummyFamily(), LightGBMFamily(trees=400)), AUC)
    assert 0 < found.members[0].rounds < 400


def test_rows_count_by_their_weight() -> None:
    """Rows of no weight teach nothing."""
    given = training()
    weights = np.ones(len(given.y))
    weights[given.y == 1] = 1e-9
    weighted = fit_fold(dataclasses.replace(given, weights=weights), Weighing(), 0).predicted
    assert weighted[:, 1].max() < 0.2 < fit_fold(given, Weighing(), 0).predicted[:, 1].max()


class Weighing(LinearFamily):
    """scikit-learn's own logistic regression, which takes weights."""

    kind: Literal["weighing"] = "weighing"  # type: ignore[assignment]

    def estimator(self, target: Target, n_rows: int, seed: int, threads: int) -> Any:
        """Return it."""
        from sklearn.linear_model import LogisticRegression

        return LogisticRegression()


@pytest.mark.parametrize("changed", ["nothing", "seed", "rows"])
def test_a_search_goes_on_from_what_was_fitted_before(tmp_path: Path, changed: str) -> None:
    """What an earlier run fitted on the same rows is not fitted again, and gives the same result; other rows are."""
    given, store = training(), Store(tmp_path)
    families = (DummyFamily(), LinearFamily(), LightGBMFamily(trees=10))
    first = search(given, families[:2], AUC, memory=Kept(store, given, "rows"))
    other = dataclasses.replace(given, seed=8) if changed == "seed" else given
    crew = Counting()
    memory = Kept(store, other, "others" if changed == "rows" else "rows")
    second = search(other, families, AUC, crew=crew, memory=memory)
    assert crew.n == (3 if changed == "nothing" else 6)
    linear = [next(row for row in found.rows if row.family == "linear") for found in (first, second)]
    assert linear[0].folds == linear[1].folds
    assert metric_for("binary") == AUC


def test_a_kept_fit_that_is_damaged_is_fitted_again(tmp_path: Path) -> None:
    """A run must not fail for want of what only spares it time."""
    given, store = training(), Store(tmp_path)
    search(given, (DummyFamily(), LinearFamily()), AUC, memory=Kept(store, given, "rows"))
    kept = sorted(tmp_path.rglob("*.npz"))
    assert len(kept) == 3
    for path in kept:
        path.chmod(0o600)
        path.write_bytes(path.read_bytes()[:50])
    crew = Counting()
    found = search(given, (DummyFamily(), LinearFamily()), AUC, crew=crew, memory=Kept(store, given, "rows"))
    assert crew.n == 3
    assert found.kind == "linear"


def test_what_a_perceptron_said_on_the_way_is_remembered(tmp_path: Path) -> None:
    """A run that goes on scores it as the one before did: after the rounds of the other folds."""
    given, store = training(), Store(tmp_path)
    families = (DummyFamily(), PerceptronFamily())
    first, second = (search(given, families, AUC, memory=Kept(store, given, "rows")) for _ in range(2))
    np.testing.assert_array_equal(first.out_of_fold, second.out_of_fold)
    again = Kept(store, given, "rows").recall(Configured(PerceptronFamily()), 1)
    assert again is not None
    assert again.way is not None
    assert len(again.way) > again.rounds


def test_variations_are_of_more_than_the_best_family() -> None:
    """The best one has about half of them, however many of its configurations stand before the others'."""
    best = [Configured(LightGBMFamily(leaves=n)) for n in range(10, 20)]
    best += [Configured(LinearFamily()), Configured(PerceptronFamily())]
    tried: list[Configured] = []
    for _ in range(60):
        found = variation(best, tried, None, BINARY, 1_000, 3)
        assert found is not None
        tried.append(found)
    kinds = [one.family.kind for one in tried]
    assert 20 <= kinds.count("lightgbm") <= 40
    assert kinds.count("linear") > kinds.count("mlp") > 2


@pytest.mark.parametrize("on_a_log", [False, True])
def test_a_scale_that_two_folds_speak_against_gets_no_more_of_them(on_a_log: bool) -> None:
    """Whether the logarithm serves hangs on how the target came to be; both are as skewed."""
    random = np.random.default_rng(0)
    given = training("regression", n=600, folds=5)
    x = random.gamma(1.0, 2.0, 600)
    object.__setattr__(given, "cut", pd.DataFrame({"x": x}))
    object.__setattr__(given, "y", np.exp(0.6 * x) + 0.1 if on_a_log else x + random.uniform(0, 0.2, 600))
    families = (DummyFamily(), LinearFamily(), TreeFamily())
    found = search(given, families, metric_for("regression", "rmse"), most=None, deadline=time.monotonic() + 2)
    row = next(row for row in found.rows if row.family == "linear" and row.config == "on a log scale")
    if on_a_log:
        assert (row.state, len(row.folds)) == ("completed", 5)
    else:
        assert (row.state, len(row.folds)) == ("stopped", 2)
        assert row.note == "given up after 2 folds, behind the target's own scale"


def test_no_division_is_done_again_before_every_family_had_its_turn() -> None:
    """The last one is as quick as the others, but begins when most of the time is gone."""
    given = training()
    again = dataclasses.replace(given, repeats=(make_folds(BINARY, given.y, None, 3, 99),))
    families = (DummyFamily(), LinearFamily(), SleepyFamily(seconds=1.1), TreeFamily())
    found = search(again, families, AUC, deadline=time.monotonic() + 4.4)
    tree = next(row for row in found.rows if row.family == "tree")
    assert len(tree.folds) >= 3


class Hurried(Alone):
    """Has no time for a tree on further divisions."""

    def each(self, given: Training, jobs: Sequence[Any], deadline: float | None) -> Iterator[Any]:
        """Do all other jobs."""
        chosen = [i for i, (_, (family, fold, *_)) in enumerate(jobs) if family.kind != "tree" or fold < given.n_folds]
        for k, done in super().each(given, [jobs[i] for i in chosen], deadline):
            yield chosen[k], done


def test_what_a_repeat_missed_takes_no_other_out_of_it() -> None:
    """Of those that are looked at again, the ones that the time was enough for are compared; of few it is none."""
    given = training()
    again = dataclasses.replace(given, repeats=(make_folds(BINARY, given.y, None, 3, 99),))
    # Each is better than those before it, so that none is given up.
    linear = tuple(LinearFamily(c=10.0 ** (i - 7)) for i in range(8))
    found = search(again, (DummyFamily(), *linear, TreeFamily()), AUC, crew=Hurried())
    assert [len(row.folds) for row in found.rows if row.family == "linear"] == [6] * 8
    assert "2 divisions" in next(row for row in found.rows if row.chosen).note
    few = search(again, (DummyFamily(), linear[-1], TreeFamily()), AUC, crew=Hurried())
    assert "2 divisions" not in next(row for row in few.rows if row.chosen).note
