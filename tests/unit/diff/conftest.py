"""Runs as they leave their folders, really wrangled, their scores made up."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pandas as pd
import pytest

from penstock.arrays.stage import make_arrays
from penstock.metrics.aim import AIM, aim_of
from penstock.receipts import Collected, Evaluated, Interval, Trained, Verdict
from penstock.sources import snapshot
from penstock.spec.pipeline import spec_from
from penstock.store import Store
from penstock.table import TableSchema
from penstock.wrangle import wrangle

CODE = "def doubled(frame):\n    return frame['x'] * {factor}\n"
STEPS = [{"kind": "duplicates"}, {"kind": "fill"}]


def table(n: int = 200, shift: float = 0.0) -> pd.DataFrame:
    """Return rows with a number, a site and private columns."""
    rng = np.random.default_rng(4)
    x = rng.normal(size=n).round(3)
    frame = pd.DataFrame({"x": x + shift, "site": rng.choice(["north", "south"], n)})
    frame["nick"] = rng.choice(["Ottokar", "Wilhelmine"], n)
    frame["income"] = 70_000_000 + rng.normal(size=n).round(2) + shift
    frame["y"] = np.where(x + rng.normal(size=n) * 0.5 > 0, "yes", "no")
    return frame


@pytest.fixture
def put_run(tmp_path: Path):
    """Return a function that leaves a run behind."""

    def put(run: str, frame: pd.DataFrame, score: float = 0.9, release: str = "2.4.0", **declared: Any) -> Path:
        artifacts = tmp_path / "artifacts"
        store = Store(artifacts)
        frame.to_csv(tmp_path / "people.csv", index=False)
        columns = {"nick": {"private": True}, "income": {"private": True}}
        told = {"name": "people", "source": "people.csv", "target": "y", "columns": columns, "steps": STEPS, **declared}
        spec = spec_from(told, tmp_path, tmp_path / "people.yaml")
        collected = Collected(snapshots=tuple(snapshot(s, store) for s in spec.sources))
        arrays = make_arrays(collected, spec.typing, None, store)
        wrangled = wrangle(arrays, spec.typing, spec.wrangling, store)
        file = store.put_json({})
        target = TableSchema.model_validate_json(store.read_bytes(wrangled.table_schema)).target
        assert target is not None
        aim = aim_of(target, spec.modelling, spec.typing)
        plan = {**orjson.loads(store.read_bytes(wrangled.plan)), AIM: aim.model_dump(mode="json")}
        trained = Trained(
            family="linear",
            metric="roc_auc",
            served=file,
            twin=file,
            probe=wrangled.raw,
            table_schema=wrangled.table_schema,
            plan=store.put_json(plan),
            profile=wrangled.profile,
            environment=store.put_json({"python": "3.14.0", "numpy": release}),
            content_digest="ab" * 32,
            leaderboard=(),
        )
        verdict = Verdict(passed=score > 0.5, reasons=("It beats the baseline." if score > 0.5 else "It does not.",))
        evaluated = Evaluated(
            metric="roc_auc",
            scores={"roc_auc": Interval(value=score, low=score - 0.02, high=score + 0.02, n=40)},
            cross_validation={},
            baseline={},
            verdict=verdict,
            metrics=file,
        )
        stages = {"collect": collected, "arrays": arrays, "wrangle": wrangled, "train": trained, "evaluate": evaluated}
        receipts = {name: receipt.model_dump(mode="json") for name, receipt in stages.items()}
        summary = {
            "name": "people",
            "state": "published",
            "version": "1-abc",
            "verdict": verdict.model_dump(mode="json"),
        }
        folder = artifacts / "runs" / run
        folder.mkdir(parents=True)
        files = {
            "spec": told,
            "lineage": {"receipts": receipts, "penstock": "0.1.0"},
            "summary": {**summary, "run_id": run},
        }
        for name, value in files.items():
            (folder / f"{name}.json").write_bytes(orjson.dumps(value))
        return artifacts

    return put
