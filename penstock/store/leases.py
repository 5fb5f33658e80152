"""Who is at work on a store: what a process writes is nobody's garbage while it lives.

A process that writes objects holds a lock on a file of its own below `.leases`, from its first write to its end; the
system frees it however the process ends. One more lock, held for an instant, keeps a sweep from removing the object
that a writer has just found to be there already.
"""

from __future__ import annotations

import atexit
import contextlib
import fcntl
import os
import threading
import uuid
from collections.abc import Iterator
from pathlib import Path

FOLDER = ".leases"
_SWEEP = ".sweep"
_lock = threading.Lock()
_held: set[tuple[int, str]] = set()


def hold_lease(root: str) -> None:
    """Say that this process is at work on a store, from now until it ends; saying so twice changes nothing.

    Raises
    ------
    OSError
        The store cannot be written.
    """
    me = (os.getpid(), root)
    with _lock:
        if me in _held:
            return
        folder = Path(root, FOLDER)
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / uuid.uuid4().hex
        while not _taken(path):
            path = folder / uuid.uuid4().hex
        atexit.register(_let_go, path, os.getpid())
        _held.add(me)


def _taken(path: Path) -> bool:
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o644)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        # A sweep may have taken it for a dead one's in between. The handle stays open for as long as the process lives.
        if os.fstat(handle).st_nlink:
            return True
    except BlockingIOError:
        pass
    os.close(handle)
    return False


def _let_go(path: Path, process: int) -> None:
    # A child of this process leaves with the same list of things to do, and is not the one that is at work.
    if process == os.getpid():
        with contextlib.suppress(OSError):
            path.unlink(missing_ok=True)


def oldest_lease(root: str) -> float | None:
    """Return when the process that has been at work the longest began, in seconds since 1970; None where there is none.

    What processes that ended have left is removed.
    """
    began: list[float] = []
    for path in sorted(Path(root, FOLDER).glob("*")):
        with contextlib.suppress(FileNotFoundError):
            handle = os.open(path, os.O_RDWR | os.O_CLOEXEC)
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                path.unlink()
            except BlockingIOError:
                began.append(os.fstat(handle).st_mtime)
            finally:
                os.close(handle)
    return min(began, default=None)


@contextlib.contextmanager
def sweeping(root: str, *, alone: bool) -> Iterator[None]:
    """Keep out a sweep, or, `alone`, keep out whoever is about to use an object that lies there.

    Raises
    ------
    OSError
        The store cannot be written.
    """
    folder = Path(root, FOLDER)
    folder.mkdir(parents=True, exist_ok=True)
    handle = os.open(folder.with_name(_SWEEP), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX if alone else fcntl.LOCK_SH)
        yield
    finally:
        os.close(handle)
