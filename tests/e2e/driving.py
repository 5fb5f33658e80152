"""Drive the command and the service from outside, as a user does."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

PENSTOCK = Path(sys.executable).with_name("penstock")


def penstock(*words: object, cwd: Path, timeout: float = 300, **env: str) -> subprocess.CompletedProcess[str]:
    """Run the command to its end."""
    return subprocess.run(
        [str(PENSTOCK), *map(str, words)],
        cwd=cwd,
        env=os.environ | env,
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )


def summary_of(done: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    """Return the JSON line that ends stdout."""
    lines = done.stdout.strip().splitlines()
    assert lines, done.stderr
    return dict(json.loads(lines[-1]))


@dataclass(frozen=True)
class Service:
    """A service that runs."""

    base: str
    # What it printed, once it has stopped.
    log: list[str] = field(default_factory=list)

    def predict(self, row: dict[str, Any], model: str = "clinic") -> dict[str, Any]:
        """Return the answer to one row."""
        answer = httpx.post(f"{self.base}/models/{model}/predict", json=row, timeout=30)
        assert answer.status_code == 200, answer.text
        return dict(answer.json())


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return int(s.getsockname()[1])


@contextlib.contextmanager
def serving(artifacts: Path) -> Iterator[Service]:
    """Run `penstock serve` until the block ends."""
    port = free_port()
    process = subprocess.Popen(
        [str(PENSTOCK), "serve", "--artifacts", str(artifacts), "--port", str(port)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    base = f"http://127.0.0.1:{port}"
    service = Service(base)
    try:
        for _ in range(300):
            assert process.poll() is None, process.communicate()[0]
            with contextlib.suppress(httpx.HTTPError):
                if httpx.get(f"{base}/readyz", timeout=2).status_code == 200:
                    break
            time.sleep(0.1)
        yield service
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)
        service.log.append(process.communicate(timeout=30)[0].decode())
