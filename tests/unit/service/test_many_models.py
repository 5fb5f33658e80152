"""Many models: loaded when they are asked, let go when others need the room, next to nothing while they are idle."""

from __future__ import annotations

import os
import shutil
import time

import pytest
from fastapi.testclient import TestClient
from hypothesis import given, settings
from hypothesis import strategies as st

from deploy.service.app import create_app
from deploy.service.pointers import YOUNG_SECONDS, Pointers
from deploy.service.room import leaving, limit, need
from deploy.service.settings import Settings
from penstock.bundle.bundle import Bundle
from penstock.bundle.rollback import rollback
from penstock.errors import BundleError
from tests.unit.service.making import SHIP, put, wait_for

NAMES = ("barges", "boats", "ferries", "ships")


@pytest.fixture(scope="module")
def fleet(tmp_path_factory):
    folder = tmp_path_factory.mktemp("fleet")
    for name in NAMES:
        put(folder, name)
    return folder


def states(client):
    return {told["name"]: told["state"] for told in client.get("/models").json()["models"]}


def size_of(folder):
    return need(Bundle.load(folder / "models" / "ships").manifest)


def serving(folder, **options):
    return TestClient(create_app(Settings(artifacts=folder, poll_seconds=0.05, **options)))


def test_an_idle_model_is_loaded_by_its_first_call(fleet):
    """The service is ready before any is loaded, and the first caller of one waits for that one alone."""
    with serving(fleet, preload="none") as client:
        wait_for(lambda: client.get("/readyz").status_code == 200)
        assert states(client) == dict.fromkeys(NAMES, "idle")
        assert client.post("/models/boats/predict", json=SHIP).json()["model"] == "boats"
        assert states(client) == dict.fromkeys(NAMES, "idle") | {"boats": "ready"}
        assert client.get("/models/ships").json()["version"]
        assert states(client)["ships"] == "ready"


def test_named_models_are_loaded_before_they_are_asked(fleet):
    """Ready means that those which are named can answer at once."""
    with serving(fleet, preload="ships, boats") as client:
        wait_for(lambda: client.get("/readyz").status_code == 200)
        wait_for(lambda: states(client) == {"barges": "idle", "boats": "ready", "ferries": "idle", "ships": "ready"})


def test_what_was_asked_longest_ago_makes_room(fleet):
    """Three are held where three have room; the fourth call takes the place of the oldest, which is no failure."""
    room = 3 * size_of(fleet) / (1 << 20)
    with serving(fleet, preload="none", memory_mib=1.1 * room) as client:
        wait_for(lambda: client.get("/readyz").status_code == 200)
        for name in ("ships", "boats", "barges", "ships", "ferries"):
            assert client.post(f"/models/{name}/predict", json=SHIP).status_code == 200
        assert states(client) == {"barges": "ready", "boats": "idle", "ferries": "ready", "ships": "ready"}
        assert client.post("/models/boats/predict", json=SHIP).status_code == 200
        assert 'penstock_model_info{digest="' in client.get("/metrics").text


def test_a_swap_needs_room_for_old_and_new(tmp_path):
    """Where both have none the old one stays, and says so."""
    first = put(tmp_path)
    one = size_of(tmp_path) / (1 << 20)
    with serving(tmp_path, memory_mib=1.5 * one) as client:
        wait_for(lambda: client.get("/readyz").status_code == 200)
        put(tmp_path, seed=1)
        wait_for(lambda: states(client) == {"ships": "degraded"})
        assert client.post("/predict", json=SHIP).json()["version"] == first.version
        assert "more memory than models may" in client.get("/models/ships").json()["problem"]


def test_an_idle_model_costs_a_stat(fleet, monkeypatch):
    """Its pointer is read again only when something about its file has changed."""
    for name in NAMES:
        long_ago = time.time() - 60
        os.utime(fleet / "models" / name / "CURRENT.json", (long_ago, long_ago))
    monkeypatch.setattr("deploy.service.pointers.time.time", lambda: time.monotonic() + 1e10)
    pointers = Pointers(fleet / "models")
    first = pointers.read()
    assert sorted(first) == sorted(NAMES)
    with monkeypatch.context() as patched:
        patched.setattr("pathlib.Path.read_bytes", None)
        assert pointers.read() == first
    put(fleet, "boats", seed=1)
    again = pointers.read()
    assert {name for name in NAMES if again[name] != first[name]} == {"boats"}


def test_a_file_that_is_young_is_read_whatever_its_stat_says(tmp_path, monkeypatch):
    """Twice within a tick of the file system's clock: the second change must not be lost."""
    put(tmp_path)
    pointers = Pointers(tmp_path / "models")
    before = pointers.read()["ships"]
    path = tmp_path / "models" / "ships" / "CURRENT.json"
    stat = path.stat()
    path.write_bytes(before[::-1])
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    assert time.time() - stat.st_mtime < YOUNG_SECONDS
    monkeypatch.setattr("pathlib.Path.stat", lambda _: stat)
    assert pointers.read()["ships"] == before[::-1]


@settings(max_examples=25)
@given(
    st.integers(1, 50),
    st.integers(0, 50),
    st.dictionaries(st.text("abc", min_size=1), st.tuples(st.floats(0, 9), st.integers(0, 40))),
)
def test_no_more_models_go_than_have_to(needed, kept, others):
    """What is left has room, and with the last one that went it would not."""
    most = 100
    gone = leaving(needed, most, kept, others)
    left = sum(size for name, (_, size) in others.items() if name not in gone)
    assert needed + kept + left <= most
    if gone:
        assert needed + kept + left + others[gone[-1]][1] > most
        assert max(others[name][0] for name in gone) <= min(
            [used for n, (used, _) in others.items() if n not in gone] or [9]
        )
    with pytest.raises(BundleError, match="more memory"):
        leaving(needed, needed + kept - 1, kept, others)


def test_the_limit_is_a_share_of_the_machine_where_none_is_set():
    """Of the container's, where it has one."""
    assert limit(3) == 3 << 20
    assert 0 < limit(None) < os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


@pytest.fixture(scope="module")
def history(tmp_path_factory):
    """Return a place with three versions of one model, the second withdrawn."""
    folder = tmp_path_factory.mktemp("history")
    made = [put(folder, seed=seed) for seed in (0, 1)]
    rollback(folder, "ships", reason="worse", who="tests")
    made.append(put(folder, seed=2))
    return folder, [m.version for m in made]


def pinned(version, batch=False):
    return f"/models/ships/versions/{version}/predict{'/batch' if batch else ''}"


def test_a_version_in_the_path_answers_beside_the_live_one(history):
    """By that version's own answer, row or batch; it is told, and the live model stays what it is."""
    folder, versions = history
    with serving(folder) as client:
        wait_for(lambda: client.get("/readyz").status_code == 200)
        for version in versions:
            own = Bundle.load(folder / "models" / "ships" / "versions" / version).predict([SHIP]).rows()[0]
            assert client.post(pinned(version), json=SHIP).json() == {**own, "model": "ships", "version": version}
            batch = client.post(pinned(version, batch=True), json={"rows": [SHIP]})
            assert batch.json() == {"model": "ships", "version": version, "rows": [own]}
            assert batch.headers["x-model-version"] == version
        assert client.post("/predict", json=SHIP).json()["version"] == versions[-1]
        assert states(client) == {"ships": "ready"}


@pytest.mark.parametrize("version", ["9-0123456789ab", "%2e%2e", "%2e%2e%2fships", "x" * 300])
def test_a_version_that_there_is_not_is_a_404_that_repeats_nothing(history, version):
    """It is a name, and never a path."""
    with serving(history[0]) as client:
        wait_for(lambda: client.get("/readyz").status_code == 200)
        answer = client.post(pinned(version), json=SHIP)
        assert answer.status_code in (404, 405)
        assert version not in answer.text


def test_a_pinned_version_that_cannot_be_proven_answers_nothing_and_is_not_tried_each_time(
    history, tmp_path, monkeypatch
):
    """The live one is not touched by it."""
    folder, versions = history
    place = tmp_path / "spoilt"
    shutil.copytree(folder, place)
    (place / "models" / "ships" / "versions" / versions[0] / "profile.json").unlink()
    with serving(place) as client:
        wait_for(lambda: client.get("/readyz").status_code == 200)
        assert client.post(pinned(versions[0]), json=SHIP).status_code == 503
        monkeypatch.setattr("deploy.service.pins.pinned", None)
        assert client.post(pinned(versions[0]), json=SHIP).status_code == 503
        assert client.post("/predict", json=SHIP).json()["version"] == versions[-1]
        assert states(client) == {"ships": "ready"}


def test_only_so_many_pinned_versions_are_kept(history):
    """The one that was asked longest ago goes, and comes again when it is asked."""
    folder, versions = history
    with serving(folder, pinned_versions=1) as client:
        wait_for(lambda: client.get("/readyz").status_code == 200)
        pins = client.app.state.served.watcher.pins
        for version in (versions[0], versions[1], versions[0]):
            assert client.post(pinned(version), json=SHIP).json()["version"] == version
            assert list(pins.held()) == [f"ships@{version}"]
