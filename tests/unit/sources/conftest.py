"""What several tests of sources stand on."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.sources.desk import Desk


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    """Return a desk of the test's own."""
    return Desk(tmp_path)
