"""One file, wherever it lies: found, and brought into the store byte for byte as it came."""

from __future__ import annotations

import errno
from abc import ABC, abstractmethod
from pathlib import PurePosixPath

from penstock.errors import SourceError, SourceUnavailable
from penstock.receipts import Part
from penstock.store import Store

# Troubles of the machine or the network that may be gone at the next try; all others are the user's to correct.
TRANSIENT = frozenset(
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
        errno.EPIPE,
        errno.ESTALE,
        errno.ETIMEDOUT,
    }
)


class Place(ABC):
    """Where one file lies. `name` is what errors, receipts and a column of file names call it; no secret is in it.

    `segments` are the parts of its path, of which the last `depth` make its name where no other place has that name.
    """

    name: str
    segments: tuple[str, ...]
    depth: int = 1

    @property
    @abstractmethod
    def uri(self) -> str:
        """The whole address, with no secret in it."""

    @abstractmethod
    def state(self) -> str | None:
        """Return a text that changes whenever the file does, or None where that cannot be told without fetching it."""

    @abstractmethod
    def fetch(self, store: Store, earlier: Part | None) -> Part:
        """Bring the file into the store, unless it is what was brought earlier.

        Raises
        ------
        SourceError
            It is absent, empty, too large or cannot be read.
        SourceUnavailable
            It could not be read this time.
        """


def suffix_of(path: str) -> str:
    """Return the ending that an object of the store gets.

    Examples
    --------
    >>> suffix_of("rows.CSV"), suffix_of("rows"), suffix_of("a.b c/d")
    ('csv', 'bin', 'bin')
    """
    suffix = PurePosixPath(path).suffix.lstrip(".").lower()
    return suffix if suffix.isascii() and suffix.isalnum() and len(suffix) <= 8 else "bin"


def empty(where: str) -> SourceError:
    """Return the error for a file of no bytes."""
    return SourceError("The file is empty", where=where, expected="a table with at least one row")


def unreadable(path: str, error: OSError) -> SourceError:
    """Return the error for a file that the system would not read."""
    kind = SourceUnavailable if error.errno in TRANSIENT else SourceError
    return kind("The file cannot be read", where=path, got=str(error.strerror or error))
