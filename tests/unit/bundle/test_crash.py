"""Whatever is stopped at whatever moment: a reader sees the old version or the new one, whole, and work goes on."""

from __future__ import annotations

import random
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from penstock.bundle.keys import Trust
from penstock.bundle.layout import ModelHome
from penstock.bundle.publish import hold, publish, rollback
from penstock.bundle.sealed import open_sealed
from penstock.bundle.turn import BUILDING, POINTING
from penstock.errors import StoreError, Tampered
from tests.unit.bundle.breaking import BreakingDisk, Killed, PowerlessDisk, Way
from tests.unit.bundle.making import PASSED, Made

Act = Callable[[Path, BreakingDisk | PowerlessDisk | None], object]


def publishes(made: Made) -> Act:
    return lambda artifacts, disk: publish(artifacts, "churn", made.parts, PASSED, disk=disk)


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
    return [p.name for p in (artifacts / "models").rglob(".*") if p.name.startswith((BUILDING, POINTING))]


def calls_of(act: Act, before: Path, scratch: Path) -> list[str]:
    shutil.copytree(before, scratch)
    disk = BreakingDisk()
    act(scratch, disk)
    shutil.rmtree(scratch)
    return disk.calls


@pytest.fixture(params=["first publish", "second publish", "rollback", "hold"])
def scene(
    request: pytest.FixtureRequest, tmp_path: Path, first: Made, second: Made
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
    publish(before, "churn", second.parts, PASSED)
    return (before, rolls_back, {two, one}) if request.param == "rollback" else (before, holds, {two})


def ways_of(call: str, *, last: bool) -> tuple[Way, ...]:
    """Return how a call can end; to be killed after one is to be killed before the next, but for the last."""
    ways: tuple[Way, ...] = ("before", "refused")
    if call.split(maxsplit=1)[0] in ("write", "append", "remove"):
        ways = (*ways, "half")
    return (*ways, "after") if last else ways


def test_stopped_at_every_call(scene: tuple[Path, Act, set[str | None]], tmp_path: Path, third: Made) -> None:
    """Killed before, in the middle of and after each call, or told that the disk is full."""
    before, act, allowed = scene
    calls = calls_of(act, before, tmp_path / "scratch")
    assert len(calls) > 8
    outcomes: set[str | None] = set()
    for stop, call in enumerate(calls):
        for way in ways_of(call, last=call is calls[-1]):
            artifacts = tmp_path / f"{stop}-{way}"
            shutil.copytree(before, artifacts)
            with pytest.raises((Killed, StoreError)) as caught:
                act(artifacts, BreakingDisk(stop, way))
            assert (caught.type is StoreError) == (way == "refused"), (call, way)
            found = seen(artifacts)
            assert found in allowed, (call, way)
            outcomes.add(found)
            if way == "half" or stop % 4 == 0:
                _goes_on(artifacts, third)
            shutil.rmtree(artifacts)
    assert outcomes == allowed


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
