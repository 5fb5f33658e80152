"""A large CSV file to typed arrays and their profile, beside `pyarrow.csv.read_csv` of the same file in the same run.

`TYPING_ROWS=100000,10000000` measures other numbers of rows; the time per row is compared between the first and the
last. Ten million rows take 5 GB of disk for the file and as much again for each of what is kept of it.
"""

from __future__ import annotations

import functools
import statistics
from typing import Any

from benchmarks.ground import report, workplace
from benchmarks.sizes import MB, WEIGHED, by_size, inner, rounds_of

_inner = functools.partial(inner, "benchmarks.typing_inner")


def main() -> None:
    """Measure and report."""
    by_size("TYPING_ROWS", "time per row", _one_size)


def _one_size(n_rows: int) -> float:
    """Report one size, and return the seconds of collect and arrays."""
    with workplace() as folder:
        path = folder / "big.csv"
        _inner(folder, "make", str(n_rows), str(path))
        rounds = []
        for i in rounds_of(n_rows):
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
