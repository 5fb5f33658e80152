"""The sample: planted faults are recognised, and every value that was not ruined is read as it was."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from data.clinic import FAULTS, build, planted, truth
from penstock.arrays.stage import make_arrays
from penstock.receipts import Arrays
from penstock.slices import Typing
from penstock.sources import collect, source_from
from penstock.store import Store
from penstock.table import TableSchema
from penstock.target import encode_target


@pytest.fixture(scope="module")
def sample(tmp_path_factory) -> tuple[Arrays, Store]:
    """Build and type the sample once."""
    folder: Path = tmp_path_factory.mktemp("clinic")
    build(folder)
    store = Store(folder / "store")
    sources = (source_from("visits.csv", "visits", folder), source_from("lab.sqlite", "lab", folder))
    typing = Typing(base="visits", target="diagnosis")
    return make_arrays(collect(sources, store), typing, None, store), store


def schema_of(sample: tuple[Arrays, Store], at: int) -> TableSchema:
    """Return a source's schema."""
    arrays, store = sample
    return TableSchema.model_validate_json(store.read_bytes(arrays.tables[at].table_schema))


def test_columns_are_what_they_were_before_they_were_spoiled(sample):
    """Twenty measurements and the patient; ten of the laboratory."""
    visits, lab = schema_of(sample, 0), schema_of(sample, 1)
    assert visits.ids == lab.ids == ("patient",)
    assert {c.kind for c in (*visits.features, *lab.features)} == {"float"}
    assert (len(visits.features), len(lab.features)) == (20, 10)
    assert visits.column("mean_perimeter").suffix == visits.column("mean_perimeter").unit == "mm"
    commas = {c.name for c in visits.features if c.decimal == ".,"}
    assert commas == set(FAULTS["decimal_comma"].columns)


def test_labels_are_merged_and_all_rows_have_one(sample):
    """Case and blanks make no class of their own."""
    arrays, store = sample
    target = schema_of(sample, 0).target
    assert (target.labels, target.positive) == (("benign", "malignant"), "malignant")
    raw = store.read_table(arrays.tables[0].raw)
    encoded = encode_target(target, raw["diagnosis"])
    true = truth().set_index("patient")["diagnosis"].loc[raw["patient"].to_pylist()]
    assert [target.labels[i] for i in encoded] == true.tolist()


def test_misfits_are_the_planted_words(sample):
    """Two cells of one column, and no other."""
    arrays, store = sample
    misfits = store.read_frame(arrays.tables[0].misfits)
    wrong = planted().query("fault == 'wrong_type'")
    assert sorted(zip(misfits["row"], misfits["column"], strict=True)) == sorted(
        zip(wrong["row"], wrong["column"], strict=True)
    )


def test_every_value_that_was_not_ruined_is_read_as_it_was(sample):
    """Commas and units are read to the last bit; only missing cells, words and impossible values differ."""
    arrays, store = sample
    true = truth().set_index("patient")
    ruined = 0
    for table in arrays.tables:
        frame = store.read_frame(table.typed)
        prefix = "lab_" if table.name == "lab" else ""
        for name in frame.columns.drop("patient"):
            expected = true[prefix + name].loc[frame["patient"]].to_numpy()
            ruined += int((frame[name].to_numpy() != expected).sum())
            assert np.isin(frame[name].dropna()[(frame[name].dropna() != expected[frame[name].notna()])], 999999).all()
    faults = ("missing_question_mark", "missing_empty", "missing_na", "impossible_outlier", "wrong_type", "lab_missing")
    assert ruined == planted()["fault"].isin(faults).sum()
