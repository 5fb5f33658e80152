"""What the tests of bundles share: a home for keys of their own, and models that are fitted once."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.bundle.making import PASSED, Made, make


@pytest.fixture(autouse=True)
def keys(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give each test a signer that nobody else has."""
    home = tmp_path / "keys"
    monkeypatch.setenv("PENSTOCK_HOME", str(home))
    monkeypatch.delenv("PENSTOCK_TRUSTED_KEYS", raising=False)
    return home


@pytest.fixture(scope="session")
def first() -> Made:
    """Return a small model."""
    return make(seed=1)


@pytest.fixture(scope="session")
def second() -> Made:
    """Return the same recipe on other data."""
    return make(seed=2)


@pytest.fixture(scope="session")
def third() -> Made:
    """Return it once more."""
    return make(seed=3)


@pytest.fixture(scope="session")
def carrying() -> Made:
    """Return a model that carries a look-up table."""
    return make(seed=1, joined=True)


@pytest.fixture
def artifacts(tmp_path: Path) -> Path:
    """Return a directory that is not there yet."""
    return tmp_path / "artifacts"


@pytest.fixture
def live(artifacts: Path, first: Made) -> Path:
    """Return the directory of a published version."""
    from penstock.bundle.publish import publish

    done = publish(artifacts, "churn", first.parts, PASSED)
    assert done.path is not None
    return Path(done.path)
