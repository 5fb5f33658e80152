"""A canary: a version beside the live one that answers a share of the requests, and leaves when it fails."""

from __future__ import annotations

import pytest
from fastapi.testclient import TestClient

from deploy.service.app import create_app
from deploy.service.settings import Settings
from penstock.bundle.canary import end_canary, start_canary
from penstock.bundle.layout import ModelHome
from penstock.bundle.publish import publish, rollback
from penstock.errors import UserError
from penstock.receipts import Verdict
from tests.unit.service.making import SHIP, fitted_on, put, wait_for

URL = "/models/ships/predict"
PASSED = Verdict(passed=True, reasons=("better than the baseline",))


@pytest.fixture
def home(tmp_path):
    """Return a model with a live version, and another that was published as a canary of a third of the requests."""
    put(tmp_path, seed=1)
    publish(tmp_path, "ships", fitted_on(2).parts(), PASSED, canary=1 / 3)
    return ModelHome(tmp_path, "ships")


@pytest.fixture
def client(home, tmp_path):
    with TestClient(create_app(Settings(artifacts=tmp_path, poll_seconds=0.05))) as opened:
        wait_for(lambda: opened.get("/readyz").status_code == 200)
        yield opened


def versions(client, n=300, **headers):
    return [
        client.post(URL, json=SHIP, headers={"x-request-id": f"r{i}", **headers}).json()["version"] for i in range(n)
    ]


def test_a_canary_answers_its_share_and_the_live_version_the_others(client, home):
    """Each request by one version alone; the pointer's version stays the live one."""
    live, canary = home.versions()
    answered = versions(client)
    assert set(answered) == {live, canary}
    assert 60 <= answered.count(canary) <= 140
    assert home.read_pointer().version == live


def test_a_request_that_is_sent_again_meets_the_same_version(client):
    """The choice hangs on the request's id alone, with every worker."""
    assert versions(client, 40) == versions(client, 40)


def test_a_caller_may_ask_for_the_canary_or_for_the_live_version(client, home):
    """By a header; another word is refused."""
    live, canary = home.versions()
    assert set(versions(client, 10, **{"x-canary": "always"})) == {canary}
    assert set(versions(client, 10, **{"x-canary": "never"})) == {live}
    assert client.post(URL, json=SHIP, headers={"x-canary": "perhaps"}).status_code == 422
    batch = client.post(f"{URL}/batch", json={"rows": [SHIP]}, headers={"x-canary": "always"})
    assert batch.json()["version"] == canary


def test_a_canary_ends_by_word_or_by_becoming_the_live_version(client, home, tmp_path):
    """And both stand in the model's log."""
    live, canary = home.versions()
    end_canary(tmp_path, "ships", "enough seen")
    wait_for(lambda: set(versions(client, 20)) == {live})
    start_canary(tmp_path, "ships", canary, 0.5)
    wait_for(lambda: set(versions(client, 20)) == {live, canary})
    rollback(tmp_path, "ships", to=canary)
    wait_for(lambda: set(versions(client, 20)) == {canary})
    assert [e.what for e in home.events()][1:] == ["canary started", "canary ended", "canary started", "rolled back"]
    assert home.read_pointer().withdrawn == ()


def test_a_canary_that_cannot_be_proven_is_done_without(home, tmp_path):
    """The live version then answers everything."""
    live, canary = home.versions()
    card = home.version_folder(canary) / "card.md"
    card.write_bytes(card.read_bytes() + b" ")
    with TestClient(create_app(Settings(artifacts=tmp_path, poll_seconds=0.05))) as client:
        wait_for(lambda: client.get("/readyz").status_code == 200)
        assert set(versions(client, 20)) == {live}


def test_a_canary_that_fails_in_a_burst_answers_no_more(client, home):
    """Its requests are the live version's again."""
    live = home.versions()[0]
    held = client.app.state.served.holder.get("ships")
    for _ in range(20):
        held.trial.held.pulse.called()
        held.trial.held.pulse.failed()
    wait_for(lambda: set(versions(client, 20)) == {live})


@pytest.mark.parametrize(("version", "share"), [("1", 0.5), ("2", 0.0), ("2", 1.0)])
def test_what_is_no_canary_is_refused(home, tmp_path, version, share):
    """The live version, none of the requests, or all of them."""
    with pytest.raises(UserError):
        start_canary(tmp_path, "ships", version, share)
