"""Tables that are in memory become sources like any other."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from penstock.errors import SourceError
from penstock.sources import MemorySource, read_snapshot, snapshot, source_from
from penstock.store import Store


def taken(tmp_path: Path, data: object, **more: object) -> pa.Table:
    """Return the raw table that is collected from data in memory."""
    store = Store(tmp_path / "store")
    return read_snapshot(snapshot(MemorySource.of("m", data, store, **more), store), store)


@pytest.mark.parametrize(
    "data",
    [
        pd.DataFrame({"a": [1, 2], "b": ["x", None]}),
        pa.table({"a": [1, 2], "b": ["x", None]}),
        {"a": np.array([1, 2]), "b": ["x", None]},
        [{"a": 1, "b": "x"}, {"a": 2, "b": None}],
        np.array([(1, "x"), (2, None)], dtype=[("a", "i8"), ("b", "O")]),
    ],
    ids=["frame", "arrow", "arrays", "records", "structured"],
)
def test_every_form_gives_the_same_table(tmp_path, data):
    """Frame, Arrow table, dict of arrays, list of records, structured array."""
    assert taken(tmp_path, data).to_pydict() == {"a": [1, 2], "b": ["x", None]}


def test_a_matrix_gets_names(tmp_path):
    """`column_0` onwards, or those that are given."""
    matrix = np.arange(6.0).reshape(3, 2)
    assert taken(tmp_path, matrix).column_names == ["column_0", "column_1"]
    assert taken(tmp_path, matrix, columns=["u", "v"]).to_pydict() == {"u": [0.0, 2.0, 4.0], "v": [1.0, 3.0, 5.0]}
    with pytest.raises(SourceError, match="as many names"):
        taken(tmp_path, matrix, columns=["u"])


def test_a_frames_types_and_gaps_stay(tmp_path):
    """Whole numbers with gaps, categories, moments; a named index is a column; mixed values become text."""
    frame = pd.DataFrame(
        {
            "n": pd.array([1, None], dtype="Int64"),
            "level": pd.Categorical(["u", None]),
            "when": pd.to_datetime(["2024-01-01", None]).as_unit("us"),
            "mixed": ["x", 1.0],
            "day": [dt.date(2024, 1, 1), None],
        },
        index=pd.Index(["r1", "r2"], name="row"),
    )
    table = taken(tmp_path, frame)
    assert table.column_names == ["row", "n", "level", "when", "mixed", "day"]
    assert table["n"].type == pa.int64()
    assert table["mixed"].to_pylist() == ["x", "1"]
    assert table["level"].to_pylist() == ["u", None]
    assert table["when"].null_count == 1


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (np.zeros(3), "not two-dimensional"),
        (7, "no table"),
        ("text", "no table"),
        ({"a": []}, "no rows"),
        (pd.DataFrame({" ": [1]}), "no name"),
        (pd.DataFrame([[1, 2]], columns=["a", "a"]), "Two columns are named"),
        ({"a": np.zeros((2, 2))}, "not one-dimensional"),
        ({"a": np.array([1j])}, "Complex numbers"),
    ],
)
def test_what_is_no_table_is_refused(tmp_path, data, words):
    """In words, before anything is stored."""
    with pytest.raises(SourceError, match=words):
        taken(tmp_path, data)


def test_it_is_found_again_by_another_process_and_not_in_another_store(tmp_path):
    """The table lies in the store; what is written down is its reference."""
    store = Store(tmp_path / "store")
    made = MemorySource.of("m", {"a": [1]}, store)
    again = source_from(made.model_dump(mode="json", exclude={"name"}), "m", tmp_path)
    assert again == made
    assert again.state() == made.table.digest
    assert snapshot(again, store).n_rows == 1
    with pytest.raises(SourceError, match="not in this artifacts directory"):
        snapshot(again, Store(tmp_path / "other"))
