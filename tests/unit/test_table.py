"""Columns and tables: one cast for files and requests."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.errors import DataError
from penstock.table import Column, TableSchema, Target, closest

SCHEMA = TableSchema(
    columns=(
        Column(name="age", kind="integer"),
        Column(name="price", kind="float", decimal=".,", suffix="EUR"),
        Column(name="member", kind="boolean", true_words=("yes",), false_words=("no",)),
        Column(name="city", kind="category"),
        Column(name="when", kind="datetime", formats=("%d.%m.%Y",)),
        Column(name="row", kind="text", role="id"),
        Column(name="y", kind="category", role="target"),
    )
)
_cells = {
    "age": st.sampled_from(["41", " 7", "n/a", "", "x", None, 5, 5.5]),
    "price": st.sampled_from(["1,5 EUR", "2", "abc", None, 3.25, "1e400"]),
    "member": st.sampled_from(["Yes", "NO", "perhaps", True, None, 1]),
    "city": st.sampled_from([" Bonn", "Oslo", "", None, 1.0]),
    "when": st.sampled_from(["31.12.2024", "2024-12-31", "nonsense", None]),
}
_rows = st.lists(st.fixed_dictionaries(_cells), max_size=6)


@given(_rows)
def test_a_batch_equals_its_rows_one_at_a_time(rows):
    """A frame of rows is the frames of its rows, misfits included."""
    batch = SCHEMA.cast({n: [r[n] for r in rows] for n in _cells})
    singles = [SCHEMA.cast({n: [r[n]] for n in _cells}) for r in rows]
    if rows:
        together = pd.concat([s.frame for s in singles], ignore_index=True)
        pd.testing.assert_frame_equal(batch.frame, together)
    where = sorted((i, m.column) for i, s in enumerate(singles) for m in s.misfits)
    assert sorted((m.row, m.column) for m in batch.misfits) == where


def test_a_cast_frame_knows_three_dtypes():
    """Numbers and booleans are float64, text is str, moments are datetime64[us], with or without rows."""
    for n in (0, 2):
        raw = {"age": ["1"] * n, "price": ["1"] * n, "member": ["yes"] * n, "city": ["a"] * n, "when": [None] * n}
        dtypes = [str(d) for d in SCHEMA.cast(raw).frame.dtypes]
        assert dtypes == ["float64", "float64", "float64", "str", "datetime64[us]"]


def test_an_arrow_table_and_a_mapping_cast_alike():
    """It makes no difference which way a row comes in."""
    raw = {
        "age": ["41", "x"],
        "price": ["1,5 EUR", None],
        "member": ["no", "yes"],
        "city": ["Bonn ", ""],
        "when": ["1.2.2024", None],
    }
    pd.testing.assert_frame_equal(SCHEMA.cast(raw).frame, SCHEMA.cast(pa.table(raw)).frame)


def test_an_absent_column_is_missing_and_an_unknown_one_is_told():
    """Nothing is guessed for a column that did not come; nothing is dropped in silence."""
    cast = SCHEMA.cast({"age": [1, 2], "shoe": [3, 4]})
    assert cast.absent == ("price", "member", "city", "when")
    assert cast.unknown == ("shoe",)
    assert cast.frame["city"].isna().all()
    assert cast.frame["age"].tolist() == [1.0, 2.0]


def test_ids_and_target_are_cast_only_when_asked_for():
    """Features are the default."""
    assert "row" not in SCHEMA.cast({"row": ["a"]}).frame
    assert SCHEMA.cast({"row": [7]}, ["row"]).frame["row"].tolist() == ["7"]


def test_the_raw_values_are_left_alone():
    """A cast changes nothing that it was given."""
    numbers = np.array([1.0, np.inf])
    SCHEMA.cast({"age": numbers})
    assert np.isinf(numbers[1])


def test_two_columns_of_one_name_are_refused():
    """A name must mean one column."""
    with pytest.raises(DataError, match="'a'"):
        TableSchema(columns=(Column(name="a", kind="text"), Column(name="a", kind="float")))


def test_an_unknown_column_names_the_closest():
    """A misspelt column is recognised."""
    with pytest.raises(DataError, match="did you mean 'price'"):
        SCHEMA.column("prise")
    assert closest("zzz", []) == "known: none"


def test_a_schema_survives_json():
    """The lock and the bundle hold the same schema that was inferred."""
    target = Target(name="y", task="binary", labels=("a", "b"), reading=SCHEMA.columns[-1])
    schema = SCHEMA.model_copy(update={"target": target})
    assert TableSchema.model_validate_json(schema.model_dump_json()) == schema
    assert TableSchema.model_validate(schema.model_dump(mode="json", exclude_defaults=True)) == schema


@pytest.mark.parametrize(
    ("kind", "label", "typed"), [("integer", "-1", -1), ("boolean", "TRUE", True), ("text", "1", "1")]
)
def test_a_label_has_its_type_in_json(kind, label, typed):
    """Labels are text in names of columns, and typed in answers."""
    target = Target(name="y", task="binary", labels=(label, "0"), label_type=kind)
    assert target.typed(label) is typed or target.typed(label) == typed
