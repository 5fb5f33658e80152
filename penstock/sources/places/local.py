"""Files of this machine: by path, by pattern, or all of a directory."""

from __future__ import annotations

import glob
import hashlib
import os
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import unquote, urlsplit

from penstock.errors import SourceError
from penstock.receipts import Part
from penstock.sources.places.patterns import fixed_part, has_magic, is_hidden, near_names, none_of_kind, wanted
from penstock.sources.places.place import Place, empty, suffix_of, unreadable
from penstock.store import Store

# Where this variable names a directory, no local file outside it is read, whoever wrote the spec.
DATA_ROOT = "PENSTOCK_DATA_ROOT"


class LocalPlace(Place):
    """A file of this machine.

    Parameters
    ----------
    path : str
        Where it lies.
    below : str, optional
        The directory in which it was found; its name begins there, and its state holds its name, for it may tell
        what the file is about.
    """

    def __init__(self, path: str, below: str | None = None) -> None:
        self.path = path
        self.segments = _absolute(path).parts[1:]
        self.found = below is not None
        self.depth = len(self.segments) - len(_absolute(below).parts) + 1 if below is not None else 1
        self.name = "/".join(self.segments[-self.depth :])

    @property
    def uri(self) -> str:
        """The path, as a `file:` address."""
        return shown_local(self.path)

    def state(self) -> str:
        """Return the sha256 of the file's bytes, with its name where it was found by its directory."""
        check_file(self.path)
        try:
            with Path(self.path).open("rb") as file:
                digest = hashlib.file_digest(file, "sha256").hexdigest()
        except OSError as error:
            raise unreadable(self.path, error) from error
        return f"{self.name} {digest}" if self.found else digest

    def fetch(self, store: Store, earlier: Part | None) -> Part:
        """Copy the file into the store."""
        check_file(self.path)
        try:
            ref = store.put_file(Path(self.path), suffix_of(self.path))
        except OSError as error:
            raise unreadable(self.path, error) from error
        if not ref.size:
            raise empty(self.path)
        return Part(name=self.name, file=ref)


def local_places(path: str, suffixes: Sequence[str]) -> list[Place]:
    """Return the files that a local path, pattern or directory names, in order.

    Raises
    ------
    SourceError
        There is none, or the path leads out of the data directory.
    """
    path = local_path(path)
    check_confined(fixed_part(path) if has_magic(path) and not Path(path).exists() else path)
    if Path(path).is_dir():
        return _directory(path, path, suffixes)
    if has_magic(path) and not Path(path).exists():
        return _matching(path, suffixes)
    check_file(path)
    return [LocalPlace(path)]


def local_path(path: str) -> str:
    """Return a path of this machine from its written form: `~` and `file:` addresses are resolved.

    Raises
    ------
    SourceError
        The address names another machine.

    Examples
    --------
    >>> local_path("file:///rows/a%20b.csv")
    '/rows/a b.csv'
    """
    if path.lower().startswith("file://"):
        parts = urlsplit(path)
        if parts.netloc not in ("", "localhost"):
            raise SourceError(
                "A file: address names another machine",
                where=f"file://{parts.netloc.rpartition('@')[2]}/…",
                expected="file:///PATH, with three slashes",
            )
        # What urlsplit takes for a query or fragment is a part of a file's name.
        path = unquote(path[len("file://") + len(parts.netloc) :])
    return str(Path(path).expanduser()) if path.startswith("~") else path


def shown_local(path: str) -> str:
    """Return a local path or pattern as a `file:` address."""
    uri = _absolute(local_path(path)).as_uri()
    for mark in "*?[]":
        uri = uri.replace(f"%{ord(mark):02X}", mark)
    return uri


def check_file(path: str) -> None:
    """Check that a path names a file that may be read.

    Raises
    ------
    SourceError
        It does not.
    """
    check_confined(path)
    file = Path(path)
    if file.is_dir():
        raise SourceError("The source is a directory", where=path, expected="a file", todo="Name the file in it.")
    if not file.exists():
        raise SourceError("There is no such file", where=path, expected=_near(file), todo="Correct the path.")
    if not file.is_file():
        raise SourceError("The source is no regular file", where=path, expected="a file with an end")


def check_confined(path: str) -> None:
    """Check that a path stays in the data directory, where one is set.

    Raises
    ------
    SourceError
        It leads out of it: by `..`, as an absolute path, or through a link.
    """
    root = os.environ.get(DATA_ROOT)
    if not root:
        return
    inside = Path(root).expanduser().resolve()
    if not Path(path).resolve().is_relative_to(inside):
        raise SourceError(
            "A path that climbs out of the data directory",
            where=path,
            expected=f"a path below {inside}, which {DATA_ROOT} names",
            todo=f"Move the file there, or set {DATA_ROOT} to a directory that holds it.",
        )


def _directory(folder: str, below: str, suffixes: Sequence[str]) -> list[Place]:
    files = _files_below(folder)
    taken = [file for file in files if wanted(file, suffixes)]
    if not taken:
        raise none_of_kind(folder, files, suffixes)
    for file in taken:
        check_confined(file)
    return [LocalPlace(file, below) for file in taken]


def _files_below(folder: str) -> list[str]:
    """Return all files below a directory but hidden ones; links to directories are followed once."""
    found: list[str] = []
    seen: set[str] = set()

    def stop(error: OSError) -> None:
        raise unreadable(str(error.filename or folder), error)

    for at, folders, files in os.walk(folder, onerror=stop, followlinks=True):
        real = os.path.realpath(at)
        if real in seen:
            folders.clear()
            continue
        seen.add(real)
        folders[:] = sorted(name for name in folders if not is_hidden(name))
        found += [str(Path(at, name)) for name in files if not is_hidden(name)]
    return sorted(found)


def _matching(pattern: str, suffixes: Sequence[str]) -> list[Place]:
    below = fixed_part(pattern) or ("/" if pattern.startswith("/") else ".")
    matches = sorted(set(glob.glob(pattern, recursive=True)))  # noqa: PTH207 - Path.glob takes no absolute pattern
    files = [m for m in matches if Path(m).is_file()]
    if not files and matches:
        # `year=*` names directories: their files are meant.
        return [place for m in matches if Path(m).is_dir() for place in _directory(m, below, suffixes)]
    if not files:
        raise SourceError(
            "The pattern matches no file",
            where=pattern,
            expected=_near(Path(below) / pattern.rpartition("/")[2]),
            todo="Correct the pattern: * stands for any part of a name, ** for any directories.",
        )
    for file in files:
        check_confined(file)
    return [LocalPlace(file, below) for file in files]


def _near(file: Path) -> str:
    if not file.parent.is_dir():
        return f"the directory {file.parent} does not exist either"
    try:
        return near_names(file.name, [p.name for p in file.parent.iterdir()])
    except OSError:
        return ""


def _absolute(path: str) -> Path:
    # Not resolved through links: names shall be those that the user knows.
    return Path(os.path.abspath(path))  # noqa: PTH100
