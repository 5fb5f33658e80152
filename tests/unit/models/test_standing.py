"""Which candidates cannot be told from the best, and how rows were divided to find out."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from penstock.metrics.metric import metric_for
from penstock.models.dividing import division_told
from penstock.models.families import LinearFamily, families_for
from penstock.models.folds import Order, folds_in_time, make_folds
from penstock.models.search import search
from penstock.models.stage import train
from penstock.models.standing import standing_told
from penstock.slices import Modelling
from tests.unit.models.making import NUMBER, THREE, run_until_trained, ships, training


def test_a_twin_of_the_best_cannot_be_told_from_it_and_a_hopeless_one_can() -> None:
    """The leaderboard says which differences may be chance, with the paired interval of each."""
    families = [*families_for(()), LinearFamily(c=1.0), LinearFamily(c=1.02), LinearFamily(c=1e-6)]
    found = search(training("binary", n=300), families, metric_for("binary", "log_loss"))
    rows = {row.config: row for row in found.rows if row.family == "linear"}
    best = found.rows[0]
    assert best.chosen
    behind = [row for row in rows.values() if row.behind is not None]
    assert len(behind) >= 2
    hopeless = rows["c 1e-06"]
    assert hopeless.behind is not None
    assert not hopeless.indistinct
    assert hopeless.behind.low > 0
    assert hopeless.outcome.endswith(" behind")
    alike = [row for row in behind if row.indistinct]
    assert alike
    assert all(row.behind is not None and row.behind.low <= 0 <= row.behind.high for row in alike)
    assert alike[0].outcome.startswith("cannot be told from the best: ")
    assert f"{len(alike)} of {len(behind)} candidates cannot be told from the best one" in standing_told(
        found.rows, "Log loss"
    )


def test_the_division_into_folds_is_said_with_its_reason() -> None:
    """Stratified, by group, in time, repeated: whoever reads a score should know what it rests on."""
    shown = training("binary")
    plain = {"group": "", "wanted": 3, "private": False, "split_by": "key"}
    (told,) = division_told(shown, **plain)  # type: ignore[arg-type]  # the words of one call
    assert told.startswith("Cross-validation: 3 folds, stratified: labels are predicted")
    (told,) = division_told(training("regression"), **plain)  # type: ignore[arg-type]
    assert "shuffled: numbers are predicted" in told
    (told,) = division_told(shown, **{**plain, "group": "owner", "wanted": 5})  # type: ignore[arg-type]
    assert "3 folds (of 5 asked for), in which rows of one 'owner' stay together" in told
    again = replace(shown, repeats=(shown.fold_of, shown.fold_of))
    assert "divided up to 3 times over: 240 are few" in division_told(again, **plain)[1]  # type: ignore[arg-type]
    ordered = replace(shown, order=Order(shown.fold_of, shown.fold_of, (0, 1, 2)))
    assert "follow each other in time" in division_told(ordered, **plain)[0]  # type: ignore[arg-type]
    assert "latest" in division_told(shown, **{**plain, "split_by": "time"})[1]  # type: ignore[arg-type]


@pytest.mark.parametrize("private", [False, True])
def test_labels_that_are_rarer_than_folds_are_said(private: bool) -> None:
    """A label with two rows is missing from most folds; of a private target it is not named."""
    y = np.array([0] * 60 + [1] * 40 + [2] * 2)
    shown = replace(training("multiclass", n=102), y=y, fold_of=make_folds(THREE, y, None, 5, 1))
    told = division_told(shown, group="", wanted=5, private=private, split_by="")
    assert "1 label has fewer rows than there are folds" in told[-1]
    assert ("'c' 2" in told[-1]) is not private


def test_folds_follow_time_where_held_out_rows_are_the_latest(tmp_path: Path) -> None:
    """A model that is judged on later rows is chosen on later rows, too."""
    table = ships(300).assign(day=pd.date_range("2024-01-01", periods=300, freq="D").astype(str))
    run = run_until_trained(table, tmp_path, positive="yes", split={"by": "time", "time": "day"})
    how = Modelling(families=("linear",), folds=3, trials=1)
    trained = train(run.wrangled, how, run.spec.typing, 3, run.store)
    assert trained.selection[0].startswith("Cross-validation: 3 folds that follow each other in time")
    assert "as held-out rows are the latest" in trained.selection[0]
    assert trained.leaderboard[0].chosen
    assert trained.leaderboard[0].family != "dummy"


def test_a_fold_never_learns_from_what_comes_after_it_and_rows_of_one_time_stay_together() -> None:
    """Else the future would be known in the past."""
    times = np.random.default_rng(0).integers(0, 40, 200).astype(np.float64)
    times[:3] = np.nan
    found = folds_in_time(NUMBER, np.arange(200.0), times, 4)
    assert found is not None
    fold_of, order = found
    for fold, until in enumerate(order.until):
        learned, tested = times[order.index <= until], times[fold_of == fold]
        assert len(tested)
        assert np.nanmax(learned) < tested.min()
    assert (fold_of[:3] == -1).all()
    assert folds_in_time(NUMBER, np.arange(200.0), np.zeros(200), 4) is None
    assert folds_in_time(THREE, np.repeat([0, 1], 100), np.arange(200.0), 4) is None
