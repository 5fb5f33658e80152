"""The same model again: whatever comes first, and in whichever process."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from penstock.metrics.metric import metric_for
from penstock.models.crew import Alone
from penstock.models.families import families_for
from penstock.models.proposing import portfolio
from penstock.models.search import search
from penstock.models.training import Training
from tests.unit.models.making import training

# Families of every sort of randomness: none, sampled rows and columns, sampled thresholds, initial weights.
SEVERAL = ("linear", "lightgbm", "xgboost", "random_forest", "extra_trees")
RUN = """
import json, sys
from pathlib import Path
from penstock.models.stage import train
from penstock.slices import Modelling
from tests.unit.models.making import run_until_trained, ships

if __name__ == "__main__":
    task, folder, families, threads = sys.argv[1], Path(sys.argv[2]), sys.argv[3].split(","), int(sys.argv[4])
    run = run_until_trained(ships(200, task=task), folder)
    modelling = Modelling(families=tuple(families), folds=3, trials=7, threads=threads, budget=600.0)
    done = train(run.wrangled, modelling, run.spec.typing, 5, run.store)
    chosen = [row.config for row in done.leaderboard if row.chosen]
    print(json.dumps([done.content_digest, chosen, [row.folds for row in done.leaderboard]]))
"""


class Backwards(Alone):
    """Does jobs in the opposite order, as processes may end them in any."""

    def each(self, given: Training, jobs: Sequence[Any], deadline: float | None) -> Iterator[Any]:
        """Do the jobs, the last one first."""
        for i, done in super().each(given, list(reversed(jobs)), deadline):
            yield len(jobs) - 1 - i, done


@pytest.mark.parametrize("task", ["binary", "multiclass", "regression"])
def test_the_order_in_which_fits_end_changes_nothing(task: str) -> None:
    """Which of two processes is quicker must not decide what goes live."""
    given, metric = training(task, n=120), metric_for(task)
    families = portfolio(families_for(("linear", "lightgbm")), given.target, 120, 4)
    first, second = (search(given, families, metric, crew=crew, most=7) for crew in (Alone(), Backwards()))
    assert [(m.configured, m.weight, m.rounds, m.smear) for m in first.members] == [
        (m.configured, m.weight, m.rounds, m.smear) for m in second.members
    ]
    assert [(row.family, row.config, row.folds, row.state) for row in first.rows] == [
        (row.family, row.config, row.folds, row.state) for row in second.rows
    ]
    np.testing.assert_array_equal(first.out_of_fold, second.out_of_fold)


@pytest.mark.long
@pytest.mark.parametrize("task", ["binary", "multiclass", "regression"])
def test_two_processes_train_the_very_same_ensemble(task: str, tmp_path: Path, root: Path) -> None:
    """Strings hash otherwise in each, and neither knows the other's fits: data, seed and trials alone decide."""
    script = tmp_path / "again.py"
    script.write_text(RUN)
    started = [
        subprocess.Popen(
            [sys.executable, str(script), task, str(tmp_path / seed), ",".join(SEVERAL), "2"],
            cwd=root,
            env=os.environ | {"PYTHONHASHSEED": seed, "PYTHONPATH": str(root)},
            stdout=subprocess.PIPE,
            text=True,
        )
        for seed in ("1", "2")
    ]
    first, second = (json.loads(process.communicate(timeout=280)[0]) for process in started)
    assert first == second
    assert first[1], "something was chosen"
