"""The table and the model that all serve: eight numbers with gaps, six categories, 200 trees."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pandas as pd

from penstock.arrays.profile import profile_frame
from penstock.bundle.canonical import content_digest
from penstock.bundle.environment import environment
from penstock.bundle.probe import build_probe
from penstock.bundle.publish import publish
from penstock.bundle.seal import Parts
from penstock.models.families.boosting import HistogramFamily
from penstock.receipts import Interval, Verdict
from penstock.steps.plan import Plan
from penstock.steps.propose import propose
from penstock.table import Column, TableSchema, Target

N_ROWS = 20_000
TREES, LEAVES, LEARNING_RATE = 200, 31, 0.1
LEVELS = (3, 5, 8, 12, 20, 40)
NUMBERS = tuple(f"number_{i}" for i in range(8))
CATEGORIES = tuple(f"category_{i}" for i in range(len(LEVELS)))
TARGET = "bought"


def offers(n_rows: int = N_ROWS, seed: int = 7) -> pd.DataFrame:
    """Return made-up rows: one in twenty numbers is missing, and every column says something of the target."""
    rng = np.random.default_rng(seed)
    columns: dict[str, Any] = {}
    score = rng.normal(0, 1.5, n_rows)
    for i, name in enumerate(NUMBERS):
        values = rng.normal(10 * i, 1 + i, n_rows).round(3)
        score += (values - 10 * i) / (1 + i)
        columns[name] = np.where(rng.random(n_rows) < 0.05, np.nan, values)
    for name, n_levels in zip(CATEGORIES, LEVELS, strict=True):
        codes = rng.integers(0, n_levels, n_rows)
        score += np.where(codes == 1, 1.0, -0.2)
        columns[name] = np.array([f"level {code}" for code in range(n_levels)])[codes]
    return pd.DataFrame(columns).assign(**{TARGET: np.where(score > 0, "yes", "no")})


def publish_ours(table: pd.DataFrame, artifacts: Path) -> None:
    """Fit and publish the model as a run does, without its search."""
    numbers = [Column(name=name, kind="float") for name in NUMBERS]
    categories = [Column(name=name, kind="category") for name in CATEGORIES]
    target = Target(name=TARGET, task="binary", labels=("no", "yes"), positive="yes")
    schema = TableSchema(columns=(*numbers, *categories), target=target)
    import pyarrow as pa

    raw = pa.Table.from_pandas(table, preserve_index=False)
    frame = schema.cast(raw).frame
    plan = Plan(steps=propose(schema, {str(name): float(frame[name].isna().mean()) for name in frame}))
    family = HistogramFamily(trees=TREES, leaves=LEAVES, learning_rate=LEARNING_RATE)
    cut = plan.apply_cells(frame)
    fitted = family.pipeline(plan, target, len(frame), 0).fit(cut, (table[TARGET] == "yes").to_numpy(dtype=int))
    held = io.BytesIO()
    joblib.dump(fitted, held)
    told = {"steps": plan.model_dump(mode="json")["steps"], "split": {}, "joins": []}
    scores = {"roc_auc": Interval(value=0.9, low=0.89, high=0.91, n=len(frame))}
    parts = Parts(
        schema=schema,
        plan=told,
        profile=profile_frame(frame, schema),
        served=held.getvalue(),
        twin=held.getvalue(),
        probe=build_probe(raw, schema, 0),
        digest=content_digest(fitted, schema, told, {}, {}),
        family=family.kind,
        metrics={"scores": {name: score.model_dump() for name, score in scores.items()}},
        scores=scores,
        environment=environment(),
        spec={"name": "offers", "target": TARGET},
        lineage={},
    )
    publish(artifacts, "offers", parts, Verdict(passed=True, reasons=("made for a benchmark",)), "benchmark")
