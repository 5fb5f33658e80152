"""Archives of several files: which of them are of a kind, and each in its turn as a stream.

Nothing is ever extracted to a path that an archive names; its names are looked at, and tell only what is what.
"""

from __future__ import annotations

import stat
import tarfile
import zipfile
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from fnmatch import fnmatchcase
from itertools import pairwise
from pathlib import Path
from typing import IO

from penstock.errors import SourceError
from penstock.sources.intake import Intake
from penstock.sources.places.patterns import check_inside, is_hidden, near_names, wanted

_MOST_MEMBERS = 100_000


class Member:
    """One file of an archive: its path in there, how large it says to be, and how many packed bytes hold it."""

    def __init__(self, path: str, size: int, packed: int, entry: zipfile.ZipInfo | tarfile.TarInfo) -> None:
        self.path = path
        self.size = size
        self.packed = packed
        self.entry = entry


class Archive(ABC):
    """An opened archive."""

    def __init__(self, name: str) -> None:
        self.name = name

    @abstractmethod
    def members(self) -> list[Member]:
        """Return its regular files."""

    @abstractmethod
    def stream(self, member: Member) -> IO[bytes]:
        """Return what a member holds."""


class ZipArchive(Archive):
    """A ZIP archive."""

    def __init__(self, name: str, archive: zipfile.ZipFile) -> None:
        super().__init__(name)
        self._archive = archive

    def members(self) -> list[Member]:
        """Return its regular files."""
        entries = self._archive.infolist()
        if len(entries) > _MOST_MEMBERS:
            raise damaged(self.name, f"{len(entries):,} entries")
        for entry in entries:
            check_inside(entry.filename, self.name)
        return [
            Member(e.filename, e.file_size, e.compress_size, e)
            for e in entries
            if not e.is_dir() and not stat.S_ISLNK(e.external_attr >> 16)
        ]

    def stream(self, member: Member) -> IO[bytes]:
        """Return what a member holds.

        Raises
        ------
        SourceError
            It is encrypted, or packed in a way that is not known.
        """
        assert isinstance(member.entry, zipfile.ZipInfo)
        if member.entry.flag_bits & 0x1:
            raise SourceError(
                "The archive is encrypted",
                where=f"{self.name}/{member.path}",
                todo="Unpack it with its password, and name the unpacked file.",
            )
        try:
            return self._archive.open(member.entry)
        except NotImplementedError as error:
            raise SourceError(
                "The archive is packed in a way that cannot be undone here",
                where=f"{self.name}/{member.path}",
                got=str(error),
                expected="a ZIP archive by stored, deflate, bzip2 or LZMA",
                todo="Pack it again, or unpack it and name the unpacked file.",
            ) from error


class TarArchive(Archive):
    """A tar archive, not compressed any more."""

    def __init__(self, name: str, archive: tarfile.TarFile) -> None:
        super().__init__(name)
        self._archive = archive

    def members(self) -> list[Member]:
        """Return its regular files."""
        found: list[Member] = []
        for n, entry in enumerate(self._archive):
            if n >= _MOST_MEMBERS:
                raise damaged(self.name, f"more than {_MOST_MEMBERS:,} entries")
            check_inside(entry.name, self.name)
            if entry.isreg():
                found.append(Member(entry.name.removeprefix("./"), entry.size, entry.size, entry))
        return found

    def stream(self, member: Member) -> IO[bytes]:
        """Return what a member holds."""
        assert isinstance(member.entry, tarfile.TarInfo)
        stream = self._archive.extractfile(member.entry)
        assert stream is not None, "only regular files are members"
        return stream


@contextmanager
def archive_of(path: Path, name: str, kind: str) -> Iterator[Archive]:
    """Open an archive.

    Raises
    ------
    SourceError
        It is cut short or damaged.
    """
    try:
        if kind == "zip":
            with zipfile.ZipFile(path) as archive:
                yield ZipArchive(name, archive)
        else:
            with tarfile.open(path, "r:") as tar:
                yield TarArchive(name, tar)
    except (zipfile.BadZipFile, tarfile.TarError) as error:
        raise damaged(name, str(error)) from error


def chosen(members: Sequence[Member], archive: str, suffixes: Sequence[str], pattern: str | None) -> list[Member]:
    """Return the members to be read, in the order of their paths.

    Parameters
    ----------
    members : sequence of Member
        All of them.
    archive : str
        What errors call the archive.
    suffixes : sequence of str
        What they have to end with where there is no pattern, unless the archive holds one file only.
    pattern : str, optional
        Matches their whole path or their name.

    Raises
    ------
    SourceError
        There is none, or two have the same path.
    """
    found = sorted(members, key=lambda member: member.path)
    if pattern is not None:
        kept = [m for m in found if fnmatchcase(m.path, pattern) or fnmatchcase(m.path.rpartition("/")[2], pattern)]
    else:
        shown = [m for m in found if not is_hidden(m.path) and not m.path.startswith("__MACOSX/")]
        kept = shown if len(shown) == 1 else [m for m in shown if wanted(m.path, suffixes)]
    if not kept:
        raise SourceError(
            "The archive has no such file" if pattern is not None else "The archive has no file of this kind",
            where=archive,
            got=_listed([m.path for m in found]),
            expected=_expected([m.path for m in found], suffixes, pattern),
            todo="Name the files in it: member: PATTERN",
        )
    twice = next((a.path for a, b in pairwise(kept) if a.path == b.path), None)
    if twice is not None:
        raise damaged(archive, f"two files are called {twice!r}")
    return kept


def remark_rest(members: Sequence[Member], kept: Sequence[Member], archive: str, intake: Intake) -> None:
    """Tell which files of an archive were passed over."""
    taken = {m.path for m in kept}
    rest = sorted(m.path for m in members if m.path not in taken)
    if rest:
        intake.remark(f"{archive}: passed over {_listed(rest)}")


def damaged(name: str, got: str) -> SourceError:
    """Return the error for an archive or compressed file that cannot be unpacked."""
    return SourceError(
        "The file cannot be unpacked: it is cut short or damaged",
        where=name,
        got=got,
        todo="Fetch it again, and compare its size with that at its origin.",
    )


def _expected(names: Sequence[str], suffixes: Sequence[str], pattern: str | None) -> str:
    if pattern is None:
        return f"files that end in {' '.join(suffixes)}"
    near = near_names(pattern.rpartition("/")[2], [n.rpartition("/")[2] for n in names])
    return f"a file that matches {pattern!r}" + (f"; {near}" if near.startswith("did") else "")


def _listed(names: Sequence[str]) -> str:
    if not names:
        return "no file"
    return ", ".join(repr(n) for n in names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")
