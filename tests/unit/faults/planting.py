"""Tables on their whole way through the library, from a file to a verdict."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from penstock.arrays.stage import make_arrays
from penstock.bundle.candidate import Candidate
from penstock.evaluate import evaluate
from penstock.families import FamilyName
from penstock.faults.find import Rows, find_in_rows
from penstock.models.stage import train
from penstock.receipts import Collected, Evaluated, Trained, Wrangled
from penstock.reshape.making import make_tables
from penstock.slices import Gate, Modelling
from penstock.sources import snapshot
from penstock.spec.pipeline import PipelineSpec, spec_from
from penstock.split import SplitRule
from penstock.store import Store
from penstock.table import TableSchema
from penstock.wrangle import wrangle


@dataclass(frozen=True)
class Judged:
    """A candidate and what became of it."""

    store: Store
    trained: Trained
    evaluated: Evaluated

    @property
    def blocking(self) -> list[str]:
        """The kinds of the findings that block."""
        told = json.loads(self.store.read_bytes(self.evaluated.metrics))
        return [finding["kind"] for finding in told["findings"] if finding["blocks"]]

    @property
    def refused(self) -> set[str]:
        """What the gate refuses it for."""
        return {str(check["name"]) for check in self.evaluated.verdict.checks if not check["passed"]}

    def publish(self, name: str) -> Path:
        """Let it go live, and return its version's directory."""
        kept = Candidate(
            name=name, trained=self.trained, evaluated=self.evaluated, started_from="", spec={}, lineage={}
        )
        done = kept.publish(self.store.root)
        assert done.path is not None, done.reasons
        return Path(done.path)


def wrangled(declared: dict[str, Any], folder: Path) -> tuple[PipelineSpec, Store, Wrangled]:
    """Collect, type and wrangle."""
    folder.mkdir(parents=True, exist_ok=True)
    spec = spec_from(declared, folder)
    store = Store(folder / "artifacts")
    collected = Collected(snapshots=tuple(snapshot(source, store) for source in spec.sources))
    if spec.tables:
        collected = make_tables(collected, spec.tables, spec.typing, None, store)
    arrays = make_arrays(collected, spec.typing, None, store)
    return spec, store, wrangle(arrays, spec.typing, spec.wrangling, store)


def judged(
    declared: dict[str, Any], folder: Path, champion: Path | None = None, family: FamilyName = "linear"
) -> Judged:
    """Go on to train one quick family, and evaluate."""
    spec, store, rows = wrangled(declared, folder)
    trained = train(rows, Modelling(families=(family,), folds=2, trials=1), spec.typing, 5, store)
    gate = Gate(replicates=200, max_latency_ms=100)
    return Judged(store, trained, evaluate(rows, trained, champion, gate, spec.typing, 9, store))


def blocking_rows(declared: dict[str, Any], folder: Path) -> list[str]:
    """Return what blocks in the rows alone: as far as the wrangle stage, without a model."""
    spec, store, done = wrangled(declared, folder)
    schema = TableSchema.model_validate_json(store.read_bytes(done.table_schema))
    assert schema.target is not None
    sides = store.read_frame(done.sides)
    rows = Rows(
        cut=store.read_frame(done.cut),
        raw=store.read_table(done.raw),
        y=sides["target"].to_numpy(dtype="int64" if schema.target.is_classification else "float64"),
        is_train=(sides["side"] == "train").to_numpy(dtype=bool),
        groups=sides["group"],
        schema=schema,
        target=schema.target,
        rule=SplitRule.model_validate(json.loads(store.read_bytes(done.plan))["split"]),
    )
    return [finding.what for finding in find_in_rows(rows, spec.typing.known_after, seed=9) if finding.blocks]


def judged_table(table: pd.DataFrame, target: str, folder: Path, champion: Path | None = None) -> Judged:
    """Do it with a table as a CSV file."""
    folder.mkdir(parents=True, exist_ok=True)
    table.to_csv(folder / "rows.csv", index=False)
    # A file has the same name in every run of a model, and so its rows the same sides.
    declared = {"name": "clean", "source": "rows.csv", "target": target, "split": {"heldout": 0.3}}
    return judged(declared, folder, champion)
