"""What Prefect adds to the seven stages: flow wall time minus the same stages called as plain functions."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys

from benchmarks.ground import ROOT, SPEC, prefect_server, report, workplace

ROUNDS = 3


def main() -> None:
    """Measure and report."""
    with workplace() as folder, prefect_server(folder) as env:
        words = [sys.executable, "-m", "benchmarks.orchestration_inner", str(SPEC), str(folder), str(ROUNDS)]
        done = subprocess.run(words, env=env, cwd=ROOT, capture_output=True, text=True, check=False)
        if done.returncode:
            raise RuntimeError(done.stdout[-2000:] + done.stderr[-2000:])
        rounds = json.loads(done.stdout.strip().splitlines()[-1])
    extra = statistics.median(r["flow"] - r["plain"] for r in rounds)
    flow = statistics.median(r["flow"] for r in rounds)
    cached = statistics.median(r["cached"] for r in rounds)
    what = "orchestration of seven stages, server running"
    # The flow draws while it trains, which hides some of what it costs; the cached flow hides nothing.
    report(what, "1.5 s", f"{extra:.2f} s", f"flow {flow:.2f} s, median of {ROUNDS}")
    report(f"{what}, all cached", "1.5 s", f"{cached:.2f} s", "reading and checking what is cached included")
