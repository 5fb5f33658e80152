"""Run the benchmarks named on the command line, or all."""

from __future__ import annotations

import os
import platform
import sys

from benchmarks import (
    collect,
    coverage,
    encoder,
    engines,
    explore,
    faults,
    formats,
    kernel,
    orchestration,
    published,
    reasons,
    reports,
    run,
    service,
    sql,
    swap,
    typing,
    wrangle,
)

ALL = {
    "run": run.main,
    "orchestration": orchestration.main,
    "service": service.main,
    "collect": collect.main,
    "formats": formats.main,
    "sql": sql.main,
    "typing": typing.main,
    "wrangle": wrangle.main,
    "explore": explore.main,
    "encoder": encoder.main,
    "kernel": kernel.main,
    "engines": engines.main,
    "reports": reports.main,
    "faults": faults.main,
    "coverage": coverage.main,
    "reasons": reasons.main,
    "swap": swap.main,
    "published": published.main,
}


def main() -> None:
    """Run them in order."""
    print(f"{platform.platform()}, {os.cpu_count()} cores, Python {platform.python_version()}")
    for name in sys.argv[1:] or ALL:
        if name not in ALL:
            sys.exit(f"no benchmark {name!r}; there are: {', '.join(ALL)}")
        ALL[name]()


if __name__ == "__main__":
    main()
