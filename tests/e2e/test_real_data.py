"""Real tables that nobody here wrote, each from its file alone: no spec written by hand, types right, published."""

from __future__ import annotations

import csv
import json
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from penstock.bundle.bundle import Bundle
from tests.e2e.driving import penstock, summary_of

ADULT = (
    "age workclass fnlwgt education education_num marital_status occupation relationship "
    "race sex capital_gain capital_loss hours_per_week native_country income"
)


@dataclass(frozen=True)
class Case:
    """A data set: what is typed on the command line, and what must be understood.

    `better_than` is what the plainest family reaches: which others complete in so short a budget is up to the machine.
    """

    files: tuple[str, ...]
    target: str
    task: str
    better_than: float
    labels: tuple[str, ...] = ()
    ids: tuple[str, ...] = ()
    kinds: dict[str, str] = field(default_factory=dict)
    more: tuple[str, ...] = ()


CASES = {
    "housing": Case(
        files=("california_housing/housing.csv",),
        target="median_house_value",
        task="regression",
        better_than=75_000,
        kinds={"longitude": "float", "total_bedrooms": "integer", "ocean_proximity": "category"},
    ),
    "telco": Case(
        files=("telco_churn/Telco-Customer-Churn.csv",),
        target="Churn",
        task="binary",
        better_than=0.80,
        labels=("No", "Yes"),
        ids=("customerID",),
        kinds={"TotalCharges": "float", "tenure": "integer", "Contract": "category", "OnlineBackup": "category"},
    ),
    "diamonds": Case(
        files=("diamonds/diamonds.csv",),
        target="price",
        task="regression",
        better_than=1_500,
        kinds={"cut": "category", "clarity": "category", "carat": "float", "z": "float"},
    ),
    "adult": Case(
        files=("adult/adult-train.csv", "adult/adult-test.csv"),
        target="income",
        task="binary",
        better_than=0.88,
        labels=("<=50K", ">50K"),
        kinds={"age": "integer", "fnlwgt": "integer", "workclass": "category", "native_country": "category"},
        more=("--names", ADULT),
    ),
    "wine": Case(
        files=("wine_quality/winequality-red.csv", "wine_quality/winequality-white.csv"),
        target="11",
        task="multiclass",
        better_than=1.2,
        labels=("3", "4", "5", "6", "7", "8", "9"),
        kinds={"column_0": "float", "column_10": "float"},
        more=("--no-header",),
    ),
}
HIGHER = {"roc_auc"}


# The larger ones take the longest of all tests, most of it a search for models.
LARGE = ("wine", "adult", "diamonds", "housing", "telco")


@pytest.mark.parametrize("name", [pytest.param(n, marks=pytest.mark.long) if n in LARGE else n for n in CASES])
def test_a_real_table_goes_the_whole_way(shared: Path, tmp_path: Path, name: str) -> None:
    """Published, typed as a person would, better than a floor, and it predicts its own raw file."""
    case = CASES[name]
    files = [shared / "data" / f for f in case.files]
    budget = 12 if name in LARGE else 6
    done = penstock(
        "run", *files, "--target", case.target, "--name", name, "--budget", budget, *case.more, "--json", cwd=tmp_path
    )
    assert done.returncode == 0, done.stderr
    summary = summary_of(done)
    assert summary["published"], summary["verdict"]

    bundle = Bundle.load(tmp_path / "artifacts" / "models" / name)
    target = bundle.schema.target
    assert target is not None
    assert target.task == case.task
    assert target.labels == case.labels
    assert bundle.schema.ids == case.ids
    assert {c: bundle.schema.column(c).kind for c in case.kinds} == case.kinds

    metric, score = next(iter(summary["scores"].items()))
    assert score["low"] <= score["value"] <= score["high"]
    better = score["value"] > case.better_than if metric in HIGHER else score["value"] < case.better_than
    assert better, (metric, score)
    _predicts_its_own_rows(files[0], tmp_path, name, headed=not case.more, names=tuple(bundle.schema.names))


def _predicts_its_own_rows(file: Path, place: Path, name: str, headed: bool, names: tuple[str, ...]) -> None:
    lines = file.read_text(encoding="utf-8-sig").splitlines()[: 50 + headed]
    head = [] if headed else [",".join(names)]
    (place / "in.csv").write_text("\n".join([*head, *lines]) + "\n")
    done = penstock("predict", name, "--input", "in.csv", "--output", "out.jsonl", cwd=place)
    assert done.returncode == 0, done.stderr
    answers = [json.loads(line) for line in (place / "out.jsonl").read_text().splitlines()]
    with (place / "in.csv").open(newline="") as rows:
        assert len(answers) == len(list(csv.DictReader(rows)))
    assert all(answer["prediction"] is not None for answer in answers)
