"""What a model costs where it is served: the time of one row, the memory it takes, and its size on disk."""

from __future__ import annotations

import io
import time
import tracemalloc
from collections.abc import Callable, Mapping, Sequence

import joblib

from penstock.frozen import Frozen

MB = 1_000_000
# Single rows are timed in the work of the thread alone: prediction has one thread, and a busy machine must not
# make a model slow. What is left of others (caches, clock rates) only adds, so that the fastest says most of the model;
# it is taken over medians, lest one lucky row speak for all.
ROUNDS, A_ROUND, WARM_UP = 7, 9, 5
# A model that is this slow is not asked as often.
ENOUGH_SECONDS = 2.0


class Cost(Frozen):
    """What serving a model costs: milliseconds a row, and megabytes (10^6 bytes) in memory and on disk."""

    latency_ms: float
    memory_mb: float
    bundle_mb: float


def row_milliseconds(ask: Callable[[Mapping[str, object]], object], rows: Sequence[Mapping[str, object]]) -> float:
    """Return how long one row takes, in milliseconds: the least of seven medians over nine single rows.

    Parameters
    ----------
    ask : callable
        Predicts one row.
    rows : sequence of mapping
        Rows as a caller would send them, one or more.
    """
    for i in range(WARM_UP):
        ask(rows[i % len(rows)])
    started = time.perf_counter()
    medians = []
    for k in range(ROUNDS):
        taken = []
        for i in range(A_ROUND):
            begun = time.thread_time()
            ask(rows[(k * A_ROUND + i) % len(rows)])
            taken.append(time.thread_time() - begun)
        medians.append(sorted(taken)[A_ROUND // 2])
        if time.perf_counter() - started > ENOUGH_SECONDS:
            break
    return min(medians) * 1e3


def memory_of(pickled: bytes, tables: Sequence[int]) -> float:
    """Return how many megabytes an estimator takes once it is open, and the tables that travel with it.

    Parameters
    ----------
    pickled : bytes
        The served estimator as joblib wrote it, by this project in this run.
    tables : sequence of int
        Bytes of the tables.

    Notes
    -----
    What a library holds outside Python's own memory is not seen there, but is in the bytes that it was read from: the
    larger of both counts.
    """
    is_ours = not tracemalloc.is_tracing()
    if is_ours:
        tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        kept = joblib.load(io.BytesIO(pickled))
        after, _ = tracemalloc.get_traced_memory()
        del kept
    finally:
        if is_ours:
            tracemalloc.stop()
    return (max(after - before, len(pickled)) + sum(tables)) / MB
