"""Files of other machines: in object stores and whatever else fsspec knows, and at web addresses."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from urllib.parse import unquote, urlsplit

from penstock.errors import SourceError
from penstock.receipts import FileRef, Part
from penstock.sources.places.access import Access
from penstock.sources.places.patterns import check_inside, fixed_part, has_magic, is_hidden, none_of_kind, wanted
from penstock.sources.places.place import Place, empty, suffix_of
from penstock.sources.places.systems import System, shown_remote
from penstock.store import Store

_PIECE = 8 << 20
_STAMPS = ("LastModified", "last_modified", "Last-Modified", "updated", "mtime", "modified", "created", "ctime")


class RemotePlace(Place):
    """A file on a file system of fsspec."""

    def __init__(self, system: System, info: dict[str, Any], below: str | None = None) -> None:
        self._system = system
        self._path = str(info["name"])
        self._info = info
        self.segments = tuple(part for part in self._path.split("/") if part)
        self.depth = 1
        if below is not None:
            self.depth = len(self.segments) - len([part for part in below.split("/") if part])
        self.name = "/".join(self.segments[-self.depth :])
        check_inside(self.name, self.uri)

    @property
    def uri(self) -> str:
        """The address, with no secret in it."""
        return shown_remote(self._system.address(self._path))

    def state(self) -> str | None:
        """Return the address with the ETag, or the size and time of the last change where there is none."""
        etag, stamp = _etag(self._info), _stamp(self._info)
        if etag is None and stamp is None:
            return None
        return f"{self.uri} {etag or stamp} {self._info.get('size')}"

    def fetch(self, store: Store, earlier: Part | None) -> Part:
        """Copy the file into the store, unless its ETag, or its size and time, are what they were."""
        if earlier is not None and self._is_as(earlier):
            return earlier.model_copy(update={"name": self.name})
        self._check_size(int(self._info.get("size") or 0))
        with TemporaryDirectory(prefix="penstock-", dir=store.scratch()) as folder:
            to = Path(folder) / "object"
            digest, info = self._system.call(self.uri, lambda: self._copy(to))
            if not to.stat().st_size:
                raise empty(self.uri)
            ref = store.take_file(to, digest, suffix_of(self._path))
        return Part(name=self.name, file=ref, etag=_etag(info), modified=_stamp(info))

    def _is_as(self, earlier: Part) -> bool:
        if self._info.get("size") != earlier.file.size:
            return False
        etag, stamp = _etag(self._info), _stamp(self._info)
        if etag is not None:
            return etag == earlier.etag
        return stamp is not None and stamp == earlier.modified

    def _copy(self, to: Path) -> tuple[str, dict[str, Any]]:
        digest, size = hashlib.sha256(), 0
        with self._system.open(self._path) as source, to.open("wb") as out:
            while piece := source.read(_PIECE):
                size += len(piece)
                self._check_size(size)
                digest.update(piece)
                out.write(piece)
            # What was told of the very bytes that were read, where the file system tells it.
            info = getattr(source, "details", None)
        if info and info.get("size") not in (None, size):
            raise EOFError(f"{size} of {info['size']} bytes came")
        return digest.hexdigest(), info or self._info

    def _check_size(self, size: int) -> None:
        if size > self._system.access.max_bytes:
            raise too_large(self.uri, self._system.access.max_bytes)


class WebPlace(Place):
    """A file at a web address."""

    def __init__(self, url: str, access: Access) -> None:
        parts = urlsplit(url)
        self.url = url
        self._access = access
        path = [part for part in unquote(parts.path).split("/") if part]
        self.segments = (parts.hostname or "", *path)
        self.name = self.segments[-1]

    @property
    def uri(self) -> str:
        """The address, with no secret in it."""
        return shown_web(self.url)

    def state(self) -> str | None:
        """Return what a HEAD request tells of the file's state."""
        from penstock.sources.web.download import head_state

        state = head_state(self.url, self._access)
        return None if state is None else f"{self.uri} {state}"

    def fetch(self, store: Store, earlier: Part | None) -> Part:
        """Download the file, unless the server says that it is what was brought earlier."""
        from penstock.sources.web.download import download

        with TemporaryDirectory(prefix="penstock-", dir=store.scratch()) as folder:
            to = Path(folder) / "object"
            done = download(self.url, to, self._access, earlier)
            if done is None and earlier is not None:
                return earlier.model_copy(update={"name": self.name})
            if done is None or not to.exists() or not to.stat().st_size:
                raise empty(self.uri)
            ref = _taken(to, suffix_of(self.name), done.media, store)
        return Part(name=self.name, file=ref, etag=done.etag, modified=done.modified)


def remote_places(address: str, access: Access, suffixes: Sequence[str], systems: dict[str, System]) -> list[Place]:
    """Return the files that an address on a file system of fsspec names, in order.

    Parameters
    ----------
    address : str
        A file, a pattern or a directory.
    access : Access
        How it is reached.
    suffixes : sequence of str
        What the files of a directory have to end with.
    systems : dict of str to System
        Those that were opened for other addresses of the same source, by the address up to its path.

    Raises
    ------
    SourceError
        There is no such file, the access is denied, or a package is missing.
    SourceUnavailable
        The place did not answer.
    """
    where = shown_remote(address)
    server = address.partition("://")[0] + "://" + address.partition("://")[2].partition("/")[0]
    system = systems.get(server) or systems.setdefault(server, System(address, access))
    path = system.path(address)
    if has_magic(path):
        return _matching(system, path, where, suffixes)
    try:
        info = system.info(path, where)
    except SourceError as error:
        if error.what != "There is no such file":
            raise
        raise SourceError(error.what, where=where, got=error.got, expected=system.near(path), todo=error.todo) from None
    if info.get("type") == "directory":
        return _directory(system, path, path, where, suffixes)
    return [RemotePlace(system, info)]


def web_place(url: str, access: Access) -> WebPlace:
    """Return the file at a web address.

    Raises
    ------
    SourceError
        It is a pattern: a web server tells no names.
    """
    if "*" in urlsplit(url).path:
        raise SourceError(
            "A pattern cannot be matched at a web address", where=shown_web(url), todo="Name each file of it."
        )
    return WebPlace(url, access)


def shown_web(url: str) -> str:
    """Return a web address with no secret in it."""
    from penstock.sources.web.download import shown_url

    return shown_url(url)


def too_large(where: str, most: int) -> SourceError:
    """Return the error for a file beyond the limit."""
    return SourceError(
        "The file is larger than allowed",
        where=where,
        expected=f"at most {most:,} bytes",
        todo="Raise `access: {max_bytes: …}` if it shall be that large.",
    )


def _matching(system: System, pattern: str, where: str, suffixes: Sequence[str]) -> list[Place]:
    below = fixed_part(pattern)
    matches = [m for m in system.matching(pattern, where) if not _is_left_out(m["name"], pattern)]
    files = [m for m in matches if m.get("type") != "directory" and not m["name"].endswith("/")]
    if not files and matches:
        # `year=*` names directories: their files are meant.
        return [place for m in matches for place in _directory(system, m["name"], below, where, suffixes)]
    if not files:
        raise SourceError(
            "The pattern matches no file",
            where=where,
            expected=system.near(f"{below}/{pattern.rpartition('/')[2]}"),
            todo="Correct the pattern: * stands for any part of a name, ** for any directories.",
        )
    return [RemotePlace(system, info, below) for info in files]


def _directory(system: System, path: str, below: str, where: str, suffixes: Sequence[str]) -> list[Place]:
    start = len(path.strip("/")) + 1
    files = [f for f in system.below(path, where) if not is_hidden(f["name"].strip("/")[start:])]
    # A name that ends in a slash stands for a directory in stores that have none.
    files = [f for f in files if not f["name"].endswith("/")]
    taken = [f for f in files if wanted(f["name"], suffixes)]
    if not taken:
        raise none_of_kind(where, [f["name"] for f in files], suffixes)
    return [RemotePlace(system, info, below) for info in taken]


def _is_left_out(name: str, pattern: str) -> bool:
    """Tell whether a file begins with a dot that the pattern does not name, as shells have it."""
    return name.rpartition("/")[2].startswith(".") and not pattern.rpartition("/")[2].startswith(".")


def _etag(info: dict[str, Any]) -> str | None:
    etag = info.get("ETag") or info.get("etag")
    return str(etag).strip('"') if etag else None


def _stamp(info: dict[str, Any]) -> str | None:
    for name in _STAMPS:
        if info.get(name):
            value = info[name]
            return value.isoformat() if hasattr(value, "isoformat") else str(value)
    return None


def _taken(path: Path, suffix: str, media: str | None, store: Store) -> FileRef:
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    ref: FileRef = store.take_file(path, digest, suffix, media or "application/octet-stream")
    return ref
