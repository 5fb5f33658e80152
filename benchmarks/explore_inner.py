"""What `benchmarks.explore` runs in processes of their own: make a wrangled table, and draw its training rows."""

from __future__ import annotations

import json
import pickle
import sys
import time
from pathlib import Path

from benchmarks import wrangle_inner


def make(n_rows: int, folder: Path) -> dict[str, float]:
    """Wrangle the table of `benchmarks.wrangle`, and keep the receipt."""
    from pydantic import TypeAdapter

    from penstock.slices import Typing
    from penstock.steps.union import Step
    from penstock.steps.wrangling import Wrangling
    from penstock.store import Store
    from penstock.wrangle import wrangle

    made = wrangle_inner.make(n_rows, folder)
    arrays = pickle.loads((folder / "arrays.pickle").read_bytes())  # noqa: S301 - our own, from `make`
    steps = tuple(TypeAdapter(Step).validate_python(step) for step in wrangle_inner.STEPS)
    wrangling = Wrangling(name="big", steps=steps)
    done = wrangle(arrays, Typing(base="big", target="label"), wrangling, Store(folder / "store"))
    (folder / "wrangled.pickle").write_bytes(pickle.dumps(done))
    return made


def draw(folder: Path) -> dict[str, float]:
    """Draw the training rows by the stage."""
    from penstock.explore import explore
    from penstock.store import Store

    wrangled = pickle.loads((folder / "wrangled.pickle").read_bytes())  # noqa: S301 - our own, from `make`
    store = Store(folder / "store")
    own, began = wrangle_inner.Own(), time.perf_counter()
    made = explore(wrangled, 1, store)
    seconds = time.perf_counter() - began
    sizes = [figure.file.size for figure in made.figures]
    return {
        "seconds": seconds,
        "own": own.stop(),
        "figures": len(sizes),
        "largest": max(sizes),
        "together": sum(sizes),
    }


def main(task: str, *words: str) -> None:
    """Run one task and print what it measured as one JSON line."""
    found = make(int(words[0]), Path(words[1])) if task == "make" else draw(Path(words[0]))
    sys.stdout.write(json.dumps(found) + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
