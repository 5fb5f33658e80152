"""What `benchmarks.reports` runs in a process of its own: look at a table with penstock, and write the page."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path


def main(table: str, page: str) -> None:
    """Measure once and print what was measured as one JSON line."""
    began = time.perf_counter()
    from penstock.profiling import profile

    imports = time.perf_counter() - began
    from benchmarks.wrangle_inner import Own

    own = Own()
    began = time.perf_counter()
    seen = profile(table)
    seen.save(page)
    seconds = time.perf_counter() - began
    found = {"imports": imports, "seconds": seconds, "own": own.stop(), "frame": seen.facts.n_bytes}
    sys.stdout.write(json.dumps({**found, "html": Path(page).stat().st_size}) + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
