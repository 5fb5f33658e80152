"""Tables that are written while they are read: the same bytes however they arrive, and nothing before the end."""

from __future__ import annotations

import errno
import os
import tempfile
import threading
from itertools import pairwise
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.errors import DataError, StoreError
from penstock.receipts import FrameRef
from penstock.spool import Spool
from penstock.store import Store, arrow
from penstock.store.arrow import block_rows


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """Return an empty store."""
    return Store(tmp_path / "artifacts")


def spooled(store: Store, *tables: pa.Table) -> FrameRef:
    """Spool tables one after another."""
    with Spool(store) as spool:
        for table in tables:
            spool.add(table)
        return spool.finish()


_columns = {
    "number": st.one_of(st.none(), st.integers(-(2**63), 2**63 - 1)),
    "text": st.one_of(st.none(), st.text(st.characters(codec="utf-8"), max_size=5)),
    "flag": st.one_of(st.none(), st.booleans()),
    "real": st.one_of(st.none(), st.floats(allow_nan=False)),
    "whole": st.booleans(),
}
_schema = pa.schema(
    [
        ("number", pa.int64()),
        ("text", pa.string()),
        ("flag", pa.bool_()),
        ("real", pa.float64()),
        ("whole", pa.bool_()),
    ]
)


@given(
    st.lists(st.fixed_dictionaries(_columns), min_size=1, max_size=40),
    st.lists(st.tuples(st.integers(0, 40), st.booleans()), max_size=6),
    st.sampled_from([1, 3, 8, 1 << 16]),
)
def test_the_bytes_do_not_depend_on_the_pieces(rows, cuts, size):
    """Slices, empty pieces, pieces of many chunks and blocks of any size: one digest, and the same values."""
    whole = pa.Table.from_pylist(rows, _schema)
    bounds = sorted({0, len(rows), *(min(at, len(rows)) for at, _ in cuts)})
    pieces = [whole.slice(a, b - a) for a, b in pairwise(bounds)]
    # Made anew, a piece has no other rows before and behind it in memory.
    pieces = [
        pa.Table.from_pylist(piece.to_pylist(), _schema) if i < len(cuts) and cuts[i][1] else piece
        for i, piece in enumerate(pieces)
    ]
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setattr(arrow, "_BLOCK_ROWS", size)
        store = Store(folder)
        first = spooled(store, whole)
        assert spooled(store, whole.slice(0, 0), *pieces) == first
        assert spooled(store, pa.concat_tables(pieces)) == first
        longer = pa.Table.from_pylist([*rows, {"whole": True}], _schema)
        assert spooled(store, longer.slice(0, len(rows))) == first
        assert first.n_rows == len(rows)
        assert store.read_table(first).equals(whole)


def test_a_spooled_table_of_one_block_is_the_object_that_the_store_would_have_made(store: Store):
    """One table, one digest, whichever way it came."""
    table = pa.table({"a": [1, None, 3], "b": ["x", "y", None]})
    assert spooled(store, table.slice(0, 1), table.slice(1)) == store.put_table(table)


def test_pieces_larger_and_smaller_than_a_block_give_the_same_object(store: Store):
    """The bounds of blocks are where they would be if all rows had come at once."""
    whole = pa.table({"a": np.arange(200_000), "b": np.arange(200_000) % 3 == 0})
    pieces = [whole.slice(at, 70_001) for at in range(0, 200_000, 70_001)]
    ref = spooled(store, *pieces)
    assert ref == spooled(store, whole)
    assert store.read_table(ref)["a"].num_chunks == 4


def test_types_are_promoted_at_the_end(store: Store):
    """A column of nothing, of whole numbers and of others is one of others; rows keep their order."""
    pieces = [
        pa.table({"a": pa.nulls(2), "b": ["x", "y"]}),
        pa.table({"a": [1, 2], "b": pa.nulls(2)}),
        pa.table({"a": [0.5], "b": ["z"]}),
        pa.table({"a": [3], "b": ["z"]}),
    ]
    ref = spooled(store, *pieces)
    assert store.read_table(ref).to_pydict() == {
        "a": [None, None, 1.0, 2.0, 0.5, 3.0],
        "b": ["x", "y", None, None, "z", "z"],
    }
    promoted = [pa.table({"a": p["a"].cast(pa.float64()), "b": p["b"].cast(pa.string())}) for p in pieces]
    assert spooled(store, *promoted) == ref


@pytest.mark.parametrize(("one", "other"), [(pa.array([1]), pa.array(["x"])), (pa.array([2**60 + 1]), pa.array([0.5]))])
def test_types_that_do_not_go_together_name_their_column(store: Store, one: pa.Array, other: pa.Array):
    """Also where a number would lose digits."""
    with pytest.raises(DataError, match="Column 'a' has types that do not go together") as caught:
        spooled(store, pa.table({"b": ["x"], "a": one}), pa.table({"b": ["y"], "a": other}))
    assert str(one.type) in caught.value.got


def test_nothing_is_in_the_store_before_the_end(store: Store):
    """Nor afterwards, if it did not come to an end; no thread is left."""
    threads = threading.active_count()

    def broken_off() -> None:
        with Spool(store) as spool:
            spool.add(pa.table({"a": np.arange(500_000)}))
            raise KeyError("broken off")

    with pytest.raises(KeyError):
        broken_off()
    assert [p.name for p in Path(store.root).rglob("*")] == ["incoming"]
    assert threading.active_count() == threads


def test_a_full_disk_is_told_whenever_it_shows(store: Store, monkeypatch: pytest.MonkeyPatch):
    """The writer has a thread of its own; what it meets comes back to the caller."""

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    def filling() -> None:
        with Spool(store) as spool:
            spool.add(pa.table({"a": np.arange(100_000)}))
            monkeypatch.setattr(os, "write", full)
            for _ in range(20):
                spool.add(pa.table({"a": np.arange(100_000)}))
            spool.finish()

    with pytest.raises(StoreError, match="cannot be written") as caught:
        filling()
    assert "No space left" in caught.value.got
    assert not [p for p in Path(store.root).rglob("*") if p.is_file()]


def test_a_store_that_cannot_be_written_is_told_at_once(tmp_path: Path):
    """Before anything has been read."""
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(StoreError, match="cannot be written"):
        Spool(Store(tmp_path / "file" / "below"))


def test_a_spool_of_nothing_is_a_mistake_of_the_program(store: Store):
    """Sources see to it that there are rows."""
    with Spool(store) as spool, pytest.raises(ValueError, match="nothing was added"):
        spool.finish()


def test_blocks_of_wide_tables_have_fewer_rows():
    """So that one fits into memory."""
    wide = pa.schema([(f"c{i}", pa.float64()) for i in range(2_000)])
    assert block_rows(wide) * 2_000 <= block_rows(pa.schema([("a", pa.float64())])) * 32


def test_what_a_piece_lacks_is_missing_there(tmp_path):
    """And a column without any value does not decide on a type."""
    with Spool(Store(tmp_path)) as spool:
        spool.add(pa.table({"a": pa.array([1]), "b": pa.array([None], pa.string())}))
        spool.add(pa.table({"b": pa.array([2.5]), "c": pa.array(["x"])}))
        table = Store(tmp_path).read_table(spool.finish())
    assert table.to_pydict() == {"a": [1, None], "b": [None, 2.5], "c": [None, "x"]}
    assert [str(t) for t in table.schema.types] == ["int64", "double", "string"]


def test_a_column_of_several_types_is_text_where_that_is_wanted(tmp_path):
    """Each value as a CSV would have had it; text that was text is not touched."""
    with Spool(Store(tmp_path), "text") as spool:
        spool.add(pa.table({"a": pa.array([1.0, None, 2.5])}))
        spool.add(pa.table({"a": pa.array([" x "])}))
        table = Store(tmp_path).read_table(spool.finish())
    assert table["a"].to_pylist() == ["1", None, "2.5", " x "]
