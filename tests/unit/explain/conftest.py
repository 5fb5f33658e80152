"""Candidates that the tests of this folder share."""

from __future__ import annotations

import pytest

from tests.unit.explain.making import Fitted, fitted
from tests.unit.models.making import ships


@pytest.fixture(scope="session")
def binary(tmp_path_factory: pytest.TempPathFactory) -> Fitted:
    """Return a model of whether ships are late."""
    return fitted(ships(600), tmp_path_factory.mktemp("binary"))


@pytest.fixture(scope="session")
def multiclass(tmp_path_factory: pytest.TempPathFactory) -> Fitted:
    """Return a model of three kinds of late."""
    return fitted(ships(600, task="multiclass"), tmp_path_factory.mktemp("multiclass"))


@pytest.fixture(scope="session")
def regression(tmp_path_factory: pytest.TempPathFactory) -> Fitted:
    """Return a model of how late ships are."""
    return fitted(ships(600, task="regression"), tmp_path_factory.mktemp("regression"))


@pytest.fixture(params=["binary", "multiclass", "regression"])
def of_any_task(request: pytest.FixtureRequest) -> Fitted:
    """Return one model after another."""
    found: Fitted = request.getfixturevalue(request.param)
    return found
