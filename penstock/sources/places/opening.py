"""Files as they came, opened: compression undone, archives gone through, within limits."""

from __future__ import annotations

import bz2
import gzip
import lzma
import zipfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path, PurePosixPath
from typing import IO, Any, NamedTuple

import pyarrow as pa

from penstock.errors import SourceError
from penstock.sources.intake import Intake
from penstock.sources.kinds import PACKED
from penstock.sources.places.archives import Archive, archive_of, chosen, damaged, remark_rest
from penstock.sources.places.limits import Limits
from penstock.sources.places.place import suffix_of

# What begins so is compressed so, whatever it is called.
_PACKINGS: tuple[tuple[str, bytes], ...] = (
    ("gzip", b"\x1f\x8b\x08"),
    ("bzip2", b"BZh"),
    ("xz", b"\xfd7zXZ\x00"),
    ("zstd", b"\x28\xb5\x2f\xfd"),
    ("lz4", b"\x04\x22\x4d\x18"),
)
_FOREIGN: tuple[tuple[str, bytes], ...] = (("7z", b"7z\xbc\xaf\x27\x1c"), ("RAR", b"Rar!\x1a\x07"))
# A compressed archive of compressed files, and no deeper: what is packed more often is a trap.
_MOST_LAYERS = 3
_BROKEN = (OSError, EOFError, zlib.error, lzma.LZMAError, ValueError, pa.ArrowException)


class Opened(NamedTuple):
    """A plain file on this machine, and what errors and a column of file names call it."""

    path: Path
    name: str


class _Opening(NamedTuple):
    """What stays the same from layer to layer."""

    scratch: Path
    suffixes: tuple[str, ...]
    member: str | None
    intake: Intake
    limits: Limits


def opened(
    path: Path,
    name: str,
    scratch: Path,
    *,
    suffixes: tuple[str, ...],
    member: str | None,
    max_bytes: int,
    intake: Intake,
) -> Iterator[Opened]:
    """Give the plain files that lie in a file, one after another.

    Parameters
    ----------
    path : pathlib.Path
        The file as it came.
    name : str
        What it is called; a member of an archive is called `ARCHIVE/MEMBER`.
    scratch : pathlib.Path
        Where what is unpacked may lie; a file is removed before the next is given.
    suffixes : tuple of str
        What members of an archive have to end with, unless `member` names them. A file that ends so itself is opened
        as it is: workbooks are ZIP archives too.
    member : str, optional
        A pattern for the members.
    max_bytes : int
        How large the unpacked files may be, all together.
    intake : Intake
        Where members that are passed over are told.

    Raises
    ------
    SourceError
        It is cut short, damaged, encrypted or unpacks to too much; an archive has no file of the kind, or a path in it
        climbs out of its directory.
    """
    limits = Limits(name, path.stat().st_size, max_bytes)
    found = False
    for each in _layers(path, name, _Opening(scratch, suffixes, member, intake, limits), 0):
        found = found or each.name != name
        yield each
    if member is not None and not found:
        intake.remark(f"{name}: `member` says nothing here: the file is no archive")


def packing_of(path: Path, name: str, suffixes: tuple[str, ...], depth: int = 0) -> str | None:
    """Return how a file is packed (gzip, bzip2, xz, zstd, lz4, zip, tar), None where it is plain.

    What was unpacked already (`depth` above 0) still has the name of what it came in, which then promises nothing.

    Raises
    ------
    SourceError
        It is an archive of a kind that is not read.
    """
    with path.open("rb") as file:
        head = file.read(512)
    for kind, magic in _FOREIGN:
        if head.startswith(magic):
            raise SourceError(
                f"A {kind} archive is not read",
                where=name,
                expected="ZIP, tar, or a file compressed by gzip, bzip2, xz, zstd or lz4",
                todo="Unpack it, and name the unpacked file.",
            )
    for kind, magic in _PACKINGS:
        if head.startswith(magic) and (kind != "bzip2" or head[4:10] in (b"1AY&SY", b"\x17rE8P\x90")):
            return kind
    if head[1:4] == b"\x2a\x4d\x18" and head[0] & 0xF0 == 0x50:
        # A frame to be skipped, which both formats have; parallel compressors begin with one.
        return "lz4" if name.lower().endswith(".lz4") else "zstd"
    if head.startswith((b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08")):
        return None if _is_document(path, name, suffixes) else "zip"
    if head[257:262] == b"ustar":
        return "tar"
    if not depth and PurePosixPath(name.lower()).suffix in (*PACKED, ".zip", ".tar", ".tgz") and b"\0" in head:
        raise damaged(name, f"bytes that no {PurePosixPath(name).suffix} file begins with")
    return None


def _layers(path: Path, name: str, how: _Opening, depth: int) -> Iterator[Opened]:
    kind = packing_of(path, name, how.suffixes, depth)
    if kind is None:
        yield Opened(path, name)
        return
    if depth >= _MOST_LAYERS:
        raise SourceError(
            "The file is packed too many times over", where=name, expected=f"at most {_MOST_LAYERS} layers"
        )
    if kind in ("zip", "tar"):
        yield from _members(path, name, kind, how, depth)
        return
    inner = how.scratch / f"unpacked-{depth}.{_inner_suffix(name)}"
    try:
        _unpack(path, name, kind, inner, how.limits)
        yield from _layers(inner, name, how, depth + 1)
    finally:
        inner.unlink(missing_ok=True)


def _members(path: Path, name: str, kind: str, how: _Opening, depth: int) -> Iterator[Opened]:
    with archive_of(path, name, kind) as archive:
        members = archive.members()
        kept = chosen(members, name, how.suffixes, how.member)
        remark_rest(members, kept, name, how.intake)
        # What it says of itself is believed when it is too much, and counted again when it is not.
        how.limits.check(sum(m.size for m in kept))
        before = packed = 0
        for member in kept:
            called = f"{name}/{member.path}"
            inner = how.scratch / f"unpacked-{depth}.{suffix_of(member.path)}"
            packed += member.packed
            try:
                before += _copy_member(archive, member, inner, how.limits, before, packed, called)
                if not inner.stat().st_size:
                    raise SourceError("The file is empty", where=called, expected="a table with at least one row")
                yield from _layers(inner, called, how, depth + 1)
            finally:
                inner.unlink(missing_ok=True)


def _copy_member(
    archive: Archive, member: Any, inner: Path, limits: Limits, before: int, packed: int, called: str
) -> int:
    try:
        with archive.stream(member) as stream:
            return limits.copy(stream, inner, lambda: packed, before)
    except (zipfile.BadZipFile, *_BROKEN) as error:
        raise damaged(called, _first_line(error)) from error


def _unpack(path: Path, name: str, kind: str, inner: Path, limits: Limits) -> None:
    try:
        with path.open("rb") as raw, _decompressed(raw, kind) as stream:
            limits.copy(stream, inner, raw.tell)
    except _BROKEN as error:
        raise damaged(name, _first_line(error)) from error
    if not inner.stat().st_size:
        raise SourceError("The file is empty once it is unpacked", where=name, expected="a table")


def _decompressed(raw: IO[bytes], kind: str) -> Any:  # the standard library's and Arrow's streams share no type
    by_library: dict[str, Callable[[IO[bytes]], Any]] = {"gzip": gzip.open, "bzip2": bz2.open, "xz": lzma.open}
    if kind in by_library:
        return by_library[kind](raw)
    return pa.CompressedInputStream(pa.PythonFile(raw, mode="r"), kind)


def _is_document(path: Path, name: str, suffixes: tuple[str, ...]) -> bool:
    """Tell whether a ZIP archive is itself a file of the kind that is read: a workbook."""
    if PurePosixPath(name.lower()).suffix in suffixes:
        return True
    if not {".xlsx", ".ods"} & set(suffixes):
        return False
    try:
        with zipfile.ZipFile(path) as archive:
            return bool({"[Content_Types].xml", "mimetype"} & set(archive.namelist()))
    except zipfile.BadZipFile as error:
        raise damaged(name, str(error)) from error


def _inner_suffix(name: str) -> str:
    return suffix_of(PurePosixPath(name).stem)


def _first_line(error: BaseException) -> str:
    return f"{type(error).__name__}: {(str(error).splitlines() or [''])[0][:200]}"
