"""A Prefect server of the tests' own, in a process of its own."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator

import httpx

from tests.e2e.driving import free_port


@contextlib.contextmanager
def running_server() -> Iterator[str]:
    """Start a Prefect server, give its address, and stop it."""
    port = free_port()
    base = f"http://127.0.0.1:{port}"
    process = subprocess.Popen(
        [sys.executable, "-m", "deploy.prefect_server", "--host", "127.0.0.1", "--port", str(port)],
        env=os.environ | {"PREFECT_API_URL": f"{base}/api"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        for _ in range(900):
            assert process.poll() is None, f"the Prefect server ended with {process.returncode}"
            with contextlib.suppress(httpx.HTTPError):
                if httpx.get(f"{base}/api/health", timeout=2).status_code == 200:
                    break
            time.sleep(0.1)
        yield base
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)
        process.wait(30)
