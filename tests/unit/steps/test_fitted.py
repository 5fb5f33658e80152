"""What steps learned: the same in any process, through a file, and inside a whole model."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys

import joblib
import numpy as np
import pandas as pd
import pytest

from penstock.errors import PlanError
from penstock.models.families import HistogramFamily, LinearFamily
from penstock.models.recipe import predictions
from penstock.slices import Split
from penstock.steps.base import LearnedStep
from penstock.steps.encoding.encode import Encode
from penstock.steps.encoding.group_stats import GroupStats
from penstock.steps.encoding.hashing import HashText
from penstock.steps.encoding.tfidf import Tfidf
from penstock.steps.missing.count import CountMissing
from penstock.steps.missing.impute import Impute
from penstock.steps.missing.interpolate import Interpolate
from penstock.steps.plan import Plan
from penstock.steps.time.calendar import Calendar
from penstock.steps.wrangling import Wrangling
from penstock.table import Target

from ..wrangling import csv_run
from .frames import EXAMPLES, KINDS, frame_of

DIGESTS = """
import json, sys
import numpy as np, pandas as pd
from penstock.bundle.canonical import content_digest
from penstock.steps.plan import Plan
from penstock.table import Column, TableSchema
rng = np.random.default_rng(5)
n = 80
frame = pd.DataFrame({
    "age": np.where(rng.random(n) < 0.2, np.nan, rng.integers(0, 9, n)), "dose": rng.normal(size=n),
    "smoker": rng.integers(0, 2, n).astype(float),
    "city": pd.array(rng.choice(["Oslo", "Bonn", "Rome", "Lima"], n), dtype="str"),
    "note": pd.array(rng.choice(["red car", "red bus", "a tram"], n), dtype="str"),
    "seen": np.datetime64("2026-01-01", "us") + rng.integers(0, 10**12, n),
})
frame["dose"] = frame["dose"].mask(rng.random(n) < 0.2)
schema = TableSchema(columns=(Column(name="age", kind="float"),))
for text in json.load(sys.stdin):
    plan = Plan.model_validate_json(text)
    print(content_digest(plan.transformer(2, seed=9).fit(frame, rng.integers(0, 2, n)), schema, plan, {}))
"""


def test_what_is_learned_has_one_digest_in_every_process():
    """The content digest names a model; the order of a set or a hash must not have a say in it."""
    plans = [Plan(steps=(step,)).model_dump_json() for step in EXAMPLES if isinstance(step, LearnedStep)]

    def digests(hash_seed):
        done = subprocess.run(
            [sys.executable, "-c", DIGESTS], input=json.dumps(plans), capture_output=True, text=True, check=True,
            env={**os.environ, "PYTHONHASHSEED": hash_seed},
        )  # fmt: skip
        return done.stdout.split()

    one, other = digests("1"), digests("2")
    assert one == other
    assert len(set(one)) == len(plans)


def _rows(n, seed):
    rng = np.random.default_rng(seed)
    gap = [rng.random(n) < 0.2 for _ in range(4)]
    notes = np.array(["red car", "fast red car", "blue bus", "old bus", "tram"])[rng.integers(0, 5, n)]
    return frame_of(
        [
            (
                np.nan if gap[0][i] else float(rng.integers(20, 70)),
                np.nan if gap[1][i] else float(rng.normal()),
                float(rng.integers(0, 2)),
                None if gap[2][i] else f"city {rng.integers(0, 40)}",
                None if gap[3][i] else str(notes[i]),
                pd.Timestamp("2026-01-01") + pd.Timedelta(hours=int(rng.integers(0, 5_000))),
            )
            for i in range(n)
        ]
    )


WHOLE = Plan(
    steps=(
        CountMissing(),
        HashText(columns=("note",), into=4, keep=True),
        Interpolate(columns=("dose",), order="seen", by=("smoker",), within="30d"),
        Calendar(),
        GroupStats(by=("city",), of="target", take=("mean", "count")),
        Impute(columns=("age", "dose")),
        Tfidf(columns=("note",), components=2),
        Encode(columns=("city",)),
    )
)


@pytest.mark.parametrize("family", [LinearFamily(), HistogramFamily()], ids=["linear", "boosting"])
@pytest.mark.parametrize("task", ["binary", "multiclass", "regression"])
def test_a_model_with_such_steps_answers_a_row_as_it_answers_a_batch(family, task):
    """From the plan check through the fit and a file to the prediction, to the last bit."""
    labels = {"binary": ("no", "yes"), "multiclass": ("a", "b", "c"), "regression": ()}[task]
    target = Target(name="y", task=task, labels=labels)
    promised = WHOLE.check(KINDS, n_labels=len(labels))[-1][1]
    rows = _rows(300, 1)
    values = np.arange(300) % len(labels) if labels else rows["age"].fillna(40.0).to_numpy()
    fitted = family.pipeline(WHOLE, target, 300, 3).fit(WHOLE.apply_cells(rows), values)
    assert set(fitted.steps[0][1].feature_names_out_) == set(promised)
    file = io.BytesIO()
    joblib.dump(fitted, file)
    file.seek(0)
    loaded, asked = joblib.load(file), WHOLE.apply_cells(_rows(40, 2))
    whole = predictions(loaded, asked, len(labels))
    np.testing.assert_array_equal(whole, predictions(fitted, asked, len(labels)))
    encoded = loaded.encode(asked)
    for i in range(0, 40, 9):
        alone = loaded.encode(asked.iloc[[i]].reset_index(drop=True))
        np.testing.assert_array_equal(alone, encoded[[i]])


def _table(n=150):
    rng = np.random.default_rng(1)
    level = np.where(rng.random(n) < 0.3, np.nan, rng.normal(size=n).round(3))
    return pd.DataFrame(
        {
            "at": pd.date_range("2026-01-01", periods=n, freq="h").astype(str),
            "level": level,
            "place": rng.choice(["north", "south"], n),
            "y": rng.choice(["a", "b", "c"], n),
        }
    )


def test_wrangling_refuses_what_looks_ahead_where_the_split_is_by_time(tmp_path):
    """The stage knows how rows are split, and tells the plan check."""
    steps = {m: (Interpolate(columns=("level",), order="at", method=m), Calendar()) for m in ("forward", "time")}
    by_time = Wrangling(name="t", split=Split(by="time", time="at"), steps=steps["time"])
    with pytest.raises(PlanError, match="`interpolate` looks ahead"):
        csv_run(tmp_path, _table(), by_time)
    run = csv_run(tmp_path, _table(), by_time.model_copy(update={"steps": steps["forward"]}))
    assert run.frame("clean")["level"].isna().mean() < 0.05
    csv_run(tmp_path, _table(), by_time.model_copy(update={"split": Split(by="content"), "steps": steps["time"]}))


def test_wrangling_tells_the_plan_check_how_many_labels_there_are(tmp_path):
    """A step may name the column of one label, which the check knows of before anything is learned."""
    steps = (Encode(columns=("place",)), Impute(columns=("place_target_2", "level")), Calendar())
    run = csv_run(tmp_path, _table(), Wrangling(name="t", steps=steps))
    assert {"place_target_0", "place_target_1", "place_target_2"} <= set(run.frame("clean"))
