"""Measurements of one thing at several numbers of rows, each in a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.ground import ROOT, environment, report

ROWS = "100000,1000000"
ROUNDS = 3
# From here on one round is enough to tell, and long enough.
LARGE = 5_000_000
# Of fewer rows the libraries themselves weigh more than the table.
WEIGHED = 1_000_000
MB = 1e6


def by_size(variable: str, what: str, one_size: Callable[[int], float]) -> None:
    """Measure at the sizes that an environment variable names, and report how the time of a row rises."""
    sizes = [int(n) for n in os.environ.get(variable, ROWS).split(",")]
    per_row = [one_size(n) / n for n in sizes]
    if len(sizes) > 1:
        beside = f"{what}, {sizes[-1]:,} rows beside {sizes[0]:,}"
        report(beside, "1.20 x", f"{per_row[-1] / per_row[0]:.2f} x", f"{per_row[-1] * 1e6:.2f} us a row")


def rounds_of(n_rows: int) -> range:
    """Return how often to measure so many rows."""
    return range(1 if n_rows >= LARGE else ROUNDS)


def inner(module: str, folder: Path, *words: str) -> dict[str, Any]:
    """Run one measurement in a process of its own, since memory is measured by its peak; return what it told.

    Raises
    ------
    RuntimeError
        It failed; the end of its output is in the message.
    """
    command = [sys.executable, "-m", module, *words]
    done = subprocess.run(command, env=environment(folder), cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(done.stdout[-2000:] + done.stderr[-2000:])
    found: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    return found
