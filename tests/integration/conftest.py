"""One Prefect API for all tests of a process: starting one takes most of ten seconds."""

from __future__ import annotations

from collections.abc import Iterator

import pytest


@pytest.fixture(scope="package")
def prefect_api() -> Iterator[str]:
    """Run flows against a server and a database of their own, and return the server's address."""
    from prefect.settings import PREFECT_API_URL
    from prefect.testing.utilities import prefect_test_harness

    import tasks  # noqa: F401 - sets Prefect's environment before Prefect is imported

    with prefect_test_harness(server_startup_timeout=90):
        yield str(PREFECT_API_URL.value())
