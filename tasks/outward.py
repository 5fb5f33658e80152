"""Nothing that Prefect would tell the world: analytics, telemetry, promotion, checks for news are off."""

from __future__ import annotations

import os

# DO_NOT_TRACK is what Prefect's client library heeds; the others are settings of its server, its flows and its pages.
QUIET = {
    "DO_NOT_TRACK": "1",
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "PREFECT_SERVER_UI_SHOW_PROMOTIONAL_CONTENT": "false",
    "PREFECT_TELEMETRY_ENABLE_RESOURCE_METRICS": "false",
    "PREFECT_CLIENT_SERVER_VERSION_CHECK_ENABLED": "false",
    # The default of 20 seconds is too short for the first start of an embedded server on a busy machine.
    "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "90",
}


def keep_in() -> None:
    """Set what the environment has not set itself; processes started from here inherit it."""
    for name, value in QUIET.items():
        os.environ.setdefault(name, value)
