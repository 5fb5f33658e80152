"""Sealed models beside the pipelines inside them: what a row and a thousand rows take, and how far answers differ.

    python -m benchmarks.sealed ARTIFACTS/models/NAME ROWS.csv

Prints a row of a table in Markdown. The rows are raw ones that the model was not trained on; all of them are compared.
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow.csv
from threadpoolctl import threadpool_limits

from penstock.bundle.bundle import Bundle

FEW, MANY = 60, 1_000


def main(model: str, rows: str) -> None:
    """Measure one model and print its row."""
    began = time.perf_counter()
    bundle = Bundle.load(Path(model))
    opened = time.perf_counter() - began
    table = pyarrow.csv.read_csv(rows, convert_options=pyarrow.csv.ConvertOptions(strings_can_be_null=True))
    if bundle.kernel is None:
        print(f"| {bundle.name} | no kernel | | | | |")
        return
    plain = replace(bundle, kernel=None)
    few, many = table.slice(0, FEW).to_pylist(), table.slice(0, MANY)
    with threadpool_limits(1):
        one = [_ms(lambda b=b: [b.predict([row]) for row in few]) / len(few) for b in (plain, bundle)]  # type: ignore[misc]
        lot = [_ms(lambda b=b: b.predict(many)) for b in (plain, bundle)]  # type: ignore[misc]
    ours, theirs = bundle.predict(table), plain.predict(table)
    apart = np.abs(ours.estimates - theirs.estimates) / np.maximum(1.0, np.abs(theirs.estimates))
    flipped = int((ours.codes != theirs.codes).sum()) if bundle.target.is_classification else 0
    print(
        f"| {bundle.name} | {one[0]:.1f}, {one[1]:.2f} ms | {lot[0]:.0f}, {lot[1]:.0f} ms | {np.nanmax(apart):.0e} of "
        f"{len(table):,} rows | {flipped} | {opened * 1e3:.0f} ms |",
        flush=True,
    )


def _ms(call: Callable[[], object], rounds: int = 5) -> float:
    call()
    taken = []
    for _ in range(rounds):
        began = time.perf_counter()
        call()
        taken.append((time.perf_counter() - began) * 1e3)
    return statistics.median(taken)


if __name__ == "__main__":
    main(*sys.argv[1:])
