"""A version as its verified bytes: nothing is deserialised before every file of it has been proven."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from penstock.bundle.disk import read_regular
from penstock.bundle.keys import SIGNATURE_BYTES, Signature, Trust
from penstock.bundle.layout import version_name
from penstock.bundle.manifest import MANIFEST, MANIFEST_BYTES, SIGNATURE, Manifest
from penstock.errors import NotFound, NotSigned, StoreError, Tampered

_AGAIN = "Do not use it: publish the model again, or roll back to a version that holds."


@dataclass(frozen=True, slots=True)
class Sealed:
    """A version whose signature and files hold; `files` are the bytes that were hashed, of those asked for."""

    folder: Path
    manifest: Manifest
    files: dict[str, bytes]


def open_sealed(folder: Path, trust: Trust, *, name: str | None = None, keep: Callable[[str], bool]) -> Sealed:
    """Verify a version directory: signature, name, then every file, each read once.

    Parameters
    ----------
    folder : pathlib.Path
        The version's directory.
    trust : Trust
        The keys whose signature counts.
    name : str, optional
        The model that it must be a version of; by default the one in whose `versions` it lies.
    keep : callable
        Whether to keep a file's bytes; all are hashed.

    Raises
    ------
    NotFound
        There is no such version.
    NotSigned
        No signature, or none by a trusted key.
    Tampered
        Any byte, file or name is other than it was signed.
    BundleError
        A newer release of penstock made it.
    StoreError
        The disk would not give a file: worth another try.
    """
    manifest = read_manifest(folder, trust)
    _check_name(folder, manifest, name)
    found = set(_files_below(folder)) - {MANIFEST, SIGNATURE}
    _check_listing(folder, found, set(manifest.files))
    files: dict[str, bytes] = {}
    for path, entry in sorted(manifest.files.items()):
        data = _read_signed(folder / path, entry.size)
        if len(data) != entry.size or hashlib.sha256(data).hexdigest() != entry.sha256:
            raise Tampered("A file is not the one that was signed", where=str(folder / path), todo=_AGAIN)
        if keep(path):
            files[path] = data
    return Sealed(folder, manifest, files)


def read_manifest(folder: Path, trust: Trust) -> Manifest:
    """Return a version's manifest, its signature checked; no other file is looked at.

    Raises
    ------
    NotFound, NotSigned, Tampered, BundleError, StoreError
        As `open_sealed` raises them.
    """
    where = folder / MANIFEST
    if folder.is_symlink():
        raise Tampered("A symbolic link lies where a version should", where=str(folder), todo=_AGAIN)
    try:
        data = read_regular(where, MANIFEST_BYTES)
    except NotFound as error:
        raise NotFound("There is no bundle here", where=str(folder), expected=f"a directory with {MANIFEST}") from error
    try:
        signature = read_regular(folder / SIGNATURE, SIGNATURE_BYTES)
    except NotFound as error:
        raise NotSigned(
            "The bundle is not signed",
            where=str(folder),
            expected=SIGNATURE,
            todo="Publish the model again: nothing unsigned is opened.",
        ) from error
    trust.check(data, Signature.from_bytes(signature, str(folder / SIGNATURE)), str(where))
    return Manifest.from_bytes(data, str(where))


def _check_name(folder: Path, manifest: Manifest, name: str | None) -> None:
    folder = folder.absolute()
    at_home = folder.parent.name == "versions" and not folder.name.startswith(".")
    wanted = folder.parent.parent.name if name is None and folder.parent.name == "versions" else name
    if wanted is not None and wanted != manifest.model:
        raise Tampered(
            "The bundle was signed as another model",
            where=str(folder),
            got=f"a bundle of {manifest.model!r}",
            expected=f"one of {wanted!r}",
            todo="Publish under this name; a signed model cannot be renamed.",
        )
    if manifest.version != version_name(manifest.sequence, manifest.digest):
        raise Tampered("The manifest's version is not that of its sequence and digest", where=str(folder), todo=_AGAIN)
    if at_home and folder.name != manifest.version:
        raise Tampered(
            "The bundle was signed as another version",
            where=str(folder),
            got=manifest.version,
            expected=folder.name,
            todo=_AGAIN,
        )


def _check_listing(folder: Path, found: set[str], signed: set[str]) -> None:
    if found - signed:
        raise Tampered(
            "Something lies in the bundle that was not signed",
            where=str(folder),
            got=", ".join(sorted(found - signed)[:8]),
            todo="Remove it, if you know what it is; else publish the model again.",
        )
    if signed - found:
        raise Tampered(
            "Files of the bundle are gone",
            where=str(folder),
            expected=", ".join(sorted(signed - found)[:8]),
            todo=_AGAIN,
        )


def _files_below(folder: Path, below: str = "") -> Iterator[str]:
    """Yield the path of everything that lies in a version; of directories only what they hold, unless nothing."""
    try:
        with os.scandir(folder / below) as found:
            listed = sorted(found, key=lambda e: e.name)
    except OSError as error:
        raise StoreError("A directory cannot be read", where=str(folder / below), got=error.strerror or "") from error
    if below and not listed:
        yield f"{below}/"
    for item in listed:
        path = f"{below}/{item.name}" if below else item.name
        mode = item.stat(follow_symlinks=False).st_mode
        if stat.S_ISLNK(mode):
            raise Tampered("A symbolic link lies in the bundle", where=str(folder / path), todo=_AGAIN)
        if stat.S_ISDIR(mode):
            yield from _files_below(folder, path)
        else:
            yield path


def _read_signed(path: Path, size: int) -> bytes:
    try:
        return read_regular(path, size)
    except NotFound as error:
        raise Tampered("A file of the bundle is gone", where=str(path), todo=_AGAIN) from error
