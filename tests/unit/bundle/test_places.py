"""Publishers in a crowd, with a wrong clock, and where the disk is full or may not be written."""

from __future__ import annotations

import datetime as dt
import json
import os
import pickle
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NoReturn

import pytest

from penstock.bundle.bundle import Bundle
from penstock.bundle.layout import ModelHome
from penstock.bundle.publish import publish, rollback
from penstock.errors import StoreError
from tests.unit.bundle.making import PASSED, Made, files_below

Mount = Callable[[str], Path]


def crowd(artifacts: Path, made: Made, root: Path, started_from: str, n: int) -> Counter[str]:
    parts = artifacts.with_name("parts")
    parts.write_bytes(pickle.dumps(made.parts))
    command = [sys.executable, "-m", "tests.unit.bundle.crowding", str(artifacts), str(parts), started_from, str(n)]
    done = subprocess.run(command, check=True, cwd=root, capture_output=True, text=True)
    return Counter(json.loads(done.stdout))


@pytest.mark.long
def test_of_two_and_of_ten_with_one_champion_one_wins(artifacts: Path, first: Made, root: Path) -> None:
    """The others are told that somebody was first, and leave nothing behind."""
    publish(artifacts, "churn", first.parts, PASSED)
    home = ModelHome(artifacts, "churn")
    for n, generation in ((2, 2), (10, 3)):
        assert crowd(artifacts, first, root, home.read_pointer().digest, n) == {"published": 1, "conflict": n - 1}
        assert home.read_pointer().generation == generation == len(home.events()) == len(home.versions())
        assert not [name for name in os.listdir(home.versions_folder) if name.startswith(".")]  # noqa: PTH208 - hidden too
        assert Bundle.load(home.folder).version == home.read_pointer().version


@pytest.mark.long
def test_ten_that_want_nothing_of_each_other_take_turns(artifacts: Path, first: Made, root: Path) -> None:
    """Each is published, none is lost, and the numbers have no gap."""
    assert crowd(artifacts, first, root, "any", 10) == {"published": 10}
    home = ModelHome(artifacts, "churn")
    assert [e.generation for e in home.events()] == [e.sequence for e in home.events()] == list(range(1, 11))
    assert len(home.versions()) == 10


def test_a_clock_that_is_set_back_changes_no_order(
    artifacts: Path, first: Made, second: Made, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Sequence and generation rise though the log's times fall."""
    times = iter(f"20{year}-01-01T00:00:00Z" for year in range(40, 10, -1))
    for module in ("log", "turn", "seal", "publish", "rollback"):
        monkeypatch.setattr(f"penstock.bundle.{module}.now", lambda: next(times))
    for made in (first, second, first):
        publish(artifacts, "churn", made.parts, PASSED)
    back = rollback(artifacts, "churn")
    home = ModelHome(artifacts, "churn")
    events = home.events()
    assert [e.generation for e in events if e.what != "withdrawn"] == [1, 2, 3, 4]
    assert [e.at for e in events] == sorted((e.at for e in events), reverse=True)
    assert (back.sequence, home.read_pointer()) == (2, back)
    assert len(home.versions()) == 3


@pytest.fixture
def mount(tmp_path: Path, absent: Callable[[str], NoReturn]) -> Iterator[Mount]:
    """Return what mounts a small file system in memory; skip where that is not allowed, and fail in CI."""
    where = tmp_path / "mounted"
    where.mkdir()

    def mounted(options: str) -> Path:
        command = shutil.which("mount")
        if os.geteuid() != 0 or command is None:
            absent("only root may mount a small file system")
        done = subprocess.run([command, "-t", "tmpfs", "-o", options, "penstock-test", str(where)], check=False)
        if done.returncode != 0:
            absent("this machine lets nobody mount a small file system")
        return where

    yield mounted
    if os.path.ismount(where):
        subprocess.run(["umount", str(where)], check=True)


def test_a_full_disk_keeps_what_is_live(mount: Mount, first: Made, second: Made) -> None:
    """Nothing is published, nothing is left lying; with room again it goes on."""
    artifacts = mount("size=1m")
    publish(artifacts, "churn", first.parts, PASSED)
    before = files_below(artifacts)
    usage = shutil.disk_usage(artifacts)
    (artifacts / "filler").write_bytes(b"x" * (usage.free - 8192))
    with pytest.raises(StoreError, match="cannot be written") as caught:
        publish(artifacts, "churn", second.parts, PASSED)
    assert "room" in caught.value.expected
    filled = files_below(artifacts)
    del filled["filler"]
    assert filled == before
    assert Bundle.load(artifacts / "models" / "churn").digest == first.parts.digest
    (artifacts / "filler").unlink()
    assert publish(artifacts, "churn", second.parts, PASSED).state == "published"


def test_a_directory_that_may_only_be_read_is_served_and_not_written(mount: Mount, first: Made, second: Made) -> None:
    """A reader needs no lock and no file of its own; a publisher is told where it failed."""
    artifacts = mount("size=4m")
    publish(artifacts, "churn", first.parts, PASSED)
    subprocess.run(["mount", "-o", "remount,ro", str(artifacts)], check=True)
    for act in (lambda: publish(artifacts, "churn", second.parts, PASSED), lambda: rollback(artifacts, "churn")):
        with pytest.raises(StoreError, match="cannot be written") as caught:
            act()
        assert str(artifacts) in caught.value.where
    assert Bundle.load(artifacts / "models" / "churn").digest == first.parts.digest


@pytest.mark.long
def test_a_file_that_may_not_grow_is_a_full_disk(tmp_path: Path, first: Made, second: Made, root: Path) -> None:
    """The system's own limit, for whoever may not mount: what is live stays live."""
    artifacts, parts = tmp_path / "artifacts", tmp_path / "parts"
    publish(artifacts, "churn", first.parts, PASSED)
    before = files_below(artifacts)
    parts.write_bytes(pickle.dumps(second.parts))
    script = (
        "import pickle, resource, sys; from pathlib import Path\n"
        "from penstock.bundle.publish import publish; from penstock.errors import StoreError\n"
        "from tests.unit.bundle.making import PASSED\n"
        "parts = pickle.loads(Path(sys.argv[2]).read_bytes())\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (2000, 2000))\n"
        "try: publish(sys.argv[1], 'churn', parts, PASSED)\n"
        "except StoreError as error: sys.exit(7 if 'File too large' in error.got else 8)\n"
    )
    done = subprocess.run([sys.executable, "-c", script, str(artifacts), str(parts)], cwd=root, check=False)
    assert done.returncode == 7
    assert files_below(artifacts) == before
    assert publish(artifacts, "churn", second.parts, PASSED).state == "published"
    assert dt.datetime.fromisoformat(ModelHome(artifacts, "churn").events()[-1].at).tzinfo is not None
