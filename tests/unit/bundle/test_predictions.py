"""Answers in each of the forms that a caller may have them in: the same in all of them."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from penstock.bundle.predictions import Note, Predictions, Warned
from penstock.cells import Misfit
from penstock.table import Target

TARGETS = (
    Target(name="y", task="binary", labels=("no", "yes")),
    Target(name="y", task="binary", labels=("0", "1"), label_type="integer"),
    Target(name="y", task="binary", labels=("false", "true"), label_type="boolean"),
    Target(name="y", task="multiclass", labels=("a", "b", "c")),
    Target(name="y", task="regression"),
)
NOTES = (
    Note(Warned("unseen_category", "city", "'city' is new"), np.array([0])),
    Note(Warned("unknown_field", "more", "'more' is unknown")),
    Note(Warned("renamed_field", "town", "'town' is now 'city'"), np.empty(0, dtype=np.int64)),
)


@st.composite
def answers(draw, sizes):
    target, n = draw(st.sampled_from(TARGETS)), draw(sizes)
    rng = np.random.default_rng(draw(st.integers(0, 2**16)))
    blank = [i for i in range(n) if draw(st.booleans())]
    ends = draw(st.booleans()) and not target.is_classification
    estimates = rng.dirichlet(np.ones(len(target.labels)), n) if target.is_classification else rng.normal(size=n)
    return Predictions(
        target,
        estimates,
        notes=tuple(note for note in NOTES if draw(st.booleans()) and n),
        misfits=tuple(Misfit(row=i, column="age", expected="a number") for i in blank),
        low=estimates - 1 if ends else None,
        high=np.full(n, np.inf) if ends else None,
    )


@settings(max_examples=40)
@given(answers(st.just(1)))
def test_the_only_row_is_told_as_it_is_among_many(made):
    """The quick form for one row is the form that batches have, to the last key and its place."""
    (row,) = made.rows()
    assert made.only() == row
    assert list(made.only()) == list(row)


@settings(max_examples=40)
@given(answers(st.integers(0, 5)))
def test_a_table_of_answers_is_its_frame(made):
    """Callers who send Arrow get the very columns and types that a frame of the answers has."""
    expected = pa.Table.from_pandas(made.to_frame(), preserve_index=False).replace_schema_metadata(None)
    assert made.to_table().schema == expected.schema
    assert made.to_table().to_pylist() == expected.to_pylist()


@pytest.mark.parametrize("target", TARGETS)
def test_no_answers_make_an_empty_table_of_the_same_columns(target):
    """An empty body of a known kind is answered in that kind."""
    none = np.empty((0, len(target.labels))) if target.is_classification else np.empty(0)
    some = np.ones((1, len(target.labels))) if target.is_classification else np.ones(1)
    assert Predictions(target, none).to_table().schema == Predictions(target, some).to_table().schema
