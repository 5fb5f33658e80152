"""A model that is replaced a thousand times while it is asked: what callers notice of it."""

from __future__ import annotations

import asyncio
import json
import os
import statistics
import subprocess
import sys
import time
import urllib.request
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.ground import PENSTOCK, ROOT, environment, free_port, report, server, workplace
from penstock.bundle.rollback import rollback
from tests.swapping import Answers, Asked, Load, expected, first_answers, looked_at, rows
from tests.unit.service.making import put

SWAPS = int(os.environ.get("PENSTOCK_BENCH_SWAPS", "1000"))
RATE = float(os.environ.get("PENSTOCK_BENCH_RATE", "50"))
# Long enough that most of the time no swap is under way.
PAUSE = float(os.environ.get("PENSTOCK_BENCH_PAUSE", "0.25"))
SEEDS = list(range(12))
ROLLBACKS = 5


def main() -> None:
    """Measure and report."""
    with workplace() as folder:
        os.environ["PENSTOCK_HOME"] = str(folder / "keys")
        told = expected(folder / "beside", SEEDS, rows())
        artifacts = folder / "artifacts"
        put(artifacts, "ships", SEEDS[-1])
        port = free_port()
        serve = [str(PENSTOCK), "serve", "--artifacts", str(artifacts), "--port", str(port)]
        with server(serve, f"http://127.0.0.1:{port}/readyz", environment(folder)) as process:
            steady = asyncio.run(_while(port, folder / "elsewhere", max(20, SWAPS // 10)))
            swapped = asyncio.run(_while(port, artifacts, SWAPS, process.pid))
            back = [_rolled_back(port, artifacts) for _ in range(ROLLBACKS)]
    _tell(steady, swapped, back, told)


@dataclass(frozen=True, slots=True)
class While:
    """What was asked while versions were published, when each pointer was written, and memory after each, in KiB."""

    done: list[Asked]
    written: dict[str, float]
    memory: list[int]


async def _while(port: int, artifacts: Path, n: int, pid: int = 0) -> While:
    """Publish from a process of its own while a service is asked."""
    # Each model is fitted when it is published first, which is not what is measured.
    words = [sys.executable, "-m", "tests.swapping", str(artifacts), json.dumps(SEEDS), str(n + len(SEEDS)), str(PAUSE)]
    publisher = await asyncio.create_subprocess_exec(*words, stdout=subprocess.PIPE, cwd=ROOT)
    assert publisher.stdout is not None
    for _ in SEEDS:
        await publisher.stdout.readline()
    over = False
    load = Load(port, RATE, rows())
    asking = asyncio.create_task(load.run(lambda: over))
    written, memory = {}, []
    while line := await publisher.stdout.readline():
        version, at = line.decode().split()
        written[version] = float(at)
        memory.append(resident(pid) if pid else 0)
    await asyncio.sleep(2)
    over = True
    await asking
    return While(load.done, written, memory)


def _rolled_back(port: int, artifacts: Path) -> float:
    """Go back by one version, and return the seconds until it answers."""
    moved = rollback(artifacts, "ships", reason="measured", who="benchmark")
    began = time.perf_counter()
    while asked(port)["version"] != moved.version:
        time.sleep(0.01)
    return time.perf_counter() - began


def asked(port: int) -> dict[str, Any]:
    """Return the answer to one row."""
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}/predict", json.dumps(rows()[0]).encode(), {"content-type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=20) as answer:  # noqa: S310 - a loopback address
        return dict(json.loads(answer.read()))


def _tell(steady: While, swapped: While, back: list[float], told: Answers) -> None:
    found = looked_at([*steady.done, *swapped.done], told)
    first = first_answers(swapped.done)
    waits = [first[version] - at for version, at in swapped.written.items() if version in first]
    at_rest = percentile([one.done - one.due for one in steady.done], 99)
    within = [one.done - one.due for one in swapped.done if _within(one, swapped.written, first)]
    during = percentile(within, 99)
    report(
        "publishes under load", "1,000", f"{len(swapped.written):,}", f"{found.answers:,} answers, {RATE:g} a second"
    )
    report("answers other than 200", "0", f"{found.failed}")
    report("answers with another version's values", "0", f"{found.mixed}")
    report(
        "pointer to served, p99", "1 s + load", f"{percentile(waits, 99):.2f} s", f"p50 {percentile(waits, 50):.2f} s"
    )
    note = f"{during * 1e3:.1f} ms of {len(within):,}, beside {at_rest * 1e3:.1f} ms with a publisher busy elsewhere"
    report("p99 during a swap, in times of steady", "1.5", f"{during / at_rest:.2f}", note)
    start, end = swapped.memory[0], swapped.memory[min(200, len(swapped.memory) - 1)]
    report(
        "memory growth after 200 swaps", "5 %", f"{end / start - 1:.1%}", f"{start / 1024:.0f} to {end / 1024:.0f} MiB"
    )
    last = swapped.memory[-1]
    report(f"memory growth after {len(swapped.memory):,} swaps", "-", f"{last / start - 1:.1%}")
    report("rollback served", "2 s", f"{max(back):.2f} s", f"the slowest of {len(back)}")


def _within(one: Asked, written: dict[str, float], first: dict[str, float]) -> bool:
    """Whether a request was under way between a pointer's writing and its version's first answer."""
    return any(one.due < first.get(version, at + 1.0) and one.done > at for version, at in written.items())


def resident(pid: int) -> int:
    """Return the resident memory of a process, in KiB."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1])
    return 0


def percentile(taken: Sequence[float], which: int) -> float:
    """Return a percentile."""
    return statistics.quantiles(taken, n=100)[which - 1]
