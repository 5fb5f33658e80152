"""Following the pointer: what is proven is served, what is not never is, and the last good one stays."""

from __future__ import annotations

import asyncio
import json
import shutil

import pytest

from deploy.service import prove
from deploy.service.holder import Holder
from deploy.service.meters import Meters
from deploy.service.pointers import Pointers
from deploy.service.prove import follow
from deploy.service.settings import Settings
from deploy.service.watch import Watcher
from penstock.bundle.layout import ModelHome
from penstock.bundle.rollback import hold, rollback
from penstock.errors import StoreError
from tests.unit.service.making import put


class Watching:
    """A watcher driven by hand, one look at a time."""

    def __init__(self, artifacts):
        self.settings = Settings(artifacts=artifacts, retry_seconds=0.01, retry_limit_seconds=0.02)
        self.home = ModelHome(artifacts, "ships")
        self.loop = asyncio.new_event_loop()
        self.holder = Holder()
        self.meters = Meters()
        self.watcher = self.loop.run_until_complete(self._make())

    async def _make(self):
        return Watcher(self.settings, self.holder, self.meters)

    async def _look(self):
        await self.watcher.look()
        await asyncio.gather(*(w.task for w in self.watcher._watched.values() if w.task is not None))

    def look(self):
        """Look once, follow what changed, and return what is served."""
        self.loop.run_until_complete(self._look())
        return self.holder.get("ships")

    def metric(self, name, **labels):
        """Return a number as Prometheus would read it."""
        return self.meters.registry.get_sample_value(name, labels)


@pytest.fixture
def watching(tmp_path):
    made = Watching(tmp_path)
    yield made
    made.loop.close()


def spoil(home, version, file="estimator.joblib"):
    path = home.version_folder(version) / file
    path.write_bytes(path.read_bytes()[:-1] + b"!")


def test_nothing_is_served_before_anything_is_published(watching):
    """An artifacts directory that is not there yet is an empty one."""
    shutil.rmtree(watching.settings.artifacts)
    assert watching.look() is None
    assert not watching.holder.ready


def test_a_new_version_is_served_and_an_old_request_keeps_its_own(watching):
    """The swap is one assignment: whoever took the old record goes on with it."""
    first = put(watching.settings.artifacts)
    held = watching.look()
    assert held.bundle.version == first.version
    second = put(watching.settings.artifacts, seed=1)
    assert watching.look().bundle.version == second.version
    assert held.bundle.version == first.version
    assert watching.metric("penstock_reloads_total", model="ships", result="loaded") == 2
    old = {"model": "ships", "version": first.version, "digest": first.digest}
    assert watching.metric("penstock_model_info", **old) == 0


def test_looking_again_loads_nothing(watching, monkeypatch):
    """An unchanged pointer costs a read."""
    put(watching.settings.artifacts)
    held = watching.look()
    monkeypatch.setattr(prove, "_proven", None)
    assert watching.look() is held


def test_a_hold_changes_the_generation_and_loads_nothing(watching, monkeypatch):
    """The same version under a new pointer is the same bundle."""
    put(watching.settings.artifacts)
    held = watching.look()
    monkeypatch.setattr(prove, "_proven", None)
    moved = hold(watching.settings.artifacts, "ships", "holidays", "tests")
    again = watching.look()
    assert again.bundle is held.bundle
    assert again.generation == moved.generation
    assert watching.holder.state("ships") == "ready"


def test_a_rollback_is_followed(watching):
    """Going back is a rise of the generation like any other."""
    first = put(watching.settings.artifacts)
    put(watching.settings.artifacts, seed=1)
    watching.look()
    rollback(watching.settings.artifacts, "ships", reason="worse", who="tests")
    assert watching.look().bundle.version == first.version


def test_a_version_that_fails_its_proof_is_quarantined_until_the_pointer_changes(watching, monkeypatch):
    """The last good one stays; the bad one is not tried again and again."""
    first = put(watching.settings.artifacts)
    watching.look()
    second = put(watching.settings.artifacts, seed=1)
    spoil(watching.home, second.version)
    assert watching.look().bundle.version == first.version
    assert watching.holder.state("ships") == "degraded"
    trouble = watching.holder.trouble("ships")
    assert (trouble.version, trouble.quarantined) == (second.version, True)
    assert watching.metric("penstock_model_quarantined", model="ships") == 1
    assert watching.metric("penstock_reloads_total", model="ships", result="refused") == 1
    tried = []
    with monkeypatch.context() as patched:
        patched.setattr(prove, "_proven", lambda *_: tried.append(1))
        watching.loop.run_until_complete(asyncio.sleep(0.05))
        watching.look()
    assert tried == []
    third = put(watching.settings.artifacts, seed=2)
    assert watching.look().bundle.version == third.version
    assert watching.holder.state("ships") == "ready"
    assert watching.metric("penstock_model_quarantined", model="ships") == 0


def test_the_same_content_published_anew_heals_a_damaged_version(watching):
    """Another version of the same digest is another version."""
    first = put(watching.settings.artifacts)
    watching.look()
    spoil(watching.home, first.version)
    healed = put(watching.settings.artifacts)
    assert (healed.state, healed.digest) == ("published", first.digest)
    assert watching.look().bundle.version == healed.version


@pytest.mark.parametrize("error", [StoreError("The disk is away"), OSError("away"), MemoryError()])
def test_a_disk_that_is_away_is_tried_again(watching, monkeypatch, error):
    """Nothing is quarantined for a passing fault, and nothing is served any less meanwhile."""
    first = put(watching.settings.artifacts)
    watching.look()
    second = put(watching.settings.artifacts, seed=1)

    def fail(*_):
        raise error

    with monkeypatch.context() as patched:
        patched.setattr(prove, "_proven", fail)
        assert watching.look().bundle.version == first.version
        assert not watching.holder.trouble("ships").quarantined
        assert watching.holder.state("ships") == "degraded"
    watching.loop.run_until_complete(asyncio.sleep(0.03))
    assert watching.look().bundle.version == second.version
    assert watching.holder.trouble("ships") is None


def test_tries_come_ever_more_slowly(watching, monkeypatch):
    """The wait doubles up to its limit."""
    put(watching.settings.artifacts)

    def fail(*_):
        raise OSError("away")

    monkeypatch.setattr(prove, "_proven", fail)
    for _ in range(40):
        watching.look()
        watching.watcher._watched["ships"].again_at = 0.0
    assert watching.watcher._watched["ships"].attempts == 30


def test_a_cold_start_on_a_bad_version_falls_back_to_one_that_holds(watching):
    """Along the pointer's own list of versions that were live before; it says that it stands in."""
    first = put(watching.settings.artifacts)
    second = put(watching.settings.artifacts, seed=1)
    third = put(watching.settings.artifacts, seed=2)
    spoil(watching.home, third.version)
    spoil(watching.home, second.version, "schema.json")
    held = watching.look()
    assert (held.bundle.version, held.instead_of) == (first.version, third.version)
    assert watching.holder.ready
    assert watching.holder.state("ships") == "degraded"
    assert watching.metric("penstock_model_degraded", model="ships") == 1
    fourth = put(watching.settings.artifacts, seed=3)
    assert watching.look().bundle.version == fourth.version
    assert watching.holder.state("ships") == "ready"


def test_a_cold_start_on_a_pointer_that_cannot_be_read_falls_back_on_the_log(watching):
    """What was live last, and is signed."""
    first = put(watching.settings.artifacts)
    put(watching.settings.artifacts, seed=1)
    rollback(watching.settings.artifacts, "ships", reason="worse", who="tests")
    watching.home.pointer_path.write_bytes(b"{}")
    held = watching.look()
    assert held.bundle.version == first.version
    assert held.instead_of
    assert watching.holder.state("ships") == "degraded"


def test_what_was_withdrawn_stands_in_for_nothing(watching):
    """A version that was rolled back stays away, whatever else is broken."""
    first = put(watching.settings.artifacts)
    put(watching.settings.artifacts, seed=1)
    rollback(watching.settings.artifacts, "ships", reason="worse", who="tests")
    spoil(watching.home, first.version)
    watching.home.pointer_path.write_bytes(b"{}")
    assert watching.look() is None


def test_a_cold_start_with_nothing_that_holds_serves_nothing(watching):
    """No unproven version ever answers."""
    first = put(watching.settings.artifacts)
    spoil(watching.home, first.version)
    assert watching.look() is None
    assert watching.holder.state("ships") == "refused"
    assert not watching.holder.ready


def test_an_older_pointer_put_back_is_refused(watching):
    """Generations only rise: a copy of an old pointer turns nothing back."""
    put(watching.settings.artifacts)
    old = watching.home.pointer_path.read_bytes()
    second = put(watching.settings.artifacts, seed=1)
    watching.look()
    new = watching.home.pointer_path.read_bytes()
    watching.home.pointer_path.write_bytes(old)
    assert watching.look().bundle.version == second.version
    assert watching.holder.state("ships") == "degraded"
    watching.home.pointer_path.write_bytes(new)
    watching.look()
    assert watching.holder.state("ships") == "ready"


def test_a_forged_pointer_is_refused(watching):
    """A pointer counts by its signature."""
    first = put(watching.settings.artifacts)
    watching.look()
    put(watching.settings.artifacts, seed=1)
    forged = json.loads(watching.home.pointer_path.read_bytes()) | {"generation": 99}
    watching.home.pointer_path.write_text(json.dumps(forged, sort_keys=True, separators=(",", ":")))
    assert watching.look().bundle.version == first.version
    assert watching.holder.trouble("ships").quarantined


def test_models_come_and_go(watching, monkeypatch):
    """A new name is picked up; one whose pointer stays away is let go, and not for a blink."""
    artifacts = watching.settings.artifacts
    put(artifacts)
    watching.look()
    put(artifacts, "boats", seed=1)
    (artifacts / "models" / "Not A Model").mkdir()
    (artifacts / "models" / "empty").mkdir()
    watching.look()
    assert watching.holder.names() == ["boats", "ships"]
    shutil.rmtree(artifacts / "models" / "boats")
    watching.look()
    assert watching.holder.get("boats") is not None
    monkeypatch.setattr("deploy.service.watch.GONE_SECONDS", 0.0)
    watching.look()
    assert watching.holder.names() == ["ships"]


def test_one_model_s_trouble_is_its_own(watching):
    """A model that cannot be proven keeps no other from being served."""
    artifacts = watching.settings.artifacts
    bad = put(artifacts, "boats", seed=1)
    put(artifacts)
    spoil(ModelHome(artifacts, "boats"), bad.version)
    watching.look()
    assert watching.holder.get("ships") is not None
    assert watching.holder.state("boats") == "refused"
    assert watching.holder.ready
    assert watching.holder.degraded


def test_a_folder_that_cannot_be_read_changes_nothing(tmp_path):
    """Not to see a model is not to see that it is gone."""
    (tmp_path / "models").write_text("a file in its place")
    assert Pointers(tmp_path / "models").read() is None
    assert Pointers(tmp_path / "none").read() == {}


def test_reasons_hold_no_paths(watching):
    """What the status shows to everybody tells nothing of the machine."""
    first = put(watching.settings.artifacts)
    spoil(watching.home, first.version)
    reason = follow(watching.home, None).reason
    assert reason
    assert str(watching.settings.artifacts) not in reason
