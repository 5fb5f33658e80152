"""Faults planted in clean tables: which of them penstock blocks, and which skore's checks report, side by side.

skore has a virtual environment of its own, made at the first run in a folder of the system's temporary directory and
kept there; where it cannot be installed that is said, and its column stays empty. `FAULTS_TABLES=wines` takes one.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pandas as pd

from benchmarks.ground import report, workplace
from data.faults import AGAINST_A_MODEL, CLEAN, PLANTS, TARGET, planted
from penstock.arrays.stage import make_arrays
from penstock.bundle.candidate import Candidate
from penstock.errors import UserError
from penstock.evaluate import evaluate
from penstock.models.stage import train
from penstock.receipts import Collected
from penstock.slices import Gate, Modelling
from penstock.sources import snapshot
from penstock.spec.pipeline import spec_from
from penstock.store import Store
from penstock.wrangle import wrangle

PEER = Path(__file__).with_name("faults_peer.py")
ENVIRONMENT = Path(tempfile.gettempdir()) / "penstock-bench-peers" / "skore"
LIMIT = 1800


def main() -> None:
    """Judge every table and report."""
    names = os.environ.get("FAULTS_TABLES", ",".join(CLEAN)).split(",")
    with workplace() as folder:
        os.environ["PENSTOCK_HOME"] = str(folder / "home")
        tables = folder / "tables"
        tables.mkdir()
        for name in names:
            CLEAN[name]().to_csv(tables / f"{name}.clean.csv", index=False)
            for fault in PLANTS:
                planted(name, fault).to_csv(tables / f"{name}.{fault}.csv", index=False)
        theirs = _theirs(tables)
        for name in names:
            usual = set(theirs.get(f"{name}.clean", ()))
            live, told = _ours(name, "clean", folder, None)
            report(f"{name}, clean", "nothing", told or "nothing", f"skore: {' '.join(sorted(usual)) or 'nothing'}")
            for fault in PLANTS:
                _, told = _ours(name, fault, folder, live if fault in AGAINST_A_MODEL else None)
                more = [code for code in theirs.get(f"{name}.{fault}", ()) if code not in usual]
                report(f"{name}, {fault}", "blocked", told or "missed", f"skore: {' '.join(more) or 'nothing more'}")


def _ours(name: str, fault: str, folder: Path, live: Path | None) -> tuple[Path | None, str]:
    """Return the version that went live, and for what a candidate was refused."""
    own = folder / name / fault
    own.mkdir(parents=True)
    table: pd.DataFrame = CLEAN[name]() if fault == "clean" else planted(name, fault)
    table.to_csv(own / "rows.csv", index=False)
    declared = {"name": "clean", "source": "rows.csv", "target": TARGET, "split": {"heldout": 0.3}}
    spec, store = spec_from(declared, own), Store(own / "artifacts")
    try:
        collected = Collected(snapshots=tuple(snapshot(source, store) for source in spec.sources))
        arrays = make_arrays(collected, spec.typing, None, store)
        rows = wrangle(arrays, spec.typing, spec.wrangling, store)
        trained = train(rows, Modelling(families=("linear",), folds=2), spec.typing, 5, store)
        judged = evaluate(rows, trained, live, Gate(replicates=200, max_latency_ms=100), spec.typing, 9, store)
    except UserError as error:
        return None, type(error).__name__
    if judged.verdict.passed:
        kept = Candidate(name="clean", trained=trained, evaluated=judged, started_from="", spec={}, lineage={})
        done = kept.publish(store.root)
        return Path(done.path or ""), ""
    found = json.loads(store.read_bytes(judged.metrics))["findings"]
    kinds = [str(f["kind"]) for f in found if f["blocks"]]
    return None, " ".join(dict.fromkeys(kinds)) or str(
        next(check["name"] for check in judged.verdict.checks if not check["passed"])
    )


def _theirs(tables: Path) -> dict[str, list[str]]:
    python = ENVIRONMENT / "bin" / "python"
    if not python.exists():
        print("installing skore", flush=True)
        made = subprocess.run([sys.executable, "-m", "venv", str(ENVIRONMENT)], check=False)
        done = subprocess.run([str(python), "-m", "pip", "install", "-q", "skore"], check=False)
        if made.returncode or done.returncode:
            print("skore cannot be installed here")
            return {}
    # Without the script's folder on the path, in which a module is called `typing`.
    words = [str(python), "-P", str(PEER), str(tables), TARGET]
    checked = subprocess.run(words, capture_output=True, text=True, timeout=LIMIT, check=False)
    lines = [json.loads(line) for line in checked.stdout.splitlines() if line.strip()]
    return {line["table"]: line.get("issues", ["error"]) for line in lines}


if __name__ == "__main__":
    main()
