"""Back to the last good version when a new one fails in use, once, and until somebody publishes."""

from __future__ import annotations

import logging

import numpy as np
import pytest
from fastapi.testclient import TestClient

from deploy.service.app import create_app
from deploy.service.failing import Failing
from deploy.service.pulse import Pulse
from deploy.service.settings import Settings
from penstock.bundle.bundle import Bundle
from penstock.bundle.layout import ModelHome
from penstock.bundle.rollback import hold, rollback
from tests.unit.service.making import SHIP, put, wait_for

RULES = {"burst_errors": 3, "burst_share": 0.5}


@pytest.fixture
def service(tmp_path):
    with TestClient(
        create_app(Settings(artifacts=tmp_path, poll_seconds=0.05, **RULES)), raise_server_exceptions=False
    ) as client:
        yield client


def live(client):
    return client.post("/predict", json=SHIP).json().get("version")


def state(client):
    (told,) = client.get("/models").json()["models"]
    return told["state"]


@pytest.fixture
def failing(monkeypatch):
    """Return a function after which a version fails in one way."""
    real = Bundle.predict

    def fail(version, how):
        def predict(self, *given, **options):
            answers = real(self, *given, **options)
            if self.version == version and how == "raises":
                raise RuntimeError("no")
            if self.version == version:
                answers.estimates.fill(np.nan)
            return answers

        monkeypatch.setattr(Bundle, "predict", predict)

    return fail


@pytest.mark.parametrize("how", ["raises", "no numbers"])
def test_a_burst_of_errors_brings_the_last_good_version_back(tmp_path, service, failing, caplog, how):
    """Shown as degraded, counted and logged; the pointer is the publisher's, and stays."""
    first = put(tmp_path)
    wait_for(lambda: live(service) == first.version)
    second = put(tmp_path, seed=1)
    wait_for(lambda: live(service) == second.version)
    pointer = ModelHome(tmp_path, "ships").pointer_path.read_bytes()
    failing(second.version, how)
    with caplog.at_level(logging.ERROR, "penstock.service"):
        statuses = []
        wait_for(lambda: statuses.append(service.post("/predict", json=SHIP).status_code) or statuses[-1] == 200)
    assert set(statuses[:-1]) <= {500, 503}
    assert live(service) == first.version
    assert state(service) == "degraded"
    assert "failed too often" in service.get("/models/ships").json()["problem"]
    assert 'penstock_reloads_total{model="ships",result="returned"} 1.0' in service.get("/metrics").text
    assert any(f"version {second.version} fails too often" in line for line in caplog.messages)
    assert ModelHome(tmp_path, "ships").pointer_path.read_bytes() == pointer


def test_it_does_not_come_and_go(tmp_path, service, failing):
    """A new pointer to the very version that failed changes nothing; one to another version does."""
    first = put(tmp_path)
    wait_for(lambda: live(service) == first.version)
    second = put(tmp_path, seed=1)
    wait_for(lambda: live(service) == second.version)
    failing(second.version, "raises")
    wait_for(lambda: live(service) == first.version)
    watched = service.app.state.served.watcher._watched["ships"]
    seen = watched.pointer
    hold(tmp_path, "ships", "we look into it", "tests")
    wait_for(lambda: watched.pointer != seen and not watched.is_busy)
    assert {live(service) for _ in range(5)} == {first.version}
    assert state(service) == "degraded"
    moved = rollback(tmp_path, "ships", reason="it fails", who="tests")
    assert moved.version == first.version
    wait_for(lambda: state(service) == "ready")
    assert live(service) == first.version


def test_one_way_back_is_all(tmp_path, service, failing):
    """Rows that every version fails on do not send the service through all that there are."""
    versions = [put(tmp_path, seed=seed).version for seed in (0, 1, 2)]
    wait_for(lambda: live(service) == versions[2])
    failing(versions[2], "raises")
    wait_for(lambda: live(service) == versions[1])
    failing(versions[1], "raises")
    for _ in range(12):
        assert service.post("/predict", json=SHIP).status_code == 500
    wait_for(lambda: service.app.state.served.holder.get("ships").pulse.failures == 12)
    (told,) = service.get("/models").json()["models"]
    assert told["version"] == versions[1]


def test_all_workers_go_back_together(tmp_path, monkeypatch, failing):
    """Whichever of them finds out tells the others, beside the artifacts."""
    shared = tmp_path / "shared"
    shared.mkdir()
    artifacts = tmp_path / "artifacts"
    first = put(artifacts)
    second = put(artifacts, seed=1)
    apps = [create_app(Settings(artifacts=artifacts, poll_seconds=0.05, **RULES)) for _ in range(2)]
    for app in apps:
        app.state.served.watcher._failing = Failing(shared)
    with TestClient(apps[0], raise_server_exceptions=False) as one, TestClient(apps[1]) as other:
        wait_for(lambda: live(one) == live(other) == second.version)
        failing(second.version, "raises")
        wait_for(lambda: live(one) == first.version)
        wait_for(lambda: state(other) == "degraded")
        assert live(other) == first.version


def test_a_first_version_that_fails_stays_for_want_of_another(tmp_path, service, failing):
    """Some answers are better than none, and nothing is decided again and again."""
    only = put(tmp_path)
    wait_for(lambda: live(service) == only.version)
    failing(only.version, "raises")
    for _ in range(6):
        assert service.post("/predict", json=SHIP).status_code == 500
    wait_for(lambda: service.app.state.served.holder.get("ships").pulse.since < 0)
    assert state(service) == "ready"


def test_a_callers_mistakes_are_no_failures(tmp_path, service):
    """A burst of rows that do not fit says nothing about the model."""
    first = put(tmp_path)
    second = put(tmp_path, seed=1)
    wait_for(lambda: live(service) == second.version)
    for _ in range(10):
        assert service.post("/predict", json={**SHIP, "length": "long"}).status_code == 422
    assert service.app.state.served.holder.get("ships").pulse.failures == 0
    assert live(service) != first.version


@pytest.mark.parametrize(
    ("calls", "failures", "age", "expected"),
    [(4, 3, 1.0, True), (9, 2, 1.0, False), (9, 3, 1.0, False), (4, 3, 700.0, False)],
    ids=["a burst", "too few", "too small a share", "no longer new"],
)
def test_a_burst_is_many_in_number_and_in_share_while_a_version_is_new(calls, failures, age, expected):
    """Each of the three must hold."""
    pulse = Pulse(since=0.0)
    for i in range(calls):
        pulse.called()
        if i < failures:
            pulse.failed()
    assert pulse.bursts(Settings(**RULES), age) is expected
    assert not Pulse(since=0.0, calls=9, failures=9).bursts(Settings(burst_errors=0), 1.0)


def test_failures_long_apart_are_no_burst():
    """Windows end."""
    settings = Settings(**RULES, burst_seconds=10)
    pulse = Pulse(since=0.0, _window=0.0)
    for now in (1.0, 21.0, 41.0):
        pulse.called()
        pulse.failed()
        assert not pulse.bursts(settings, now)
