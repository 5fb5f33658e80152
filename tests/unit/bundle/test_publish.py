"""What a publish does, what it refuses, and what it leaves on disk."""

from __future__ import annotations

import dataclasses
import json
import multiprocessing
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from penstock.bundle.bundle import Bundle
from penstock.bundle.disk import Disk
from penstock.bundle.keys import Trust
from penstock.bundle.layout import ModelHome, model_names
from penstock.bundle.publish import hold, publish, release
from penstock.errors import BundleError, NotFound, NotSigned, PublishConflict, StoreError, Tampered, UserError
from tests.unit.bundle.making import FAILED, PASSED, Made, dumped, files_below, publish_often


def test_the_layout_is_the_one_that_was_promised(artifacts: Path, carrying: Made) -> None:
    """Files, manifest and pointer are where and what a reader of another language expects."""
    done = publish(artifacts, "churn", carrying.parts, PASSED, "somebody")
    assert done.path is not None
    folder = Path(done.path)
    digest = carrying.parts.digest
    assert folder == artifacts / "models" / "churn" / "versions" / f"1-{digest[:12]}"
    names = set(files_below(folder))
    files = {"schema", "steps", "profile", "metrics", "verdict"}
    expected = {f"{n}.json" for n in files} | {"probe.arrow", "estimator.joblib", "twin.joblib", "card.md"}
    assert names == expected | {
        "kernel.zip",
        "report.html",
        "lookups/regions.arrow",
        "lookups/regions.json",
        "manifest.json",
        "manifest.sig",
    }
    manifest = json.loads((folder / "manifest.json").read_bytes())
    assert set(manifest["files"]) == names - {"manifest.json", "manifest.sig"}
    assert (manifest["model"], manifest["sequence"], manifest["digest"]) == ("churn", 1, digest)
    assert {"spec", "lineage", "environment", "format", "created"} <= set(manifest)
    assert set(json.loads((folder / "manifest.sig").read_bytes())) == {"algorithm", "key", "signature"}
    pointer = json.loads((artifacts / "models" / "churn" / "CURRENT.json").read_bytes())
    fields = {"generation", "model", "version", "digest", "sequence", "previous", "holds", "withdrawn", "signature"}
    assert set(pointer) == fields
    assert (pointer["generation"], pointer["version"], pointer["digest"]) == (1, done.version, digest)
    (line,) = (artifacts / "models" / "churn" / "log.jsonl").read_text().splitlines()
    assert {k: json.loads(line)[k] for k in ("who", "what", "version")} == {
        "who": "somebody",
        "what": "published",
        "version": done.version,
    }
    assert model_names(artifacts) == ["churn"]


def test_the_same_content_is_published_once(artifacts: Path, first: Made) -> None:
    """The second time nothing changes on disk, not even the log."""
    publish(artifacts, "churn", first.parts, PASSED)
    before = files_below(artifacts)
    done = publish(artifacts, "churn", first.parts, PASSED)
    assert done.state == "unchanged"
    assert done.version == f"1-{first.parts.digest[:12]}"
    assert files_below(artifacts) == before


def test_the_same_content_made_by_other_libraries_is_published_anew(artifacts: Path, first: Made) -> None:
    """Bytes that an older library pickled may not open with the new one: unchanged would leave the model stuck."""
    publish(artifacts, "churn", first.parts, PASSED)
    newer = dataclasses.replace(first.parts, environment={**first.parts.environment, "scikit-learn": "1.99.0"})
    done = publish(artifacts, "churn", newer, PASSED)
    assert (done.state, done.version) == ("published", f"2-{first.parts.digest[:12]}")
    patched = dataclasses.replace(newer, environment={**newer.environment, "machine": "another"})
    assert publish(artifacts, "churn", patched, PASSED).state == "unchanged"
    assert "made with scikit-learn 1.99.0" in Bundle.load(artifacts / "models" / "churn").notes[0]


def test_a_damaged_live_version_is_healed(artifacts: Path, first: Made) -> None:
    """Unchanged is only what is whole; the same model is published again beside the damaged copy."""
    done = publish(artifacts, "churn", first.parts, PASSED)
    assert done.path is not None
    (Path(done.path) / "card.md").write_text("spoiled")
    again = publish(artifacts, "churn", first.parts, PASSED)
    assert (again.state, again.sequence) == ("published", 2)
    assert Bundle.load(artifacts / "models" / "churn").version == again.version


def test_a_refusal_leaves_a_line_in_the_log_and_nothing_else(artifacts: Path, first: Made) -> None:
    """The reasons are told, and kept."""
    done = publish(artifacts, "churn", first.parts, FAILED, "somebody")
    assert (done.state, done.version, done.path, done.reasons) == ("refused", None, None, FAILED.reasons)
    assert set(files_below(artifacts)) == {"models/churn/log.jsonl", "models/churn/.lock"}
    (event,) = ModelHome(artifacts, "churn").events()
    assert (event.what, event.why, event.generation) == ("refused", FAILED.reasons[0], 0)
    assert model_names(artifacts) == []
    with pytest.raises(NotFound, match="Nothing has been published"):
        Bundle.load(artifacts / "models" / "churn")


def test_a_reason_overrules_the_gate_and_is_signed(artifacts: Path, first: Made) -> None:
    """It stands in manifest, card and log; the verdict stays what it was."""
    done = publish(artifacts, "churn", first.parts, FAILED, force="the old one is worse")
    assert done.state == "published"
    bundle = Bundle.load(artifacts / "models" / "churn")
    assert bundle.manifest is not None
    assert bundle.manifest.forced == "the old one is worse"
    assert bundle.verdict == FAILED
    assert "overruled: the old one is worse" in bundle.card
    assert ModelHome(artifacts, "churn").events()[-1].why == "the old one is worse"


def test_a_held_model_takes_nothing_new(artifacts: Path, first: Made, second: Made) -> None:
    """Not even by force, until it is released."""
    publish(artifacts, "churn", first.parts, PASSED)
    assert hold(artifacts, "churn", "audit", "ann").generation == 2
    for force in ("", "please"):
        done = publish(artifacts, "churn", second.parts, PASSED, force=force)
        assert done.state == "refused"
        assert "held by ann: audit" in done.reasons[0]
    assert publish(artifacts, "churn", first.parts, PASSED).state == "refused"
    assert release(artifacts, "churn").holds == ()
    assert release(artifacts, "churn").generation == 3
    assert publish(artifacts, "churn", second.parts, PASSED).generation == 4
    whats = [e.what for e in ModelHome(artifacts, "churn").events()]
    assert whats == ["published", "held", "refused", "refused", "refused", "released", "published"]


def test_a_hold_needs_a_reason_and_a_model(artifacts: Path, first: Made) -> None:
    """Otherwise it is refused."""
    with pytest.raises(NotFound):
        hold(artifacts, "churn", "why not")
    assert not artifacts.exists()
    publish(artifacts, "churn", first.parts, PASSED)
    with pytest.raises(UserError, match="needs a reason"):
        hold(artifacts, "churn", "  ")


def test_a_verdict_against_another_champion_is_not_acted_on(
    artifacts: Path, first: Made, second: Made, third: Made
) -> None:
    """Who started before another one published has to judge anew; who had nothing before them as well."""
    publish(artifacts, "churn", first.parts, PASSED, started_from="")
    publish(artifacts, "churn", second.parts, PASSED, started_from=first.parts.digest)
    for started in (first.parts.digest, ""):
        with pytest.raises(PublishConflict, match="moved the pointer first"):
            publish(artifacts, "churn", third.parts, PASSED, started_from=started)
    assert publish(artifacts, "churn", second.parts, PASSED, started_from="").state == "unchanged"
    assert ModelHome(artifacts, "churn").versions() == [f"1-{first.parts.digest[:12]}", f"2-{second.parts.digest[:12]}"]


def test_sequences_are_numbers(artifacts: Path, first: Made, second: Made) -> None:
    """After nine comes ten, and the order of versions is that of numbers."""
    for i in range(11):
        publish(artifacts, "churn", (first, second)[i % 2].parts, PASSED)
    home = ModelHome(artifacts, "churn")
    assert [int(v.split("-")[0]) for v in home.versions()] == list(range(1, 12))
    assert home.read_pointer().sequence == 11
    assert home.find_version("2") == f"2-{second.parts.digest[:12]}"
    with pytest.raises(NotFound, match="no version '12'"):
        home.find_version("12")


def test_a_model_that_cannot_be_proven_is_not_published(artifacts: Path, first: Made, second: Made) -> None:
    """What does not open, served or twin, or breaks in answering its probes, stops before anyone can see it."""
    publish(artifacts, "churn", first.parts, PASSED)
    before = files_below(artifacts)
    no_model = dumped({"not": "a model"})
    for broken, told in (
        ({"twin": no_model[:-3]}, "cannot be opened"),
        ({"twin": no_model}, "fails on its own probes"),
        ({"served": b"no pickle"}, "cannot be opened"),
        ({"served": no_model}, "fails on its own probes"),
    ):
        with pytest.raises(BundleError, match=told):
            publish(artifacts, "churn", dataclasses.replace(second.parts, **broken), PASSED)
    assert files_below(artifacts) == before


def test_an_unwritable_directory_is_told_clearly(tmp_path: Path, first: Made) -> None:
    """One error that says where and what to do, whatever the system called it."""
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(StoreError, match="cannot be written") as caught:
        publish(tmp_path / "file" / "artifacts", "churn", first.parts, PASSED)
    assert "--artifacts" in caught.value.todo
    assert isinstance(caught.value.__cause__, OSError)


def test_a_pointer_that_cannot_be_trusted_stops_a_publisher(
    live: Path, second: Made, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A damaged one, or a stranger's: nothing is written over what somebody else signed."""
    artifacts = live.parents[3]
    home = ModelHome(artifacts, "churn")
    good = home.pointer_path.read_bytes()
    home.pointer_path.write_bytes(good[:-5])
    before = files_below(artifacts)
    with pytest.raises(Tampered):
        publish(artifacts, "churn", second.parts, PASSED)
    home.pointer_path.write_bytes(good)
    monkeypatch.setenv("PENSTOCK_HOME", str(tmp_path / "stranger"))
    with pytest.raises(NotSigned):
        publish(artifacts, "churn", second.parts, PASSED)
    home.pointer_path.write_bytes(good[:-5])
    assert files_below(artifacts) == before


def test_a_publisher_waits_for_its_turn(artifacts: Path, first: Made, monkeypatch: pytest.MonkeyPatch) -> None:
    """And gives up clearly when it does not come."""
    home = ModelHome(artifacts, "churn")
    home.folder.mkdir(parents=True)
    monkeypatch.setattr("penstock.bundle.disk.LOCK_SECONDS", 0.2)

    class Hurried(Disk):
        def locked(self, path: Path, seconds: float = 0.2):
            return super().locked(path, seconds)

    with Disk().locked(home.lock_path):
        with pytest.raises(PublishConflict, match="at work"):
            publish(artifacts, "churn", first.parts, PASSED, disk=Hurried())
        waiting = threading.Thread(target=publish, args=(artifacts, "churn", first.parts, PASSED))
        waiting.start()
    waiting.join(30)
    assert Bundle.load(home.folder).digest == first.parts.digest


def test_publishers_and_readers_at_once(artifacts: Path, first: Made, second: Made) -> None:
    """Two processes publish while threads read: every read is of one whole version, and no change is lost."""
    publish(artifacts, "churn", first.parts, PASSED)
    spawn = multiprocessing.get_context("spawn")
    workers = [
        spawn.Process(target=publish_often, args=(artifacts, a.parts, b.parts, 6))
        for a, b in ((first, second), (second, first))
    ]
    for worker in workers:
        worker.start()
    digests, generations = set(), [0]
    trust = Trust.standard()
    home = ModelHome(artifacts, "churn")

    def read() -> None:
        while any(worker.is_alive() for worker in workers):
            digests.add(Bundle.load(home.folder, trusted=trust).digest)
            generations.append(home.read_pointer(trust).generation)

    with ThreadPoolExecutor(2) as pool:
        for done in [pool.submit(read) for _ in range(2)]:
            done.result(timeout=120)
    for worker in workers:
        worker.join(60)
        assert worker.exitcode == 0
    assert digests <= {first.parts.digest, second.parts.digest}
    events = home.events()
    assert [e.generation for e in events] == list(range(1, len(events) + 1))
    assert home.read_pointer().generation == len(events) >= 2
    assert [e.sequence for e in events] == [int(v.split("-")[0]) for v in home.versions()]
