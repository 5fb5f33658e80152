"""Kills publishers for good: one process for each call at which it ends, the way the system ends them."""

from __future__ import annotations

import os
import pickle
import signal
import sys
from pathlib import Path

from penstock.bundle.publish import publish, rollback
from penstock.bundle.seal import Parts
from tests.unit.bundle.breaking import BreakingDisk, KillingDisk, Way
from tests.unit.bundle.making import PASSED


def act(artifacts: Path, parts: Parts | None, disk: BreakingDisk) -> None:
    """Publish, or go back where there is nothing to publish."""
    if parts is None:
        rollback(artifacts, "churn", disk=disk)
    else:
        publish(artifacts, "churn", parts, PASSED, disk=disk)


def killed_at(artifacts: Path, parts: Parts | None, stop: int, way: Way) -> bool:
    """Do it in a process of its own that is killed at a call; return whether it was."""
    child = os.fork()
    if child == 0:
        act(artifacts, parts, KillingDisk(stop, way))
        os._exit(0)
    _, status = os.waitpid(child, 0)
    return os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL


def main(parts: Path, jobs: Path) -> None:
    """Work through jobs, a line each: artifacts directory, call and way; write those that ended otherwise."""
    loaded = pickle.loads(parts.read_bytes())
    for line in jobs.read_text().splitlines():
        artifacts, stop, way = line.split("\t")
        if not killed_at(Path(artifacts), loaded, int(stop), way):  # type: ignore[arg-type]  # of the test's making
            sys.stdout.write(f"{line}\n")


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
