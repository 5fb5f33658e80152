"""Disks that fail: stopped at any call, in any way, or left without power."""

# ruff: noqa: D102 - what each call does is said by Disk

from __future__ import annotations

import errno
import os
import random
import shutil
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from penstock.bundle.disk import Disk

Way = Literal["before", "after", "half", "full", "broken", "short"]
REFUSALS: dict[Way, int] = {"full": errno.ENOSPC, "broken": errno.EIO, "short": errno.ENOSPC}


class Killed(BaseException):
    """The process is gone: nothing after this happens, cleaning up included."""


class BreakingDisk(Disk):
    """A disk that is stopped at its `stop`-th call.

    `before` and `after` kill the process there; `half` kills it in the middle of a write. `full` and `broken` let the
    call fail as a full or a broken disk would, and the process live on; `short` does so after half of the bytes.
    """

    def __init__(self, stop: int | None = None, way: Way = "before") -> None:
        self.stop, self.way = stop, way
        self.calls: list[str] = []
        self.dead = False

    def _call(
        self, name: str, path: Path, do: Callable[[], object], half: Callable[[], object] | None = None
    ) -> object:
        if self.dead:
            raise Killed
        self.calls.append(f"{name} {path.name}")
        if len(self.calls) - 1 != self.stop:
            return do()
        if self.way in ("half", "short") and half is not None:
            half()
        if self.way in REFUSALS:
            raise OSError(REFUSALS[self.way], os.strerror(REFUSALS[self.way]), str(path))
        if self.way == "after":
            do()
        self.dead = True
        self.die()
        return None

    def die(self) -> None:
        """End as a process does that is killed: nothing that it would do later happens."""
        raise Killed

    def make_dir(self, path: Path) -> None:
        self._call("make_dir", path, lambda: super(BreakingDisk, self).make_dir(path))

    def write(self, path: Path, data: bytes) -> None:
        do = super().write
        self._call("write", path, lambda: do(path, data), lambda: do(path, data[: len(data) // 2]))

    def sync(self, path: Path) -> None:
        # A process that is killed loses nothing that it wrote, synced or not: the real thing would only take time.
        self._call("sync", path, path.stat)

    def rename(self, old: Path, new: Path) -> None:
        self._call("rename", old, lambda: super(BreakingDisk, self).rename(old, new))

    def replace(self, old: Path, new: Path) -> None:
        self._call("replace", old, lambda: super(BreakingDisk, self).replace(old, new))

    def append(self, path: Path, data: bytes) -> None:
        do = super().append
        self._call("append", path, lambda: do(path, data), lambda: do(path, data[: len(data) // 2]))

    def remove(self, path: Path) -> None:
        do = super().remove
        self._call("remove", path, lambda: do(path), lambda: _half_removed(path))

    def names(self, path: Path) -> list[str]:
        found = self._call("names", path, lambda: super(BreakingDisk, self).names(path))
        assert isinstance(found, list)
        return found

    def read(self, path: Path) -> bytes:
        found = self._call("read", path, lambda: super(BreakingDisk, self).read(path))
        assert isinstance(found, bytes)
        return found

    @contextmanager
    def locked(self, path: Path, seconds: float = 5.0) -> Iterator[None]:
        self._call("locked", path, lambda: None)
        with super().locked(path, seconds):
            yield


class KillingDisk(BreakingDisk):
    """The same, and the system kills the process: nothing of Python, not even `finally`, comes after."""

    def die(self) -> None:
        os.kill(os.getpid(), signal.SIGKILL)
        signal.pause()


def _half_removed(path: Path) -> None:
    files = [p for p in path.rglob("*") if p.is_file()] if path.is_dir() else []
    for file in files[: len(files) // 2]:
        file.unlink()


@dataclass
class _Change:
    """One change of a directory tree, and whether a power cut would spare it."""

    do: Callable[[Path, float], None]
    path: Path
    kind: Literal["content", "name"]
    durable: bool = False


class PowerlessDisk(Disk):
    """A disk that remembers what was synced, to show what a power cut after any call would leave.

    A file's bytes are safe once the file was synced; a name (of a new file or directory, or after a rename) once the
    directory above was.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self.changes: list[_Change] = []
        # The state of the changes after each call: which of them would survive.
        self.moments: list[tuple[int, frozenset[int]]] = []

    def _note(self, *changes: _Change) -> None:
        self.changes += changes
        self.moments.append((len(self.changes), frozenset(i for i, c in enumerate(self.changes) if c.durable)))

    def _inside(self, path: Path) -> Path:
        return path.absolute().relative_to(self.root.absolute())

    def make_dir(self, path: Path) -> None:
        new = [p for p in reversed((path, *path.parents)) if not p.exists() and p.is_relative_to(self.root)]
        super().make_dir(path)
        for p in new:
            inside = self._inside(p)
            self._note(_Change(lambda at, _, i=inside: _try((at / i).mkdir), p, "name"))  # type: ignore[misc]

    def write(self, path: Path, data: bytes) -> None:
        super().write(path, data)
        inside = self._inside(path)

        def content(at: Path, share: float) -> None:
            if (at / inside).exists():
                (at / inside).write_bytes(data[: int(len(data) * share)])

        self._note(
            _Change(lambda at, _: _try((at / inside).touch), path, "name"),
            _Change(content, path, "content"),
        )

    def sync(self, path: Path) -> None:
        super().sync(path)
        for change in self.changes:
            if (change.kind == "content" and change.path == path) or (
                change.kind == "name" and change.path.parent == path
            ):
                change.durable = True
        self._note()

    def rename(self, old: Path, new: Path) -> None:
        super().rename(old, new)
        self._move(old, new)

    def replace(self, old: Path, new: Path) -> None:
        super().replace(old, new)
        self._move(old, new)

    def _move(self, old: Path, new: Path) -> None:
        a, b = self._inside(old), self._inside(new)
        self._note(_Change(lambda at, _: _try(lambda: (at / a).replace(at / b)), new, "name"))

    def append(self, path: Path, data: bytes) -> None:
        super().append(path, data)
        inside = self._inside(path)

        def add(at: Path, share: float) -> None:
            with (at / inside).open("ab") as out:
                out.write(data[: int(len(data) * share)])

        self._note(_Change(add, path, "name", durable=True))

    def remove(self, path: Path) -> None:
        super().remove(path)
        inside = self._inside(path)
        self._note(_Change(lambda at, _: shutil.rmtree(at / inside, ignore_errors=True), path, "name"))

    def after_power_cut(self, moment: int, before: Path, at: Path, luck: random.Random | None) -> None:
        """Rebuild what a power cut after a call leaves: what was synced, and of the rest what luck decides."""
        shutil.copytree(before, at)
        made, durable = self.moments[moment]
        for i, change in enumerate(self.changes[:made]):
            if i in durable:
                change.do(at, 1.0)
            elif luck is not None and luck.random() < 0.5:
                change.do(at, luck.choice([0.0, 0.5, 1.0]))


def _try(do: Callable[[], object]) -> None:
    # What a lost change would have stood on is lost as well.
    try:
        do()
    except OSError:
        return
