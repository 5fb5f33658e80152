"""What every test stands on: an environment of its own, and one rule for what may be absent."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NoReturn

import pytest
from hypothesis import settings

from tests.servers import Server, mariadb_server, postgresql_server

ROOT = Path(__file__).resolve().parent.parent
IN_CI = os.environ.get("CI", "").lower() in ("1", "true")
# Whether the extras' libraries have to be there: `make test-extras` installs them.
WITH_EXTRAS = os.environ.get("PENSTOCK_EXTRAS", "") == "1"
_own = pytest.StashKey[str]()

# On a busy machine a deadline says nothing about the code; in CI the same examples every time.
settings.register_profile("penstock", deadline=None, derandomize=IN_CI)
settings.load_profile("penstock")


def pytest_configure(config: pytest.Config) -> None:
    """Give this process homes of its own before any test module imports Prefect or makes a signing key."""
    own = tempfile.mkdtemp(prefix="penstock-tests-")
    config.stash[_own] = own
    # The user's own settings, and a server that happens to run, must not reach the tests.
    for name in [n for n in os.environ if n.startswith(("PENSTOCK_", "PREFECT_"))]:
        del os.environ[name]
    homes = {
        "HOME": "home",
        "XDG_CONFIG_HOME": "home/.config",
        "XDG_CACHE_HOME": "home/.cache",
        "XDG_DATA_HOME": "home/.local/share",
        "MPLCONFIGDIR": "matplotlib",
        "PENSTOCK_HOME": "penstock",
        "PREFECT_HOME": "prefect",
    }
    for name, folder in homes.items():
        path = Path(own, folder)
        path.mkdir(parents=True, exist_ok=True)
        os.environ[name] = str(path)
    os.environ |= {
        "DO_NOT_TRACK": "1",
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "PREFECT_SERVER_UI_SHOW_PROMOTIONAL_CONTENT": "false",
        # Its default of 20 seconds is too short for a first start on a busy machine.
        "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "90",
        "MPLBACKEND": "Agg",
        # Nobody hears of a service that goes but the test itself.
        "PENSTOCK_DRAIN_SECONDS": "0",
        # Test processes run side by side: more threads in each would only wait for one another.
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
    }


def pytest_unconfigure(config: pytest.Config) -> None:
    """Remove what this process made for itself."""
    shutil.rmtree(config.stash[_own], ignore_errors=True)


def _absent(reason: str) -> NoReturn:
    """Skip with the reason, but fail in CI, where everything that tests need has to be there."""
    if IN_CI:
        pytest.fail(f"{reason}; in CI it has to be there")
    pytest.skip(reason)


@pytest.fixture(autouse=True)
def _the_same_environment() -> Iterator[None]:
    """Put the environment back after each test: some of what is tested sets variables for processes that it starts."""
    before = dict(os.environ)
    yield
    os.environ.clear()
    os.environ.update(before)


@pytest.fixture(scope="session")
def root() -> Path:
    """Return the project's root."""
    return ROOT


@pytest.fixture(scope="session")
def shared() -> Path:
    """Return the directory of real data that is not part of the project."""
    path = ROOT.parent / "shared"
    if not path.is_dir():
        _absent("the shared data lie beside a developer's clone (../shared), and not beside this one")
    return path


@pytest.fixture(scope="session")
def extra() -> Callable[[str], None]:
    """Return a function that takes a sentence about an absent extra, and skips; fails where extras have to be there."""

    def skip(absent: str) -> None:
        if absent and WITH_EXTRAS and IN_CI:
            pytest.fail(absent)
        if absent:
            pytest.skip(absent)

    return skip


@pytest.fixture(scope="session")
def absent() -> Callable[[str], NoReturn]:
    """Return a function that skips for want of something, with its reason; in CI it fails."""
    return _absent


@pytest.fixture(scope="session")
def need() -> Callable[..., str]:
    """Return a function that finds the first of some programs: `need("chromium", "google-chrome")`."""

    def find(*programs: str) -> str:
        for program in programs:
            if found := shutil.which(program):
                return found
        _absent(f"this test needs {' or '.join(programs)}")

    return find


@pytest.fixture(scope="session")
def postgresql(need: Callable[..., str]) -> Iterator[Server]:
    """Run a PostgreSQL server for this process."""
    with postgresql_server(need) as server:
        yield server


@pytest.fixture(scope="session")
def mariadb(need: Callable[..., str]) -> Iterator[Server]:
    """Run a MariaDB server for this process."""
    with mariadb_server(need) as server:
        yield server
