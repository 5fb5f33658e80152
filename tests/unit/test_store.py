"""Objects that prove their bytes, and receipts that name them."""

from __future__ import annotations

import errno
import hashlib
import io
import os
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from penstock.errors import StoreError
from penstock.receipts import Collected, FileRef, Part, Snapshot
from penstock.store import Store, write_atomically


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """Return an empty store."""
    return Store(tmp_path / "artifacts")


def test_an_object_is_named_after_its_bytes_and_written_once(store: Store) -> None:
    """A second write of the same bytes leaves the file alone."""
    ref = store.put_bytes(b"water", "txt")
    path = store.local_path(ref)
    assert path.name == f"{ref.digest}.txt"
    before = path.stat()
    assert store.put_bytes(b"water", "txt") == ref
    assert path.stat().st_ino == before.st_ino
    assert [p.name for p in path.parent.iterdir()] == [path.name]


def test_a_store_is_made_at_the_first_write(tmp_path: Path) -> None:
    """Naming one makes nothing."""
    Store(tmp_path / "artifacts")
    assert not (tmp_path / "artifacts").exists()


@pytest.mark.parametrize("length", [5, 4, 6])
def test_an_altered_object_is_refused_and_healed_by_the_next_write(store: Store, length: int) -> None:
    """Whether its length changed or not, and though it was found whole before."""
    ref = store.put_bytes(b"water", "txt")
    store.verify(ref)
    path = store.local_path(ref)
    path.write_bytes(b"w4terx"[:length])
    os.utime(path, (1, 1))
    for look in (store.verify, store.read_bytes):
        with pytest.raises(StoreError, match="altered"):
            look(ref)
    assert store.put_bytes(b"water", "txt") == ref
    assert store.read_bytes(ref) == b"water"


def test_a_lost_object_is_told_with_what_to_do(store: Store) -> None:
    """A cached result that names it is then no result."""
    ref = store.put_bytes(b"water", "txt")
    store.local_path(ref).unlink()
    with pytest.raises(StoreError, match="gone") as caught:
        store.verify(ref)
    assert "Run again" in caught.value.todo


def test_a_tables_digest_does_not_hang_on_how_it_was_put_together(store: Store) -> None:
    """Chunks and metadata are left out; values come back as they were."""
    whole = pa.table({"a": [1, 2, 3], "b": ["x", None, "z"]})
    parts = pa.concat_tables([whole.slice(0, 1), whole.slice(1)]).replace_schema_metadata({"by": "somebody"})
    ref = store.put_table(whole)
    assert store.put_table(parts) == ref
    assert (ref.n_rows, ref.columns) == (3, ("a", "b"))
    assert store.read_table(ref).to_pydict() == whole.to_pydict()
    frame = pd.DataFrame({"a": [0.5, None]}, index=[7, 9])
    pd.testing.assert_frame_equal(store.read_frame(store.put_frame(frame)), frame.reset_index(drop=True))


def test_a_file_is_replaced_whole_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A full disk leaves the old bytes, and nothing beside them."""
    path = tmp_path / "CURRENT.json"
    write_atomically(path, b"old")

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        write_atomically(path, b"new")
    assert path.read_bytes() == b"old"
    assert [p.name for p in tmp_path.iterdir()] == ["CURRENT.json"]


def test_a_receipts_identity_leaves_out_when_and_where(store: Store) -> None:
    """Two collections of the same bytes are the same input; other bytes are another."""
    table = store.put_table(pa.table({"a": ["1"]}))

    def collected(when: str, data: bytes) -> Collected:
        file: FileRef = store.put_bytes(data, "csv")
        one = Snapshot(
            name="s",
            kind="csv",
            uri=f"file:///{when}",
            collected_at=when,
            n_rows=1,
            n_bytes=len(data),
            sha256=file.digest,
            parts=(Part(name=when, file=file),),
            table=table,
            remarks=(when,),
        )
        return Collected(snapshots=(one,))

    assert collected("monday", b"a").identity() == collected("tuesday", b"a").identity()
    assert collected("monday", b"a").identity() != collected("monday", b"b").identity()
    assert [ref.digest for ref in collected("monday", b"a").refs()] == [
        store.put_bytes(b"a", "csv").digest,
        table.digest,
    ]


def test_what_was_just_written_is_not_hashed_again(store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Neither a file nor a table; the next process looks for itself."""
    (tmp_path / "in.csv").write_bytes(b"a,b\n" * 1000)
    refs = [
        store.put_file(tmp_path / "in.csv", "csv"),
        store.put_table(pa.table({"a": [1, 2]})),
        store.put_bytes(b"x", "t"),
    ]
    hashed: list[object] = []
    monkeypatch.setattr(hashlib, "file_digest", lambda *a: hashed.append(a) or hashlib.sha256())
    for ref in refs:
        store.verify(ref)
    assert hashed == []


def test_an_object_that_was_altered_in_place_is_noticed_though_its_times_are_put_back(store: Store):
    """The file system keeps one time that nobody can set."""
    ref = store.put_bytes(b"water", "txt")
    path = store.local_path(ref)
    before = path.stat()
    path.write_bytes(b"wa7er")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    with pytest.raises(StoreError, match="altered"):
        store.verify(ref)


@pytest.mark.parametrize("length", [5, 4, 6])
def test_a_file_heals_an_altered_object(store: Store, tmp_path: Path, length: int):
    """Whether its length changed or not."""
    (tmp_path / "in.txt").write_bytes(b"water")
    ref = store.put_file(tmp_path / "in.txt", "txt")
    store.local_path(ref).write_bytes(b"w4terx"[:length])
    assert store.put_file(tmp_path / "in.txt", "txt") == ref
    assert store.read_bytes(ref) == b"water"


def test_a_file_is_copied_with_its_digest_whatever_its_size(store: Store, tmp_path: Path):
    """Around the size of a block, and larger."""
    for size in (0, 1, (1 << 20) - 1, 1 << 20, (1 << 20) + 1, 5_000_000):
        data = (bytes(range(251)) * (size // 251 + 1))[:size]
        (tmp_path / "in").write_bytes(data)
        ref = store.put_file(tmp_path / "in", "bin")
        assert (ref.digest, ref.size) == (hashlib.sha256(data).hexdigest(), size)
        assert store.read_bytes(ref) == data
    assert not list(Path(store.root, "incoming").iterdir())


def test_a_file_that_cannot_be_read_is_told_apart_from_a_store_that_cannot_be_written(store: Store, tmp_path: Path):
    """The one is the user's data, the other the machine's disk."""
    with pytest.raises(FileNotFoundError):
        store.put_file(tmp_path / "none", "bin")
    (tmp_path / "in").write_bytes(b"x")
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(StoreError, match="cannot be written"):
        Store(tmp_path / "file" / "below").put_file(tmp_path / "in", "bin")


def test_a_read_that_fails_midway_leaves_nothing(store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """A disk with a bad sector under the input."""
    (tmp_path / "in").write_bytes(bytes(3 << 20))
    opened = Path.open

    class Bad(io.FileIO):
        def readinto(self, buffer: object) -> int:
            if self.tell() > 1 << 20:
                raise OSError(errno.EIO, "Input/output error")
            return super().readinto(buffer)

    def failing(path: Path, *args: object, **keys: object) -> object:
        return Bad(path) if path.name == "in" else opened(path, *args, **keys)

    monkeypatch.setattr(Path, "open", failing)
    with pytest.raises(OSError, match="Input/output") as caught:
        store.put_file(tmp_path / "in", "bin")
    assert not isinstance(caught.value, StoreError)
    assert [p.name for p in Path(store.root).rglob("*")] == ["incoming"]


@pytest.mark.parametrize("call", ["write", "fsync"])
def test_a_full_disk_is_told_and_leaves_nothing(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str
):
    """Whether it shows at once or only when the disk is asked."""
    (tmp_path / "in").write_bytes(bytes(2 << 20))

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, call, full)
    for put in (lambda: store.put_file(tmp_path / "in", "bin"), lambda: store.put_table(pa.table({"a": [1]}))):
        with pytest.raises(StoreError, match="cannot be written") as caught:
            put()
        assert "No space left" in caught.value.got
        assert not [p for p in Path(store.root).rglob("*") if p.is_file() and p.parent.name != ".leases"]


def test_what_a_killed_process_left_is_swept_up_after_days(store: Store, tmp_path: Path):
    """What another process is at work on stays."""
    incoming = store.scratch()
    assert incoming is not None
    for name, age in (("old", 3 * 86_400), ("new", 60)):
        (incoming / name).mkdir()
        (incoming / name / "object").write_bytes(b"half")
        os.utime(incoming / name, (time.time() - age, time.time() - age))
    store.put_bytes(b"x", "txt")
    with store.incoming():
        assert not (incoming / "old").exists()
        assert (incoming / "new" / "object").exists()


def test_a_remote_store_keeps_the_same_promises(tmp_path: Path):
    """Objects go through the file system that the address names."""
    store = Store(f"memory://{uuid.uuid4().hex}")
    (tmp_path / "in").write_bytes(b"water")
    ref = store.put_file(tmp_path / "in", "txt")
    table = store.put_table(pa.table({"a": ["x"]}))
    assert (store.scratch(), store.is_local) == (None, False)
    assert store.read_bytes(ref) == store.fetched(ref, tmp_path).read_bytes() == b"water"
    assert store.read_table(table).to_pydict() == {"a": ["x"]}
    store.fs.pipe_file(f"{store.root}/{ref.path}", b"w4ter")
    with pytest.raises(StoreError, match="altered"):
        store.fetched(ref, tmp_path)
    store.fs.rm(f"{store.root}/{ref.path}")
    with pytest.raises(StoreError, match="gone"):
        store.fetched(ref, tmp_path)
    with pytest.raises(StoreError, match="no local path"):
        store.local_path(ref)


def test_what_lies_under_a_null_does_not_change_a_digest(store: Store):
    """Nor what lies behind the last row, nor a mask that masks nothing."""
    values, mask = np.array([1, 99, 3], np.int64), pa.py_buffer(b"\xfd")
    dirty = pa.Array.from_buffers(pa.int64(), 3, [mask, pa.py_buffer(values)])
    flags = pa.array([True, None, False, True, True]).slice(0, 3)
    words = pa.array(["a", "hidden", "c"])
    hidden = pa.Array.from_buffers(pa.string(), 3, [mask, *words.buffers()[1:]])
    unmasked = pa.Array.from_buffers(pa.int64(), 3, [pa.py_buffer(b"\xff"), pa.py_buffer(values)])
    one = pa.table({"a": dirty, "b": flags, "c": hidden, "d": unmasked})
    other = pa.table({"a": [1, None, 3], "b": [True, None, False], "c": ["a", None, "c"], "d": [1, 99, 3]})
    assert one.equals(other)
    assert store.put_table(one) == store.put_table(other)
    assert store.read_table(store.put_table(one)).equals(other)


def test_a_table_lies_in_the_store_in_one_piece_and_is_mapped(store: Store):
    """So that a column is a NumPy array without a copy."""
    table = pa.table({"a": pa.chunked_array([np.arange(100_000), np.arange(100_000)])})
    read = store.read_table(store.put_table(table))
    assert read["a"].num_chunks == 1
    assert read["a"].chunk(0).to_numpy(zero_copy_only=True).flags.owndata is False


def test_two_processes_that_write_the_same_object_do_not_disturb_each_other(store: Store, tmp_path: Path):
    """Each writes beside and renames."""
    (tmp_path / "in").write_bytes(bytes(1 << 20))
    with ThreadPoolExecutor(4) as pool:
        refs = list(pool.map(lambda _: store.put_file(tmp_path / "in", "bin"), range(8)))
    assert len(set(refs)) == 1
    assert store.read_bytes(refs[0]) == bytes(1 << 20)


def test_a_store_that_need_not_last_waits_for_no_disk(tmp_path, monkeypatch):
    """What is thrown away when the work is done has the same bytes, and is not asked for at the disk."""
    lasting = Store(tmp_path / "lasting")
    wanted = [lasting.put_bytes(b"water", "txt"), lasting.put_table(pa.table({"a": [1, 2]}))]
    (tmp_path / "file").write_bytes(b"w" * 100)
    wanted.append(lasting.put_file(tmp_path / "file", "bin"))
    monkeypatch.setattr("os.fsync", lambda _: pytest.fail("it waits"))
    fleeting = Store(tmp_path / "fleeting", durable=False)
    found = [fleeting.put_bytes(b"water", "txt"), fleeting.put_table(pa.table({"a": [1, 2]}))]
    found.append(fleeting.put_file(tmp_path / "file", "bin"))
    assert found == wanted
    assert fleeting.read_bytes(found[0]) == b"water"
