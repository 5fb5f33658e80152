"""A shop: orders that come late or not, looked up by customer; trained once, and copied for whoever changes it."""

from __future__ import annotations

import csv
import random
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import yaml

from penstock.bundle.candidate import Candidate
from penstock.evaluate import evaluate
from penstock.inference import apply_lock, infer_lock
from penstock.models.stage import train
from penstock.receipts import Published, Receipt
from penstock.refresh.refreshing import Refreshed, refresh
from penstock.spec.lock import lock_path, read_lock, write_lock
from penstock.spec.pipeline import load_spec
from penstock.store import Store
from penstock.wrangle import wrangle

CUSTOMERS = 60
ROW = {"customer": "c001", "amount": 10.5}
SPEC: dict[str, Any] = {
    "name": "shop",
    "sources": {"orders": "orders.csv", "customers": "customers.csv"},
    "base": "orders",
    "target": "late",
    "columns": {"customer": {"role": "id"}},
    "joins": [{"table": "customers", "on": "customer", "serve": "refresh", "every": "1h", "max_age": "1d"}],
    "model": {"families": ["linear"], "folds": 2, "trials": 1},
    "gate": {"replicates": 100},
}


def limits() -> dict[str, float]:
    """Return each customer's credit, which tells most of whether an order comes late."""
    chance = random.Random(3)
    return {f"c{i:03d}": chance.choice([1.0, 5.0, 9.0]) for i in range(CUSTOMERS)}


def write_customers(folder: Path, known: Mapping[str, Any]) -> None:
    """Write the customers' table."""
    with (folder / "customers.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["customer", "credit", "town"])
        writer.writerows([name, credit, "abc"[len(name) + int(name[-1]) % 3 - 4]] for name, credit in known.items())


def make(folder: Path, change: Callable[[dict[str, Any]], None] | None = None, *, by_chance: bool = False) -> Path:
    """Write the project into a folder, its spec changed in some way, and return the spec; chance may decide labels."""
    folder.mkdir(parents=True, exist_ok=True)
    chance, known = random.Random(1), limits()
    write_customers(folder, known)
    with (folder / "orders.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["order", "customer", "amount", "late"])
        for i in range(400):
            name, amount = f"c{chance.randrange(CUSTOMERS):03d}", round(chance.gauss(10, 3), 2)
            late = 7 - 2 * known[name] + 0.3 * amount + chance.gauss(0, 1.5) > 0
            label = chance.choice(["yes", "no"]) if by_chance else "yes" if late else "no"
            writer.writerow([f"o{i:04d}", name, amount, label])
    spec = yaml.safe_load(yaml.safe_dump(SPEC))
    if change:
        change(spec)
    path = folder / "shop.yaml"
    path.write_text(yaml.safe_dump(spec))
    return path


def publish_first(path: Path, force: str = "") -> Published:
    """Train what a spec describes, stage by stage as a run does, and publish it."""
    spec, artifacts = load_spec(path), path.parent / "artifacts"
    store = Store(artifacts)
    inferred = infer_lock(spec, store)
    write_lock(lock_path(path), inferred.lock)
    _, wrangling = apply_lock(spec, None, inferred.collected)
    wrangled = wrangle(inferred.arrays, spec.typing, wrangling, store)
    seeds = inferred.arrays.seeds
    trained = train(wrangled, spec.modelling, spec.typing, seeds["train"], store)
    evaluated = evaluate(wrangled, trained, None, spec.gate, spec.typing, seeds["evaluate"], store)
    receipts: dict[str, Receipt] = {"collect": inferred.collected, "arrays": inferred.arrays, "wrangle": wrangled}
    lineage = {"receipts": {name: receipt.model_dump(mode="json") for name, receipt in receipts.items()}}
    candidate = Candidate(
        name=spec.name, trained=trained, evaluated=evaluated, started_from="", spec=spec.declared, lineage=lineage
    )
    return candidate.publish(artifacts, "tests", force=force)


def refreshed(folder: Path, force: str = "") -> Refreshed:
    """Refresh the project in a folder."""
    path = folder / "shop.yaml"
    return refresh(load_spec(path), read_lock(lock_path(path)), folder / "artifacts", force=force, who="tests")
