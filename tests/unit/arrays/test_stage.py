"""The arrays stage: typed tables beside their raw rows, with and without a lock."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.arrays import relations, stage
from penstock.arrays.profile import Profile, profile_frame
from penstock.arrays.stage import make_arrays
from penstock.arrays.typed import StoredColumns, arrow_column, read_typed, write_typed
from penstock.errors import DataError, SpecError, StoreError
from penstock.receipts import Arrays
from penstock.slices import ColumnSpec, Typing
from penstock.sources import collect, source_from
from penstock.store import Store
from penstock.table import TableSchema

TYPING = Typing(base="visits", target="y", key="id")
VISITS = "id,age,note,y\n" + "".join(
    f"P-{i:03d},{'' if i == 3 else 'old' if i == 5 else i % 60},same,{'yes' if i % 3 else 'no'}\n" for i in range(120)
)
LAB = "id,size\n" + "".join(f"P-{i:03d},{i / 4}\n" for i in range(120))


class Bench:
    """A folder with two sources, and a store."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.store = Store(folder / "store")
        self.write(visits=VISITS, lab=LAB)

    def write(self, **texts: str) -> None:
        """Write sources."""
        for name, text in texts.items():
            (self.folder / f"{name}.csv").write_text(text)

    def make(self, typing: Typing = TYPING, locked: dict[str, TableSchema] | None = None) -> Arrays:
        """Run collect and arrays."""
        sources = tuple(source_from(f"{n}.csv", n, self.folder) for n in ("visits", "lab"))
        return make_arrays(collect(sources, self.store), typing, locked, self.store)

    def lock_of(self, arrays: Arrays) -> dict[str, TableSchema]:
        """Return the schemas by source that the stage wrote."""
        written = json.loads(self.store.read_bytes(arrays.lock))
        return {name: TableSchema.model_validate(schema) for name, schema in written.items()}


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    """Return a bench of its own for each test."""
    return Bench(tmp_path)


def test_every_source_is_typed_beside_its_raw_rows(bench):
    """The typed frame has ids and features, in the raw rows' order; misfits name row and column."""
    arrays = bench.make()
    visits, lab = arrays.tables
    assert (visits.name, lab.name) == ("visits", "lab")
    assert bench.store.read_table(visits.raw).column_names == ["id", "age", "note", "y"]
    typed = bench.store.read_frame(visits.typed)
    assert list(typed) == ["id", "age"]
    assert [str(d) for d in typed.dtypes] == ["str", "float64"]
    assert typed["id"].tolist() == [f"P-{i:03d}" for i in range(120)]
    assert typed["age"].isna().sum() == 2
    misfits = bench.store.read_table(visits.misfits).to_pylist()
    assert misfits == [{"row": 5, "column": "age", "expected": "a whole number"}]
    profile = Profile.model_validate_json(bench.store.read_bytes(visits.profile))
    assert profile.column("age").missing == 2
    schema = bench.lock_of(arrays)["visits"]
    assert {c.name: c.role for c in schema.columns} == {"id": "id", "age": "feature", "note": "ignored", "y": "target"}
    assert schema.target.labels == ("no", "yes")
    assert set(arrays.seeds) >= {"train", "evaluate"}


def test_the_same_data_gives_the_same_receipt(bench):
    """What is cached can be found again; another seed is another receipt."""
    assert bench.make() == bench.make()
    assert bench.make(TYPING.model_copy(update={"seed": 1})).seeds != bench.make().seeds


@pytest.mark.parametrize("workers", [1, 7])
def test_threads_do_not_change_what_is_made(bench, monkeypatch, workers):
    """Neither the bytes nor the order of the misfits: digests are taken of them."""
    made = bench.make()
    monkeypatch.setattr(stage, "WORKERS", workers)
    monkeypatch.setattr(relations, "WORKERS", workers)
    monkeypatch.setattr(relations, "CELLS", 64)
    assert bench.make().tables[0].typed == made.tables[0].typed
    assert [t.misfits for t in bench.make().tables] == [t.misfits for t in made.tables]
    assert bench.make() == bench.make()


def test_the_profile_is_that_of_the_typed_frame(bench):
    """It is measured while the columns are typed, and no frame is read again."""
    table = bench.make().tables[0]
    schema = TableSchema.model_validate_json(bench.store.read_bytes(table.table_schema))
    profile = Profile.model_validate_json(bench.store.read_bytes(table.profile))
    assert profile == profile_frame(bench.store.read_frame(table.typed), schema)
    assert profile.column("id").levels == ()
    assert profile.column("id").n_levels == 120


def test_a_typed_column_is_one_array_with_a_mask_that_nobody_copies(bench):
    """Arrow sees nulls, NumPy sees NaN, and both see the same bytes of a mapped file."""
    ref = bench.make().tables[0].typed
    table = bench.store.read_table(ref)
    assert [c.num_chunks for c in table.columns] == [1, 1]
    assert table["age"].null_count == 2
    frame = read_typed(ref, bench.store)
    pd.testing.assert_frame_equal(frame, bench.store.read_frame(ref))
    before = pa.total_allocated_bytes()
    ages = read_typed(ref, bench.store)["age"].to_numpy()
    assert pa.total_allocated_bytes() == before
    assert not ages.flags.owndata
    assert not ages.flags.writeable
    assert np.isnan(ages).sum() == 2


cells = st.tuples(
    st.one_of(st.just(np.nan), st.floats(allow_nan=False)),
    st.one_of(st.just("NaT"), st.datetimes().map(lambda d: d.isoformat())),
    st.one_of(st.none(), st.text(max_size=4).filter(lambda t: "\0" not in t)),
)


@given(st.lists(cells, max_size=20))
def test_typed_columns_come_back_as_they_were_written(tmp_path_factory, rows):
    """Three dtypes, missing cells, any text, no rows at all."""
    store = Store(tmp_path_factory.getbasetemp() / "typed")
    frame = pd.DataFrame(
        {
            "x": np.array([r[0] for r in rows], dtype=np.float64),
            "t": np.array([r[1] for r in rows], dtype="datetime64[us]"),
            "c": pd.array([r[2] for r in rows], dtype="str"),
        }
    )
    ref = write_typed({n: arrow_column(frame[n].array if n == "c" else frame[n].to_numpy()) for n in frame}, store)
    assert (ref.n_rows, ref.columns) == (len(rows), ("x", "t", "c"))
    pd.testing.assert_frame_equal(read_typed(ref, store), frame)
    assert store.read_table(ref)["x"].null_count == int(frame["x"].isna().sum())


def test_raw_columns_are_read_one_by_one_from_any_store(bench):
    """Memory-mapped where the store is on this machine, and the same where it is not."""
    raw = bench.make().tables[0].raw
    here = StoredColumns(raw, bench.store)
    memory = Store("memory://stage-test")
    elsewhere = StoredColumns(memory.put_table(bench.store.read_table(raw)), memory)
    for name in here.column_names:
        assert here[name].combine_chunks() == elsewhere[name].combine_chunks()
    assert (here.num_rows, here.column_names) == (elsewhere.num_rows, ["id", "age", "note", "y"])


def test_a_store_elsewhere_gives_the_same_tables(bench):
    """Objects may lie in a bucket."""
    sources = tuple(source_from(f"{n}.csv", n, bench.folder) for n in ("visits", "lab"))
    memory = Store("memory://stage-elsewhere")
    made = make_arrays(collect(sources, memory), TYPING, None, memory)
    assert [t.typed for t in made.tables] == [t.typed for t in bench.make().tables]
    pd.testing.assert_frame_equal(read_typed(made.tables[0].typed, memory), memory.read_frame(made.tables[0].typed))


def test_an_altered_raw_table_is_refused(bench):
    """What is mapped is verified first."""
    collected = collect((source_from("visits.csv", "visits", bench.folder),), bench.store)
    path = bench.store.local_path(collected.snapshots[0].table)
    path.write_bytes(path.read_bytes().replace(b"same", b"lame"))
    with pytest.raises(StoreError, match="altered"):
        make_arrays(collected, TYPING, None, bench.store)


def test_a_lock_that_fits_changes_nothing(bench):
    """Casting to what was inferred gives what inferring gave."""
    arrays = bench.make()
    assert bench.make(locked=bench.lock_of(arrays)) == arrays


def test_a_lock_is_kept_to_where_the_data_have_changed(bench):
    """Types are not inferred anew: what does not fit is a misfit."""
    lock = bench.lock_of(bench.make())
    bench.write(visits=VISITS.replace(",7,same", ",7.5,same"))
    arrays = bench.make(locked=lock)
    assert bench.lock_of(arrays)["visits"].column("age").kind == "integer"
    assert bench.store.read_table(arrays.tables[0].misfits).column("row").to_pylist() == [5, 7, 67]


def test_a_column_that_has_come_since_is_left_out_and_told(bench):
    """A version promises its schema."""
    lock = bench.lock_of(bench.make())
    bench.write(lab="".join(f"{line},{'new' if i == 0 else i}\n" for i, line in enumerate(LAB.splitlines())))
    arrays = bench.make(locked=lock)
    column = bench.lock_of(arrays)["lab"].column("new")
    assert column.role == "ignored"
    assert "penstock lock" in column.evidence
    assert list(bench.store.read_frame(arrays.tables[1].typed)) == ["id", "size"]


def test_a_column_that_is_gone_since_is_refused(bench):
    """The difference is shown, and how to accept it."""
    lock = bench.lock_of(bench.make())
    bench.write(lab=LAB.replace("id,size", "id,width"))
    with pytest.raises(DataError, match="'size'") as caught:
        bench.make(locked=lock)
    assert "'width'" in caught.value.got
    assert "penstock lock SPEC.yaml --update" in caught.value.todo


def test_an_ignored_column_may_go(bench):
    """Nothing was learned from it."""
    lock = bench.lock_of(bench.make())
    bench.write(visits=VISITS.replace(",note,", ",").replace(",same,", ","))
    assert bench.make(locked=lock).tables[0].raw.columns == ("id", "age", "y")


def test_another_target_than_the_locks_is_inferred(bench):
    """The old target becomes a column like any other."""
    lock = bench.lock_of(bench.make())
    schema = bench.lock_of(bench.make(TYPING.model_copy(update={"target": "age"}), lock))["visits"]
    assert (schema.target.name, schema.target.task) == ("age", "regression")
    assert schema.column("age").role == "target"
    assert (schema.column("y").role, schema.column("y").kind) == ("feature", "boolean")


def test_another_positive_label_than_the_locks_is_taken(bench):
    """A decision goes before the lock."""
    lock = bench.lock_of(bench.make())
    assert lock["visits"].target.positive == "yes"
    schema = bench.lock_of(bench.make(TYPING.model_copy(update={"positive": "no"}), lock))["visits"]
    assert schema.target.positive == "no"


def test_a_decision_that_most_cells_contradict_is_refused(bench):
    """To reject nearly every row would help nobody."""
    typing = TYPING.model_copy(update={"columns": {"lab_id": ColumnSpec(kind="float", role="feature")}})
    with pytest.raises(DataError, match="'id' does not read") as caught:
        bench.make(typing)
    assert caught.value.where == "lab"
    assert "120 of 120" in caught.value.got


@pytest.mark.parametrize(
    "update",
    [
        {"columns": {"agee": ColumnSpec(kind="float")}},
        {"known_after": ("agee",)},
        {"group": "agee"},
        {"time": "agee"},
        {"key": "agee"},
    ],
)
def test_a_decision_about_a_column_that_is_not_there_is_refused(bench, update):
    """A misspelt column is recognised in every key."""
    with pytest.raises(SpecError, match="'agee'") as caught:
        bench.make(TYPING.model_copy(update=update))
    assert "did you mean 'age'" in caught.value.expected


def test_columns_of_joined_tables_may_be_named_with_their_table(bench):
    """As they are called after the join."""
    typing = TYPING.model_copy(update={"columns": {"lab_size": ColumnSpec(unit="cm")}, "known_after": ("lab_size",)})
    assert bench.lock_of(bench.make(typing))["lab"].column("size").unit == "cm"
