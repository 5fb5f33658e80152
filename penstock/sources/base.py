"""What every source can do: tell its state, fetch its bytes once, and read a table out of them."""

from __future__ import annotations

import errno
import hashlib
import io
import os
import zipfile
from abc import ABC, abstractmethod
from collections.abc import Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, NamedTuple

import pyarrow as pa
from pydantic import BeforeValidator, Field

from penstock.errors import SourceError, SourceUnavailable
from penstock.frozen import Frozen
from penstock.sources.columns import stack

SourceName = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,62}$")]


def _one_or_many(value: object) -> object:
    if isinstance(value, str | os.PathLike):
        return (os.fspath(value),)
    return tuple(os.fspath(v) if isinstance(v, os.PathLike) else v for v in value) if isinstance(value, list) else value


Paths = Annotated[tuple[str, ...], BeforeValidator(_one_or_many), Field(min_length=1)]

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


class Fetched(NamedTuple):
    """The bytes of a source, as they came, and the sha256 that stands for its state."""

    data: bytes
    suffix: str
    media: str
    sha256: str


class SourceBase(Frozen, ABC):
    """Where a raw table comes from."""

    name: SourceName

    @property
    @abstractmethod
    def uri(self) -> str:
        """Where it lies, with no secret in it."""

    @abstractmethod
    def state(self) -> str:
        """Return a sha256 that changes whenever the source's content does."""

    @abstractmethod
    def fetch(self) -> Fetched:
        """Read the source once."""

    @abstractmethod
    def table_of(self, data: bytes) -> pa.Table:
        """Return the raw table that lies in fetched bytes."""


class FileSource(SourceBase, ABC):
    """One local file, or several with the same columns that are stacked in their order."""

    path: Paths

    @property
    def uri(self) -> str:
        """The files, as `file:` addresses."""
        return " ".join(Path(p).absolute().as_uri() for p in self.path)

    def state(self) -> str:
        """Return the sha256 of the file's bytes; for several files, of their sha256 in order."""
        return _joint([_file_sha256(p) for p in self.path])

    def fetch(self) -> Fetched:
        """Read every file once; several are kept together, each as it came."""
        parts = [read_file(p) for p in self.path]
        sha256 = _joint([hashlib.sha256(part).hexdigest() for part in parts])
        if len(parts) == 1:
            return Fetched(parts[0], self._suffix(), self._media(), sha256)
        return Fetched(_together(parts), "zip", "application/zip", sha256)

    def table_of(self, data: bytes) -> pa.Table:
        """Return the files' rows as one table."""
        parts = [data] if len(self.path) == 1 else _apart(data)
        tables = [self.parse(part, where) for part, where in zip(parts, self.path, strict=True)]
        return stack(tables, self.path)

    @abstractmethod
    def parse(self, data: bytes, where: str) -> pa.Table:
        """Return the raw table of one file's bytes; `where` is what errors call the file."""

    @abstractmethod
    def _media(self) -> str: ...

    def _suffix(self) -> str:
        return Path(self.path[0]).suffix.lstrip(".").lower() or "bin"


def _joint(digests: Sequence[str]) -> str:
    return digests[0] if len(digests) == 1 else hashlib.sha256("\n".join(digests).encode()).hexdigest()


def _together(parts: Sequence[bytes]) -> bytes:
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_STORED) as archive:
        for i, part in enumerate(parts):
            # A ZipInfo of its own carries no clock: the same files give the same bytes.
            archive.writestr(zipfile.ZipInfo(str(i)), part)
    return sink.getvalue()


def _apart(data: bytes) -> list[bytes]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return [archive.read(str(i)) for i in range(len(archive.namelist()))]


def read_file(path: str) -> bytes:
    """Return a local file's bytes.

    Raises
    ------
    SourceError
        It is absent, a directory, not permitted, or empty.
    SourceUnavailable
        The machine or the network failed in a way that may pass.
    """
    check_file(path)
    try:
        data = Path(path).read_bytes()
    except OSError as error:
        raise unreadable(path, error) from error
    if not data.strip():
        raise SourceError("The file is empty", where=path, expected="a table with at least one row")
    return data


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


def _file_sha256(path: str) -> str:
    check_file(path)
    try:
        with Path(path).open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise unreadable(path, error) from error
