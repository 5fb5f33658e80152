"""What `benchmarks.reports` runs in a peer's environment: read a table, and make the peer's report of it.

It imports nothing of this project, for none of it is there.
"""

from __future__ import annotations

import importlib
import json
import sys
import threading
import time
import warnings
from pathlib import Path
from typing import Any

import pandas as pd


class Own(threading.Thread):
    """The most memory of its own that the process holds, without the pages of mapped files."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.first = self.most = _now()
        self.over = threading.Event()
        self.start()

    def run(self) -> None:
        """Look every few milliseconds."""
        while not self.over.wait(0.005):
            self.most = max(self.most, _now())


def _now() -> int:
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("RssAnon"))


def skrub(frame: Any, page: Path) -> None:
    """Write skrub's report."""
    from skrub import TableReport  # type: ignore[import-not-found]  # it is in another environment

    TableReport(frame, verbose=0).write_html(page)


def ydata(frame: Any, page: Path, minimal: bool) -> None:
    """Write ydata-profiling's report."""
    from ydata_profiling import ProfileReport  # type: ignore[import-not-found]  # it is in another environment

    ProfileReport(frame, minimal=minimal, progress_bar=False).to_file(page, silent=True)


def main(kind: str, table: str, page: str) -> None:
    """Measure once and print what was measured as one JSON line."""
    warnings.simplefilter("ignore")
    began = time.perf_counter()
    importlib.import_module("skrub" if kind == "skrub" else "ydata_profiling")
    imports = time.perf_counter() - began
    own = Own()
    began = time.perf_counter()
    frame = pd.read_parquet(table)
    read = time.perf_counter() - began
    began = time.perf_counter()
    if kind == "skrub":
        skrub(frame, Path(page))
    else:
        ydata(frame, Path(page), minimal=kind == "minimal")
    seconds = time.perf_counter() - began
    own.over.set()
    own.join()
    found = {"imports": imports, "read": read, "seconds": seconds, "own": own.most - own.first}
    sys.stdout.write(json.dumps({**found, "html": Path(page).stat().st_size}) + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
