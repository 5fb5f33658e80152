"""One trained shop, and a copy of it for each test."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.unit.refresh import shop


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of a shop whose first version is live."""
    folder = tmp_path_factory.mktemp("shop") / "shop"
    assert shop.publish_first(shop.make(folder)).state == "published"
    return folder


@pytest.fixture
def folder(trained: Path, tmp_path: Path) -> Path:
    """Return a copy of it, to be changed."""
    return Path(shutil.copytree(trained, tmp_path / "shop"))
