"""One row through `Bundle.predict`, what of it stands before the engine, and a thousand rows, beside the pipeline.

The table has 14 columns, eight of numbers with gaps and six of categories, and the model 200 boosted trees.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pyarrow as pa

from benchmarks.ground import report
from penstock.arrays.profile import profile_frame
from penstock.bundle.bundle import Bundle
from penstock.bundle.compiling import compiled_for
from penstock.models.families import BaseFamily, HistogramFamily, LightGBMFamily, LinearFamily
from penstock.steps.plan import Plan
from penstock.steps.propose import propose
from penstock.table import Column, TableSchema, Target

N_TRAIN, N_BATCH, N_NUMBERS = 4_000, 1_000, 8
LEVELS = (2, 3, 5, 8, 12, 30)
ROUNDS, CALLS = 7, 400
FAMILIES: tuple[HistogramFamily | LightGBMFamily | LinearFamily, ...] = (
    HistogramFamily(trees=200),
    LightGBMFamily(trees=200),
    LinearFamily(),
)


def main() -> None:
    """Measure and report."""
    raw, schema, y = _table()
    rows = raw.slice(0, 200).to_pylist()
    for family in FAMILIES:
        plain = _fitted(family, raw, schema, y)
        ours = compiled_for(plain, raw.slice(0, 100), None).bundle
        assert ours.kernel is not None
        assert ours._quick is not None
        front, batch, n = ours._quick.front, raw.slice(0, N_BATCH), iter(range(10**9))
        encoded = front.encode(rows[0]).arrays
        row = _microseconds(lambda: ours.predict([rows[next(n) % len(rows)]]), CALLS)  # noqa: B023 - called at once
        before = _microseconds(lambda: front.encode(rows[next(n) % len(rows)]), CALLS)  # noqa: B023 - called at once
        engine = _microseconds(lambda: ours.kernel.engine.answer(encoded), CALLS)  # type: ignore[union-attr]  # noqa: B023 - called at once
        slow = _microseconds(lambda: plain.predict([rows[next(n) % len(rows)]]), CALLS // 20)  # noqa: B023 - called at once
        note = f"{engine:,.0f} us in the engine; the pipeline {slow / 1e3:,.1f} ms"
        report(f"one row, {family.kind}", "80 us", f"{row:,.0f} us", note)
        report(f"before the engine, {family.kind}", "35 us", f"{before:,.0f} us", "")
        many = _microseconds(lambda: ours.predict(batch), 5)  # noqa: B023 - called at once
        report(
            f"{N_BATCH:,} rows of Arrow, {family.kind}",
            "",
            f"{many / 1e3:,.1f} ms",
            f"{N_BATCH / many * 1e6:,.0f} rows/s",
        )


def _table() -> tuple[pa.Table, TableSchema, np.ndarray]:
    random = np.random.default_rng(0)
    columns: dict[str, Any] = {}
    for j in range(N_NUMBERS):
        values = random.normal(size=N_TRAIN) * 10.0 ** (j % 4)
        columns[f"number {j}"] = pa.array(values, mask=random.random(N_TRAIN) < 0.05)
    for j, n in enumerate(LEVELS):
        names = np.array([f"level {i}" for i in range(n)])
        columns[f"category {j}"] = pa.array(names[random.integers(0, n, N_TRAIN)])
    raw = pa.table(columns)
    kinds = [Column(name=n, kind="float" if n.startswith("number") else "category") for n in raw.column_names]
    schema = TableSchema(columns=tuple(kinds), target=Target(name="y", task="binary", labels=("no", "yes")))
    first = np.nan_to_num(raw["number 0"].to_numpy())
    return raw, schema, (first > random.logistic(size=N_TRAIN)).astype(np.int64)


def _fitted(family: BaseFamily, raw: pa.Table, schema: TableSchema, y: np.ndarray) -> Bundle:
    plan = Plan(steps=propose(schema, {c.name: 0.05 for c in schema.features if c.is_numeric}))
    typed = schema.cast(raw).frame
    assert schema.target is not None
    pipeline = family.pipeline(plan, schema.target, len(y), 0).fit(plan.apply_cells(typed), y)
    return Bundle.assemble("kernel", schema, plan, {}, pipeline, profile_frame(typed, schema))


def _microseconds(call: Callable[[], object], n: int) -> float:
    """Return the median over rounds of the median call."""
    medians = []
    for _ in range(ROUNDS):
        times = []
        for _ in range(n):
            began = time.perf_counter()
            call()
            times.append(time.perf_counter() - began)
        medians.append(statistics.median(times))
    return statistics.median(medians) * 1e6
