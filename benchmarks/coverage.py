"""How often a 95 % interval holds the true score: made-up rows whose truth is known, drawn again and again.

`COVERAGE_TIMES=400` draws as often. Asked for is 93 to 97 % of every metric; what is outside is marked.
"""

from __future__ import annotations

import os
from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from benchmarks.ground import report
from penstock.metrics.scores import bootstrap, scores
from penstock.metrics.weighted import Floats
from penstock.table import Target

Drawn = tuple[npt.NDArray[np.generic], Floats]
BINARY = Target(name="y", task="binary", labels=("no", "yes"), positive="yes")
THREE = Target(name="y", task="multiclass", labels=("a", "b", "c"))
NUMBER = Target(name="y", task="regression")
SIZES, TRUTH = (60, 150, 500), 400_000


def labels(n: int, random: np.random.Generator, apart: float, share: float) -> Drawn:
    """Draw two labels, and the probabilities of a model that knows all there is to know."""
    y = (random.random(n) < share).astype(np.int64)
    seen = random.normal(0, 1, n) + apart * y
    odds = np.log(share / (1 - share)) + apart * seen - apart**2 / 2
    positive = 1 / (1 + np.exp(-odds))
    return y, np.column_stack([1 - positive, positive])


def three_labels(n: int, random: np.random.Generator, apart: float) -> Drawn:
    """Draw three labels, and their probabilities."""
    y = random.integers(0, 3, n)
    seen = random.normal(0, 1, (n, 3))
    seen[np.arange(n), y] += apart
    weight = np.exp(apart * seen)
    return y, weight / weight.sum(axis=1, keepdims=True)


def numbers(n: int, random: np.random.Generator) -> Drawn:
    """Draw numbers with normal errors, and what a model a little off says of them."""
    x = random.normal(0, 1, n)
    return 5 + x + random.normal(0, 0.6, n), 5 + 0.95 * x


CASES: dict[str, tuple[Target, Callable[[int, np.random.Generator], Drawn]]] = {
    "two labels": (BINARY, lambda n, random: labels(n, random, 1.5, 0.5)),
    "a label of 10 %": (BINARY, lambda n, random: labels(n, random, 1.5, 0.1)),
    "labels far apart": (BINARY, lambda n, random: labels(n, random, 3.0, 0.5)),
    "three labels": (THREE, lambda n, random: three_labels(n, random, 1.5)),
    "numbers": (NUMBER, numbers),
}


def coverage(case: str, n: int, times: int, replicates: int = 400) -> dict[str, float]:
    """Return by metric in which share of the draws the interval holds the truth."""
    target, draw = CASES[case]
    truth = scores(target, *draw(TRUTH, np.random.default_rng(99)))
    held: dict[str, list[bool]] = {}
    for i in range(times):
        y, predicted = draw(n, np.random.default_rng([n, i]))
        found = bootstrap(target, y, predicted, replicates=replicates, seed=i)
        for name, interval in found.items():
            if name in truth:
                held.setdefault(name, []).append(interval.low <= truth[name] <= interval.high)
    return {name: float(np.mean(each)) for name, each in held.items()}


def main() -> None:
    """Measure and report."""
    times = int(os.environ.get("COVERAGE_TIMES", "1000"))
    for case in CASES:
        for n in SIZES:
            for name, share in coverage(case, n, times).items():
                note = "" if 0.93 <= share <= 0.97 else "outside"
                report(f"{case}, {n} rows: {name}", "93 to 97 %", f"{share:.1%}", note)
