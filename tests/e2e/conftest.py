"""One Prefect server for all tests of this folder: each would otherwise wait for an embedded one."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.e2e.driving import free_port


@pytest.fixture(scope="session", autouse=True)
def prefect_api() -> Iterator[str]:
    """Start a Prefect server, point this process and its children at it, and stop it in the end."""
    base = f"http://127.0.0.1:{free_port()}"
    command = [str(Path(sys.executable).with_name("prefect")), "server", "start", "--host", "127.0.0.1"]
    process = subprocess.Popen(
        [*command, "--port", base.rsplit(":", 1)[1]],
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
