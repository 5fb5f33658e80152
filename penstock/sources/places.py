"""Where the files of a source lie: found, and brought into the store byte for byte as they came."""

from __future__ import annotations

import errno
import hashlib
from abc import ABC, abstractmethod
from collections.abc import Sequence
from difflib import get_close_matches
from pathlib import Path

from penstock.errors import SourceError, SourceUnavailable
from penstock.receipts import Part
from penstock.sources.access import Access
from penstock.store import Store

# Troubles of the machine or the network that may be gone at the next try; all others are the user's to correct.
_TRANSIENT = frozenset(
    {
        errno.EAGAIN,
        errno.EBUSY,
        errno.ECONNABORTED,
        errno.ECONNREFUSED,
        errno.ECONNRESET,
        errno.EHOSTUNREACH,
        errno.EINTR,
        errno.EIO,
        errno.EMFILE,
        errno.ENETDOWN,
        errno.ENETUNREACH,
        errno.ENFILE,
        errno.ESTALE,
        errno.ETIMEDOUT,
    }
)


class Place(ABC):
    """Where one file lies. `name` is what errors, receipts and a column of file names call it; no secret is in it."""

    name: str

    @property
    @abstractmethod
    def uri(self) -> str:
        """The whole address, with no secret in it."""

    @abstractmethod
    def state(self) -> str | None:
        """Return a text that changes whenever the file does, or None where that cannot be told without fetching it."""

    @abstractmethod
    def fetch(self, store: Store, earlier: Part | None) -> Part:
        """Bring the file into the store, unless it is what was brought earlier."""


class LocalPlace(Place):
    """A file of this machine."""

    def __init__(self, path: str, name: str | None = None) -> None:
        self.path = path
        self.name = name or path

    @property
    def uri(self) -> str:
        """The path, as a `file:` address."""
        return Path(self.path).absolute().as_uri()

    def state(self) -> str:
        """Return the sha256 of the file's bytes."""
        check_file(self.path)
        try:
            with Path(self.path).open("rb") as file:
                return hashlib.file_digest(file, "sha256").hexdigest()
        except OSError as error:
            raise unreadable(self.path, error) from error

    def fetch(self, store: Store, earlier: Part | None) -> Part:
        """Copy the file into the store."""
        check_file(self.path)
        path = Path(self.path)
        try:
            ref = store.put_file(path, path.suffix.lstrip(".").lower() or "bin")
        except OSError as error:
            raise unreadable(self.path, error) from error
        if not ref.size:
            raise SourceError("The file is empty", where=self.path, expected="a table with at least one row")
        return Part(name=self.name, file=ref)


def places(paths: Sequence[str], access: Access, suffixes: tuple[str, ...]) -> tuple[Place, ...]:
    """Return where the files of a source lie, in order.

    Parameters
    ----------
    paths : sequence of str
        Paths, patterns, directories and addresses.
    access : Access
        How remote ones are reached.
    suffixes : tuple of str
        What the files of a directory have to end with to be taken.

    Raises
    ------
    SourceError
        There is no such file, or a pattern matches nothing.
    """
    return tuple(LocalPlace(p) for p in paths)


def shown(path: str) -> str:
    """Return the address of a path, with no secret in it."""
    return Path(path).absolute().as_uri()


def check_file(path: str) -> None:
    """Check that a path names a file.

    Raises
    ------
    SourceError
        It does not.
    """
    file = Path(path)
    if file.is_dir():
        raise SourceError("The source is a directory", where=path, expected="a file", todo="Name the file in it.")
    if not file.exists():
        raise SourceError("There is no such file", where=path, expected=_near(file), todo="Correct the path.")


def _near(file: Path) -> str:
    if not file.parent.is_dir():
        return f"the directory {file.parent} does not exist either"
    try:
        names = sorted(p.name for p in file.parent.iterdir() if not p.name.startswith("."))
    except OSError:
        return ""
    near = get_close_matches(file.name, names, n=1, cutoff=0.6)
    return f"did you mean {near[0]!r}?" if near else ""


def unreadable(path: str, error: OSError) -> SourceError:
    """Return the error for a file that the system would not read."""
    kind = SourceUnavailable if error.errno in _TRANSIENT else SourceError
    return kind("The file cannot be read", where=path, got=str(error.strerror or error))
