"""One Prefect server for all tests of this folder: each would otherwise wait for an embedded one."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from tests.prefect_server import running_server


@pytest.fixture(scope="package", autouse=True)
def prefect_api() -> Iterator[str]:
    """Start a Prefect server, point this process and its children at it while tests of this folder run, and stop it."""
    with running_server() as base:
        os.environ["PREFECT_API_URL"] = f"{base}/api"
        try:
            yield base
        finally:
            os.environ.pop("PREFECT_API_URL", None)
