"""Every family's engine beside its estimator, and treelite's interpreter beside both: a row, a thousand, differences.

A boosted model of 200 trees is asked for a row in 40 µs and for 150,000 rows a second on one thread; differences are
asked to be 1e-9 at most, 1e-6 with XGBoost, over 100,000 rows, or as many as are named:

    python -m benchmarks.engines 1000000

Times are of the thread's processor, so that what else the machine does counts less.
"""

from __future__ import annotations

import ctypes
import statistics
import sys
import time
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
from threadpoolctl import threadpool_limits

from benchmarks.ground import report
from penstock.bundle.kernel.engines.compiling import compiled
from penstock.bundle.kernel.engines.engine import Floats, NoKernel
from penstock.bundle.kernel.engines.parity import check_parity
from penstock.models.families import FAMILIES, BaseFamily
from penstock.models.recipe import with_places_of_codes
from penstock.table import Target

N_TRAINING, N_COMPARED, TREES = 5_000, 100_000, 200
N_NUMBERS, LEVELS = 8, (2, 3, 5, 8, 20, 60)
ONE_US, ROWS_A_SECOND = 40, 150_000
BOOSTED = ("lightgbm", "xgboost", "hist_gradient_boosting", "gradient_boosting")
TARGETS = (
    Target(name="y", task="binary", labels=("no", "yes")),
    Target(name="y", task="regression"),
)
# How many rows are asked one after the other: one row asked again and again would be walked from memory.
ROWS = 400


def main(n_rows: int = N_COMPARED) -> None:
    """Measure and report."""
    for kind in FAMILIES:
        name = str(kind.model_fields["kind"].default)
        family = kind(**({"trees": TREES} if "trees" in kind.model_fields else {}))
        for target in TARGETS:
            if not (family.absent() or family.refuses(target, N_TRAINING, N_NUMBERS)):
                _measure(name, family, target, n_rows)
                break


def _measure(name: str, family: BaseFamily, target: Target, n_rows: int) -> None:
    X, y = rows(family.encoding, N_TRAINING, 0), answers(target)
    model = family.estimator(target, N_TRAINING, 0, 1)
    with_places_of_codes(model, list(range(len(LEVELS))) if family.encoding == "ordinal" else [])
    with warnings.catch_warnings(), threadpool_limits(1):
        warnings.simplefilter("ignore")
        model.fit(X, y)
    try:
        engine = compiled(model, (family.encoding,), target, None)
    except NoKernel as why:
        report(f"{name}, {target.task}", "a kernel", "none", str(why))
        return
    new = rows(family.encoding, max(n_rows, 1_000), 1)
    alone = [np.ascontiguousarray(new[i : i + 1]) for i in range(ROWS)]
    many = np.ascontiguousarray(new[:1_000])
    ask = model.predict_proba if target.is_classification else model.predict
    ours, theirs = _row(lambda row: engine.answer({family.encoding: row}), alone), _row(ask, alone[:100])
    rate, usual = _many(lambda: engine.answer({family.encoding: many})), _many(lambda: ask(many))
    parity = check_parity(engine, model, {family.encoding: new[:n_rows]}, target)
    boosted = name in BOOSTED
    report(
        f"one row, {name}, {target.task}",
        f"{ONE_US} us" if boosted else f"{theirs * 1e6:,.0f} us",
        f"{ours * 1e6:,.1f} us",
        f"estimator {theirs * 1e6:,.0f} us{_treelite(name, model, alone, one=True)}",
    )
    report(
        "  1,000 rows, one thread",
        f"{1e6 / ROWS_A_SECOND:.1f} ms" if boosted else f"{usual * 1e3:,.1f} ms",
        f"{rate * 1e3:,.1f} ms",
        f"estimator {usual * 1e3:,.1f} ms{_treelite(name, model, [many], one=False)}",
    )
    report(
        f"  largest difference, {n_rows:,} rows",
        f"{parity.tolerance:.0e}",
        f"{parity.largest:.0e}",
        f"{parity.flipped} labels flipped; {'the same bits alone' if parity.same_bits else 'OTHER BITS ALONE'}",
    )


def rows(encoding: str, n: int, seed: int) -> Floats:
    """Return encoded rows of fourteen columns, codes first where the encoding has them."""
    rng = np.random.default_rng(seed)
    codes = np.column_stack([rng.integers(0, levels, n) for levels in LEVELS]).astype(np.float64)
    numbers = rng.normal(size=(n, N_NUMBERS))
    if encoding != "ordinal":
        codes = np.sin(codes)
    made = np.ascontiguousarray(np.concatenate([codes, numbers], axis=1))
    if encoding in ("ordinal", "target"):
        made[rng.random(made.shape) < 0.03] = np.nan
    return made


def answers(target: Target) -> npt.NDArray[Any]:
    """Return what is to be learned of the training rows of any encoding."""
    X, rng = np.nan_to_num(rows("ordinal", N_TRAINING, 0)), np.random.default_rng(2)
    score = X[:, 6] + X[:, 7] * (X[:, 1] == 1) + (X[:, 4] % 3 == 0) + np.abs(X[:, 8]) + rng.normal(size=N_TRAINING)
    return np.asarray((score > 1).astype(np.int64) if target.is_classification else np.exp(score / 2))


def _row(ask: Callable[[Floats], object], alone: list[Floats]) -> float:
    """Return seconds of the processor for a row, in the median of rounds over different rows."""
    return statistics.median(_seconds(lambda: [ask(row) for row in alone]) / len(alone) for _ in range(5))


def _many(ask: Callable[[], object]) -> float:
    ask()
    return min(_seconds(ask) for _ in range(7))


def _seconds(work: Callable[[], object]) -> float:
    start = time.thread_time()
    work()
    return time.thread_time() - start


def _treelite(name: str, model: Any, asked: list[Floats], *, one: bool) -> str:
    """Return what treelite takes for the same trees, without its Python wrapper; empty where it has none."""
    import treelite
    from treelite.core import _LIB
    from treelite.gtil.gtil import GTILConfig

    if name == "lightgbm":
        trees = treelite.frontend.from_lightgbm(model.booster_)
    elif name == "xgboost":
        trees = treelite.frontend.from_xgboost(model.booster_)
    elif name in ("random_forest", "extra_trees", "hist_gradient_boosting"):
        trees = treelite.sklearn.import_model(model)
    else:
        return ""
    kind = trees.input_type
    config = GTILConfig(nthread=1, predict_type="raw")
    asked = [np.ascontiguousarray(rows, dtype=kind) for rows in asked]
    sink = np.empty((len(asked[0]), 4), dtype=trees.output_type)
    handle, settings = trees.handle, config.handle

    def ask(rows: Any) -> None:
        _LIB.TreeliteGTILPredict(
            *(handle, ctypes.c_void_p(rows.ctypes.data), kind.encode(), ctypes.c_uint64(len(rows))),
            *(ctypes.c_void_p(sink.ctypes.data), settings),
        )

    took = _row(ask, asked) if one else _many(lambda: ask(asked[0]))
    return f", treelite {took * 1e6:,.0f} us" if one else f", treelite {took * 1e3:,.1f} ms"


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else N_COMPARED)
