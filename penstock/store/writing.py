"""Bytes on their way to a disk: copied and hashed at once, and never seen half-written."""

from __future__ import annotations

import contextlib
import hashlib
import os
import uuid
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from io import RawIOBase
from pathlib import Path

from penstock.errors import StoreError

# Large enough that Python costs nothing, small enough that a block is still in the processor's cache when it is hashed.
_BLOCK = 1 << 20
_FLUSHED = 32 << 20


def unwritable(root: str | Path, error: OSError) -> StoreError:
    """Return the error for an artifacts directory that cannot be written."""
    return StoreError(
        "The artifacts directory cannot be written",
        where=str(root),
        got=f"{type(error).__name__}: {error.strerror or error}",
        expected="a directory that this user may write, with room left",
        todo="Choose another with --artifacts DIR, or correct its permissions.",
    )


class Outflow:
    """A new file's bytes on their way to the disk.

    What has been written is asked for at the disk while more is being written, so that the last wait for it is short;
    but for a file that is not `durable`, which nobody will wait for.

    Raises
    ------
    OSError
        From every method: the file cannot be written.
    """

    def __init__(self, path: Path, durable: bool = True) -> None:
        self._file = path.open("wb", buffering=0)
        self._durable = durable
        self._beside: ThreadPoolExecutor | None = None
        self._flushing: Future[None] | None = None
        self._n_unflushed = 0

    def write(self, data: memoryview) -> None:
        """Write all of some bytes."""
        self._n_unflushed += data.nbytes
        while data.nbytes:
            data = data[os.write(self._file.fileno(), data) :]
        if self._durable and self._n_unflushed >= _FLUSHED and (self._flushing is None or self._flushing.done()):
            self._flush()

    def close(self) -> None:
        """Close the file, after the last write or a failed one."""
        with self._file:
            if self._beside is not None:
                self._beside.shutdown()
            if self._flushing is not None:
                self._flushing.result()

    def _flush(self) -> None:
        if self._flushing is not None:
            self._flushing.result()
        if self._beside is None:
            self._beside = ThreadPoolExecutor(1, thread_name_prefix="flush")
        self._n_unflushed = 0
        self._flushing = self._beside.submit(_sync, self._file.fileno())


# macOS has no fdatasync.
_sync = getattr(os, "fdatasync", os.fsync)


def copy_hashed(source: Path, to: Path, root: str, durable: bool = True) -> str:
    """Copy a file and return the sha256, in hex, of what was copied.

    Parameters
    ----------
    source, to : pathlib.Path
        The file, and where its copy goes.
    root : str
        What the error calls the place that cannot be written.
    durable : bool
        Whether the copy will have to reach the disk.

    Raises
    ------
    OSError
        The file cannot be read.
    StoreError
        The copy cannot be written.
    """
    with source.open("rb", buffering=0) as reader:
        with writing(root):
            out = Outflow(to, durable)
        try:
            digest = _pour(reader, out, root)
        finally:
            with writing(root):
                out.close()
    return digest


def _pour(reader: RawIOBase, out: Outflow, root: str) -> str:
    sha256 = hashlib.sha256()
    # hashlib lets other threads run while it hashes: the block is written and the next one read in the meantime.
    with ThreadPoolExecutor(1, thread_name_prefix="hash") as beside:
        block, spare = bytearray(_BLOCK), bytearray(_BLOCK)
        hashing = beside.submit(sha256.update, b"")
        while n := reader.readinto(block):
            piece = memoryview(block)[:n]
            hashing.result()
            hashing = beside.submit(sha256.update, piece)
            with writing(root):
                out.write(piece)
            block, spare = spare, block
        hashing.result()
    return sha256.hexdigest()


@contextlib.contextmanager
def writing(root: str) -> Iterator[None]:
    """Turn what the system says against a write into a StoreError that names the store."""
    try:
        yield
    except OSError as error:
        raise unwritable(root, error) from error


def sha256_of(path: Path) -> str:
    """Return the sha256, in hex, of a file's bytes.

    Raises
    ------
    OSError
        It cannot be read.
    """
    with path.open("rb", buffering=0) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def move(path: Path, to: Path, durable: bool = True) -> None:
    """Move a file to its good name, on the same disk; a durable one once all of its bytes have reached the disk."""
    to.parent.mkdir(parents=True, exist_ok=True)
    if durable:
        with path.open("rb+") as file:
            os.fsync(file.fileno())
    path.replace(to)


def replace(path: Path, data: bytes, durable: bool = True) -> None:
    """Write a file beside and give it the good name; a durable one once all of its bytes have reached the disk."""
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.{uuid.uuid4().hex[:8]}")
    try:
        with beside.open("wb") as out:
            out.write(data)
            if durable:
                out.flush()
                os.fsync(out.fileno())
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)


def write_atomically(path: Path, data: bytes) -> None:
    """Replace a small file so that a reader sees the old bytes or the new ones, and a power cut keeps one of them."""
    replace(path, data)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
