"""What good means to the user, from a spec to answers over HTTP and from the command line."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest

from tests.e2e.driving import penstock, serving, summary_of
from tests.unit.models.making import ships

MINE = """\
import numpy as np


def near(y_true, y_pred, sample_weight=None):
    return float(np.average(np.abs(y_true - y_pred) < 1, weights=sample_weight))
"""
LATE = """\
name: late
source: late.csv
target: late
positive: "yes"
cost: {fp: 1, fn: 5}
weight: times
group: owner
model: {families: [linear], folds: 3, trials: 1}
"""
HOURS = """\
name: hours
source: hours.csv
target: late
metric: {use: mine:near}
intervals: 0.9
model: {families: [linear], folds: 3, trials: 1}
"""


pytestmark = pytest.mark.long


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, dict[str, Any]]]:
    """Return a folder with two published models, and what their runs told."""
    folder = tmp_path_factory.mktemp("aims")
    table = ships(600)
    table.assign(times=1 + np.arange(600) % 3, owner=np.arange(600) // 3).to_csv(folder / "late.csv", index=False)
    ships(600, task="regression").to_csv(folder / "hours.csv", index=False)
    (folder / "mine.py").write_text(MINE)
    told = {}
    for name, spec in (("late", LATE), ("hours", HOURS)):
        (folder / f"{name}.yaml").write_text(spec)
        done = penstock("run", f"{name}.yaml", "--json", cwd=folder)
        assert done.returncode == 0, done.stderr
        told[name] = summary_of(done)
        assert told[name]["published"], told[name]["verdict"]
    return folder, told


def test_the_threshold_and_the_ends_are_the_same_at_every_door(
    project: tuple[Path, dict[str, dict[str, Any]]],
) -> None:
    """JSON, many rows, a file; the weight and the group's column come along or not."""
    folder, _ = project
    rows = ships(40, seed=9).drop(columns=["late", "ship"]).assign(owner=1)
    rows = rows.fillna({"size": 10.0, "colour": "red"})
    rows.to_csv(folder / "new.csv", index=False)
    answers = {}
    for name in ("late", "hours"):
        done = penstock("predict", name, "--input", "new.csv", "--output", f"{name}.out.csv", cwd=folder)
        assert done.returncode == 0, done.stderr
        answers[name] = list(csv.DictReader((folder / f"{name}.out.csv").read_text().splitlines()))
    with serving(folder / "artifacts") as service:
        about = {name: httpx.get(f"{service.base}/models/{name}").json()["aim"] for name in answers}
        sent = rows.to_dict("records")
        many = {
            name: httpx.post(f"{service.base}/models/{name}/predict/batch", json={"rows": sent}).json()["rows"]
            for name in answers
        }
        one = service.predict({**sent[0], "times": 3}, "late")
        document = httpx.get(f"{service.base}/openapi.json").json()["components"]["schemas"]
        page = httpx.get(f"{service.base}/models/late", headers={"accept": "text/html"}).text
    threshold = about["late"]["threshold"]
    assert threshold < 0.4
    assert about["late"]["cost"] == {"no": {"no": 0, "yes": 1}, "yes": {"no": 5, "yes": 0}}
    assert about["late"]["positive"] == "yes"
    assert about["hours"] == {"metric": "near", "greater_is_better": True, "intervals": 0.9}
    labels = ["yes" if float(a["probability_yes"]) >= threshold else "no" for a in answers["late"]]
    assert [a["prediction"] for a in answers["late"]] == labels == [a["prediction"] for a in many["late"]]
    assert any(0.5 > float(a["probability_yes"]) >= threshold for a in answers["late"])
    assert one["prediction"] == labels[0]
    assert "times" not in {w["field"] for w in one["warnings"]}
    assert "times" not in document["late.row"]["properties"]
    assert document["late.answer"]["properties"]["prediction"]["description"].startswith("yes where its probability is")
    assert {"low", "high"} <= set(document["hours.answer"]["required"])
    for told, row in zip(answers["hours"], many["hours"], strict=True):
        assert row["low"] < row["prediction"] < row["high"]
        assert [float(told[k]) for k in ("low", "high")] == pytest.approx([row["low"], row["high"]])
    assert "is answered from a probability of" in page


def test_reports_and_comparisons_say_what_good_means(project: tuple[Path, dict[str, dict[str, Any]]]) -> None:
    """The reports of runs, and what is told to differ between two models."""
    folder, told = project
    report = Path(told["late"]["report"]).read_text(encoding="utf-8")
    assert "costs 1 and a false" in report
    assert "held-out rows an answer costs" in report
    assert "Rows count by" in report
    assert "near (mine:near): more is better" in Path(told["hours"]["report"]).read_text(encoding="utf-8")
    changed = penstock("diff", "late@1", "hours@1", cwd=folder)
    assert changed.returncode in (0, 1), changed.stderr
    shown = " ".join(changed.stdout.split())
    assert "What good means" in shown
    assert "threshold" in shown
    assert "mine" in shown
