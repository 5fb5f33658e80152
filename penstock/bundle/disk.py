"""The few calls by which a publisher changes the disk: one seam, so that a test can stop it at every single one."""

from __future__ import annotations

import errno
import fcntl
import os
import shutil
import stat
import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path

from penstock.errors import NotFound, PublishConflict, StoreError, Tampered
from penstock.store import unwritable

LOCK_SECONDS = 60.0


class Disk:
    """The local disk, by a dozen calls. None of them syncs by itself but `append`."""

    def make_dir(self, path: Path) -> None:
        """Make a directory, and those above it; one that is there will do."""
        path.mkdir(parents=True, exist_ok=True)

    def write(self, path: Path, data: bytes) -> None:
        """Write a new file. One that is there already is an error."""
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o644)
        try:
            _write_all(handle, data)
        finally:
            os.close(handle)

    def sync(self, path: Path) -> None:
        """Wait until a file's bytes, or a directory's names, would survive a power cut."""
        handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)

    def rename(self, old: Path, new: Path) -> None:
        """Give a directory its final name, which nothing bears yet."""
        old.rename(new)

    def replace(self, old: Path, new: Path) -> None:
        """Put one file in another's place, in one step."""
        old.replace(new)

    def append(self, path: Path, data: bytes) -> None:
        """Add bytes to the end of a file and wait until they would survive a power cut."""
        handle = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            _write_all(handle, data)
            os.fsync(handle)
        finally:
            os.close(handle)

    def remove(self, path: Path) -> None:
        """Remove a file, or a directory with all in it."""
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)

    def names(self, path: Path) -> list[str]:
        """Return the names in a directory, sorted; none where there is no such directory."""
        try:
            return sorted(found.name for found in path.iterdir())
        except FileNotFoundError:
            return []

    def exists(self, path: Path) -> bool:
        """Whether there is such a file."""
        return path.is_file()

    def read(self, path: Path) -> bytes:
        """Return the bytes of a regular file."""
        return read_regular(path)

    def at(self, path: Path) -> str:
        """Return a path in full, as a person would name it."""
        return str(path.absolute())

    @contextmanager
    def local(self, folder: Path, only: Collection[str] | None = None) -> Iterator[Path]:
        """Yield a directory of this machine that holds what a directory holds, or `only` some files of it."""
        yield folder

    @contextmanager
    def locked(self, path: Path, seconds: float = LOCK_SECONDS) -> Iterator[None]:
        """Hold a lock that no other publisher on this machine has; the system frees it when the holder dies.

        Raises
        ------
        PublishConflict
            Another publisher held it all the while.
        """
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            _wait_for(handle, path, seconds)
            yield
        finally:
            os.close(handle)


def _write_all(handle: int, data: bytes) -> None:
    rest = memoryview(data)
    # The system may take fewer bytes than it is given.
    while rest:
        rest = rest[os.write(handle, rest) :]


def _wait_for(handle: int, path: Path, seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while True:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            if time.monotonic() >= deadline:
                raise PublishConflict(
                    "Another publisher has been at work on this model all the while",
                    where=str(path),
                    got=f"its lock was not free within {seconds:g} seconds",
                    todo="Let it finish, or end it; then publish again.",
                ) from error
            time.sleep(0.02)
        else:
            return


def read_regular(path: Path, most: int | None = None) -> bytes:
    """Return the bytes of a regular file: a link, a pipe or a directory in its place is refused.

    Raises
    ------
    NotFound
        There is no such file.
    Tampered
        It is no regular file, or it is larger than `most` bytes.
    StoreError
        The disk would not give it: worth another try.
    """
    try:
        # Without O_NONBLOCK a pipe planted under the name would hold the reader for ever.
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        raise _unreadable(path, error) from error
    try:
        with os.fdopen(handle, "rb") as source:
            found = os.fstat(handle)
            if not stat.S_ISREG(found.st_mode):
                raise Tampered("Something other than a regular file lies in a bundle", where=str(path))
            if most is not None and found.st_size > most:
                raise Tampered(
                    "A file is larger than it was when it was signed",
                    where=str(path),
                    got=f"{found.st_size} bytes",
                    expected=f"at most {most} bytes",
                )
            return source.read() if most is None else source.read(most + 1)
    except OSError as error:
        raise _unreadable(path, error) from error


def _unreadable(path: Path, error: OSError) -> Exception:
    if error.errno in (errno.ENOENT, errno.ENOTDIR):
        return NotFound("A file is not there", where=str(path))
    if error.errno == errno.ELOOP:
        return Tampered(
            "A symbolic link lies where a file should",
            where=str(path),
            todo="A bundle holds plain files only: publish the model again.",
        )
    return StoreError("A file cannot be read", where=str(path), got=error.strerror or str(error))


@contextmanager
def told_as_store_error(folder: Path) -> Iterator[None]:
    """Tell a disk's refusal as one clear error.

    Raises
    ------
    StoreError
        The disk refused: no permission, no room, a read-only file system, a file where a directory should be.
    """
    try:
        yield
    except OSError as error:
        raise unwritable(error.filename or folder, error) from error
