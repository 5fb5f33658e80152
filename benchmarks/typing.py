"""A large CSV file to typed arrays and their profile, beside `pyarrow.csv.read_csv` of the same file in the same run.

`TYPING_ROWS=100000,10000000` measures other numbers of rows; the time per row is compared between the first and the
last. Ten million rows take 5 GB of disk for the file and as much again for each of what is kept of it.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
from pathlib import Path
from typing import Any

from benchmarks.ground import ROOT, environment, report, workplace

ROWS = "100000,1000000"
ROUNDS = 3
# From here on one round is enough to tell, and long enough.
LARGE = 5_000_000
# Of fewer rows the libraries themselves weigh more than the table.
WEIGHED = 1_000_000
MB = 1e6


def main() -> None:
    """Measure and report."""
    sizes = [int(n) for n in os.environ.get("TYPING_ROWS", ROWS).split(",")]
    per_row = [_one_size(n) / n for n in sizes]
    if len(sizes) > 1:
        what = f"time per row, {sizes[-1]:,} rows beside {sizes[0]:,}"
        report(what, "1.20 x", f"{per_row[-1] / per_row[0]:.2f} x", f"{per_row[-1] * 1e6:.2f} us a row")


def _one_size(n_rows: int) -> float:
    """Report one size, and return the seconds of collect and arrays."""
    with workplace() as folder:
        path = folder / "big.csv"
        _inner(folder, "make", str(n_rows), str(path))
        rounds = []
        for i in range(1 if n_rows >= LARGE else ROUNDS):
            # Side by side: what else the machine does then meets both.
            arrow = _inner(folder, "arrow", str(path))
            rounds.append((arrow, _inner(folder, "penstock", str(path), str(folder / f"store-{i}"))))
        size = path.stat().st_size
    read = statistics.median(a["seconds"] for a, _ in rounds)
    collect, arrays = (statistics.median(p[stage] for _, p in rounds) for stage in ("collect", "arrays"))
    ours = statistics.median(p["collect"] + p["arrays"] for _, p in rounds)
    what = f"{n_rows:,} x 30 from CSV to typed arrays and profile"
    note = f"pyarrow alone {read:.2f} s; collect {collect:.2f} s, arrays {arrays:.2f} s; file {size / MB:,.0f} MB"
    report(what, f"{5 * read:.2f} s", f"{ours:.2f} s", note)
    if n_rows >= WEIGHED:
        _memory(n_rows, rounds)
    return float(ours)


def _memory(n_rows: int, rounds: list[tuple[dict[str, Any], dict[str, Any]]]) -> None:
    table = rounds[0][0]["table"]
    peak, imported = (max(p[what] for _, p in rounds) for what in ("peak", "imported"))
    told = f"{(peak - imported) / MB:,.0f} MB over the imports; the Arrow table has {table / MB:,.0f} MB"
    report(f"{n_rows:,} x 30, peak memory", f"{3 * table / MB:,.0f} MB", f"{peak / MB:,.0f} MB", told)


def _inner(folder: Path, *words: str) -> dict[str, Any]:
    """Run one measurement in a process of its own: memory is measured by its peak."""
    command = [sys.executable, "-m", "benchmarks.typing_inner", *words]
    done = subprocess.run(command, env=environment(folder), cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(done.stdout[-2000:] + done.stderr[-2000:])
    found: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    return found
