"""One forecast for the tests of this folder."""

from __future__ import annotations

import pytest

from penstock.bundle.bundle import Bundle
from penstock.receipts import Trained
from tests.unit.series.demand import Run, bundle_of, demand


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Run, Trained]:
    """Return a run of two stores' sales, and its candidate."""
    return demand(tmp_path_factory.mktemp("demand"))


@pytest.fixture(scope="session")
def bundle(made: tuple[Run, Trained]) -> Bundle:
    """Return its bundle."""
    return bundle_of(*made)
