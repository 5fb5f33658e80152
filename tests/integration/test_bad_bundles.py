"""Versions that are published and bad: whatever is wrong with them, the last good one goes on answering."""

from __future__ import annotations

import signal

import pytest

from penstock.bundle.layout import ModelHome
from tests.integration.test_service import running
from tests.resealing import BAD
from tests.unit.service.making import put, wait_for

MEMORY_MIB = "512"


@pytest.fixture(scope="module")
def place(tmp_path_factory, root):
    """Run one service for all."""
    artifacts = tmp_path_factory.mktemp("bad") / "artifacts"
    put(artifacts)
    with running(artifacts, root, PENSTOCK_MEMORY_MIB=MEMORY_MIB) as service:
        wait_for(lambda: service.answers("/readyz"))
        yield artifacts, service


def refusals(service):
    text = service.http.get("/metrics").text
    start = 'penstock_reloads_total{model="ships",result="refused"} '
    return sum(float(line.removeprefix(start)) for line in text.splitlines() if line.startswith(start))


def problem(service):
    return service.http.get("/models/ships").json().get("problem", "")


@pytest.mark.parametrize("kind", BAD)
def test_a_bad_version_is_refused_and_the_last_good_one_goes_on(place, kind):
    """No answer of it ever; the reason is in the log and on the page, and a number rises."""
    spoil, told = BAD[kind]
    artifacts, service = place
    good, before = service.version(), refusals(service)
    # Stopped meanwhile: it must not have read the version before it was spoilt.
    service.process.send_signal(signal.SIGSTOP)
    bad = put(artifacts, seed=1 + list(BAD).index(kind) % 2)
    spoil(ModelHome(artifacts, "ships").version_folder(bad.version))
    service.process.send_signal(signal.SIGCONT)
    wait_for(lambda: bad.version in problem(service))
    assert service.http.get("/readyz").json()["status"] == "degraded"
    assert {service.version() for _ in range(3)} == {good}
    assert refusals(service) == before + 1
    assert str(artifacts) not in problem(service)
    line = next(line for line in service.lines if f"model ships: {bad.version} is not served: {told}" in line)
    assert " ERROR " in line


def test_the_next_good_version_ends_it(place):
    """However many were bad before."""
    artifacts, service = place
    healed = put(artifacts, seed=3)
    wait_for(lambda: service.version() == healed.version)
    assert service.http.get("/readyz").json()["status"] == "ready"
