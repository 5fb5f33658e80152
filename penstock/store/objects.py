"""Content-addressed objects over fsspec: written once, verified on read, replaced atomically.

An object lies at `objects/ab/<sha256>.<suffix>` below the root, so its name proves its bytes, a second write of the
same bytes is free, and a half-written object can never be found under a good name.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import tempfile
import threading
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import fsspec
import pyarrow as pa

from penstock.errors import StoreError
from penstock.frozen import canonical_json
from penstock.receipts import FileRef, FrameRef, Ref
from penstock.store.arrow import ArrowFile, block_rows, canonical
from penstock.store.leases import hold_lease, sweeping
from penstock.store.writing import copy_hashed, move, replace, sha256_of, writing

if TYPE_CHECKING:
    import pandas as pd

# Objects whose bytes this process has hashed, on their way in or out, and what the file system said of them then:
# hashing them again buys nothing.
_verified: set[tuple[object, ...]] = set()
_lock = threading.Lock()
# What lies on its way in for this long was left by a process that was killed.
_STALE_SECONDS = 2 * 86_400
# An object this young is safe from every sweep.
YOUNG_SECONDS = 3600.0
# Frames are turned into Arrow's form so many rows at a time.
FRAME_ROWS = 1 << 16


class Store:
    """Objects below one root, on any file system that fsspec knows.

    Parameters
    ----------
    root : str or pathlib.Path
        A directory or an fsspec URL. It is made at the first write, not here.
    durable : bool
        Whether what is written has to outlive a power cut; a store that goes when the work is done need not wait for
        the disk.

    Examples
    --------
    >>> import tempfile
    >>> store = Store(tempfile.mkdtemp())
    >>> ref = store.put_bytes(b"water", "txt")
    >>> store.read_bytes(ref)
    b'water'
    """

    def __init__(self, root: str | Path, durable: bool = True) -> None:
        self.fs, self.root = fsspec.core.url_to_fs(str(root))
        self.durable = durable

    def put_bytes(self, data: bytes, suffix: str, media: str = "application/octet-stream") -> FileRef:
        """Write an object, unless it is there, and return its reference."""
        ref = _named(hashlib.sha256(data).hexdigest(), suffix, len(data), media)
        if self._whole(ref):
            return ref
        full = self._full(ref.path)
        with writing(self.root):
            if self.is_local:
                replace(Path(full), data, self.durable)
            else:
                self.fs.pipe_file(full, data)
        self._remember(ref)
        return ref

    def put_file(self, path: Path, suffix: str, media: str = "application/octet-stream") -> FileRef:
        """Copy a file into the store, unless its bytes are there; it is never in memory as a whole.

        Raises
        ------
        OSError
            The file cannot be read.
        StoreError
            The store cannot be written.
        """
        with self.incoming() as folder:
            beside = folder / "object"
            digest = copy_hashed(path, beside, self.root, self.durable)
            return self.take_file(beside, digest, suffix, media)

    def take_file(self, path: Path, digest: str, suffix: str, media: str = "application/octet-stream") -> FileRef:
        """Move a file whose sha256 is known into the store, unless its bytes are there.

        Raises
        ------
        StoreError
            The store cannot be written.
        """
        with writing(self.root):
            ref = _named(digest, suffix, path.stat().st_size, media)
            if self._whole(ref):
                return ref
            full = self._full(ref.path)
            if self.is_local:
                move(path, Path(full), self.durable)
            else:
                self.fs.put_file(str(path), full)
        self._remember(ref)
        return ref

    def fetched(self, ref: Ref, folder: Path) -> Path:
        """Return a local path of an object's bytes, verified; those of a remote store are brought into a folder.

        Raises
        ------
        StoreError
            The object is gone or its bytes have changed.
        """
        if self.is_local:
            self.verify(ref)
            return self.local_path(ref)
        path = folder / Path(ref.path).name
        try:
            self.fs.get_file(self._full(ref.path), str(path))
        except OSError as error:
            raise self._gone(ref) from error
        if sha256_of(path) != ref.digest:
            raise self._altered(ref)
        return path

    def scratch(self) -> Path | None:
        """Return where files may lie on their way in: on the store's own disk, so that they can be moved.

        None where the store is not on this machine; the system's own place for such files will do.
        """
        if not self.is_local:
            return None
        folder = Path(self.root, "incoming")
        with writing(self.root):
            folder.mkdir(parents=True, exist_ok=True)
            for left in folder.iterdir():
                with contextlib.suppress(OSError):
                    if left.stat().st_mtime < time.time() - _STALE_SECONDS:
                        shutil.rmtree(left, ignore_errors=True)
        return folder

    @contextlib.contextmanager
    def incoming(self) -> Iterator[Path]:
        """Yield a folder for files on their way in; what is left in it goes afterwards."""
        parent = self.scratch()
        with writing(self.root):
            folder = tempfile.TemporaryDirectory(prefix="penstock-", dir=parent, ignore_cleanup_errors=True)
        with folder as name:
            yield Path(name)

    def read_note(self, path: str) -> bytes | None:
        """Return a small mutable file beside the objects, or None where there is none."""
        try:
            data: bytes = self.fs.cat_file(self._full(path))
        except OSError:
            return None
        return data

    def write_note(self, path: str, data: bytes) -> None:
        """Write a small mutable file beside the objects, whole or not at all."""
        full = self._full(path)
        with writing(self.root):
            if self.is_local:
                replace(Path(full), data, self.durable)
            else:
                self.fs.pipe_file(full, data)

    def put_json(self, value: Any) -> FileRef:
        """Write a value's canonical JSON."""
        return self.put_bytes(canonical_json(value), "json", "application/json")

    def put_table(self, table: pa.Table) -> FrameRef:
        """Write an Arrow table, uncompressed so that it can be memory-mapped, and in one chunk a column.

        The bytes, and so the digest, hang on the values alone.
        """
        table = canonical(table)
        rows = table.num_rows
        if any(column.num_chunks > 1 for column in table.columns):
            rows = block_rows(table.schema)
        with self.incoming() as folder, writing(self.root):
            file = ArrowFile(folder / "table", table.schema, self.durable)
            try:
                for start in range(0, table.num_rows, max(rows, 1)):
                    file.write(table.slice(start, rows))
            finally:
                digest = file.close()
            return self.take_table(file.path, digest, table.num_rows, table.column_names)

    def take_table(self, path: Path, digest: str, n_rows: int, columns: list[str]) -> FrameRef:
        """Move an Arrow IPC file whose sha256 is known into the store, unless its bytes are there."""
        ref = self.take_file(path, digest, "arrow")
        return FrameRef(digest=ref.digest, path=ref.path, size=ref.size, n_rows=n_rows, columns=tuple(columns))

    def put_frame(self, frame: pd.DataFrame) -> FrameRef:
        """Write a pandas frame; its index is not kept."""
        rows = FRAME_ROWS
        return self.put_frames(frame.iloc[at : at + rows] for at in range(0, max(len(frame), 1), rows))

    def put_frames(self, parts: Iterable[pd.DataFrame]) -> FrameRef:
        """Write the rows of a frame part by part, so that no more than a part of it is held as Arrow has it.

        Parameters
        ----------
        parts : iterable of pandas.DataFrame
            At least one, all with the same columns. The bytes, and so the digest, hang on where they are parted.
        """
        return self.put_tables(pa.Table.from_pandas(part, preserve_index=False) for part in parts)

    def put_tables(self, parts: Iterable[pa.Table]) -> FrameRef:
        """Write the rows of a table part by part; at least one, all with the same columns."""
        waiting = iter(parts)
        first = canonical(next(waiting))
        n_rows = first.num_rows
        with self.incoming() as folder, writing(self.root):
            file = ArrowFile(folder / "table", first.schema, self.durable)
            try:
                file.write(first)
                for part in waiting:
                    file.write(part.cast(first.schema))
                    n_rows += part.num_rows
            finally:
                digest = file.close()
            return self.take_table(file.path, digest, n_rows, first.column_names)

    def read_bytes(self, ref: Ref) -> bytes:
        """Return an object's bytes, hashed against its reference.

        Raises
        ------
        StoreError
            The object is gone or its bytes have changed.
        """
        try:
            data: bytes = self.fs.cat_file(self._full(ref.path))
        except OSError as error:
            raise self._gone(ref) from error
        if hashlib.sha256(data).hexdigest() != ref.digest:
            raise self._altered(ref)
        return data

    def read_table(self, ref: FrameRef) -> pa.Table:
        """Return an Arrow table, memory-mapped where the file system is local."""
        if self.is_local:
            self.verify(ref)
            with pa.memory_map(self._full(ref.path)) as source:
                return pa.ipc.open_file(source).read_all()
        return pa.ipc.open_file(pa.BufferReader(self.read_bytes(ref))).read_all()

    def read_frame(self, ref: FrameRef) -> pd.DataFrame:
        """Return a pandas frame with a fresh range index."""
        frame: pd.DataFrame = self.read_table(ref).to_pandas()
        return frame

    def verify(self, ref: Ref) -> None:
        """Check that an object is there, whole and unaltered; bytes that this process knows are not hashed again.

        Raises
        ------
        StoreError
            It is not.
        """
        full = self._full(ref.path)
        try:
            size, seen = self._seen(ref)
            if size != ref.size:
                raise self._altered(ref)
            with _lock:
                if seen in _verified:
                    return
            with self.fs.open(full, "rb") as file:
                digest = hashlib.file_digest(file, "sha256").hexdigest()
        except OSError as error:
            raise self._gone(ref) from error
        if digest != ref.digest:
            raise self._altered(ref)
        with _lock:
            _verified.add(seen)

    @property
    def is_local(self) -> bool:
        """Whether objects are plain files of this machine."""
        return "file" in (self.fs.protocol if isinstance(self.fs.protocol, tuple) else (self.fs.protocol,))

    def local_path(self, ref: Ref) -> Path:
        """Return where an object lies on this machine.

        Raises
        ------
        StoreError
            The store is not on this machine.
        """
        if not self.is_local:
            raise StoreError("An object of a remote store has no local path", where=self._full(ref.path))
        return Path(self._full(ref.path))

    def _full(self, path: str) -> str:
        return f"{self.root}/{path}"

    def _whole(self, ref: Ref) -> bool:
        """Whether an object is there with the bytes of its name; one that was altered is written anew."""
        if self.is_local and self.durable:
            # Where no lock can be had, what is young is safe for a day all the same.
            with contextlib.suppress(OSError):
                hold_lease(self.root)
        try:
            self.verify(ref)
        except StoreError:
            return False
        return self.claim(ref)

    def claim(self, ref: Ref) -> bool:
        """Make an object as young as a new one, so that no sweep takes it from under its new user; False: it is gone.

        A remote store is not swept.
        """
        if not self.is_local:
            return True
        path = self.local_path(ref)
        try:
            if time.time() - path.stat().st_mtime < YOUNG_SECONDS:
                return True
            with sweeping(self.root, alone=False):
                os.utime(path)
        except FileNotFoundError:
            return False
        except OSError:
            # Where nothing can be written, nothing can be swept.
            return True
        self._remember(ref)
        return True

    def _remember(self, ref: Ref) -> None:
        """Note that an object has just been written with the bytes of its name."""
        with contextlib.suppress(OSError):
            size, seen = self._seen(ref)
            if size == ref.size:
                with _lock:
                    _verified.add(seen)

    def _seen(self, ref: Ref) -> tuple[int, tuple[object, ...]]:
        """Return an object's size, and what changes whenever its bytes may have changed."""
        full = self._full(ref.path)
        if self.is_local:
            stat = Path(full).stat()
            return stat.st_size, (full, stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns, stat.st_ino)
        info = self.fs.info(full)
        marks = (str(info.get(key)) for key in ("ETag", "etag", "mtime", "LastModified", "last_modified", "updated"))
        return int(info["size"]), (str(self.fs.protocol), full, int(info["size"]), *marks)

    def _gone(self, ref: Ref) -> StoreError:
        return StoreError(
            "An object of the store is gone", where=self._full(ref.path), todo="Run again: its stage is made anew."
        )

    def _altered(self, ref: Ref) -> StoreError:
        return StoreError(
            "An object of the store has been altered",
            where=self._full(ref.path),
            expected=f"sha256 {ref.digest}",
            todo="Run again: its stage is made anew.",
        )


def _named(digest: str, suffix: str, size: int, media: str) -> FileRef:
    return FileRef(digest=digest, path=f"objects/{digest[:2]}/{digest}.{suffix}", size=size, media=media)
