"""Models in an S3 bucket, behind the interface of the local disk.

A bucket has no rename and no append, and it has conditional writes: an object is made only where there is none
(`If-None-Match: *`), and put in another's place only where that is still the one that was read (`If-Match`). So the
pointer moves by compare-and-swap, which alone decides between publishers; the lock is there for their convenience. An
object is whole or not there, and is durable once it is acknowledged: there is nothing to sync.

Addresses are `s3://bucket/prefix`; credentials, region and AWS_ENDPOINT_URL are read as every AWS tool reads them.
"""

from __future__ import annotations

import os
import re
import tempfile
import time
import uuid
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager, suppress
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeVar

from penstock.bundle.disk import LOCK_SECONDS, Disk
from penstock.bundle.manifest import MANIFEST, SIGNATURE
from penstock.errors import NotFound, PenstockError, PublishConflict, StoreError, UserError

T = TypeVar("T")
_address = re.compile(r"s3:/{1,2}([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])(?:/(.*))?")
# A lock that nobody has touched for so long, as far as the one who waits has seen, was left by a dead publisher.
LEASE_SECONDS = 60.0
_PAUSE = 0.2
_TRIES = 50


class _DiffersError(Exception):
    """The object is not, or not any more, what a conditional write expects."""


def place_of(artifacts: str | Path, disk: Disk | None = None) -> tuple[Disk, Path]:
    """Return what an artifacts directory is reached by, and its path there.

    Examples
    --------
    >>> place_of("artifacts")[1]
    PosixPath('artifacts')
    """
    if disk is not None:
        return disk, Path(artifacts)
    # A path of pathlib's has one slash where an address has two.
    found = _address.fullmatch(str(artifacts))
    if found is None:
        return Disk(), Path(artifacts)
    return Bucket(found[1]), Path(found[2] or "")


@lru_cache(maxsize=4)
def _client(process: int, settings: tuple[tuple[str, str], ...]) -> Any:  # botocore makes its clients at run time
    """Return what speaks S3; to make one takes a third of a second, and threads may share it."""
    del process, settings
    try:
        import botocore.session
    except ImportError as error:
        raise UserError("Nothing here speaks S3", todo="pip install 'penstock[s3]'") from error
    return botocore.session.get_session().create_client("s3")


class Bucket(Disk):
    """A bucket, by the same calls as a disk.

    Parameters
    ----------
    name : str
        The bucket's name.

    Raises
    ------
    UserError
        The package that speaks S3 is not installed.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        settings = tuple(sorted((key, value) for key, value in os.environ.items() if key.startswith("AWS_")))
        self._client = _client(os.getpid(), settings)
        self._read: dict[str, str | None] = {}

    def make_dir(self, path: Path) -> None:
        """Do nothing: a bucket has no directories."""

    def sync(self, path: Path) -> None:
        """Do nothing: what was acknowledged is durable."""

    def write(self, path: Path, data: bytes) -> None:
        """Write a new object. One that is there already is an error."""
        try:
            self._ask("put_object", path, Body=data, IfNoneMatch="*")
        except _DiffersError as error:
            if self.read(path) != data:
                raise StoreError("An object is there already", where=self.at(path)) from error

    def rename(self, old: Path, new: Path) -> None:
        """Copy what lies below one prefix to another, what makes it a version last; then remove the first."""
        keys = self._below(old)
        for key in sorted(keys, key=lambda k: (k.endswith(SIGNATURE), k.endswith(MANIFEST), k)):
            to = new / Path(key).relative_to(old)
            self._ask("copy_object", to, CopySource={"Bucket": self.name, "Key": key})
        with suppress(PenstockError):
            # What is left goes with the next publisher.
            self.remove(old)

    def replace(self, old: Path, new: Path) -> None:
        """Put one object in another's place, if that is still the one that was read last.

        Raises
        ------
        PublishConflict
            It is another one.
        """
        tag = self._read.get(new.as_posix())
        condition = {"IfNoneMatch": "*"} if tag is None else {"IfMatch": tag}
        data = self._found(old)
        try:
            if data is None:
                # Another publisher took this one for dead, and cleared up after it.
                raise _DiffersError
            self._ask("put_object", new, Body=data, **condition)
        except (_DiffersError, NotFound) as error:
            # A try whose answer was lost may have been the one that wrote it.
            if data is None or self._found(new) != data:
                raise PublishConflict(
                    "Another publisher moved the pointer first",
                    where=self.at(new),
                    todo="Run again: the candidate is then judged against the model that is live now.",
                ) from error
        self.remove(old)

    def append(self, path: Path, data: bytes) -> None:
        """Add bytes to the end of an object, whoever else is adding to it."""
        for _ in range(_TRIES):
            before = self._found(path)
            tag = self._read[path.as_posix()]
            condition = {"IfNoneMatch": "*"} if tag is None else {"IfMatch": tag}
            with suppress(_DiffersError, NotFound):
                self._ask("put_object", path, Body=(before or b"") + data, **condition)
                return
            time.sleep(_PAUSE / 4)
        raise StoreError("An object changes all the while", where=self.at(path), todo="Try again.")

    def remove(self, path: Path) -> None:
        """Remove an object, and all that lies below it as a prefix."""
        for key in [path.as_posix(), *self._below(path)]:
            self._ask("delete_object", Path(key))

    def names(self, path: Path) -> list[str]:
        """Return the names right below a prefix, sorted."""
        prefix = self._prefix(path)
        found: set[str] = set()
        for page in self._pages(Prefix=prefix, Delimiter="/"):
            found |= {item["Key"].removeprefix(prefix) for item in page.get("Contents", ())}
            found |= {item["Prefix"].removeprefix(prefix).rstrip("/") for item in page.get("CommonPrefixes", ())}
        return sorted(found - {""})

    def exists(self, path: Path) -> bool:
        """Whether there is such an object."""
        try:
            self._ask("head_object", path)
        except NotFound:
            return False
        return True

    def read(self, path: Path) -> bytes:
        """Return an object's bytes."""
        key = path.as_posix()

        def whole() -> tuple[bytes, str]:
            answer = self._client.get_object(Bucket=self.name, Key=key)
            return answer["Body"].read(), answer["ETag"]

        try:
            data, tag = self._told(whole, key)
        except NotFound:
            self._read[key] = None
            raise
        self._read[key] = tag
        return data

    def at(self, path: Path) -> str:
        """Return an object's address."""
        return f"s3://{self.name}/{path.as_posix()}"

    @contextmanager
    def local(self, folder: Path, only: Collection[str] | None = None) -> Iterator[Path]:
        """Yield a directory of this machine with what lies below a prefix, under the same last names."""
        with tempfile.TemporaryDirectory(prefix="penstock-", ignore_cleanup_errors=True) as scratch:
            here = Path(scratch, *folder.parts[-3:])
            self.bring(folder, here, only)
            yield here

    def bring(self, folder: Path, here: Path, only: Collection[str] | None = None) -> None:
        """Copy what lies below a prefix into a directory of this machine.

        Raises
        ------
        NotFound
            Nothing lies there.
        """
        keys = self._below(folder)
        if not keys:
            raise NotFound("There is no bundle here", where=self.at(folder), expected=f"{MANIFEST} and more")
        for key in keys:
            inside = Path(key).relative_to(folder)
            if ".." in inside.parts:
                raise StoreError("An object's name climbs out of its place", where=self.at(folder))
            if only is None or inside.as_posix() in only:
                (here / inside).parent.mkdir(parents=True, exist_ok=True)
                (here / inside).write_bytes(self.read(Path(key)))

    @contextmanager
    def locked(self, path: Path, seconds: float = LOCK_SECONDS) -> Iterator[None]:
        """Hold a lock that no other publisher has, unless it takes this one for dead."""
        mine = uuid.uuid4().hex.encode()
        self._take(path, mine, max(seconds, LEASE_SECONDS + 30.0) if seconds == LOCK_SECONDS else seconds)
        try:
            yield
        finally:
            with suppress(PenstockError):
                if self._found(path) == mine:
                    self.remove(path)

    def _take(self, path: Path, mine: bytes, seconds: float) -> None:
        deadline = time.monotonic() + seconds
        seen: tuple[str | None, float] = (None, time.monotonic())
        while True:
            self._found(path)
            tag = self._read[path.as_posix()]
            if tag != seen[0]:
                seen = (tag, time.monotonic())
            # Nobody's clock is asked but this one's: a lock is dead when it did not change while it was watched.
            if tag is None or time.monotonic() - seen[1] >= LEASE_SECONDS:
                condition = {"IfNoneMatch": "*"} if tag is None else {"IfMatch": tag}
                with suppress(_DiffersError, NotFound):
                    self._ask("put_object", path, Body=mine, **condition)
                    return
            if time.monotonic() >= deadline:
                raise PublishConflict(
                    "Another publisher has been at work on this model all the while",
                    where=self.at(path),
                    got=f"its lock was not free within {seconds:g} seconds",
                    todo="Let it finish, or end it; then publish again.",
                )
            time.sleep(_PAUSE)

    def _found(self, path: Path) -> bytes | None:
        try:
            return self.read(path)
        except NotFound:
            return None

    def _below(self, path: Path) -> list[str]:
        return [item["Key"] for page in self._pages(Prefix=self._prefix(path)) for item in page.get("Contents", ())]

    def _prefix(self, path: Path) -> str:
        text = path.as_posix()
        return "" if text == "." else f"{text}/"

    def _pages(self, **what: str) -> list[Any]:
        paginator = self._client.get_paginator("list_objects_v2")
        return self._told(lambda: list(paginator.paginate(Bucket=self.name, **what)), what["Prefix"])

    def _ask(self, operation: str, path: Path, **what: object) -> Any:
        key = path.as_posix()
        return self._told(lambda: getattr(self._client, operation)(Bucket=self.name, Key=key, **what), key)

    def _told(self, ask: Callable[[], T], key: str) -> T:
        from botocore.exceptions import BotoCoreError, ClientError

        where = self.at(Path(key))
        try:
            return ask()
        except ClientError as error:
            status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode")
            code = error.response.get("Error", {}).get("Code", "")
            if code == "NoSuchBucket":
                raise StoreError(
                    "There is no such bucket", where=where, todo="Make it, or correct its name."
                ) from error
            if status == 404:
                raise NotFound("A file is not there", where=where) from error
            if status in (409, 412):
                raise _DiffersError from error
            raise StoreError("The bucket refused", where=where, got=f"{code} ({status})") from error
        except BotoCoreError as error:
            raise StoreError("The bucket cannot be reached", where=where, got=str(error)) from error
