"""Sources are collected side by side; what cannot be parsed is set aside, counted and told."""

from __future__ import annotations

import threading
from pathlib import Path

import pyarrow as pa
import pytest

from penstock.errors import SourceError
from penstock.receipts import Snapshot
from penstock.sources import CsvSource, collect, read_snapshot, snapshot, source_from
from penstock.sources.columns import Alignment
from penstock.sources.intake import MOST_LISTED, Intake
from penstock.store import Store


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "store")


def test_several_sources_are_collected_side_by_side(tmp_path, store, monkeypatch):
    """Each waits for the other two to have begun: one after another they would wait for ever."""
    begun = threading.Barrier(3, timeout=20)
    whole = CsvSource.collect

    def together(self: CsvSource, store: Store, earlier: Snapshot | None = None) -> Snapshot:
        begun.wait()
        return whole(self, store, earlier)

    monkeypatch.setattr(CsvSource, "collect", together)
    for name in "cab":
        (tmp_path / f"{name}.csv").write_text("x\n1\n" + name * (name == "b"))
    taken = collect(tuple(source_from(f"{n}.csv", n, tmp_path) for n in "cab"), store)
    assert [s.name for s in taken.snapshots] == ["c", "a", "b"]
    assert [s.n_rows for s in taken.snapshots] == [1, 1, 2]


def test_one_source_that_fails_fails_the_stage(tmp_path, store):
    """With its own error."""
    (tmp_path / "a.csv").write_text("x\n1\n")
    sources = tuple(source_from(f"{n}.csv", n, tmp_path) for n in ("a", "gone"))
    with pytest.raises(SourceError, match="no such file"):
        collect(sources, store)


def test_a_rows_file_name_can_be_a_column(tmp_path, store):
    """One that is there already is not overwritten."""
    (tmp_path / "1999.csv").write_text("x\n1\n2\n")
    (tmp_path / "2000.csv").write_text("x\n3\n")
    source = source_from({"path": ["1999.csv", "2000.csv"], "file_column": "file"}, "t", tmp_path)
    table = read_snapshot(snapshot(source, store), store)
    assert table["x"].to_pylist() == ["1", "2", "3"]
    assert table["file"].to_pylist() == ["1999.csv", "1999.csv", "2000.csv"]
    with pytest.raises(SourceError, match="a column 'x' already"):
        snapshot(source_from({"path": "1999.csv", "file_column": "x"}, "t", tmp_path), store)


def test_the_receipt_tells_what_came_and_the_table_is_stored_once(tmp_path, store):
    """Bytes as they came, their digest, rows; the raw table beside them."""
    (tmp_path / "a.csv").write_bytes(b"x\n1\n")
    taken = snapshot(source_from("a.csv", "a", tmp_path), store)
    assert store.read_bytes(taken.parts[0].file) == b"x\n1\n"
    assert (taken.n_bytes, taken.n_rows, taken.n_quarantined, taken.quarantine) == (4, 1, 0, None)
    assert taken.sha256 == taken.parts[0].file.digest
    assert taken.uri == (tmp_path / "a.csv").as_uri()


def test_rows_that_are_set_aside_are_counted_and_listed():
    """Up to a share; beyond it the run stops at the first of them."""
    intake = Intake(0.1)
    for line in range(3, 8):
        intake.set_aside("a.csv", line, "5 cells where the header has 4", "x" * 1000)
    intake.check(45, "a.csv")
    listed = intake.table().to_pylist()
    assert [row["line"] for row in listed] == [3, 4, 5, 6, 7]
    assert len(listed[0]["text"]) == 500
    with pytest.raises(SourceError, match="5 of 49 rows cannot be parsed") as caught:
        intake.check(44, "a.csv")
    assert caught.value.where == "a.csv:3"
    assert "max_quarantined" in caught.value.todo


def test_a_quarantine_stays_small_and_counts_all():
    """A million broken rows are counted, not listed."""
    intake = Intake(1.0)
    for line in range(MOST_LISTED + 5):
        intake.set_aside("a.csv", line, "broken")
    assert intake.n_aside == MOST_LISTED + 5
    assert intake.table().num_rows == MOST_LISTED
    assert Intake().table().num_rows == 0


def test_a_remark_is_told_once():
    """However many files give cause for it."""
    intake = Intake()
    for _ in range(3):
        intake.remark("readme.pdf was passed over")
    assert intake.remarks == ["readme.pdf was passed over"]
    for i in range(100):
        intake.remark(f"{i}.csv is odd")
    assert len(intake.remarks) == 21
    assert intake.remarks[-1].startswith("and more")


def test_files_to_be_stacked_have_the_columns_of_the_first():
    """In any order; a difference is shown."""
    align = Alignment()
    align(pa.table({"a": [1], "b": [2]}), "1.csv")
    assert align(pa.table({"b": [2], "a": [1]}), "2.csv").column_names == ["a", "b"]
    with pytest.raises(SourceError, match="different columns") as caught:
        align(pa.table({"a": [1], "c": [2]}), "3.csv")
    assert "lacks 'b'" in caught.value.got
    assert "has 'c' beside" in caught.value.got
    assert caught.value.where == "3.csv"
