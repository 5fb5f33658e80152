"""A class of the user's own from a spec to answers of a process that never saw its file."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from tests.e2e.driving import penstock, serving, summary_of
from tests.unit.models.making import ships

MINE = """\
import numpy as np


class Nearest:
    def __init__(self, k=9):
        self.k = k

    def fit(self, X, y, sample_weight=None):
        self.points_, self.codes_ = X, y
        self.classes_ = np.unique(y)
        return self

    def predict_proba(self, X):
        near = [np.argsort(((self.points_ - row) ** 2).sum(axis=1), kind="stable")[: self.k] for row in X]
        return np.array([[np.mean(self.codes_[rows] == c) for c in self.classes_] for rows in near])

    def predict(self, X):
        return self.classes_[self.predict_proba(X).argmax(axis=1)]
"""
SPEC = """\
name: late
source: late.csv
target: late
positive: "yes"
model: {families: [{use: mine:Nearest, params: {k: 15}, encoding: quantile, latency_ms: 2}], folds: 3, trials: 1}
gate: {floor: false}
"""

pytestmark = pytest.mark.long


def test_a_class_of_the_users_own_is_checked_trained_published_and_served(tmp_path: Path) -> None:
    """Every door has it, though the file it came from is gone."""
    ships(600).to_csv(tmp_path / "late.csv", index=False)
    (tmp_path / "mine.py").write_text(MINE)
    (tmp_path / "late.yaml").write_text(SPEC)
    (tmp_path / "bad.yaml").write_text(SPEC + "metric: rocauc\n")
    checked = penstock("check", "bad.yaml", cwd=tmp_path)
    assert checked.returncode == 2, checked.stdout
    assert "There is no metric 'rocauc' for a binary target" in " ".join(checked.stderr.split())
    assert "did you mean 'roc_auc'?" in " ".join(checked.stderr.split())
    assert penstock("check", "late.yaml", cwd=tmp_path).returncode == 0
    done = penstock("run", "late.yaml", "--json", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    told = summary_of(done)
    assert told["published"], told["verdict"]
    (tmp_path / "mine.py").unlink()
    rows = ships(20, seed=9).drop(columns=["late", "ship"]).fillna({"size": 10.0, "colour": "red"})
    rows.to_csv(tmp_path / "new.csv", index=False)
    answered = penstock("predict", "late", "--input", "new.csv", "--output", "out.csv", cwd=tmp_path)
    assert answered.returncode == 0, answered.stderr
    in_file = list(csv.DictReader((tmp_path / "out.csv").read_text().splitlines()))
    with serving(tmp_path / "artifacts") as service:
        alone = service.predict(rows.to_dict("records")[0], "late")
    assert alone["prediction"] == in_file[0]["prediction"]
    assert alone["probabilities"]["yes"] == pytest.approx(float(in_file[0]["probability_yes"]))
