"""A service in a process of its own, started by tests, and all that it writes."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
from contextlib import contextmanager

import httpx

from tests.unit.service.making import SHIP, wait_for

PROGRAM = (
    "import sys; from pathlib import Path; from deploy.serve import serve; "
    "sys.exit(serve(Path(sys.argv[1]), '127.0.0.1', 0, int(sys.argv[2])))"
)


class Running:
    """A service process, and what it has written."""

    def __init__(self, artifacts, root, workers=1, **environment):
        self.process = subprocess.Popen(
            [sys.executable, "-c", PROGRAM, str(artifacts), str(workers)],
            stderr=subprocess.PIPE,
            text=True,
            cwd=root,
            env=os.environ | {"PENSTOCK_LOG_LEVEL": "DEBUG"} | environment,
        )
        assert self.process.stderr is not None
        found = re.search(r"http://127\.0\.0\.1:(\d+)", self.process.stderr.readline())
        assert found
        self.port = int(found[1])
        self.lines: list[str] = []
        self._reader = threading.Thread(target=lambda: self.lines.extend(self.process.stderr), daemon=True)
        self._reader.start()
        self.http = httpx.Client(base_url=f"http://127.0.0.1:{self.port}", timeout=20)
        wait_for(lambda: self.answers("/livez"), 40)

    def answers(self, path):
        """Return whether an address answers well."""
        assert self.process.poll() is None, self.lines
        try:
            return self.http.get(path).status_code == 200
        except httpx.TransportError:
            return False

    def version(self):
        """Return the version that answers."""
        return self.http.post("/predict", json=SHIP).json().get("version")

    def stop(self, number=signal.SIGTERM):
        """Send a signal and return the exit status."""
        self.process.send_signal(number)
        status = self.process.wait(40)
        self._reader.join(10)
        return status


@contextmanager
def running(artifacts, root, workers=1, **environment):
    service = Running(artifacts, root, workers, **environment)
    try:
        yield service
    finally:
        service.http.close()
        if service.process.poll() is None:
            service.stop()
        service._reader.join(10)
        service.process.stderr.close()
