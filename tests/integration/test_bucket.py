"""Models in a bucket: published, read, rolled back and fought over by conditional writes, on moto's S3 server."""

from __future__ import annotations

import dataclasses
import datetime as dt
import gc
import logging
import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from moto.s3.models import s3_backends
from moto.server import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import make_server

from deploy.cli import call
from penstock.bundle import bucket
from penstock.bundle.bucket import Bucket, place_of
from penstock.bundle.bundle import Bundle
from penstock.bundle.keys import Trust
from penstock.bundle.layout import ModelHome, model_names
from penstock.bundle.mirror import load, mirror
from penstock.bundle.publish import hold, publish, release, rollback
from penstock.errors import NotFound, NotSigned, PublishConflict, StoreError, Tampered
from tests.unit.bundle.making import FAILED, PASSED, Made, files_below, make
from tests.unit.bundle.test_candidate import kept

# Slow: processes and servers of their own.
pytestmark = pytest.mark.long

WHERE = "s3://models/team/a"


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    """Run moto's server in this process."""
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = make_server("127.0.0.1", 0, DomainDispatcherApplication(create_backend_app), threaded=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join(5)


@pytest.fixture(autouse=True)
def cloud(endpoint: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Bucket]:
    """Return an empty bucket that is reached as the environment says."""
    for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    for name, value in {
        "AWS_ACCESS_KEY_ID": "k",
        "AWS_SECRET_ACCESS_KEY": "s",
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_EC2_METADATA_DISABLED": "true",
        "PENSTOCK_HOME": str(tmp_path / "keys"),
    }.items():
        monkeypatch.setenv(name, value)
    found = Bucket("models")
    found._client.create_bucket(Bucket="models")
    yield found
    s3_backends.reset()
    gc.collect()


@pytest.fixture(scope="module")
def made() -> list[Made]:
    """Return three small models."""
    return [make(seed=seed) for seed in (1, 2, 3)]


def below(cloud: Bucket) -> list[str]:
    return cloud._below(Path("team/a"))


def test_a_life_in_a_bucket(made: list[Made], cloud: Bucket) -> None:
    """Published, read, held, released, rolled back: as on a disk, and the same files under the same names."""
    first, second, _ = made
    done = publish(WHERE, "churn", first.parts, PASSED)
    assert done.path == f"{WHERE}/models/churn/versions/1-{first.parts.digest[:12]}"
    assert publish(WHERE, "churn", first.parts, PASSED).state == "unchanged"
    assert publish(WHERE, "churn", second.parts, FAILED).state == "refused"
    hold(WHERE, "churn", "audit", "ann")
    assert publish(WHERE, "churn", second.parts, PASSED).state == "refused"
    release(WHERE, "churn")
    assert publish(WHERE, "churn", second.parts, PASSED).sequence == 2
    home = ModelHome(WHERE, "churn")
    bundle = load(WHERE, "churn")
    expected = second.bundle.predict(second.raw).estimates
    # Once sealed a kernel answers, as exactly as 64 bits allow and not by the same sums.
    np.testing.assert_allclose(bundle.predict(second.raw).estimates, expected, rtol=1e-12)
    assert bundle.report() == second.parts.report
    back = rollback(WHERE, "churn", reason="it was slow")
    assert (back.version, back.withdrawn) == (home.versions()[0], (second.parts.digest,))
    assert load(WHERE, "churn").digest == first.parts.digest
    assert load(WHERE, "churn", "2").digest == second.parts.digest
    assert publish(WHERE, "churn", second.parts, PASSED).state == "refused"
    whats = "published refused held refused released published rolled back withdrawn refused"
    assert " ".join(e.what for e in home.events()) == whats
    assert model_names(WHERE) == ["churn"]
    assert not [key for key in below(cloud) if "/." in key]


@pytest.mark.long
def test_the_command_line_takes_an_address(made: list[Made], capsys: pytest.CaptureFixture[str]) -> None:
    """Pathlib drops one of its slashes; it is an address all the same."""
    for one in made[:2]:
        publish(Path(WHERE), "churn", one.parts, PASSED)
    for command in (["models"], ["verify", "churn"], ["rollback", "churn"], ["hold", "churn", "--reason", "audit"]):
        assert call([*command, "--artifacts", WHERE]) == 0
    told = capsys.readouterr().out
    assert "ok   model" in told
    assert ModelHome(WHERE, "churn").read_pointer().holds[0].reason == "audit"


def test_whoever_comes_second_loses_and_leaves_nothing(
    made: list[Made], cloud: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two that both take the lock for theirs: the pointer's compare-and-swap lets one of them in."""
    first, second, third = made
    publish(WHERE, "churn", first.parts, PASSED)

    class Overtaken(Bucket):
        def replace(self, old: Path, new: Path) -> None:
            monkeypatch.setattr(bucket, "LEASE_SECONDS", 0.0)
            publish(WHERE, "churn", third.parts, PASSED)
            super().replace(old, new)

    with pytest.raises(PublishConflict, match="moved the pointer first"):
        publish(place_of(WHERE)[1], "churn", second.parts, PASSED, disk=Overtaken("models"))
    home = ModelHome(WHERE, "churn")
    assert home.read_pointer().digest == third.parts.digest == load(WHERE, "churn").digest
    assert [e.what for e in home.events()] == ["published", "published"]
    assert publish(WHERE, "churn", second.parts, PASSED).state == "published"
    assert not [key for key in below(cloud) if "/." in key]


def test_what_a_run_kept_here_can_be_published_there(made: list[Made], tmp_path: Path) -> None:
    """Without training, by the command, whatever was live here when it was judged."""
    kept(tmp_path, made[0], PASSED, started_from="ab" * 32)
    assert call(["publish", "r1", "--artifacts", str(tmp_path), "--to", WHERE]) == 0
    assert load(WHERE, "churn").digest == made[0].parts.digest
    assert not (tmp_path / "models").exists()


@pytest.mark.long
def test_a_verdict_against_another_champion_is_not_acted_on(made: list[Made]) -> None:
    """As on a disk."""
    publish(WHERE, "churn", made[0].parts, PASSED)
    with pytest.raises(PublishConflict):
        publish(WHERE, "churn", made[1].parts, PASSED, started_from="ab" * 32)


@pytest.mark.long
def test_publishers_take_turns(made: list[Made]) -> None:
    """Four threads, each with a connection of its own: every one is published, and the numbers have no gap."""
    parts = [dataclasses.replace(made[i % 3].parts, digest=f"{i}a" * 32) for i in range(4)]
    threads = [threading.Thread(target=publish, args=(WHERE, "churn", part, PASSED)) for part in parts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    home = ModelHome(WHERE, "churn")
    assert [e.sequence for e in home.events()] == [1, 2, 3, 4]
    assert home.read_pointer().generation == 4
    assert load(WHERE, "churn").version == home.read_pointer().version


@pytest.mark.long
def test_a_dead_publisher_holds_up_nobody_for_long(
    made: list[Made], cloud: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its lock and what it had built are still there; whoever waited clears up."""
    home = ModelHome(WHERE, "churn")
    cloud.write(home.lock_path, b"dead")
    cloud.write(home.versions_folder / ".building-dead/manifest.json", b"{}")
    with pytest.raises(PublishConflict, match="at work"), cloud.locked(home.lock_path, 0.3):
        pass
    monkeypatch.setattr(bucket, "LEASE_SECONDS", 0.3)
    assert publish(WHERE, "churn", made[0].parts, PASSED).state == "published"
    assert not [key for key in below(cloud) if "/." in key]


def test_an_answer_that_was_lost_is_no_conflict(made: list[Made]) -> None:
    """The write went through, and the try that follows finds its own bytes."""

    class Deaf(Bucket):
        def _ask(self, operation: str, path: Path, **what: object) -> object:
            if operation == "put_object" and path.name == "CURRENT.json":
                super()._ask(operation, path, **what)
            return super()._ask(operation, path, **what)

    done = publish(place_of(WHERE)[1], "churn", made[0].parts, PASSED, disk=Deaf("models"))
    assert (done.state, ModelHome(WHERE, "churn").read_pointer().generation) == ("published", 1)


@pytest.mark.long
def test_old_versions_go(made: list[Made], monkeypatch: pytest.MonkeyPatch) -> None:
    """The same number is kept as on a disk."""
    monkeypatch.setattr("penstock.bundle.retention.GRACE", dt.timedelta(days=-1))
    for one in made:
        publish(WHERE, "churn", dataclasses.replace(one.parts, spec={"publish": {"keep": 2}}), PASSED)
    assert [int(v.partition("-")[0]) for v in ModelHome(WHERE, "churn").versions()] == [2, 3]


def test_a_mirror_follows_and_is_served_as_any_directory(
    made: list[Made], cloud: Bucket, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Versions come before the pointer that names them; what is here already is not fetched again."""
    here = tmp_path / "here"
    publish(WHERE, "churn", made[0].parts, PASSED)
    assert mirror(WHERE, here)["churn"].generation == 1
    before = files_below(here)
    assert mirror(WHERE, here) == {}
    assert files_below(here) == before
    publish(WHERE, "churn", made[1].parts, PASSED)
    mirror(WHERE, here)
    rollback(WHERE, "churn")
    assert mirror(WHERE, here)["churn"].generation == 3
    assert Bundle.load(here / "models" / "churn").digest == made[0].parts.digest
    monkeypatch.setenv("PENSTOCK_HOME", str(tmp_path / "stranger"))
    with pytest.raises(NotSigned):
        mirror(WHERE, tmp_path / "there")
    assert not list((tmp_path / "there").rglob("*.joblib"))


def test_what_was_altered_in_the_bucket_is_refused(made: list[Made], cloud: Bucket) -> None:
    """Bytes are proven where they are read, and there are no others."""
    done = publish(WHERE, "churn", made[0].parts, PASSED)
    key = f"team/a/models/churn/versions/{done.version}/card.md"
    cloud._client.put_object(Bucket="models", Key=key, Body=b"spoiled")
    with pytest.raises(Tampered):
        load(WHERE, "churn")
    with pytest.raises(Tampered):
        rollback(WHERE, "churn", to="1")
    assert Trust.standard().keys


def test_a_bucket_that_is_not_there_or_does_not_answer_is_told(
    made: list[Made], monkeypatch: pytest.MonkeyPatch
) -> None:
    """As the disk's refusals are: a StoreError with the address."""
    with pytest.raises(StoreError, match="no such bucket") as caught:
        publish("s3://nowhere/x", "churn", made[0].parts, PASSED)
    assert caught.value.where.startswith("s3://nowhere/x")
    with pytest.raises(NotFound):
        load(WHERE, "churn")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    with pytest.raises(StoreError, match="cannot be reached"):
        ModelHome(WHERE, "churn").read_pointer()
