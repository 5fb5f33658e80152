"""The target: task, labels, variants, positive label, and what cannot be learned from."""

from __future__ import annotations

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.arrays.infer import infer_target
from penstock.errors import DataError, SpecError
from penstock.slices import ColumnSpec, Typing
from penstock.table import Target
from penstock.target import encode_target


def target_of(values: list[object], **keys: object) -> Target:
    """Infer a target."""
    return infer_target(pa.chunked_array([values]), Typing(base="t", target="y", **keys))


@pytest.mark.parametrize(
    ("values", "task", "labels", "label_type"),
    [
        (["no", "yes"] * 50, "binary", ("no", "yes"), "text"),
        (["a", "b", "c"] * 50, "multiclass", ("a", "b", "c"), "text"),
        (["10", "9", "8"] * 50, "multiclass", ("8", "9", "10"), "integer"),
        ([1.0, 0.0] * 50, "binary", ("0", "1"), "integer"),
        ([1, 0] * 50, "binary", ("0", "1"), "integer"),
        (["1.0", "0"] * 50, "binary", ("0", "1"), "integer"),
        ([True, False] * 50, "binary", ("false", "true"), "boolean"),
        (["TRUE", "FALSE"] * 50, "binary", ("FALSE", "TRUE"), "boolean"),
        ([str(i % 20) for i in range(200)], "multiclass", tuple(map(str, range(20))), "integer"),
        ([str(i % 21) for i in range(210)], "regression", (), "text"),
        ([str(i % 3 / 2) for i in range(200)], "regression", (), "text"),
        ([i / 7 for i in range(200)], "regression", (), "text"),
        (["1,5 kg", "2,5 kg", "3 kg"] * 50, "regression", (), "text"),
        (["007", "008"] * 50, "binary", ("007", "008"), "text"),
    ],
)
def test_the_task_is_told_by_the_values(values, task, labels, label_type):
    """Text, booleans and at most 20 distinct whole numbers are classes; other numbers are a quantity."""
    target = target_of(values)
    assert (target.task, target.labels, target.label_type) == (task, labels, label_type)
    assert target.evidence


def test_the_spec_may_decide_the_task():
    """A count of few values may be a quantity, and numbers may be classes."""
    few = [str(i % 5) for i in range(100)]
    assert target_of(few, task="regression").task == "regression"
    assert "`task: regression`" in target_of(few).evidence
    assert target_of(few, columns={"y": ColumnSpec(kind="float")}).task == "regression"
    many = [str(i % 30) for i in range(300)]
    assert len(target_of(many, task="multiclass").labels) == 30
    assert target_of(few, columns={"y": ColumnSpec(kind="category")}).task == "multiclass"


def test_spellings_that_differ_by_case_blanks_or_a_dot_are_merged():
    """The most frequent spelling is the label; the others are recorded."""
    target = target_of(["<=50K"] * 60 + ["<=50K."] * 30 + [" >50K"] * 20 + [">50k"] * 5)
    assert target.labels == ("<=50K", ">50K")
    assert target.variants == {"<=50K.": "<=50K", ">50k": ">50K"}
    assert "2 other spellings merged" in target.evidence


def test_labels_that_differ_by_case_alone_are_not_merged_into_one():
    """Where merging would leave one class, case was meant."""
    assert target_of(["a", "A"] * 50).labels == ("A", "a")


@pytest.mark.parametrize(
    ("values", "positive"),
    [
        (["No"] * 30 + ["Yes"] * 70, "Yes"),
        (["benign"] * 30 + ["malignant"] * 70, "malignant"),
        (["0"] * 30 + ["1"] * 70, "1"),
        (["-1"] * 30 + ["1"] * 70, "1"),
        (["1"] * 70 + ["2"] * 30, "2"),
        (["<=50K"] * 70 + [">50K"] * 30, ">50K"),
        ([True] * 70 + [False] * 30, "true"),
    ],
)
def test_the_positive_label_is_a_known_word_or_the_rarer_one(values, positive):
    """The evidence says which, and that `positive` overrides it."""
    target = target_of(values)
    assert target.positive == positive
    assert "overrides" in target.evidence


def test_the_spec_may_name_the_positive_label_in_any_spelling():
    """A label that is none is refused with those there are."""
    values = ["No"] * 30 + ["Yes"] * 70
    assert target_of(values, positive="no").positive == "No"
    with pytest.raises(SpecError, match="none of the labels") as caught:
        target_of(values, positive="Nope")
    assert "'Yes'" in caught.value.expected


def test_classes_with_fewer_than_five_rows_are_left_out_and_told():
    """Their rows count as rows without a label."""
    target = target_of(["a"] * 60 + ["b"] * 40 + ["c"] * 4)
    assert target.labels == ("a", "b")
    assert "1 classes with fewer than 5 rows left out (4 rows)" in target.evidence
    assert encode_target(target, pa.array(["c"])).tolist() == [-1]


@pytest.mark.parametrize(
    ("values", "keys", "words"),
    [
        ([""] * 100, {}, "missing in all rows"),
        ([None, "?"] * 50, {}, "missing in all rows"),
        (["a", "b"] * 5, {}, "too few rows"),
        (["a"] * 100, {}, "one class"),
        ([1] * 100, {}, "one class"),
        ([1.5] * 100, {}, "one value"),
        ([f"name {i}" for i in range(500)], {}, "too many classes"),
        (["a"] * 96 + ["b", "c", "d", "e"], {}, "too few rows in its classes"),
        (["a", "b", "c"] * 50, {"task": "binary"}, "not binary"),
        (["a", "b"] * 50, {"task": "regression"}, "does not hold numbers"),
    ],
)
def test_what_cannot_be_learned_from_is_refused_in_words(values, keys, words):
    """Each message says what is wrong with the target."""
    with pytest.raises(DataError, match=words) as caught:
        target_of(pa.array(values, pa.string()) if values[0] is None else values, **keys)
    assert "'y'" in caught.value.what


def test_a_column_that_reads_by_comma_and_unit_is_encoded_so():
    """What was inferred reads what it was inferred from."""
    target = target_of(["1,5 kg", "2,25 kg", "?"] * 50)
    encoded = encode_target(target, pa.array(["1,5 kg", "?"]))
    assert encoded[0] == 1.5
    assert encoded[1] != encoded[1]


@given(st.lists(st.sampled_from(["Yes", "yes ", "YES.", "No", " no", "", "x"]), min_size=60, max_size=120))
def test_every_labelled_row_is_encoded_as_its_label(values):
    """No spelling that inference has seen is unknown later."""
    try:
        target = target_of(values)
    except DataError:
        return
    encoded = encode_target(target, pa.array(values)).tolist()
    folded = [v.strip().rstrip(".").casefold() for v in values]
    for value, code in zip(folded, encoded, strict=True):
        known = {label.rstrip(".").casefold() for label in target.labels}
        assert (code >= 0) == (value in known)
        assert code < 0 or target.labels[code].rstrip(".").casefold() == value
