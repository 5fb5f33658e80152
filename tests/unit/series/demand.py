"""Series with something to learn in them: shops whose sales follow the hour, the week and a promotion."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from penstock.arrays.stage import make_arrays
from penstock.bundle.bundle import Bundle
from penstock.judging import candidate_twin
from penstock.models.stage import train
from penstock.receipts import Arrays, Collected, Trained, Wrangled
from penstock.sources import snapshot
from penstock.spec.pipeline import PipelineSpec, spec_from
from penstock.store import Store
from penstock.wrangle import wrangle

DEMAND: dict[str, Any] = {
    "name": "demand",
    "task": "forecast",
    "source": "sales.csv",
    "target": "units",
    "time": "ts",
    "group": "store",
    "horizon": "24h",
    "known_ahead": ["promo"],
    "intervals": 0.9,
    "model": {"families": ["linear"], "folds": 3, "trials": 1},
}
START = "2026-01-01"


def sales(n: int = 720, stores: tuple[str, ...] = ("north", "south"), seed: int = 0) -> pd.DataFrame:
    """Return `n` hours of every store."""
    random = np.random.default_rng(seed)
    hours = np.arange(n)
    parts = []
    for i, store in enumerate(stores):
        promo = (random.random(n) < 0.1).astype(int)
        units = 20 * (i + 1) + 6 * np.sin(2 * np.pi * hours / 24) + 8 * promo + random.normal(0, 1, n)
        temperature = 15 + 5 * np.sin(2 * np.pi * hours / 24 + 1) + random.normal(0, 1, n)
        ts = pd.date_range(START, periods=n, freq="h")
        parts.append(
            pd.DataFrame(
                {"ts": ts, "store": store, "promo": promo, "temperature": temperature.round(2), "units": units.round(2)}
            )
        )
    return pd.concat(parts, ignore_index=True)


@dataclass(frozen=True)
class Run:
    """A run up to its wrangle stage."""

    spec: PipelineSpec
    store: Store
    arrays: Arrays
    wrangled: Wrangled

    def trained(self) -> Trained:
        """Return the candidate."""
        return train(self.wrangled, self.spec.modelling, self.spec.typing, 5, self.store)

    def sides(self) -> pd.DataFrame:
        """Return the sides of all samples."""
        return self.store.read_frame(self.wrangled.sides)

    def cut(self) -> pd.DataFrame:
        """Return the samples at the cut."""
        return self.store.read_frame(self.wrangled.cut)


def run(table: pd.DataFrame, folder: Path, **declared: object) -> Run:
    """Collect, type and wrangle a table."""
    folder.mkdir(parents=True, exist_ok=True)
    table.to_csv(folder / "sales.csv", index=False)
    spec = spec_from({k: v for k, v in {**DEMAND, **declared}.items() if v is not None}, folder)
    store = Store(folder / "artifacts")
    collected = Collected(snapshots=tuple(snapshot(source, store) for source in spec.sources))
    arrays = make_arrays(collected, spec.typing, None, store)
    return Run(spec, store, arrays, wrangle(arrays, spec.typing, spec.wrangling, store))


@lru_cache(maxsize=1)
def _kept(folder: Path) -> tuple[Run, Trained]:
    made = run(sales(), folder)
    return made, made.trained()


def demand(folder: Path) -> tuple[Run, Trained]:
    """Return the run and the candidate that tests share."""
    return _kept(folder)


def bundle_of(made: Run, trained: Trained) -> Bundle:
    """Return the candidate's twin, carrying the tail of all data."""
    return candidate_twin(trained, made.store)[0]
