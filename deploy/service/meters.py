"""What the service counts and times, in Prometheus' words.

With several workers each process writes its numbers beside the others' (`PROMETHEUS_MULTIPROC_DIR`, set by
`deploy.serve`), and whichever answers `/metrics` adds them up.
"""

from __future__ import annotations

import os
import re
from bisect import bisect_left
from collections import Counter as Counted
from collections import deque
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    disable_created_metrics,
    generate_latest,
    multiprocess,
)

from penstock.bundle.predictions import Predictions

MULTIPROCESS = "PROMETHEUS_MULTIPROC_DIR"
# A served row takes a few milliseconds: most buckets lie where the answers do.
SECONDS = (0.0005, 0.001, 0.002, 0.003, 0.005, 0.0075, 0.01, 0.015, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
MOST_WAITING = 512
_T = TypeVar("_T")
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


class Meters:
    """The numbers of one process. Each app has a registry of its own, so that two apps can live in one process."""

    def __init__(self) -> None:
        # When a counter was made says nothing that its first value does not.
        disable_created_metrics()  # type: ignore[no-untyped-call]
        self.registry = CollectorRegistry()
        r = self.registry
        self.requests = Counter(
            "penstock_http_requests", "Requests answered", ["method", "route", "status"], registry=r
        )
        self.seconds = Histogram(
            "penstock_http_request_seconds", "From request line to last byte", ["route"], registry=r, buckets=SECONDS
        )
        self.predict_seconds = Histogram(
            "penstock_predict_seconds", "Inside the model, one call", ["model", "version"], registry=r, buckets=SECONDS
        )
        self.rows = Counter("penstock_rows", "Rows predicted", ["model", "version"], registry=r)
        self.warnings = Counter("penstock_warnings", "Warnings given with answers", ["model", "code"], registry=r)
        self.logged = Counter(
            "penstock_prediction_log_rows",
            "Rows for the prediction log: written, dropped, failed",
            ["result"],
            registry=r,
        )
        self.reloads = Counter("penstock_reloads", "New versions met", ["model", "result"], registry=r)
        self.info = _gauge(r, "penstock_model_info", "1 for the version that is served", ["model", "version", "digest"])
        self.generation = _gauge(r, "penstock_model_generation", "Generation of the pointer served", ["model"])
        self.degraded = _gauge(r, "penstock_model_degraded", "1 while the pointed version is not served", ["model"])
        self.quarantined = _gauge(r, "penstock_model_quarantined", "1 while the pointed digest is refused", ["model"])
        self.ready = _gauge(r, "penstock_ready", "1 while requests can be answered", [])

        # Requests that are answered and not counted yet. Counting many at once costs each a tenth of counting it
        # alone; several workers count at once, because any of them may be asked for the sum.
        self._waiting: deque[tuple[str, str, int, float]] = deque()
        self._most_waiting = 1 if os.environ.get(MULTIPROCESS) else MOST_WAITING
        # Finding a number by its labels costs as much as a layer of the app. Methods, patterns and statuses are few.
        self._found: dict[tuple[str, str, int], tuple[Counter, Histogram]] = {}
        self._tallies: dict[tuple[str, str], Tally] = {}

    def observe(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count one answered request, at the latest when the numbers are asked for."""
        self._waiting.append((method, route, status, seconds))
        if len(self._waiting) >= self._most_waiting:
            self._settle()

    def _settle(self) -> None:
        groups: dict[tuple[str, str, int], list[float]] = {}
        for method, route, status, seconds in _emptied(self._waiting):
            key = (method if method in _METHODS else "other", route, status)
            groups.setdefault(key, []).append(seconds)
        for key, all_ in groups.items():
            found = self._found.get(key)
            if found is None:
                found = self.requests.labels(key[0], key[1], str(key[2])), self.seconds.labels(key[1])
                self._found[key] = found
            found[0].inc(len(all_))
            _observe_all(found[1], all_)
        for tally in self._tallies.values():
            tally.settle()

    def tally(self, model: str, version: str) -> Tally:
        """Return what one version of a model is counted on."""
        found = self._tallies.get((model, version))
        if found is None:
            found = self._tallies[model, version] = Tally(self, model, version, self._most_waiting)
        return found

    def text(self) -> bytes:
        """Return every number in Prometheus' text format, those of the other workers included."""
        self._settle()
        folder = os.environ.get(MULTIPROCESS)
        if not folder:
            return generate_latest(self.registry)
        _forget_dead(Path(folder))
        registry = CollectorRegistry()
        multiprocess.MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
        return generate_latest(registry)


class Tally:
    """Counts what one version of a model answers."""

    __slots__ = ("_model", "_most_waiting", "_rows", "_seconds", "_waiting", "_warnings")

    def __init__(self, meters: Meters, model: str, version: str, most_waiting: int) -> None:
        self._seconds = meters.predict_seconds.labels(model, version)
        self._rows = meters.rows.labels(model, version)
        self._warnings = meters.warnings
        self._model = model
        self._waiting: deque[tuple[float, int]] = deque()
        self._most_waiting = most_waiting

    def note(self, seconds: float, answers: Predictions) -> None:
        """Count one call of the model."""
        n_rows = len(answers)
        self._waiting.append((seconds, n_rows))
        if len(self._waiting) >= self._most_waiting:
            self.settle()
        for note in answers.notes:
            n = n_rows if note.rows is None else len(note.rows)
            self._warnings.labels(self._model, note.warned.code).inc(n)

    def settle(self) -> None:
        """Count what was noted."""
        waiting = [*_emptied(self._waiting)]
        if waiting:
            _observe_all(self._seconds, [seconds for seconds, _ in waiting])
            self._rows.inc(sum(n_rows for _, n_rows in waiting))


def _observe_all(histogram: Histogram, seconds: list[float]) -> None:
    """Do what `observe` does of each, in a few steps: alone, each takes a lock twice and goes through the buckets.

    The library has no public way to count many at once; its tests here would fail if these names went.
    """
    if len(seconds) == 1:
        histogram.observe(seconds[0])
        return
    histogram._sum.inc(sum(seconds))
    for bucket, n in Counted(bisect_left(SECONDS, each) for each in seconds).items():
        histogram._buckets[bucket].inc(n)


def _emptied(waiting: deque[_T]) -> Iterator[_T]:
    """Take what waits, one by one: threads may add to it meanwhile, and more than one may take."""
    while waiting:
        try:
            yield waiting.popleft()
        except IndexError:
            return


def _gauge(registry: CollectorRegistry, name: str, text: str, labels: list[str]) -> Gauge:
    # Workers may swap at slightly different moments; the largest of the living is what an alarm wants to see.
    return Gauge(name, text, labels, registry=registry, multiprocess_mode="livemax")


def _forget_dead(folder: Path) -> None:
    for file in folder.glob("gauge_live*_*.db"):
        found = re.search(r"_(\d+)\.db$", file.name)
        if found and not _alive(int(found.group(1))):
            with suppress(OSError):
                multiprocess.mark_process_dead(int(found.group(1)))  # type: ignore[no-untyped-call]


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
