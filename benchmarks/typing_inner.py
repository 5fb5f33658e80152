"""What `benchmarks.typing` runs in processes of their own: make the file, read it with Arrow, type it with penstock."""

from __future__ import annotations

import json
import resource
import sys
import time
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv

BLOCK = 1_000_000


def make(n_rows: int, path: Path) -> dict[str, float]:
    """Write a CSV file of 20 floats, 8 categories of 5 to 145 levels, a date and a label."""
    rng = np.random.default_rng(0)
    levels = [np.array([f"level_{i}" for i in range(5 + 20 * j)]) for j in range(8)]
    writer = None
    for start in range(0, n_rows, BLOCK):
        n = min(BLOCK, n_rows - start)
        columns = {f"x{j}": pa.array(rng.normal(size=n) * 10.0 ** (j % 5)) for j in range(20)}
        columns |= {f"c{j}": pa.array(names[rng.integers(0, len(names), n)]) for j, names in enumerate(levels)}
        columns["when"] = pa.array(np.datetime64("2015-01-01", "D") + rng.integers(0, 4000, n))
        columns["label"] = pa.array(np.array(["no", "yes"])[rng.integers(0, 2, n)])
        table = pa.table(columns)
        writer = writer or pa.csv.CSVWriter(str(path), table.schema)
        writer.write_table(table)
    if writer is not None:
        writer.close()
    return {"rows": n_rows}


def arrow(path: Path) -> dict[str, float]:
    """Read the file as pyarrow alone reads it."""
    began = time.perf_counter()
    table = pa.csv.read_csv(str(path))
    return {"seconds": time.perf_counter() - began, "table": table.nbytes}


def penstock(path: Path, root: Path) -> dict[str, float]:
    """Collect the file, type it, and profile it."""
    import pandas as pd

    from penstock.arrays.profile import profile_frame
    from penstock.arrays.stage import make_arrays
    from penstock.slices import Typing
    from penstock.sources import collect, source_from
    from penstock.store import Store
    from penstock.table import Column, TableSchema

    # What is loaded at the first use is no part of a row's cost.
    profile_frame(pd.DataFrame({"x": [1.0, 2.0]}), TableSchema(columns=(Column(name="x", kind="float"),)))
    imported = _peak()
    store = Store(root)
    began = time.perf_counter()
    collected = collect((source_from(path.name, "big", path.parent),), store)
    between = time.perf_counter()
    make_arrays(collected, Typing(base="big", target="label"), None, store)
    ended = time.perf_counter()
    return {"collect": between - began, "arrays": ended - between, "peak": _peak(), "imported": imported}


def _peak() -> int:
    # Linux counts kilobytes, macOS bytes.
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def main(task: str, *words: str) -> None:
    """Run one task and print what it measured as one JSON line."""
    if task == "make":
        found = make(int(words[0]), Path(words[1]))
    elif task == "arrow":
        found = arrow(Path(words[0]))
    else:
        found = penstock(Path(words[0]), Path(words[1]))
    sys.stdout.write(json.dumps(found) + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
