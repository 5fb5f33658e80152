"""A service in this process, over real bundles."""

from __future__ import annotations

from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from deploy.service.app import create_app
from deploy.service.settings import Settings
from tests.unit.service.making import put, wait_for


@pytest.fixture(scope="session")
def artifacts(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("artifacts")
    put(folder)
    return folder


@pytest.fixture(scope="module")
def client(artifacts):
    with TestClient(create_app(Settings(artifacts=artifacts, poll_seconds=0.05, max_row_bytes=4000))) as opened:
        wait_for(lambda: opened.get("/readyz").status_code == 200)
        yield opened
