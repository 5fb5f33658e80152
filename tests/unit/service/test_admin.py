"""Models moved over HTTP: by their own keys alone, noted under the key's name, and followed by the service."""

from __future__ import annotations

import shutil
from types import SimpleNamespace

import pytest
from fastapi.testclient import TestClient

from deploy.service.app import create_app
from deploy.service.keys import new_key
from deploy.service.settings import Settings
from penstock.bundle.layout import ModelHome
from tests.unit.bundle.making import FAILED
from tests.unit.bundle.test_candidate import kept
from tests.unit.service.making import SHIP, fitted_on, put, wait_for

BOSS, BOSS_ENTRY = new_key("boss")
SHOP, SHOP_ENTRY = new_key("shop")
AS_BOSS = {"x-api-key": BOSS}
ADMIN = "/admin/models/ships"


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Publish two versions."""
    folder = tmp_path_factory.mktemp("artifacts")
    return folder, put(folder), put(folder, seed=1)


@pytest.fixture
def two(made, tmp_path):
    """Return two versions that a test may move."""
    shutil.copytree(made[0], tmp_path / "artifacts")
    return tmp_path / "artifacts", *made[1:]


def opened(artifacts):
    return TestClient(create_app(Settings(artifacts=artifacts, poll_seconds=0.05, admin_keys=BOSS_ENTRY)))


@pytest.fixture
def client(two):
    with opened(two[0]) as client:
        wait_for(lambda: client.get("/readyz").status_code == 200)
        yield client


@pytest.fixture(scope="module")
def unmoved(made):
    """Open a service that no test moves anything of."""
    with opened(made[0]) as client:
        wait_for(lambda: client.get("/readyz").status_code == 200)
        yield client


def problem(answer, status, slug):
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["type"].endswith(f":{slug}")
    return answer.json()


def test_a_rollback_is_done_noted_and_followed(client, two):
    """The service answers with the earlier version, and the log names the key."""
    artifacts, first, second = two
    done = client.post(f"{ADMIN}/rollback", json={"reason": "too many alarms"}, headers=AS_BOSS)
    assert done.status_code == 200
    assert done.json()["version"] == first.version
    wait_for(lambda: client.post("/predict", json=SHIP).json()["version"] == first.version)
    back, left = ModelHome(artifacts, "ships").events()[-2:]
    assert (back.what, back.who, back.why) == ("rolled back", "boss", "too many alarms")
    assert (left.what, left.version) == ("withdrawn", second.version)
    problem(client.post(f"{ADMIN}/rollback", json={"to": first.version}, headers=AS_BOSS), 409, "not-possible")
    problem(client.post(f"{ADMIN}/rollback", json={"to": second.version}, headers=AS_BOSS), 409, "not-possible")
    again = client.post(f"{ADMIN}/rollback", json={"to": second.version, "reason": "it was not it"}, headers=AS_BOSS)
    assert again.json()["version"] == second.version


def test_a_hold_keeps_new_versions_out_until_it_is_released(client, two):
    """Both in the log; the reason is needed."""
    artifacts = two[0]
    problem(client.post(f"{ADMIN}/hold", json={}, headers=AS_BOSS), 422, "not-understood")
    problem(client.post(f"{ADMIN}/hold", json={"reason": " "}, headers=AS_BOSS), 422, "not-understood")
    done = client.post(f"{ADMIN}/hold", json={"reason": "audit"}, headers=AS_BOSS)
    assert done.json()["held"] == ["audit"]
    assert put(artifacts, seed=2).state == "refused"
    assert client.post(f"{ADMIN}/release", json={}, headers=AS_BOSS).json()["held"] == []
    assert put(artifacts, seed=2).state == "published"
    assert [(e.what, e.who) for e in ModelHome(artifacts, "ships").events() if e.who == "boss"] == [
        ("held", "boss"),
        ("released", "boss"),
    ]


def test_a_kept_candidate_goes_live_without_training(tmp_path):
    """Against the gate only with a reason; and under no other model's name."""
    first = put(tmp_path, "churn")
    put(tmp_path, "ships")
    kept(tmp_path, SimpleNamespace(parts=fitted_on(2).parts()), FAILED, started_from=first.digest or "")
    with opened(tmp_path) as client:
        wait_for(lambda: client.get("/readyz").status_code == 200)
        publish = "/admin/models/churn/publish"
        problem(client.post(publish, json={"run": "r1"}, headers=AS_BOSS), 409, "refused")
        problem(client.post(f"{ADMIN}/publish", json={"run": "r1"}, headers=AS_BOSS), 404, "unknown-run")
        done = client.post(publish, json={"run": "r1", "force": "it is better all the same"}, headers=AS_BOSS)
        assert done.json()["state"] == "published"
        wait_for(lambda: client.get("/models/churn").json()["version"] == done.json()["version"])
    event = ModelHome(tmp_path, "churn").events()[-1]
    assert (event.what, event.who, event.version) == ("published", "boss", done.json()["version"])


@pytest.mark.parametrize(
    ("path", "body", "status", "slug"),
    [
        ("/admin/models/nobody/rollback", {}, 404, "unknown-model"),
        ("/admin/models/..%2fships/rollback", {}, 404, "no-such-page"),
        (f"{ADMIN}/rollback", {"to": "s3cr3t"}, 404, "unknown-version"),
        (f"{ADMIN}/rollback", {"to": "../s3cr3t"}, 404, "unknown-version"),
        (f"{ADMIN}/rollback", {"to": 7}, 422, "not-understood"),
        (f"{ADMIN}/rollback", {"s3cr3t": 1}, 422, "not-understood"),
        (f"{ADMIN}/rollback", ["s3cr3t"], 422, "not-understood"),
        (f"{ADMIN}/rollback", {"reason": "s3cr3t" * 1000}, 422, "not-understood"),
        (f"{ADMIN}/hold", {"reason": "s3cr3t" * 10_000}, 413, "body-too-long"),
        (f"{ADMIN}/publish", {"run": "s3cr3t"}, 404, "unknown-run"),
        (f"{ADMIN}/publish", {"run": "../../s3cr3t"}, 422, "not-understood"),
        (f"{ADMIN}/delete", {}, 404, "no-such-page"),
    ],
)
def test_what_cannot_be_done_is_told_and_nothing_is_repeated(unmoved, made, path, body, status, slug):
    """Every refusal in the one shape; the pointer stays where it is."""
    before = ModelHome(made[0], "ships").read_pointer()
    answer = unmoved.post(path, json=body, headers=AS_BOSS)
    told = problem(answer, status, slug)
    # The name of a field that nobody knows is told; a value never.
    assert all("s3cr3t" not in str(v) for k, v in told.items() if k != "errors")
    assert all("s3cr3t" not in error["message"] + error.get("expected", "") for error in told.get("errors", []))
    assert ModelHome(made[0], "ships").read_pointer() == before


def test_the_document_tells_what_may_be_asked_and_who_may(unmoved):
    """Each route with its body, and the key that it asks for; what is open asks for none."""
    doc = unmoved.get("/openapi.json").json()
    hold = doc["paths"]["/admin/models/{name}/hold"]["post"]
    assert hold["requestBody"]["content"]["application/json"]["schema"]["required"] == ["reason"]
    assert hold["security"] == [{"bearer": []}, {"key": []}]
    assert {"bearer", "key"} <= doc["components"]["securitySchemes"].keys()
    assert "security" not in doc["paths"]["/predict"]["post"]
    assert unmoved.get("/docs").status_code == 200


def test_only_an_admin_s_key_moves_models(two):
    """A key for answers is none, and the other way round; without admin keys the routes are not there."""
    both = Settings(artifacts=two[0], poll_seconds=0.05, api_keys=SHOP_ENTRY, admin_keys=BOSS_ENTRY)
    with TestClient(create_app(both)) as client:
        for headers in ({}, {"x-api-key": SHOP}, {"x-api-key": "wrong"}):
            answer = client.post(f"{ADMIN}/hold", json={"reason": "x"}, headers=headers)
            assert answer.status_code == 401
            assert answer.headers["www-authenticate"].startswith("Bearer")
        assert client.post("/predict", json=SHIP, headers=AS_BOSS).status_code == 401
    with TestClient(create_app(Settings(artifacts=two[0], api_keys=SHOP_ENTRY))) as client:
        answer = client.post(f"{ADMIN}/hold", json={"reason": "x"}, headers={"x-api-key": SHOP})
        problem(answer, 404, "no-such-page")
        assert "/admin" not in client.get("/openapi.json", headers={"x-api-key": SHOP}).text


def test_a_service_that_cannot_sign_or_write_says_so(client, two, tmp_path_factory, monkeypatch):
    """No key is made there: nobody would trust it; and nothing is half done."""
    artifacts = two[0]
    before = ModelHome(artifacts, "ships").read_pointer()
    with monkeypatch.context() as patch:
        empty = tmp_path_factory.mktemp("reader")
        patch.setenv("PENSTOCK_HOME", str(empty))
        problem(client.post(f"{ADMIN}/rollback", json={}, headers=AS_BOSS), 409, "not-here")
        assert list(empty.iterdir()) == []
    monkeypatch.setattr("os.access", lambda *_: False)
    problem(client.post(f"{ADMIN}/rollback", json={}, headers=AS_BOSS), 409, "not-here")
    assert ModelHome(artifacts, "ships").read_pointer() == before
