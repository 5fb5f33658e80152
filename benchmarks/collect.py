"""What it costs to collect a CSV file of 1,000,000 rows and 30 columns, beside reading it and no more."""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa
from pyarrow import csv

from benchmarks.ground import ROOT, environment, report, workplace

N_ROWS = 1_000_000
_TRIES = 3
_MIB = 1 << 20


class Cost(NamedTuple):
    """Seconds, and the most memory that the process ever had, in MiB, above what its imports take."""

    seconds: float
    memory: float


def main() -> None:
    """Measure and report."""
    with workplace() as folder:
        file = folder / "rows.csv"
        # A process begins with the peak of the one that starts it: this one has to stay small.
        arrow = int(_python("write", file, folder)) / _MIB
        costs = {name: cost(name, file, folder) for name in WAYS}
        size = file.stat().st_size / _MIB
    alone = costs["pyarrow"]
    for name, found in costs.items():
        report(f"{name}: {N_ROWS:,} x 30, {size:.0f} MiB", "", f"{found.seconds:.2f} s", f"peak {found.memory:.0f} MiB")
    ours = costs["penstock"]
    report("collect beside pyarrow.csv.read_csv alone", "2.5 x", f"{ours.seconds / alone.seconds:.2f} x")
    report("collect beside pandas.read_csv", "", f"{ours.seconds / costs['pandas'].seconds:.2f} x")
    report("peak memory of collect beside the Arrow table", "3 x", f"{ours.memory / arrow:.2f} x", f"{arrow:.0f} MiB")


def write(path: Path, n_rows: int) -> int:
    """Write 20 columns of floats, 8 of categories, one of dates and one of labels; return the bytes of their table."""
    rng = np.random.default_rng(0)
    columns = {f"x{i}": pa.array(rng.normal(size=n_rows) * 10 ** (i % 5)) for i in range(20)}
    for i in range(8):
        levels = np.array([f"level_{j}" for j in range(5 + 20 * i)])
        columns[f"c{i}"] = pa.array(levels[rng.integers(0, len(levels), n_rows)])
    columns["when"] = pa.array(np.datetime64("2015-01-01", "D") + rng.integers(0, 4000, n_rows))
    columns["label"] = pa.array(np.array(["no", "yes"])[rng.integers(0, 2, n_rows)])
    table = pa.table(columns)
    csv.write_csv(table, path)
    return int(table.nbytes)


def cost(way: str, file: Path, folder: Path) -> Cost:
    """Return the best of several tries, each in a process of its own."""
    tries = [Cost(**json.loads(_python(way, file, folder))) for _ in range(_TRIES)]
    return Cost(min(t.seconds for t in tries), max(t.memory for t in tries))


def _python(way: str, file: Path, folder: Path) -> str:
    words = [sys.executable, "-m", "benchmarks.collect", way, str(file), str(folder)]
    done = subprocess.run(words, cwd=ROOT, env=environment(folder), capture_output=True, text=True, check=True)
    return done.stdout


def _pyarrow(file: Path, _: Path) -> Callable[[], object]:
    return lambda: csv.read_csv(file)


def _pandas(file: Path, _: Path) -> Callable[[], object]:
    import pandas as pd

    return lambda: pd.read_csv(file)


def _penstock(file: Path, folder: Path) -> Callable[[], object]:
    from uuid import uuid4

    from penstock.sources import CsvSource, snapshot
    from penstock.store import Store

    # The file is copied, hashed and read, and the table is written and hashed.
    return lambda: snapshot(CsvSource(name="rows", path=(str(file),)), Store(folder / uuid4().hex))


WAYS: dict[str, Callable[[Path, Path], Callable[[], object]]] = {
    "pyarrow": _pyarrow,
    "pandas": _pandas,
    "penstock": _penstock,
}


def _peak() -> float:
    # Linux counts kibibytes, macOS bytes.
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (_MIB if sys.platform == "darwin" else 1024)


def inner(way: str, file: Path, folder: Path) -> Cost:
    """Measure one way in this process."""
    run = WAYS[way](file, folder)
    before = _peak()
    began = time.perf_counter()
    kept = run()
    seconds = time.perf_counter() - began
    del kept
    return Cost(seconds, _peak() - before)


if __name__ == "__main__":
    asked, *places = sys.argv[1:]
    rows, at = map(Path, places)
    print(write(rows, N_ROWS) if asked == "write" else json.dumps(inner(asked, rows, at)._asdict()))
