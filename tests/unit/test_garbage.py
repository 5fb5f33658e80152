"""Garbage is what nothing names; all that is named, young, or in the hands of somebody at work stays."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from deploy.cli import call
from penstock import garbage
from penstock.bundle.candidate import publish_candidate, read_candidate
from penstock.bundle.layout import ModelHome
from penstock.bundle.publish import publish
from penstock.errors import StoreError, UserError
from penstock.garbage import Swept, collect_garbage
from penstock.receipts import FileRef
from penstock.store import Store
from penstock.store.leases import FOLDER, oldest_lease
from tests.unit.bundle.making import PASSED, Made, files_below, make
from tests.unit.bundle.test_candidate import kept

DAY = 86_400.0


@pytest.fixture(scope="module")
def made() -> Made:
    """Return a small model."""
    return make(seed=1)


@pytest.fixture(autouse=True)
def alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Let this process be at work on nothing, as if another one had written what lies here."""
    monkeypatch.setattr("penstock.store.objects.hold_lease", lambda _: None)
    monkeypatch.setenv("PENSTOCK_HOME", str(tmp_path / "keys"))


@pytest.fixture
def artifacts(tmp_path: Path) -> Path:
    """Return an artifacts directory."""
    folder = tmp_path / "artifacts"
    folder.mkdir()
    return folder


def aged(root: Path, days: float) -> None:
    """Make all that lies here so old."""
    then = time.time() - days * DAY
    for path in [root, *root.rglob("*")]:
        os.utime(path, (then, then))


def names(root: Path) -> set[str]:
    return {path.name.partition(".")[0] for path in (root / "objects").rglob("*") if path.is_file()}


def of(swept: Swept, what: str) -> int:
    return next(heap.n for heap in swept.heaps if heap.what == what)


def named_in(path: Path, *refs: FileRef) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"deep": [{"path": ref.path} for ref in refs]}))


def test_what_nothing_names_goes_and_what_anything_names_stays(artifacts: Path) -> None:
    """Versions, runs, results and sources name objects, and objects of text name others."""
    store = Store(artifacts)
    refs = [store.put_bytes(f"{i}".encode(), "bin") for i in range(6)]
    chained = store.put_json({"next": {"path": refs[4].path}})
    for where, ref in zip(
        (
            "models/m/versions/1-0123456789ab/manifest.json",
            "runs/r/lineage.json",
            ".results/train-0",
            "collected/s-1.json",
        ),
        refs,
        strict=False,
    ):
        named_in(artifacts / where, ref)
    named_in(artifacts / "runs/r/facts.json", chained)
    aged(artifacts, 400)
    would = collect_garbage(artifacts, dry=True)
    assert names(artifacts) == {ref.digest for ref in (*refs, chained)}
    done = collect_garbage(artifacts)
    assert (would.heaps, would.n_kept) == (done.heaps, done.n_kept) == (would.heaps, 6)
    assert (of(done, "objects"), done.size) == (1, 1)
    assert names(artifacts) == {ref.digest for ref in (*refs[:5], chained)}


def test_what_is_young_stays(artifacts: Path) -> None:
    """A run that is going on has not written down what it will name; a clock that was set back makes nothing old."""
    store = Store(artifacts)
    for i, days in enumerate((0.5, 2, -30)):
        ref = store.put_bytes(f"{i}".encode(), "bin")
        then = time.time() - days * DAY
        os.utime(store.local_path(ref), (then, then))
    assert of(collect_garbage(artifacts), "objects") == 1
    with pytest.raises(UserError, match="grace is too short"):
        collect_garbage(artifacts, grace=60.0)


def test_what_was_made_since_the_oldest_process_began_stays(artifacts: Path, root: Path) -> None:
    """A run may take longer than any grace; when its process is gone, so is its claim."""
    script = (
        "import sys; from penstock.store import Store\n"
        "Store(sys.argv[1]).put_bytes(b'mine', 'bin'); print('written', flush=True); sys.stdin.read()"
    )
    command = [sys.executable, "-c", script, str(artifacts)]
    with subprocess.Popen(command, cwd=root, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as worker:
        assert worker.stdout is not None
        assert worker.stdout.readline() == b"written\n"
        aged(artifacts, 5)
        Store(artifacts).put_bytes(b"older", "bin")
        for path in (artifacts / "objects").rglob("*.bin"):
            if path.read_bytes() == b"older":
                os.utime(path, (1e9, 1e9))
            else:
                os.utime(path)
        aged_lease = time.time() - 5 * DAY
        assert oldest_lease(str(artifacts)) == pytest.approx(aged_lease, abs=60)
        then = time.time() - 4 * DAY
        for path in (artifacts / "objects").rglob("*.bin"):
            if path.read_bytes() == b"mine":
                os.utime(path, (then, then))
        assert of(collect_garbage(artifacts), "objects") == 1
        worker.kill()
    assert of(collect_garbage(artifacts), "objects") == 1
    assert list((artifacts / FOLDER).iterdir()) == []


def test_a_process_that_ends_leaves_no_lease(artifacts: Path, root: Path) -> None:
    """Thousands of runs would leave thousands of files, where nobody sweeps."""
    script = "import sys; from penstock.store import Store; Store(sys.argv[1]).put_bytes(b'mine', 'bin')"
    subprocess.run([sys.executable, "-c", script, str(artifacts)], check=True, cwd=root)
    assert list((artifacts / FOLDER).iterdir()) == []


def test_an_object_that_is_put_again_is_as_good_as_new(artifacts: Path) -> None:
    """Its bytes are there already, and its new user relies on them: even one who comes while it is being swept."""
    store = Store(artifacts)
    first, second = (store.put_bytes(data, "bin") for data in (b"first", b"second"))
    aged(artifacts, 400)
    store.put_bytes(b"first", "bin")
    before = garbage.oldest_lease
    assert before(str(artifacts)) is None

    class Taken(list):
        def __iter__(self):
            store.put_bytes(b"second", "bin")
            return super().__iter__()

    sweep = garbage._sweep
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(garbage, "_sweep", lambda root, objects, safe: sweep(root, Taken(objects), safe))
        assert of(collect_garbage(artifacts), "objects") == 0
    assert store.read_bytes(first) + store.read_bytes(second) == b"firstsecond"


def test_an_age_lets_old_runs_go_but_those_that_a_version_came_of(artifacts: Path, made: Made) -> None:
    """What is live can be judged against and refreshed; what is not can be run again."""
    folder = kept(artifacts, made, PASSED)
    named_in(artifacts / "runs/r2/lineage.json", Store(artifacts).put_bytes(b"of an old run", "bin"))
    named_in(artifacts / ".results/train-0")
    (artifacts / "fits/ab").mkdir(parents=True)
    (artifacts / "fits/ab/x.npz").write_bytes(b"fit")
    publish_candidate(folder, artifacts)
    aged(artifacts, 100)
    assert {heap.n for heap in collect_garbage(artifacts).heaps} == {0}
    assert {heap.n for heap in collect_garbage(artifacts, 200 * DAY).heaps} == {0}
    done = collect_garbage(artifacts, 90 * DAY)
    assert {heap.what: heap.n for heap in done.heaps} == {"objects": 1, "runs": 1, "results": 1, "fits": 1}
    assert [path.name for path in (artifacts / "runs").iterdir()] == ["r1"]
    assert publish_candidate(folder, artifacts).state == "unchanged"


def test_a_kept_candidate_can_be_published_after_a_sweep(artifacts: Path, made: Made) -> None:
    """Though it was refused, and nothing but its run names what it is made of."""
    folder = kept(artifacts, made, PASSED)
    aged(artifacts, 100)
    collect_garbage(artifacts)
    assert publish_candidate(folder, artifacts).state == "published"
    assert read_candidate(folder).trained.content_digest == ModelHome(artifacts, "churn").read_pointer().digest


def test_versions_are_no_garbage(artifacts: Path, made: Made) -> None:
    """They are kept or removed when the next one is published; a sweep touches nothing of a model."""
    publish(artifacts, "churn", made.parts, PASSED)
    aged(artifacts, 1000)
    before = files_below(artifacts / "models")
    collect_garbage(artifacts, 0.0)
    assert files_below(artifacts / "models") == before


def test_the_command_tells_what_and_how_much(artifacts: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """And what it cannot understand it says, with how an age is written."""
    Store(artifacts).put_bytes(b"x" * 2_500_000, "bin")
    aged(artifacts, 3)
    assert call(["gc", "--artifacts", str(artifacts), "--dry-run"]) == 0
    assert "2.5 MB would be freed; 0 objects stay." in capsys.readouterr().out
    assert call(["gc", "--artifacts", str(artifacts)]) == 0
    assert "2.5 MB freed" in capsys.readouterr().out
    assert names(artifacts) == set()
    assert call(["gc", "--artifacts", str(artifacts), "--older-than", "a while"]) == 2
    assert "90s, 15min" in capsys.readouterr().err
    with pytest.raises(StoreError, match="no artifacts directory"):
        collect_garbage(artifacts / "nowhere")
