"""One Prefect server for all tests of this folder: each would otherwise wait for an embedded one."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator

import httpx
import pytest

from tests.e2e.driving import free_port


@pytest.fixture(scope="package", autouse=True)
def prefect_api() -> Iterator[str]:
    """Start a Prefect server, point this process and its children at it while tests of this folder run, and stop it."""
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
        os.environ["PREFECT_API_URL"] = f"{base}/api"
        yield base
    finally:
        os.environ.pop("PREFECT_API_URL", None)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)
        process.wait(30)
