"""Runs of the first three stages, on the sample and on small tables, for the tests of wrangling."""

from __future__ import annotations

import functools
import json
from pathlib import Path

import numpy as np
import pandas as pd

from data import clinic
from penstock.arrays.stage import make_arrays
from penstock.receipts import Collected, Wrangled
from penstock.slices import Join, Typing
from penstock.sources import snapshot, source_from
from penstock.steps.audit import Audit
from penstock.steps.wrangling import Wrangling
from penstock.store import Store
from penstock.table import TableSchema
from penstock.wrangle import wrangle


class Run:
    """One run of the first three stages, and its frames."""

    def __init__(self, folder: Path, sources: dict[str, object], typing: Typing, wrangling: Wrangling) -> None:
        self.store = Store(folder / "artifacts")
        found = tuple(source_from(value, name, folder) for name, value in sources.items())
        collected = Collected(snapshots=tuple(snapshot(s, self.store) for s in found))
        self.arrays = make_arrays(collected, typing, None, self.store)
        self.wrangled: Wrangled = wrangle(self.arrays, typing, wrangling, self.store)

    @functools.cached_property
    def audit(self) -> Audit:
        """The account of every step."""
        return Audit.model_validate_json(self.store.read_bytes(self.wrangled.audit))

    @functools.cached_property
    def plan(self) -> dict:
        """The plan's JSON."""
        return json.loads(self.store.read_bytes(self.wrangled.plan))

    @functools.cached_property
    def schema(self) -> TableSchema:
        """The columns and the target."""
        return TableSchema.model_validate_json(self.store.read_bytes(self.wrangled.table_schema))

    def frame(self, name: str) -> pd.DataFrame:
        """Return one of the stage's tables."""
        return self.store.read_frame(getattr(self.wrangled, name))


TYPING = Typing(base="visits", target="diagnosis", positive="malignant")


def sample(folder: Path, typing: Typing = TYPING, serve: str = "request", **changes: object) -> Run:
    """Wrangle the sample."""
    clinic.build(folder)
    sources = {"visits": "visits.csv", "lab": {"path": "lab.sqlite", "table": "worst"}}
    joins = (Join(table="lab", on="patient", serve=serve),)
    return Run(folder, sources, typing, Wrangling(name="clinic", joins=joins, **changes))


def csv_run(folder: Path, frame: pd.DataFrame, wrangling: Wrangling | None = None, **typing: object) -> Run:
    """Wrangle a frame written as CSV, with target `y`."""
    frame.to_csv(folder / "t.csv", index=False)
    decided = Typing(base="t", target="y", **typing)
    return Run(folder, {"t": "t.csv"}, decided, wrangling or Wrangling(name="t"))


def plain(n: int = 120, seed: int = 0) -> pd.DataFrame:
    """Return an ordinary table: two numbers, a category, a target."""
    rng = np.random.default_rng(seed)
    return pd.DataFrame(
        {
            "a": rng.normal(size=n).round(4),
            "b": rng.normal(size=n).round(4),
            "c": rng.choice(["red", "green", "blue"], size=n),
            "y": rng.choice(["no", "yes"], size=n),
        }
    )
