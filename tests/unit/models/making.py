"""Small tables with something to learn in them, and what the stages before training make of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from penstock.arrays.stage import make_arrays
from penstock.models.blend import Encoders
from penstock.models.calibration import Calibration
from penstock.models.families import MOST_SEED
from penstock.models.folds import make_folds
from penstock.models.recipe import Recipe
from penstock.models.refit import Planned, blend_of, is_plain, kinds_of, member_of, plain_recipe
from penstock.models.training import Training
from penstock.receipts import Arrays, Collected, Wrangled
from penstock.sources import snapshot
from penstock.spec.pipeline import PipelineSpec, spec_from
from penstock.steps.missing.fill import Fill
from penstock.steps.plan import Plan
from penstock.store import Store
from penstock.table import Target
from penstock.wrangle import wrangle

BINARY = Target(name="late", task="binary", labels=("no", "yes"), positive="yes")
THREE = Target(name="late", task="multiclass", labels=("a", "b", "c"))
NUMBER = Target(name="late", task="regression")
TARGETS = {"binary": BINARY, "multiclass": THREE, "regression": NUMBER}


def frame(n: int = 240, seed: int = 0) -> pd.DataFrame:
    """Return typed features: numbers with gaps, and categories with gaps."""
    random = np.random.default_rng(seed)
    colour = random.choice(["red", "green", "blue"], n).astype(object)
    colour[random.random(n) < 0.05] = None
    size = random.normal(10, 3, n)
    size[random.random(n) < 0.1] = np.nan
    return pd.DataFrame(
        {
            "size": size,
            "colour": pd.array(colour, dtype="str"),
            "weight": random.exponential(2, n),
            "place": pd.array(random.choice(["north", "south"], n), dtype="str"),
        }
    )


def outcome(features: pd.DataFrame, task: str, seed: int = 0) -> np.ndarray:
    """Return a target that the features explain in part."""
    random = np.random.default_rng(seed + 1)
    strength = (
        features["size"].fillna(10).to_numpy(dtype=np.float64) / 3
        + 2.0 * (features["colour"] == "red").to_numpy(dtype=bool)
        - features["weight"].to_numpy(dtype=np.float64) / 2
        + random.normal(0, 0.7, len(features))
    )
    if task == "regression":
        return strength
    cuts = [0.5] if task == "binary" else [0.33, 0.67]
    return np.searchsorted(np.quantile(strength, cuts), strength).astype(np.int64)


def training(task: str = "binary", n: int = 240, folds: int = 3, plan: Plan | None = None) -> Training:
    """Return rows that a search can start from."""
    features = frame(n)
    y = outcome(features, task)
    target = TARGETS[task]
    return Training(
        features, y, make_folds(target, y, None, folds, 1), plan or Plan(steps=(Fill(),)), target, seed=7, n_sized=n
    )


@dataclass(frozen=True)
class Run:
    """A run up to its wrangle stage."""

    spec: PipelineSpec
    store: Store
    arrays: Arrays
    wrangled: Wrangled


def ships(n: int = 400, seed: int = 0, task: str = "binary", first: int = 0) -> pd.DataFrame:
    """Return a raw table as a CSV holds it, with an identifier."""
    features = frame(n, seed)
    codes = outcome(features, task, seed)
    values = codes if task == "regression" else np.array(TARGETS[task].labels)[codes]
    return features.assign(ship=[f"S{i:05}" for i in range(first, first + n)], late=values)


def run_until_trained(table: pd.DataFrame, folder: Path, **declared: object) -> Run:
    """Collect, type and wrangle a table."""
    folder.mkdir(parents=True, exist_ok=True)
    table.to_csv(folder / "ships.csv", index=False)
    spec = spec_from({"name": "ships", "source": "ships.csv", "target": "late", **declared}, folder)
    store = Store(folder / "artifacts")
    collected = Collected(snapshots=tuple(snapshot(source, store) for source in spec.sources))
    arrays = make_arrays(collected, spec.typing, None, store)
    return Run(spec, store, arrays, wrangle(arrays, spec.typing, spec.wrangling, store))


def recipe_of(plan: Sequence[Planned], given: Training, calibration: Calibration | None) -> Recipe:
    """Return a plan as one unfitted recipe, to fit it at once: a single estimator where that is all, else a blend."""
    if is_plain(plan, calibration):
        return plain_recipe(plan, given)
    members = [
        member_of(p, [p.family.estimator(given.target, given.n_sized, p.seed(given.seed, i), 1) for i in range(p.bags)])
        for p in plan
    ]
    steps = given.plan.transformer(len(given.target.labels), given.seed & MOST_SEED)
    blend = blend_of(members, calibration, given.target)
    return Recipe([("steps", steps), ("encode", Encoders(kinds_of(plan))), ("model", blend)])
