"""A profile of a table beside skrub's TableReport and ydata-profiling's report of the same table, in one run.

Each peer has a virtual environment of its own, made at the first run in a folder of the system's temporary directory
and kept there; where one cannot be installed that is said, and the rest goes on. `REPORTS_ROWS=100000` measures another
number of rows, `REPORTS_PEERS=skrub,minimal,full` those peers: ydata-profiling's full report takes minutes, and is made
of the smallest table only. The peers are given a pandas frame, and their reading it from Parquet is told apart; ours
is measured from the file on, as `penstock profile` is called.
"""

from __future__ import annotations

import functools
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import pyarrow.csv
import pyarrow.parquet

from benchmarks.ground import PENSTOCK, environment, report, timed, workplace
from benchmarks.sizes import MB, ROWS, WEIGHED, inner

PEERS = {
    "skrub": ("skrub", "pyarrow", "matplotlib"),
    "ydata": ("ydata-profiling", "pyarrow", "setuptools<81"),
}
ENVIRONMENTS = Path(tempfile.gettempdir()) / "penstock-bench-peers"
PEER = Path(__file__).with_name("reports_peer.py")
MOST_HTML = 5.0
LIMIT = 900


def main() -> None:
    """Measure and report."""
    kinds = os.environ.get("REPORTS_PEERS", "skrub,minimal").split(",")
    sizes = [int(n) for n in os.environ.get("REPORTS_ROWS", ROWS).split(",")]
    for n_rows in sizes:
        _one_size(n_rows, [kind for kind in kinds if kind != "full" or n_rows == min(sizes)])


def _one_size(n_rows: int, kinds: list[str]) -> None:
    with workplace() as folder:
        csv, parquet = folder / "table.csv", folder / "table.parquet"
        inner("benchmarks.typing_inner", folder, "make", str(n_rows), str(csv))
        pyarrow.parquet.write_table(pyarrow.csv.read_csv(str(csv)), str(parquet))
        told = f"{n_rows:,} x 30"
        peers = {}
        for kind in kinds:
            python = _installed("skrub" if kind == "skrub" else "ydata")
            if python is not None:
                peers[kind] = _peer(python, kind, parquet, folder)
                _tell(told, kind if kind == "skrub" else f"ydata-profiling, {kind}", peers[kind])
        limit = peers.get("skrub", {}).get("seconds")
        for path in (parquet, csv):
            ours = inner("benchmarks.reports_inner", folder, str(path), str(folder / "ours.html"))
            _ours(f"{told}, penstock from {path.suffix[1:]}", ours, limit, weighed=n_rows >= WEIGHED)
        words = [str(PENSTOCK), "profile", str(parquet)]
        whole = timed(words, environment(folder), folder)
        with_imports = _whole(peers.get("skrub"))
        report(f"{told}, penstock profile, the whole command", with_imports, f"{whole:.2f} s", "imports and all")


def _whole(peer: dict[str, Any] | None) -> str:
    return f"{peer['imports'] + peer['read'] + peer['seconds']:.2f} s" if peer and "seconds" in peer else "-"


def _ours(what: str, ours: dict[str, Any], limit: float | None, *, weighed: bool) -> None:
    asked = f"{limit:.2f} s" if limit is not None else "-"
    report(what, asked, f"{ours['seconds']:.2f} s", f"imports {ours['imports']:.2f} s more")
    frame = ours["frame"] / MB
    note = f"the typed frame has {frame:,.0f} MB"
    asked = f"{1.5 * frame:,.0f} MB" if weighed else "-"
    report(f"{what}: memory over the imports", asked, f"{ours['own'] / MB:,.0f} MB", note)
    report(f"{what}: size of the page", f"{MOST_HTML:.1f} MB", f"{ours['html'] / MB:.2f} MB")


def _tell(what: str, name: str, peer: dict[str, Any]) -> None:
    if "failed" in peer:
        report(f"{what}, {name}", "-", "failed", peer["failed"])
        return
    note = f"imports {peer['imports']:.2f} s and reading {peer['read']:.2f} s more; {peer['html'] / MB:.2f} MB of HTML"
    report(f"{what}, {name}", "-", f"{peer['seconds']:.2f} s", f"{note}; {peer['own'] / MB:,.0f} MB over the imports")


def _peer(python: Path, kind: str, table: Path, folder: Path) -> dict[str, Any]:
    # Without the script's own folder among the places of modules: this one has a typing.py.
    words = [str(python), "-P", str(PEER), kind, str(table), str(folder / f"{kind}.html")]
    try:
        done = subprocess.run(words, cwd=folder, capture_output=True, text=True, check=False, timeout=LIMIT)
    except subprocess.TimeoutExpired:
        return {"failed": f"took more than {LIMIT} s"}
    if done.returncode:
        return {"failed": (done.stderr.strip().splitlines() or ["no word"])[-1][:120]}
    found: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    return found


@functools.cache
def _installed(name: str) -> Path | None:
    """Return the Python of a peer's environment, or None where it cannot be made."""
    folder = ENVIRONMENTS / f"{name}-{sys.version_info.major}.{sys.version_info.minor}"
    python, whole = folder / "bin" / "python", folder / "whole"
    if whole.exists():
        return python
    for words in (
        [sys.executable, "-m", "venv", str(folder)],
        [str(python), "-m", "pip", "install", "-q", *PEERS[name]],
    ):
        done = subprocess.run(words, capture_output=True, text=True, check=False)
        if done.returncode:
            end = (done.stderr.strip().splitlines() or ["no word"])[-1]
            report(f"{name} cannot be installed", "-", "-", end[:160])
            return None
    whole.touch()
    return python
