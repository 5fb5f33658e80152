"""The target's raw values as label indices or numbers."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.table import Column, Target
from penstock.target import NO_LABEL, encode_target, fold, target_present

YES_NO = Target(name="y", task="binary", labels=("No", "Yes"), variants={"nope": "No"})
COUNTS = Target(name="y", task="multiclass", labels=("3", "10"), label_type="integer")


@pytest.mark.parametrize(
    "raw",
    [
        pa.array(["Yes", "No"]),
        pa.chunked_array([["Yes"], ["No"]]),
        pa.array(["Yes", "No"]).dictionary_encode(),
        pa.chunked_array([pa.array(["Yes", "No"], pa.large_string())]),
        ["Yes", "No"],
    ],
)
def test_labels_become_their_index_whatever_holds_them(raw):
    """The container is no matter."""
    encoded = encode_target(YES_NO, raw)
    assert encoded.dtype == np.int64
    assert encoded.tolist() == [1, 0]


def test_spellings_that_were_merged_or_differ_by_case_only_are_the_label():
    """A known variant, and a new one that folds to one label."""
    assert encode_target(YES_NO, pa.array(["nope", "YES", " yes. ", "no"])).tolist() == [0, 1, 1, 0]


def test_missing_and_unknown_values_have_no_label():
    """Nothing is guessed."""
    assert encode_target(YES_NO, pa.array([None, "", "?", "maybe"])).tolist() == [NO_LABEL] * 4


def test_labels_that_differ_by_case_alone_stay_apart():
    """Where case was meant, it counts."""
    target = Target(name="y", task="binary", labels=("A", "a"))
    assert encode_target(target, pa.array(["a", "A", " a "])).tolist() == [1, 0, 1]


@pytest.mark.parametrize(
    "raw", [pa.array([10, 3]), pa.array([10.0, 3.0]), pa.array(["10.0", " 3"]), pa.array(["10", "3"]), [10, 3]]
)
def test_whole_numbers_are_the_same_label_in_every_type(raw):
    """1, 1.0 and '1' are one label."""
    assert encode_target(COUNTS, raw).tolist() == [1, 0]


def test_native_booleans_find_labels_in_any_spelling():
    """A Parquet boolean is the CSV's TRUE."""
    target = Target(name="y", task="binary", labels=("FALSE", "TRUE"), label_type="boolean")
    assert encode_target(target, pa.array([True, False, None])).tolist() == [1, 0, NO_LABEL]


def test_numbers_of_a_regression_are_read_as_the_column_writes_them():
    """Comma, unit and missing tokens are the column's; what is no number is missing."""
    reading = Column(name="y", kind="float", decimal=",", suffix="kg", missing=("", "-1"))
    target = Target(name="y", task="regression", reading=reading)
    encoded = encode_target(target, pa.array(["1,5 kg", "-1", "heavy", None]))
    assert encoded.dtype == np.float64
    np.testing.assert_array_equal(encoded, [1.5, np.nan, np.nan, np.nan])


def test_presence_tells_an_unknown_label_from_a_missing_one():
    """A row of a class that is too rare is not a row without a target."""
    assert target_present(YES_NO, pa.array(["Yes", "maybe", "", None])).tolist() == [True, True, False, False]


@given(st.text(alphabet="aB. \tß", max_size=8))
def test_folding_twice_is_folding_once(text):
    """A fold is a normal form."""
    assert fold(fold(text)) == fold(text)
    assert fold(f" {text.strip()} ") == fold(text)


@given(st.lists(st.sampled_from(["Yes", "no ", "nope", None, "?", "x"]), max_size=20), st.integers(0, 20))
def test_a_batch_of_targets_equals_its_parts(values, at):
    """Which rows come together is no matter."""
    whole = encode_target(YES_NO, pa.array(values, pa.string())).tolist()
    parts = [encode_target(YES_NO, pa.array(v, pa.string())).tolist() for v in (values[:at], values[at:])]
    assert whole == parts[0] + parts[1]
