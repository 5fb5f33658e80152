"""Content-addressed objects over fsspec: written once, verified on read, replaced atomically.

An object lies at `objects/ab/<sha256>.<suffix>` below the root, so its name proves its bytes, a second write of the
same bytes is free, and a half-written object can never be found under a good name.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
import threading
import uuid
from pathlib import Path
from typing import TYPE_CHECKING, Any

import fsspec
import pyarrow as pa

from penstock.errors import StoreError
from penstock.frozen import canonical_json
from penstock.receipts import FileRef, FrameRef, Ref

if TYPE_CHECKING:
    import pandas as pd

# Objects that this process has hashed already, by (root, path, size, mtime): hashing an input twice buys nothing.
_verified: set[tuple[str, str, int, float]] = set()
_lock = threading.Lock()


class Store:
    """Objects below one root, on any file system that fsspec knows.

    Parameters
    ----------
    root : str or pathlib.Path
        A directory or an fsspec URL. It is made at the first write, not here.

    Examples
    --------
    >>> import tempfile
    >>> store = Store(tempfile.mkdtemp())
    >>> ref = store.put_bytes(b"water", "txt")
    >>> store.read_bytes(ref)
    b'water'
    """

    def __init__(self, root: str | Path) -> None:
        self.fs, self.root = fsspec.core.url_to_fs(str(root))

    def put_bytes(self, data: bytes, suffix: str, media: str = "application/octet-stream") -> FileRef:
        """Write an object, unless it is there, and return its reference."""
        digest = hashlib.sha256(data).hexdigest()
        path = f"objects/{digest[:2]}/{digest}.{suffix}"
        self._write_once(path, data)
        return FileRef(digest=digest, path=path, size=len(data), media=media)

    def put_file(self, path: Path, suffix: str, media: str = "application/octet-stream") -> FileRef:
        """Copy a file into the store, unless its bytes are there; it is never in memory as a whole.

        Raises
        ------
        OSError
            The file cannot be read.
        """
        with tempfile.TemporaryDirectory(prefix="penstock-", dir=self.scratch()) as folder:
            beside = Path(folder) / "object"
            digest = _copy(path, beside)
            return self.take_file(beside, digest, suffix, media)

    def take_file(self, path: Path, digest: str, suffix: str, media: str = "application/octet-stream") -> FileRef:
        """Move a file whose sha256 is known into the store."""
        ref = FileRef(
            digest=digest, path=f"objects/{digest[:2]}/{digest}.{suffix}", size=path.stat().st_size, media=media
        )
        full = self._full(ref.path)
        try:
            if self.fs.exists(full) and int(self.fs.info(full)["size"]) == ref.size:
                self._heal(ref, path)
            elif self.is_local:
                _move(path, Path(full))
            else:
                self.fs.put_file(str(path), full)
        except OSError as error:
            raise unwritable(self.root, error) from error
        return ref

    def fetched(self, ref: Ref, folder: Path) -> Path:
        """Return a local path of an object's bytes, verified; those of a remote store are brought into a folder."""
        if self.is_local:
            self.verify(ref)
            return self.local_path(ref)
        path = folder / Path(ref.path).name
        path.write_bytes(self.read_bytes(ref))
        return path

    def scratch(self) -> Path | None:
        """Return where files may lie on their way in: on the store's own disk, so that they can be moved."""
        if not self.is_local:
            return None
        try:
            Path(self.root).mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise unwritable(self.root, error) from error
        return Path(self.root)

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
        try:
            if self.is_local:
                _replace(Path(full), data)
            else:
                self.fs.pipe_file(full, data)
        except OSError as error:
            raise unwritable(self.root, error) from error

    def put_json(self, value: Any) -> FileRef:
        """Write a value's canonical JSON."""
        return self.put_bytes(canonical_json(value), "json", "application/json")

    def put_table(self, table: pa.Table) -> FrameRef:
        """Write an Arrow table, uncompressed so that it can be memory-mapped."""
        sink = pa.BufferOutputStream()
        # One chunk a column: the bytes, and so the digest, must not depend on how the table was put together.
        table = table.combine_chunks().replace_schema_metadata(None)
        with pa.ipc.new_file(sink, table.schema) as writer:
            writer.write_table(table)
        ref = self.put_bytes(sink.getvalue().to_pybytes(), "arrow")
        return FrameRef(
            digest=ref.digest, path=ref.path, size=ref.size, n_rows=table.num_rows, columns=tuple(table.column_names)
        )

    def put_frame(self, frame: pd.DataFrame) -> FrameRef:
        """Write a pandas frame; its index is not kept."""
        return self.put_table(pa.Table.from_pandas(frame, preserve_index=False))

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
        """Check that an object is there, whole and unaltered.

        Raises
        ------
        StoreError
            It is not.
        """
        full = self._full(ref.path)
        try:
            info = self.fs.info(full)
            seen = (self.root, ref.path, int(info["size"]), _modified(info))
            if int(info["size"]) != ref.size:
                raise self._altered(ref)
            with _lock:
                if seen in _verified:
                    return
            self.read_bytes(ref)
        except OSError as error:
            raise self._gone(ref) from error
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

    def _write_once(self, path: str, data: bytes) -> None:
        full = self._full(path)
        # A file of the right name and the wrong size was cut short by something else than us: write it anew.
        # One of the right size but altered is found, and healed, because its reader refuses it and asks for a rerun.
        try:
            if self.fs.exists(full) and self.fs.cat_file(full) == data:
                return
            if self.is_local:
                _replace(Path(full), data)
            else:
                self.fs.pipe_file(full, data)
        except OSError as error:
            raise unwritable(self.root, error) from error

    def _heal(self, ref: Ref, path: Path) -> None:
        """Write an object anew where its bytes are no longer what its name says."""
        try:
            self.verify(ref)
        except StoreError:
            if self.is_local:
                _move(path, Path(self._full(ref.path)))
            else:
                self.fs.put_file(str(path), self._full(ref.path))

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


def unwritable(root: str | Path, error: OSError) -> StoreError:
    """Return the error for an artifacts directory that cannot be written."""
    return StoreError(
        "The artifacts directory cannot be written",
        where=str(root),
        got=f"{type(error).__name__}: {error.strerror or error}",
        expected="a directory that this user may write, with room left",
        todo="Choose another with --artifacts DIR, or correct its permissions.",
    )


def _modified(info: dict[str, Any]) -> float:
    stamp = info.get("mtime", 0.0)
    return float(stamp) if isinstance(stamp, int | float) else 0.0


def _copy(path: Path, to: Path) -> str:
    """Copy a file and return the sha256 of what was copied."""
    digest = hashlib.sha256()
    with path.open("rb") as source, to.open("wb") as out:
        while block := source.read(1 << 20):
            digest.update(block)
            out.write(block)
    return digest.hexdigest()


def _move(path: Path, to: Path) -> None:
    to.parent.mkdir(parents=True, exist_ok=True)
    with path.open("rb+") as file:
        os.fsync(file.fileno())
    path.replace(to)


def _replace(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.{uuid.uuid4().hex[:8]}")
    try:
        with beside.open("wb") as out:
            out.write(data)
            out.flush()
            os.fsync(out.fileno())
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)


def write_atomically(path: Path, data: bytes) -> None:
    """Replace a small file so that a reader sees the old bytes or the new ones, and a power cut keeps one of them."""
    _replace(path, data)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
