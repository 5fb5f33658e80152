"""Lets many publishers start at the same moment, each in a process of its own."""

from __future__ import annotations

import dataclasses
import json
import os
import pickle
import sys
from pathlib import Path

from penstock.bundle.publish import publish
from penstock.bundle.seal import Parts
from penstock.errors import PublishConflict
from tests.unit.bundle.making import PASSED


def outcome(artifacts: Path, parts: Parts, started_from: str | None) -> str:
    """Publish; return what became of it."""
    try:
        return publish(artifacts, "churn", parts, PASSED, started_from=started_from).state
    except PublishConflict:
        return "conflict"


def crowd(artifacts: Path, parts: Parts, started_from: str | None, n: int) -> list[str]:
    """Let so many publish at once, each a content of its own; return what became of them."""
    ready, go = os.pipe()
    pipes: list[int] = []
    for i in range(n):
        told, tell = os.pipe()
        if os.fork() == 0:
            os.close(go)
            os.read(ready, 1)
            own = dataclasses.replace(parts, digest=f"{i:x}".rjust(2, "0") * 32)
            os.write(tell, outcome(artifacts, own, started_from).encode())
            os._exit(0)
        os.close(tell)
        pipes.append(told)
    # Nobody writes: that the last writer has gone is what wakes them all.
    os.close(go)
    found = [os.read(told, 64).decode() for told in pipes]
    for _ in pipes:
        os.wait()
    return found


if __name__ == "__main__":
    where, pickled, started, how_many = sys.argv[1:]
    loaded = pickle.loads(Path(pickled).read_bytes())
    sys.stdout.write(json.dumps(crowd(Path(where), loaded, None if started == "any" else started, int(how_many))))
