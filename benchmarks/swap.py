"""A model that is replaced a thousand times while it is asked: what callers notice of it."""

from __future__ import annotations

import asyncio
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from benchmarks.ground import PENSTOCK, ROOT, environment, free_port, report, workplace
from tests.swapping import Asked, Load, expected, first_answers, looked_at, rows
from tests.unit.service.making import put

SWAPS = int(os.environ.get("PENSTOCK_BENCH_SWAPS", "1000"))
RATE = float(os.environ.get("PENSTOCK_BENCH_RATE", "200"))
# Long enough that most of the time no swap is under way.
PAUSE = float(os.environ.get("PENSTOCK_BENCH_PAUSE", "0.4"))
SEEDS = list(range(12))
ROLLBACKS = 20


def main() -> None:
    """Measure and report."""
    with workplace() as folder:
        os.environ |= {"PENSTOCK_HOME": str(folder / "keys")}
        told = expected(folder / "beside", SEEDS, rows())
        artifacts = folder / "artifacts"
        put(artifacts, "ships", SEEDS[-1])
        port = free_port()
        env = environment(folder, OMP_NUM_THREADS="1")
        serve = [str(PENSTOCK), "serve", "--artifacts", str(artifacts), "--port", str(port)]
        log = (folder / "log").open("wb")
        server = subprocess.Popen(serve, env=env, stderr=log, cwd=ROOT)
        try:
            _measure(folder, artifacts, port, server.pid, told)
        finally:
            server.terminate()
            server.wait(40)
            if os.environ.get("PENSTOCK_BENCH_LOG"):
                sys.stdout.write((folder / "log").read_text()[-4000:])


def _measure(folder: Path, artifacts: Path, port: int, pid: int, told: dict[str, list[dict[str, object]]]) -> None:
    time.sleep(6)
    load = Load(port, RATE, rows())
    # What publishing itself takes of the machine is taken before and while: only then is the swap all that differs.
    quiet = asyncio.run(_while(load, folder / "elsewhere", max(20, SWAPS // 10), []))
    steady = percentile([a.done - a.due for a in load.done], 99)
    alone = Load(port, RATE, rows())
    memory: list[tuple[int, int]] = []
    written = asyncio.run(_while(alone, artifacts, SWAPS, memory, pid))
    del quiet
    found = looked_at([*load.done, *alone.done], told)
    first = first_answers(alone.done)
    waits = [first[version] - at for version, at in written.items() if version in first]
    swapping = [a.done - a.due for a in alone.done if _within(a, written, first)]
    between = [a.done - a.due for a in alone.done if not _within(a, written, first)]
    report("answers compared with their version's own", "-", f"{found.answers}", f"{len(written)} publishes")
    report("answers other than 200", "0", f"{found.failed}")
    report("answers with another version's values", "0", f"{found.mixed}")
    report("versions published and never served", "0", f"{len(written.keys() - first.keys())}")
    report("pointer to first answer, p99", "1 s + load", f"{percentile(waits, 99):.2f} s", f"p50 {percentile(waits, 50):.2f} s")
    report("one row, p99, a publisher busy elsewhere", "-", f"{steady * 1e3:.1f} ms", f"n {len(load.done)}")
    report("one row, p99, between swaps", "-", f"{percentile(between, 99) * 1e3:.1f} ms", f"n {len(between)}")
    during = percentile(swapping, 99)
    report("one row, p99, during a swap", "1.5 x", f"{during / steady:.2f} x", f"{during * 1e3:.1f} ms, n {len(swapping)}")
    for after, kib in memory[:1] + memory[200:201] + memory[-1:]:
        report(f"resident memory after {after} swaps", "-", f"{kib / 1024:.0f} MiB")


async def _while(load: Load, artifacts: Path, n: int, memory: list[tuple[int, int]], pid: int = 0) -> dict[str, float]:
    """Publish from a process of its own while a service is asked; return when each pointer was written."""
    words = [sys.executable, "-m", "tests.swapping", str(artifacts), json.dumps(SEEDS), str(n), str(PAUSE)]
    publisher = await asyncio.create_subprocess_exec(*words, stdout=subprocess.PIPE, cwd=ROOT)
    assert publisher.stdout is not None
    # Fitting the models to publish is not what is measured.
    lines = [await publisher.stdout.readline()]
    over = False
    asking = asyncio.create_task(load.run(lambda: over))
    while line := await publisher.stdout.readline():
        lines.append(line)
        if pid:
            memory.append((len(lines), resident(pid)))
    await asyncio.sleep(2)
    over = True
    await asking
    return {version: float(at) for version, at in (line.decode().split() for line in lines[len(SEEDS) :])}


def _within(one: Asked, written: dict[str, float], first: dict[str, float]) -> bool:
    return any(one.due < first.get(v, at + 1.0) and one.done > at for v, at in written.items())


def resident(pid: int) -> int:
    """Return the resident memory of a process, in KiB."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1])
    return 0


def percentile(taken: Sequence[float], which: int) -> float:
    """Return a percentile."""
    return statistics.quantiles(taken, n=100)[which - 1]
