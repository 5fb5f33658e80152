"""How often a 95 % interval holds the true score: made-up rows whose truth is known, drawn again and again.

`COVERAGE_TIMES=400` draws as often. Asked for is 93 to 97 % of every metric; what is outside is marked.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

from benchmarks.ground import report
from penstock.metrics.scores import bootstrap, scores
from penstock.metrics.weighted import Floats
from penstock.table import Target

Drawn = tuple[npt.NDArray[np.generic], Floats]
BINARY = Target(name="y", task="binary", labels=("no", "yes"), positive="yes")
THREE = Target(name="y", task="multiclass", labels=("a", "b", "c"))
FOUR = Target(name="y", task="multiclass", labels=("a", "b", "c", "d"))
NUMBER = Target(name="y", task="regression")
SIZES, TRUTH = (60, 150, 500), 400_000


def labels(n: int, random: np.random.Generator, apart: float, share: float) -> Drawn:
    """Draw two labels, and the probabilities of a model that knows all there is to know."""
    y = (random.random(n) < share).astype(np.int64)
    seen = random.normal(0, 1, n) + apart * y
    odds = np.log(share / (1 - share)) + apart * seen - apart**2 / 2
    positive = 1 / (1 + np.exp(-odds))
    return y, np.column_stack([1 - positive, positive])


def several_labels(n: int, random: np.random.Generator, apart: float, shares: Sequence[float]) -> Drawn:
    """Draw one of several labels, and their probabilities."""
    y = random.choice(len(shares), n, p=shares)
    seen = random.normal(0, 1, (n, len(shares)))
    seen[np.arange(n), y] += apart
    weight = np.exp(apart * seen) * np.array(shares)
    return y, weight / weight.sum(axis=1, keepdims=True)


def numbers(n: int, random: np.random.Generator, errors: Callable[[int, np.random.Generator], Floats]) -> Drawn:
    """Draw numbers with some errors, and what a model a little off says of them."""
    x = random.normal(0, 1, n)
    return 5 + x + errors(n, random), 5 + 0.95 * x


CASES: dict[str, tuple[Target, Callable[[int, np.random.Generator], Drawn]]] = {
    "two labels": (BINARY, lambda n, random: labels(n, random, 1.5, 0.5)),
    "a label of 10 %": (BINARY, lambda n, random: labels(n, random, 1.5, 0.1)),
    "labels far apart": (BINARY, lambda n, random: labels(n, random, 3.0, 0.5)),
    "three labels": (THREE, lambda n, random: several_labels(n, random, 1.5, (1 / 3, 1 / 3, 1 / 3))),
    "four labels, one of 6 %": (FOUR, lambda n, random: several_labels(n, random, 1.5, (0.55, 0.25, 0.14, 0.06))),
    "numbers": (NUMBER, lambda n, random: numbers(n, random, lambda m, r: r.normal(0, 0.6, m))),
    "numbers with skewed errors": (NUMBER, lambda n, random: numbers(n, random, lambda m, r: r.gamma(1, 0.6, m) - 0.6)),
    "numbers with errors of heavy tails": (
        NUMBER,
        lambda n, random: numbers(n, random, lambda m, r: 0.35 * r.standard_t(3, m)),
    ),
}

# What is known without drawing: 400,000 rows leave a mean precision of a rare label, and a mean square that has no
# variance itself, too far from the truth.
KNOWN: dict[str, dict[str, float]] = {
    "a label of 10 %": {"average_precision": 0.47807, "roc_auc": 0.85558, "f1": 0.34962, "recall": 0.23736},
    "numbers with errors of heavy tails": {"rmse": 0.37**0.5, "r2": 1 - 0.37 / 1.3675},
}


def coverage(case: str, n: int, times: int, replicates: int = 400) -> dict[str, float]:
    """Return by metric in which share of the draws the interval holds the truth."""
    target, draw = CASES[case]
    truth = scores(target, *draw(TRUTH, np.random.default_rng(99))) | KNOWN.get(case, {})
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
