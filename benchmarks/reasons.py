"""What an explanation costs beside the plain answer: a model of each kind, one row at a time and a thousand at once."""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks.ground import PENSTOCK, environment, report, timed, workplace
from penstock.bundle.bundle import Bundle
from penstock.reasons import explain

ROWS, ROUNDS, AT_ONCE = 4_000, 30, 200
FAMILIES = ("linear", "lightgbm", "xgboost", "random_forest", "hist_gradient_boosting", "mlp")


def main() -> None:
    """Measure and report."""
    with workplace() as folder:
        table(folder / "table.csv")
        env = environment(folder)
        # The models are opened here, by the keys that they are signed with there.
        os.environ["PENSTOCK_HOME"] = env["PENSTOCK_HOME"]
        for family in FAMILIES:
            spec = folder / f"{family}.yaml"
            model = f"model: {{families: [{family}], trials: 1}}"
            spec.write_text(f"name: {family}\nsource: table.csv\ntarget: y\n{model}\n")
            timed([str(PENSTOCK), "run", str(spec), "--artifacts", str(folder / "artifacts")], env, folder)
            measure(family, folder)


def table(path: Path) -> None:
    """Write eight numbers with gaps, six categories, and a label that hangs on some of them."""
    random = np.random.default_rng(0)
    frame = pd.DataFrame({f"n{i}": random.normal(size=ROWS).round(4) for i in range(8)})
    for i in range(6):
        frame[f"c{i}"] = [f"v{v}" for v in random.integers(0, 4 + 2 * i, ROWS)]
    score = frame["n0"] + frame["n1"] * (frame["c0"] == "v1") - (frame["c1"] == "v2")
    frame["y"] = np.where(score + random.normal(size=ROWS) > 0.5, "yes", "no")
    frame = frame.mask(pd.DataFrame(random.random(frame.shape) < 0.05, columns=frame.columns).assign(y=False))
    frame.to_csv(path, index=False)


def measure(family: str, folder: Path) -> None:
    """Report what one row and many cost, plain and explained."""
    bundle = Bundle.load(folder / "artifacts" / "models" / family)
    rows = pd.read_csv(folder / "table.csv").drop(columns="y").head(AT_ONCE)
    started = time.perf_counter()
    method = next(told.method for told in explain(bundle, rows.head(1)) if told is not None)
    first = time.perf_counter() - started
    plain = median(lambda i: bundle.predict(rows.iloc[[i]]))
    told = median(lambda i: explain(bundle, rows.iloc[[i]]))
    started = time.perf_counter()
    explain(bundle, rows)
    many = (time.perf_counter() - started) / AT_ONCE * 1e3
    report(
        f"{family}: one row explained ({method})",
        "beside the plain answer",
        f"{told:.2f} ms",
        f"plain {plain:.2f} ms; {many:.2f} ms a row of {AT_ONCE}; the first one {first:.2f} s",
    )


def median(ask: Callable[[int], object]) -> float:
    """Return the median milliseconds of asking about one row."""
    taken = []
    for i in range(ROUNDS):
        started = time.perf_counter()
        ask(i)
        taken.append(time.perf_counter() - started)
    return statistics.median(taken) * 1e3
