"""Models of made-up tables, trained the way that a run does it, sealed and served."""

from __future__ import annotations

import io
from pathlib import Path

import joblib
import numpy as np
import pandas as pd
import pyarrow as pa
from pyarrow import parquet

from penstock.arrays.profile import Profile
from penstock.bundle.bundle import Bundle
from penstock.bundle.canonical import content_digest
from penstock.bundle.environment import environment
from penstock.bundle.probe import build_probe
from penstock.bundle.publish import publish
from penstock.bundle.seal import Parts
from penstock.models.families import LinearFamily
from penstock.receipts import Interval, Verdict
from penstock.slices import Typing
from penstock.steps.plan import Plan
from penstock.steps.wrangling import Wrangling
from tests.unit.wrangling import Run

NAME = "made-up"


class Trained:
    """The wrangled table and the sealed bundle of it."""

    def __init__(self, folder: Path, table: pa.Table, wrangling: Wrangling | None = None, **typing: object) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        parquet.write_table(table, folder / "t.parquet")
        decided = Typing(base="t", target="y", **typing)  # type: ignore[arg-type]  # keywords of one model
        self.run = Run(folder, {"t": "t.parquet"}, decided, wrangling or Wrangling(name="t"))
        self.artifacts = folder / "artifacts"
        self.raw = self.run.store.read_table(self.run.wrangled.raw)
        publish(self.artifacts, NAME, self._parts(), Verdict(passed=True, reasons=("made up",)))
        self.bundle = Bundle.load(self.artifacts / "models" / NAME)

    def _parts(self) -> Parts:
        run, schema = self.run, self.run.schema
        sides = run.store.read_table(run.wrangled.sides).to_pandas()
        train = (sides["side"] == "train").to_numpy()
        assert schema.target is not None
        pipeline = LinearFamily().pipeline(Plan.model_validate(_steps(run.plan)), schema.target, int(train.sum()), 0)
        cut = run.frame("cut")[train].reset_index(drop=True)
        pipeline.fit(cut, sides["target"].to_numpy()[train])
        sink = io.BytesIO()
        joblib.dump(pipeline, sink)
        return Parts(
            schema=schema,
            plan=run.plan,
            profile=Profile.model_validate_json(run.store.read_bytes(run.wrangled.profile)),
            served=sink.getvalue(),
            twin=sink.getvalue(),
            probe=build_probe(self.raw, schema, 0),
            digest=content_digest(pipeline, schema, run.plan, {}, {}),
            family="linear",
            metrics={"scores": {}},
            scores={"roc_auc": Interval(value=0.9, low=0.8, high=0.95, n=40)},
            environment=environment(),
            spec={"name": NAME, "target": "y"},
            lineage={},
        )


def _steps(plan: dict) -> dict:
    return {"steps": plan["steps"]}


def estimates(bundle: Bundle, rows: object) -> np.ndarray:
    """Return the numbers that a bundle answers with."""
    return bundle.predict(rows).estimates  # type: ignore[arg-type]  # whatever shape rows have


def assert_rows_stand_alone(bundle: Bundle, rows: pa.Table, batch: int = 7) -> None:
    """Assert that a row's answer hangs neither on its company nor on the order of its columns."""
    whole = bundle.predict(rows)
    backwards = rows.select(rows.column_names[::-1])
    parts = [bundle.predict(backwards.slice(at, batch)) for at in range(0, rows.num_rows, batch)]
    alone = [bundle.predict([row]) for row in rows.to_pylist()]
    for answers in (parts, alone):
        told = np.concatenate([answer.estimates for answer in answers])
        np.testing.assert_allclose(told, whole.estimates, rtol=1e-12, atol=1e-12)
        assert [label for answer in answers for label in answer.labels] == whole.labels
        assert [null for answer in answers for null in answer.null.tolist()] == whole.null.tolist()


def assert_clean_rows_come_again(trained: Trained) -> None:
    """Assert that raw rows sent through the bundle become the frames that the run has seen, to the last bit."""
    run, bundle = trained.run, trained.bundle
    cut = bundle.plan.apply_cells(bundle.schema.cast(trained.raw, [c.name for c in bundle.schema.features]).frame)
    pd.testing.assert_frame_equal(cut, run.frame("cut")[cut.columns], check_exact=True)
    replayed = bundle.estimator.steps[0][1].transform(cut)  # type: ignore[attr-defined]  # a pipeline of scikit-learn
    pd.testing.assert_frame_equal(replayed, run.frame("clean")[replayed.columns], check_exact=True)
