"""One Prefect API for all tests of a process: starting one takes most of ten seconds."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.prefect_server import running_server


@pytest.fixture(scope="package")
def prefect_api() -> Iterator[str]:
    """Run flows against a server of their own, and return the address of its API."""
    # Prefect's own harness waits at its end for events that other servers of this process never took.
    from prefect.events.worker import EventsWorker
    from prefect.logging.handlers import APILogHandler
    from prefect.settings import PREFECT_API_URL, temporary_settings

    import tasks  # noqa: F401 - sets Prefect's environment before Prefect is imported

    with running_server() as base, temporary_settings({PREFECT_API_URL: f"{base}/api"}):
        # A worker that was begun for an earlier server of this process goes on sending there, for ever.
        EventsWorker.drain_all(timeout=5)
        yield f"{base}/api"
        EventsWorker.drain_all(timeout=20)
        # What is sent later than this waits a minute for a server that is gone.
        APILogHandler().flush()
