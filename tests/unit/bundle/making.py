"""A small real model, and all that a version of it is made of."""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path

import joblib
import numpy as np
import pyarrow as pa

from penstock.arrays.profile import profile_frame
from penstock.bundle.bundle import Bundle
from penstock.bundle.canonical import content_digest
from penstock.bundle.environment import environment
from penstock.bundle.probe import build_probe
from penstock.bundle.seal import Parts
from penstock.models.families import BaseFamily, LinearFamily
from penstock.receipts import Interval, Verdict
from penstock.steps.categories.rare import Rare
from penstock.steps.categories.tidy import Tidy
from penstock.steps.missing.fill import Fill
from penstock.steps.plan import Plan
from penstock.steps.relations.lookup import Lookup
from penstock.steps.relations.travelling import lookups_of
from penstock.steps.time.calendar import Calendar
from penstock.table import Column, Domain, TableSchema, Target

PASSED = Verdict(passed=True, reasons=("It beats the dummy baseline",))
FAILED = Verdict(passed=False, reasons=("It does not beat the dummy baseline",))
CITIES = ("Bonn", "Oslo", "Lima")
PLAN = Plan(steps=(Calendar(), Tidy(), Fill(), Rare()))
JOINS = [{"table": "regions", "on": {"city": "name"}, "serve": "bundle"}]

COLUMNS = (
    Column(name="customer", kind="text", role="id"),
    Column(name="age", kind="integer", nullable=False),
    Column(name="income", kind="float", decimal=",", suffix="EUR", unit="EUR"),
    Column(name="member", kind="boolean"),
    Column(name="city", kind="category", nullable=False),
    Column(name="since", kind="datetime"),
    Column(name="share", kind="float", domain=Domain(low=0, high=1)),
    Column(name="secret", kind="category", private=True),
)
TARGETS = {
    "binary": Target(name="left", task="binary", labels=("no", "yes"), positive="yes"),
    "multiclass": Target(name="left", task="multiclass", labels=("1", "2", "3"), label_type="integer"),
    "regression": Target(name="left", task="regression"),
}


def schema(task: str = "binary", *, joined: bool = False) -> TableSchema:
    looked_up = (Column(name="regions_wealth", kind="float", table="regions", serve="bundle"),) if joined else ()
    target = Column(name="left", kind="category", role="target")
    return TableSchema(columns=(*COLUMNS, *looked_up, target), target=TARGETS[task])


def raw_rows(n: int = 120, seed: int = 7) -> pa.Table:
    """Text as a CSV gives it."""
    random = np.random.default_rng(seed)
    days = random.integers(0, 900, n)
    return pa.table(
        {
            "customer": [f"c{i:05d}" for i in range(n)],
            "age": [str(a) for a in random.integers(18, 80, n)],
            "income": [
                None if gone else f"{v:.2f} EUR".replace(".", ",")
                for v, gone in zip(random.normal(3000, 700, n), random.random(n) < 0.1, strict=True)
            ],
            "member": [("yes", "no", None)[i] for i in random.integers(0, 3, n)],
            "city": [CITIES[i] for i in random.integers(0, 3, n)],
            "since": [str(np.datetime64("2020-01-01") + np.timedelta64(int(d), "D")) for d in days],
            "share": [f"{v:.3f}" for v in random.random(n)],
            "secret": [f"s{i}" for i in random.integers(0, 4, n)],
        }
    )


def outcome(raw: pa.Table, task: str, seed: int = 7) -> np.ndarray:
    age = np.array([float(a) for a in raw["age"].to_pylist()])
    noisy = age + np.random.default_rng(seed + 1).normal(0, 5, len(age))
    if task == "regression":
        return noisy
    return np.digitize(noisy, [49] if task == "binary" else [40, 60]).astype(np.int64)


def regions() -> pa.Table:
    return pa.table({"name": list(CITIES), "wealth": ["1.5", "9.25", "0.5"]})


@dataclass(frozen=True)
class Made:
    """A fitted model and its parts."""

    parts: Parts
    bundle: Bundle
    raw: pa.Table
    lookups: dict[str, Lookup]


def small(family: type[BaseFamily]) -> BaseFamily:
    """Return a family's model of few rounds: what holds for ten holds for hundreds."""
    few = {"trees": 10, "epochs": 3}
    return family(**{name: value for name, value in few.items() if name in family.model_fields})


def task_of(family: BaseFamily) -> str:
    """Return the first task that is a family's business."""
    return next(task for task, target in TARGETS.items() if not family.refuses(target, 120, len(COLUMNS)))


def make(
    task: str = "binary",
    *,
    seed: int = 7,
    n: int = 120,
    joined: bool = False,
    family: BaseFamily | None = None,
    report: bytes | None = b"<html>dossier</html>",
    steps: Plan = PLAN,
) -> Made:
    """Fit a model on raw rows, the way in which a run does."""
    raw, columns = raw_rows(n, seed), schema(task, joined=joined)
    words = {"true_words": ("yes",), "false_words": ("no",)}
    columns = TableSchema(
        columns=tuple(c.model_copy(update=words) if c.name == "member" else c for c in columns.columns),
        target=columns.target,
    )
    plan = {"steps": [step.model_dump(mode="json") for step in steps.steps], "joins": JOINS if joined else []}
    tables = {"regions": regions()} if joined else {}
    lookups = {lookup.name: lookup for lookup in lookups_of(plan, tables)}
    extended = raw
    for lookup in lookups.values():
        extended = lookup.extend(extended)
    typed = columns.cast(extended).frame
    y = outcome(raw, task, seed)
    assert columns.target is not None
    family = family or LinearFamily()
    fits = [family.pipeline(steps, columns.target, n, seed) for _ in range(2)]
    served = fits[0].fit(steps.apply_cells(typed), y)
    half = n // 2
    twin = fits[1].fit(steps.apply_cells(typed.iloc[:half].reset_index(drop=True)), y[:half])
    profile = profile_frame(typed, columns)
    score = Interval(value=0.91, low=0.85, high=0.95, n=40)
    parts = Parts(
        schema=columns,
        plan=plan,
        profile=profile,
        tables=tables,
        served=dumped(served),
        twin=dumped(twin),
        probe=build_probe(raw, columns, seed),
        digest=content_digest(served, columns, plan, lookups, {"family": family.kind}),
        family=family.kind,
        metrics={"scores": {"roc_auc": score.model_dump()}},
        scores={"roc_auc": score},
        baseline={"roc_auc": score.model_copy(update={"value": 0.5})},
        environment=environment(),
        spec={"name": "churn", "target": "left"},
        lineage={"n_train": n},
        report=report,
    )
    return Made(parts, Bundle.assemble("churn", columns, steps, lookups, served, profile), raw, lookups)


def dumped(estimator: object) -> bytes:
    sink = io.BytesIO()
    joblib.dump(estimator, sink)
    return sink.getvalue()


def files_below(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def publish_often(artifacts: Path, one: Parts, two: Parts, times: int) -> None:
    """Publish two models in turns; a process of its own does it."""
    from penstock.bundle.publish import publish

    for i in range(times):
        publish(artifacts, "churn", (one, two)[i % 2], PASSED)
