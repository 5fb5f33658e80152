"""Keys: shown in one of three ways, known by their digests alone, asked for everywhere but at the health checks."""

from __future__ import annotations

import base64
import logging

import pytest
from fastapi.testclient import TestClient

from deploy.cli import call
from deploy.service.app import create_app
from deploy.service.keys import Keys, digest, new_key
from deploy.service.settings import Settings
from penstock.errors import SpecError
from tests.unit.service.making import SHIP, wait_for

SHOP, SHOP_ENTRY = new_key("shop")
BOSS, BOSS_ENTRY = new_key("boss")
BROWSER = "text/html,*/*;q=0.8"


@pytest.fixture(scope="module")
def guarded(artifacts):
    settings = Settings(artifacts=artifacts, poll_seconds=0.05, api_keys=f"{SHOP_ENTRY}, {new_key('other')[1]}")
    with TestClient(create_app(settings)) as opened:
        wait_for(lambda: opened.get("/readyz").status_code == 200)
        yield opened


def basic(key):
    return {"authorization": "Basic " + base64.b64encode(f"me:{key}".encode()).decode()}


@pytest.mark.parametrize(
    "shown",
    [{"authorization": f"Bearer {SHOP}"}, {"authorization": f"bearer  {SHOP}"}, {"x-api-key": SHOP}, basic(SHOP)],
)
def test_a_key_opens_however_it_is_shown(guarded, shown):
    """As clouds send it, as gateways do, and as a browser does."""
    assert guarded.post("/predict", json=SHIP, headers=shown).status_code == 200
    assert guarded.get("/", headers=shown | {"accept": BROWSER}).status_code == 200


@pytest.mark.parametrize(
    "shown",
    [
        {},
        {"x-api-key": ""},
        {"x-api-key": BOSS},
        {"x-api-key": SHOP[:-1]},
        {"x-api-key": digest(SHOP)},
        {"authorization": f"Bearer {SHOP_ENTRY}"},
        {"authorization": SHOP},
        {"authorization": "Basic nonsense"},
        {"authorization": "Basic " + base64.b64encode(b"\xff\xfe").decode()},
        {"x-api-key": b"\xff\xfe\xe4"},
    ],
)
@pytest.mark.parametrize(
    ("method", "url"),
    [
        ("POST", "/predict"),
        ("POST", "/models/ships/predict/batch"),
        ("POST", "/models/ships/try"),
        ("GET", "/"),
        ("GET", "/models/ships"),
        ("GET", "/models/ships/report"),
        ("GET", "/openapi.json"),
        ("GET", "/docs"),
        ("GET", "/metrics"),
        ("GET", "/nowhere"),
        ("GET", "/livez/"),
        ("GET", "/static"),
        ("POST", "/admin/models/ships/release"),
    ],
)
def test_nothing_is_answered_without_a_key(guarded, shown, method, url):
    """401 with the way in, before anything of the request is looked at; neither key nor digest is repeated."""
    answer = guarded.request(method, url, headers=shown)
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"].startswith("Bearer")
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["x-request-id"]
    for value in shown.values():
        assert not value or str(value) not in answer.text


def test_health_is_open_and_tells_strangers_no_names(guarded):
    """Machines ask for it that know no key; which models there are is for those with one."""
    assert guarded.get("/livez").status_code == 200
    assert guarded.get("/readyz").json() == {"status": "ready"}
    assert guarded.get("/readyz", headers={"x-api-key": "wrong"}).json() == {"status": "ready"}
    assert guarded.get("/readyz", headers={"x-api-key": SHOP}).json()["models"][0]["name"] == "ships"


def test_a_browser_is_asked_for_the_key(guarded):
    """A page that says what to do, and the browser's own question; the page's files need none."""
    answer = guarded.get("/models/ships", headers={"accept": BROWSER})
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"].startswith("Basic")
    assert "A key is needed" in answer.text
    assert "ships" not in answer.text
    assert guarded.get("/static/page.css").status_code == 200


@pytest.mark.parametrize(("access", "stranger", "friend"), [("key", 401, 200), ("open", 200, 200), ("off", 401, 404)])
def test_numbers_may_be_open_or_none(artifacts, access, stranger, friend):
    """Scrapers can send a key; where they cannot, the numbers can be opened alone, or be left out."""
    with TestClient(create_app(Settings(artifacts=artifacts, api_keys=SHOP_ENTRY, metrics_access=access))) as client:
        assert client.get("/metrics").status_code == stranger
        assert client.get("/metrics", headers={"x-api-key": SHOP}).status_code == friend


def test_keys_in_a_file_change_without_a_restart(tmp_path, monkeypatch, caplog):
    """A new key beside the old one, then the old one away; a spoilt file locks nobody out."""
    monkeypatch.setattr("deploy.service.keys.LOOK_SECONDS", 0.0)
    file = tmp_path / "keys"
    file.write_text(f"# who asks\n{SHOP_ENTRY}  # the shop\n\n")
    keys = Keys(str(file), "PENSTOCK_API_KEYS")
    assert (keys.name_of(SHOP), keys.name_of(BOSS)) == ("shop", None)
    file.write_text(f"{SHOP_ENTRY}\n{BOSS_ENTRY}\n")
    assert (keys.name_of(SHOP), keys.name_of(BOSS)) == ("shop", "boss")
    beside = tmp_path / "new"
    beside.write_text(BOSS_ENTRY)
    beside.replace(file)
    assert (keys.name_of(SHOP), keys.name_of(BOSS)) == (None, "boss")
    with caplog.at_level(logging.ERROR):
        file.write_text("half an ent")
        assert keys.name_of(BOSS) == "boss"
        file.unlink()
        assert keys.name_of(BOSS) == "boss"
    assert "half" not in caplog.text
    assert "PENSTOCK_API_KEYS" in caplog.text


@pytest.mark.parametrize(
    "given", ["s3cr3t", "shop:123", f"shop:{'0' * 64},s3cr3t", "/nowhere/s3cr3t", f"shop:{'G' * 64}"]
)
def test_what_is_no_entry_stops_the_service_and_is_not_repeated(tmp_path, given):
    """Somebody may have put the key itself there: a service without a lock would be worse, and so would a quote."""
    with pytest.raises(SpecError) as caught:
        create_app(Settings(artifacts=tmp_path, api_keys=given))
    assert "PENSTOCK_API_KEYS" in str(caught.value)
    assert "s3cr3t" not in str(caught.value)


def test_an_empty_file_of_keys_is_no_open_door(tmp_path):
    """A setting that names a file asks for keys."""
    file = tmp_path / "keys"
    file.write_text("# none yet\n")
    with pytest.raises(SpecError):
        Keys(str(file), "PENSTOCK_API_KEYS")
    assert not Keys("", "PENSTOCK_API_KEYS")
    assert not Keys(" ", "PENSTOCK_API_KEYS")


def test_the_command_makes_a_key_and_its_entry(capsys):
    """The entry holds the digest, never the key."""
    assert call(["service-key", "shop"]) == 0
    told = dict(line.split(":", 1) for line in capsys.readouterr().out.splitlines() if ":" in line)
    key, entry = told["key"].strip(), told["entry"].strip()
    assert Keys(entry, "x").name_of(key) == "shop"
    assert key not in entry
    assert call(["service-key", "two words"]) == 2
