"""A small model of ships that come late, really fitted; and the same as a bundle."""

from __future__ import annotations

import functools
import io
import time
from collections.abc import Callable
from pathlib import Path

import joblib
import numpy as np
import pyarrow as pa

from penstock.arrays.profile import Profile, profile_frame
from penstock.bundle.canonical import content_digest
from penstock.bundle.environment import environment
from penstock.bundle.probe import build_probe
from penstock.bundle.publish import publish
from penstock.bundle.seal import Parts
from penstock.models.families import LinearFamily
from penstock.receipts import Interval, Published, Verdict
from penstock.steps.plan import Plan
from penstock.steps.propose import propose
from penstock.table import Column, Domain, TableSchema, Target

SHIP = {"length": 120.5, "crew": 18, "tanker": False, "cargo": "grain", "left": "2024-03-01T06:00:00", "berth": 4}

SCHEMA = TableSchema(
    columns=(
        Column(name="ship", kind="text", role="id"),
        Column(name="length", kind="float", suffix="m", unit="m", domain=Domain(low=0.0)),
        Column(name="crew", kind="integer"),
        Column(name="tanker", kind="boolean", true_words=("yes",), false_words=("no",)),
        Column(name="cargo", kind="category"),
        Column(name="left", kind="datetime"),
        Column(name="berth", kind="integer", nullable=False),
    ),
    target=Target(name="late", task="binary", labels=("0", "1"), label_type="integer", positive="1"),
)


def raw_rows(seed: int = 0, n: int = 240) -> pa.Table:
    """Return raw training rows as a CSV would give them."""
    random = np.random.default_rng(seed)
    length = random.normal(120, 30, n).clip(20, 300).round(1)
    crew = random.integers(5, 40, n)
    cargo = random.choice(["grain", "ore", "boxes", "<b>oil</b>"], n, p=[0.4, 0.3, 0.2, 0.1])
    days = random.integers(1, 29, n)
    late = (length / 30 + (cargo == "ore") * 2 + random.normal(0, 1, n)) > 4.6
    return pa.table(
        {
            "ship": [f"S{i:04}" for i in range(n)],
            "length": [f"{v} m" for v in length],
            "crew": ["" if i % 17 == 0 else str(v) for i, v in enumerate(crew)],
            "tanker": random.choice(["yes", "no"], n).tolist(),
            "cargo": cargo.tolist(),
            "left": [f"2024-03-{d:02}T06:00:00" for d in days],
            "berth": [str(v) for v in random.integers(1, 9, n)],
            "late": ["1" if v else "0" for v in late],
        }
    )


class Fitted:
    """A fitted pipeline with everything that a bundle needs beside it."""

    def __init__(self, seed: int = 0, schema: TableSchema = SCHEMA) -> None:
        self.schema = schema
        self.raw = raw_rows(seed)
        frame = schema.cast(self.raw).frame
        missing = {name: float(frame[name].isna().mean()) for name in frame}
        self.plan = Plan(steps=propose(schema, missing))
        self.profile: Profile = profile_frame(frame, schema)
        late = np.array([int(v) for v in self.raw["late"].to_pylist()])
        self.cut = self.plan.apply_cells(frame)
        assert schema.target is not None
        pipeline = LinearFamily().pipeline(self.plan, schema.target, len(frame), seed)
        self.pipeline = pipeline.fit(self.cut, late)

    def parts(
        self,
        report: bytes | None = b"<!doctype html><title>r</title><h1>report</h1>",
        serve: dict[str, object] | None = None,
    ) -> Parts:
        """Return what a version is made of."""
        buffer = io.BytesIO()
        joblib.dump(self.pipeline, buffer)
        plan = {"steps": self.plan.model_dump(mode="json")["steps"], "split": {}, "joins": []}
        scores = {"roc_auc": Interval(value=0.912, low=0.871, high=0.948, n=60)}
        return Parts(
            schema=self.schema,
            plan=plan,
            profile=self.profile,
            served=buffer.getvalue(),
            twin=buffer.getvalue(),
            probe=build_probe(self.raw, self.schema, 0),
            digest=content_digest(self.pipeline, self.schema, plan, {}, {}),
            family="linear",
            metrics={"scores": {name: score.model_dump() for name, score in scores.items()}},
            scores=scores,
            environment=environment(),
            spec={"name": "ships", "target": "late", **({"serve": serve} if serve else {})},
            lineage={},
            report=report,
        )


@functools.cache
def fitted_on(seed: int) -> Fitted:
    """Return the model of a seed, fitted once."""
    return Fitted(seed)


def put(artifacts: Path, name: str = "ships", seed: int = 0, **options: object) -> Published:
    """Publish a model fitted on the rows of a seed; the same seed gives the same model."""
    fitted = fitted_on(seed)
    passed = Verdict(passed=True, reasons=("better than the baseline",))
    return publish(artifacts, name, fitted.parts(**options), passed, "tests")


def wait_for(truth: Callable[[], bool], seconds: float = 10.0) -> None:
    """Wait until something has come about."""
    end = time.monotonic() + seconds
    while not truth():
        assert time.monotonic() < end, "it did not come about in time"
        time.sleep(0.02)
