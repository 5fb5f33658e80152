"""The wrangle stage beside the same cleaning written by hand in pandas; joins with their checks; growth with the rows.

`WRANGLE_ROWS=100000,10000000` measures other numbers of rows; the time per row is compared between the first and the
last. Both sides start from typed columns in an Arrow file, and end with the clean rows of both sides of the split in
one. What the stage does besides (the audit, the profile, rejected rows, hashed objects) is in its time.
"""

from __future__ import annotations

import functools
import statistics

from benchmarks.ground import report, workplace
from benchmarks.sizes import MB, ROUNDS, WEIGHED, by_size, inner, rounds_of

_inner = functools.partial(inner, "benchmarks.wrangle_inner")


def main() -> None:
    """Measure and report."""
    by_size("WRANGLE_ROWS", "wrangle, time per row", _one_size)
    _joins()


def _one_size(n_rows: int) -> float:
    """Report one size, and return the seconds of the stage."""
    with workplace() as folder:
        made = _inner(folder, "make", str(n_rows), str(folder))
        rounds = []
        for _ in rounds_of(n_rows):
            # Side by side: what else the machine does then meets both.
            by_hand = _inner(folder, "pandas", str(folder))
            rounds.append((by_hand, _inner(folder, "penstock", str(folder))))
    by_hand = statistics.median(p["seconds"] for p, _ in rounds)
    ours = statistics.median(p["seconds"] for _, p in rounds)
    report(
        f"{n_rows:,} x 30, wrangle with 12 steps",
        f"{1.5 * by_hand:.2f} s",
        f"{ours:.2f} s",
        f"{ours / by_hand:.2f} x pandas by hand, {by_hand:.2f} s",
    )
    if n_rows >= WEIGHED:
        peak = max(p["own"] for _, p in rounds)
        mapped = max(p["peak"] - p["before"] for _, p in rounds)
        theirs = max(p["own"] for p, _ in rounds)
        told = f"{mapped / MB:,.0f} MB with mapped files; the typed frame has {made['frame'] / MB:,.0f} MB; "
        told += f"pandas by hand takes {theirs / MB:,.0f} MB beside the frame"
        report(f"{n_rows:,} x 30, memory of wrangle", f"{3 * made['frame'] / MB:,.0f} MB", f"{peak / MB:,.0f} MB", told)
    return float(ours)


def _joins() -> None:
    with workplace() as folder:
        seconds = [_inner(folder, "join", str(folder))["seconds"] for _ in range(ROUNDS)]
    report(
        "100,000 flights joined to four tables, with checks", "1.00 s", f"{statistics.median(seconds):.2f} s", "made up"
    )
