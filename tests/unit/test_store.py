"""Objects that prove their bytes, and receipts that name them."""

from __future__ import annotations

import os
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pytest

from penstock.errors import StoreError
from penstock.receipts import Collected, FileRef, Snapshot
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

    def collected(when: str, data: bytes) -> Collected:
        file: FileRef = store.put_bytes(data, "csv")
        one = Snapshot(
            name="s", kind="csv", uri=f"file:///{when}", collected_at=when, n_rows=1, sha256=file.digest, file=file
        )
        return Collected(snapshots=(one,))

    assert collected("monday", b"a").identity() == collected("tuesday", b"a").identity()
    assert collected("monday", b"a").identity() != collected("monday", b"b").identity()
    assert [ref.digest for ref in collected("monday", b"a").refs()] == [store.put_bytes(b"a", "csv").digest]
