"""The explore stage at several numbers of rows: how long its figures take, what they weigh, and the memory they need.

`EXPLORE_ROWS=100000,10000000` measures other numbers of rows. The seconds are those of a process that has drawn nothing
before: loading what draws, and starting the process that helps, are in them.
"""

from __future__ import annotations

import functools
import os
import statistics

from benchmarks.ground import report, workplace
from benchmarks.sizes import MB, ROWS, WEIGHED, inner, rounds_of

_inner = functools.partial(inner, "benchmarks.explore_inner")
# Seconds to reach at so many rows, and beyond.
REACH = ((1_000_000, "6.00 s"), (0, "3.00 s"))


def main() -> None:
    """Measure and report."""
    for n_rows in (int(n) for n in os.environ.get("EXPLORE_ROWS", ROWS).split(",")):
        _one_size(n_rows)


def _one_size(n_rows: int) -> None:
    with workplace() as folder:
        made = _inner(folder, "make", str(n_rows), str(folder))
        rounds = [_inner(folder, "draw", str(folder)) for _ in rounds_of(n_rows)]
    seconds = statistics.median(found["seconds"] for found in rounds)
    last = rounds[-1]
    told = f"{last['figures']:.0f} figures, {last['together'] / MB:.2f} MB, the largest {last['largest'] / 1e3:.0f} kB"
    asked = next(asked for least, asked in REACH if n_rows >= least)
    report(f"{n_rows:,} x 30, explore", asked, f"{seconds:.2f} s", told)
    if n_rows >= WEIGHED:
        peak = max(found["own"] for found in rounds)
        told = f"the typed frame has {made['frame'] / MB:,.0f} MB"
        report(f"{n_rows:,} x 30, memory of explore", f"{made['frame'] / MB:,.0f} MB", f"{peak / MB:,.0f} MB", told)
