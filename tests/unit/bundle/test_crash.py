"""Whatever is stopped at whatever moment: a reader sees the old version or the new one, whole, and work goes on."""

from __future__ import annotations

import dataclasses
import datetime as dt
import os
import pickle
import random
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from penstock.bundle.keys import Trust
from penstock.bundle.layout import ModelHome, Pointer
from penstock.bundle.publish import hold, publish, rollback
from penstock.bundle.seal import Parts
from penstock.bundle.sealed import open_sealed
from penstock.bundle.turn import BUILDING, POINTING, REMOVING
from penstock.errors import StoreError, Tampered
from penstock.receipts import Published
from tests.unit.bundle.breaking import REFUSALS, BreakingDisk, Killed, PowerlessDisk, Way
from tests.unit.bundle.making import PASSED, Made

Act = Callable[[Path, BreakingDisk | PowerlessDisk | None], object]


def publishes(made: Made) -> Act:
    return lambda artifacts, disk: publish(artifacts, "churn", made.parts, PASSED, disk=disk)


def keeping(made: Made, n: int) -> Parts:
    """Return a model's parts whose spec keeps so many versions."""
    return dataclasses.replace(made.parts, spec={**made.parts.spec, "publish": {"keep": n}})


def rolls_back(artifacts: Path, disk: BreakingDisk | PowerlessDisk | None) -> object:
    return rollback(artifacts, "churn", disk=disk)


def holds(artifacts: Path, disk: BreakingDisk | PowerlessDisk | None) -> object:
    return hold(artifacts, "churn", "not now", disk=disk)


def seen(artifacts: Path) -> str | None:
    """Return the digest that a reader is led to, its signature and every byte checked; None where there is nothing."""
    home, trust = ModelHome(artifacts, "churn"), Trust.standard()
    if not home.pointer_path.exists():
        return None
    pointer = home.read_pointer(trust)
    sealed = open_sealed(home.version_folder(pointer.version), trust, name="churn", keep=lambda _: False)
    assert sealed.manifest.digest == pointer.digest
    return pointer.digest


def leftovers(artifacts: Path) -> list[str]:
    return [p.name for p in (artifacts / "models").rglob(".*") if p.name.startswith((BUILDING, POINTING, REMOVING))]


def calls_of(act: Act, before: Path, scratch: Path) -> list[str]:
    shutil.copytree(before, scratch)
    disk = BreakingDisk()
    act(scratch, disk)
    shutil.rmtree(scratch)
    return disk.calls


def test_a_system_that_takes_few_bytes_at_once_gets_them_all(
    tmp_path: Path, first: Made, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A write may be short and no error; what is published is whole all the same."""
    write = os.write
    monkeypatch.setattr("os.write", lambda handle, data: write(handle, bytes(data[:997])))
    publish(tmp_path, "churn", first.parts, PASSED)
    assert seen(tmp_path) == first.parts.digest
    assert [e.what for e in ModelHome(tmp_path, "churn").events()] == ["published"]


@pytest.fixture(params=["first publish", "second publish", "third publish", "rollback", "hold"])
def scene(
    request: pytest.FixtureRequest,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    first: Made,
    second: Made,
    third: Made,
) -> tuple[Path, Act, set[str | None]]:
    """Give a state of the disk, what is then done, and what a reader may see."""
    before = tmp_path / "before"
    before.mkdir()
    one, two = first.parts.digest, second.parts.digest
    if request.param == "first publish":
        return before, publishes(first), {None, one}
    publish(before, "churn", first.parts, PASSED)
    if request.param == "second publish":
        return before, publishes(second), {one, two}
    if request.param == "third publish":
        # Two versions are kept, so that with the third one the first one goes.
        monkeypatch.setattr("penstock.bundle.retention.GRACE", dt.timedelta(days=-1))
        for made in (third, first):
            publish(before, "churn", keeping(made, 2), PASSED)
        return before, publishes(dataclasses.replace(second, parts=keeping(second, 2))), {one, two}
    publish(before, "churn", second.parts, PASSED)
    return (before, rolls_back, {two, one}) if request.param == "rollback" else (before, holds, {two})


def ways_of(call: str, *, last: bool) -> tuple[Way, ...]:
    """Return how a call can end; to be killed after one is to be killed before the next, but for the last."""
    ways: tuple[Way, ...] = ("before", "full", "broken")
    if call.split(maxsplit=1)[0] in ("write", "append", "remove"):
        ways = (*ways, "half", "short")
    return (*ways, "after") if last else ways


def test_stopped_at_every_call(scene: tuple[Path, Act, set[str | None]], tmp_path: Path, third: Made) -> None:
    """Killed before or in the middle of each call, or told that the disk is full; the next one goes on from there."""
    before, act, allowed = scene
    calls = calls_of(act, before, tmp_path / "scratch")
    assert len(calls) > 8
    outcomes = _stopped(scene, calls, third, tmp_path, short=True)
    swept = any(REMOVING in call for call in calls)
    assert outcomes == (allowed - {seen(before)} if swept else allowed)


@pytest.mark.long
def test_stopped_at_every_call_in_every_way(
    scene: tuple[Path, Act, set[str | None]], tmp_path: Path, third: Made
) -> None:
    """The same in every way that a call can end, and the next publisher is asked each time."""
    before, act, allowed = scene
    assert _stopped(scene, calls_of(act, before, tmp_path / "scratch"), third, tmp_path, short=False) == allowed


def _stopped(
    scene: tuple[Path, Act, set[str | None]], calls: list[str], third: Made, tmp_path: Path, *, short: bool
) -> set[str | None]:
    """Stop at every call; return what readers saw afterwards."""
    before, act, allowed = scene
    outcomes: set[str | None] = set()
    # Of a publish after which a version goes, the long form alone looks at what is the same without.
    begin = calls.index("append log.jsonl") if short and any(REMOVING in call for call in calls) else 0
    for stop, call in enumerate(calls[begin:], begin):
        ways = ways_of(call, last=stop == len(calls) - 1)
        for at, way in enumerate(ways):
            if short and at % 3 != stop % 3 and way not in ("after", "before"):
                continue
            artifacts = tmp_path / f"{stop}-{way}"
            shutil.copytree(before, artifacts)
            acknowledged = _done(act, artifacts, BreakingDisk(stop, way), f"{call} {way}")
            found = seen(artifacts)
            assert found in allowed, (call, way)
            assert not acknowledged or found == acknowledged, (call, way)
            outcomes.add(found)
            if (not short and (stop + at) % 2) or (way == "half" and stop % 2) or (stop + at) % 8 == 0:
                _goes_on(artifacts, third)
            shutil.rmtree(artifacts)
    return outcomes


def _done(act: Act, artifacts: Path, disk: BreakingDisk, told: str) -> str:
    """Do it on a failing disk; return the digest that it was said to have made live, empty where it was stopped."""
    try:
        done = act(artifacts, disk)
    except Killed:
        assert disk.way not in REFUSALS, told
        return ""
    except StoreError:
        assert disk.way in REFUSALS, told
        return ""
    # Only tidying up, once the log has told, may fail without a word.
    assert disk.way in REFUSALS, told
    assert "append log.jsonl" in disk.calls[: disk.stop], told
    assert isinstance(done, Pointer | Published)
    return done.digest


def _goes_on(artifacts: Path, third: Made) -> None:
    """Let the next publisher find its way and clear up; then the log tells of everything."""
    home = ModelHome(artifacts, "churn")
    held = home.pointer_path.exists() and bool(home.read_pointer().holds)
    done = publish(artifacts, "churn", third.parts, PASSED, disk=BreakingDisk())
    assert leftovers(artifacts) == []
    if held:
        assert done.state == "refused"
        return
    assert done.state == "published"
    assert seen(artifacts) == third.parts.digest
    pointer, events = home.read_pointer(), home.events()
    changes = [e.generation for e in events if e.what not in ("refused", "withdrawn")]
    assert changes == list(range(1, pointer.generation + 1))


@pytest.mark.parametrize("every", [6, pytest.param(1, marks=pytest.mark.long)])
@pytest.mark.parametrize("scene", ["second publish", "rollback"], indirect=True)
def test_killed_by_the_system(
    scene: tuple[Path, Act, set[str | None]], every: int, tmp_path: Path, root: Path, second: Made, third: Made
) -> None:
    """SIGKILL at a call, and in the middle of one: no `finally` runs, and the lock is free for the next publisher."""
    before, act, allowed = scene
    calls = calls_of(act, before, tmp_path / "scratch")
    jobs = [
        (tmp_path / f"{stop}-{way}", stop, way)
        for stop, call in enumerate(calls)
        for way in ways_of(call, last=stop == len(calls) - 1)
        if way not in REFUSALS and (stop + len(way)) % every == 0
    ]
    for artifacts, _, _ in jobs:
        shutil.copytree(before, artifacts)
    parts = None if act is rolls_back else second.parts
    (tmp_path / "parts").write_bytes(pickle.dumps(parts))
    (tmp_path / "jobs").write_text("".join(f"{artifacts}\t{stop}\t{way}\n" for artifacts, stop, way in jobs))
    command = [sys.executable, "-m", "tests.unit.bundle.killing", str(tmp_path / "parts"), str(tmp_path / "jobs")]
    done = subprocess.run(command, check=True, cwd=root, capture_output=True, text=True)
    assert done.stdout == ""
    for at, (artifacts, _, _) in enumerate(jobs):
        assert seen(artifacts) in allowed
        if every > 1 or at % 4 == 0:
            _goes_on(artifacts, third)


@pytest.mark.parametrize(
    "scene",
    ["first publish", "second publish", pytest.param("third publish", marks=pytest.mark.long), "rollback", "hold"],
    indirect=True,
)
def test_without_power_at_every_moment(scene: tuple[Path, Act, set[str | None]], tmp_path: Path) -> None:
    """What was not synced is lost, wholly or by chance: what was acknowledged stays, and nothing is ever half there."""
    before, act, allowed = scene
    work = tmp_path / "work"
    shutil.copytree(before, work)
    disk = PowerlessDisk(work)
    act(work, disk)
    final = seen(work)
    luck = random.Random(5)
    for moment in range(len(disk.moments)):
        for chance in (None, luck, luck):
            at = tmp_path / "after"
            disk.after_power_cut(moment, before, at, chance)
            assert seen(at) in allowed, moment
            if moment == len(disk.moments) - 1:
                assert seen(at) == final
            shutil.rmtree(at)


def test_a_forgotten_sync_would_be_found(tmp_path: Path, first: Made, second: Made) -> None:
    """The harness is worth something: without the syncs of files, a power cut leaves a torn version."""

    class Careless(PowerlessDisk):
        def sync(self, path: Path) -> None:
            if path.is_dir():
                super().sync(path)

    before, work = tmp_path / "before", tmp_path / "work"
    publish(before, "churn", first.parts, PASSED)
    shutil.copytree(before, work)
    disk = Careless(work)
    publish(work, "churn", second.parts, PASSED, disk=disk)
    disk.after_power_cut(len(disk.moments) - 1, before, tmp_path / "after", None)
    with pytest.raises(Tampered):
        seen(tmp_path / "after")
