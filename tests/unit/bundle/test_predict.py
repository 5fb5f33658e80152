"""One predict for every shape of rows; what is odd is told, and never a value."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from penstock.arrays.profile import profile_frame
from penstock.bundle.bundle import Bundle
from penstock.bundle.predictions import Note, Predictions, Warned
from penstock.bundle.rows import as_columns
from penstock.errors import RequestError
from penstock.frozen import canonical_json
from penstock.models.families import LinearFamily
from penstock.table import Column, Domain, TableSchema, Target
from tests.unit.bundle.making import PLAN, Made, make, raw_rows

ROW: dict[str, Any] = {
    "age": 41,
    "income": 2916.97,
    "member": True,
    "city": "Oslo",
    "since": "2021-06-14",
    "share": 0.5,
    "secret": "s1",
}


def codes(row: dict[str, Any], bundle: Bundle) -> set[tuple[str, str]]:
    return {(w.code, w.field) for w in bundle.predict([row]).warnings[0]}


SHAPES: list[Callable[[pa.Table], object]] = [
    lambda table: table,
    lambda table: table.to_pandas(),
    lambda table: table.to_pydict(),
    lambda table: table.to_pylist(),
    lambda table: dict(zip(table.column_names, table.columns, strict=True)),
    lambda table: pa.concat_tables([table[:7], table[7:]]),
    lambda table: {name: np.array(table[name].to_pylist(), dtype=object) for name in table.column_names},
    lambda table: {name: tuple(table[name].to_pylist()) for name in reversed(table.column_names)},
]


@pytest.mark.parametrize("task", ["binary", "multiclass", "regression"])
@pytest.mark.parametrize("joined", [False, True])
def test_every_shape_of_rows_gets_the_same_answers(task: str, joined: bool) -> None:
    """Table, frame, columns, rows: to the last bit, with the same warnings."""
    made = make(task, joined=joined)
    raw = raw_rows(20, seed=99)
    expected = made.bundle.predict(raw)
    for shape in SHAPES:
        given_ = made.bundle.predict(shape(raw))  # type: ignore[arg-type]
        assert np.array_equal(given_.estimates, expected.estimates)
        assert given_.warnings == expected.warnings


CELLS = {
    "age": st.sampled_from(["41", 41, 17, 500, None, "old", 3.5]),
    "income": st.sampled_from(["2916,97 EUR", 2916.97, None, -1e9, "much", float("nan")]),
    "member": st.sampled_from(["yes", True, 0, None, "perhaps"]),
    "city": st.sampled_from(["Oslo", " oslo", "Rome", None, "", 7]),
    "since": st.sampled_from(["2021-06-14", None, "yesterday"]),
    "share": st.sampled_from(["0.5", 0, 1, 1.5, None]),
    "secret": st.sampled_from(["s1", "never", None]),
    "odd": st.integers(),
}


@settings(max_examples=40)
@given(st.lists(st.fixed_dictionaries(CELLS), min_size=9, max_size=20))
def test_a_batch_is_its_rows_one_at_a_time(bundle: Bundle, rows: list[dict[str, Any]]) -> None:
    """Answers, nulls and warnings: no row knows of the others, in a batch large or small."""
    batch = bundle.predict(rows)
    single = [bundle.predict([row]) for row in rows]
    assert batch.rows() == [one.rows()[0] for one in single]
    assert [sorted(w) for w in batch.warnings] == [sorted(one.warnings[0]) for one in single]


@pytest.fixture(scope="module")
def bundle() -> Bundle:
    """Return a model."""
    return make(seed=1).bundle


def test_an_ordinary_row_gets_no_warning(bundle: Bundle) -> None:
    """Whether or not identifiers, the target or null come along."""
    assert codes(ROW, bundle) == set()
    assert codes(ROW | {"customer": "c1", "left": "no", "income": None}, bundle) == set()
    without = {k: v for k, v in ROW.items() if k != "income"}
    assert codes(without, bundle) == set()
    assert (bundle.predict([without]).estimates == bundle.predict([ROW | {"income": None}]).estimates).all()


def test_no_training_row_is_warned_of(first: Made) -> None:
    """What training saw is seen and in range, to the last bit."""
    assert not any(first.bundle.predict(first.raw).warnings)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"city": "Rome"}, "unseen_category"),
        ({"age": 500}, "out_of_range"),
        ({"income": "-5,5 EUR"}, "out_of_range"),
        ({"age": None}, "missing_field"),
        ({"city": ""}, "missing_field"),
        ({"agee": 41}, "unknown_field"),
        ({"age": "forty-one"}, "misfit"),
        ({"age": 41.5}, "misfit"),
        ({"since": "yesterday"}, "misfit"),
        ({"member": [1, 2]}, "misfit"),
        ({"share": 1.01}, "misfit"),
    ],
)
def test_each_oddity_has_its_code(bundle: Bundle, change: dict[str, Any], code: str) -> None:
    """It names the field; only what cannot be read takes the prediction away."""
    (field,) = change
    answers = bundle.predict([ROW | change])
    assert {(w.code, w.field) for w in answers.warnings[0]} == {(code, field)}
    assert answers.null.tolist() == [code == "misfit"]
    assert [(m.row, m.column) for m in answers.misfits] == ([(0, field)] if code == "misfit" else [])


def test_another_spelling_of_a_known_category_is_known(bundle: Bundle) -> None:
    """The plan folds case and blanks, so that there is nothing to warn of."""
    assert codes(ROW | {"city": "  OSLO "}, bundle) == set()
    assert (bundle.predict([ROW | {"city": "  OSLO "}]).estimates == bundle.predict([ROW]).estimates).all()


def test_a_missing_column_is_told_for_every_row(bundle: Bundle) -> None:
    """Where training never lacked it; in a table, and in a row that alone lacks it."""
    table = raw_rows(30).drop_columns(["age"])
    assert all(
        ("missing_field", "age") in {(w.code, w.field) for w in of_row} for of_row in bundle.predict(table).warnings
    )
    mixed = bundle.predict([ROW, {k: v for k, v in ROW.items() if k != "age"}])
    assert [len(w) for w in mixed.warnings] == [0, 1]


SECRET = "s3cr3t-value"


@pytest.mark.parametrize("field", [*ROW, "unknown"])
@pytest.mark.parametrize("value", [SECRET, 918273645, [SECRET], {SECRET: SECRET}, -9.18273645e15])
def test_no_message_repeats_a_value(bundle: Bundle, field: str, value: object) -> None:
    """Neither of a misfit, nor of a category, nor of a number out of range."""
    answers = bundle.predict([ROW | {field: value}])
    told = json.dumps(answers.rows()) + answers.to_frame()["warning"].iloc[0] + repr(answers.misfits)
    assert SECRET not in told
    assert "918273645" not in told
    assert "9.18273645" not in told


def test_private_columns_do_not_show_what_was_seen() -> None:
    """The profile holds no range of them: a warning would let a caller find somebody's value by trying."""
    columns = TableSchema(
        columns=(Column(name="pay", kind="float", private=True), Column(name="age", kind="float")),
        target=Target(name="y", task="regression"),
    )
    frame = pd.DataFrame({"pay": [1234.0, 5678.0] * 10, "age": [20.0, 60.0] * 10})
    fitted = LinearFamily().pipeline(PLAN, Target(name="y", task="regression"), 20, 0).fit(frame, np.arange(20.0))
    bundle = Bundle.assemble("m", columns, PLAN, {}, fitted, profile_frame(frame, columns))
    told = {w.field: w.message for w in bundle.predict([{"pay": 9.0, "age": 99.0}]).warnings[0]}
    assert "pay" not in told
    assert "1234" not in canonical_json(bundle.profile).decode()
    assert "20 to 60" in told["age"]


def test_a_declared_domain_is_kept_whatever_the_kind() -> None:
    """In few rows and in many; text that the spec writes reads as the column's cells do."""
    columns = TableSchema(
        columns=(
            Column(name="n", kind="integer", domain=Domain(values=("1", "2"))),
            Column(name="c", kind="category", domain=Domain(values=("a", "b"), low=3)),
            Column(name="x", kind="float", domain=Domain(low=0, high=1)),
        ),
        target=Target(name="y", task="regression"),
    )
    frame = columns.cast({"n": [1, 2] * 10, "c": ["a", "b"] * 10, "x": [0.0, 1.0] * 10}).frame
    fitted = LinearFamily().pipeline(PLAN, Target(name="y", task="regression"), 20, 0).fit(frame, np.arange(20.0))
    bundle = Bundle.assemble("m", columns, PLAN, {}, fitted, profile_frame(frame, columns))
    rows = [
        {"n": 1, "c": "a", "x": 0},
        {"n": 3, "c": "b", "x": 1},
        {"n": 2, "c": "z", "x": 1.5},
        {"n": None, "c": None, "x": None},
    ]
    expected = {(1, "n"), (2, "c"), (2, "x")}
    assert {(m.row, m.column) for m in bundle.predict(rows).misfits} == expected
    many = bundle.predict(rows + rows[:1] * 20)
    assert {(m.row, m.column) for m in many.misfits} == expected
    assert {m.expected for m in many.misfits} == {
        "one of 1, 2",
        "at least 3 and one of a, b",
        "at least 0 and at most 1",
    }


def test_misfits_take_the_prediction_and_leave_the_estimate(bundle: Bundle) -> None:
    """A held-out row that cannot be read whole is scored too, as if the cell were missing."""
    answers = bundle.predict([ROW, ROW | {"age": "old"}, ROW | {"age": None}])
    assert answers.probabilities is not None
    assert np.isnan(answers.probabilities).all(axis=1).tolist() == [False, True, False]
    assert (answers.estimates[1] == answers.estimates[2]).all()
    assert answers.labels[1] is None
    assert answers.codes[1] == -1
    assert answers.rows()[1]["prediction"] is None
    assert answers.rows()[1]["probabilities"] == {"no": None, "yes": None}


@pytest.mark.parametrize("joined", [False, True])
def test_no_rows_give_no_answers(joined: bool) -> None:
    """Whatever shape nothing has."""
    bundle = make("multiclass", joined=joined).bundle
    for nothing in ([], raw_rows(5)[:0], raw_rows(5)[:0].to_pandas(), {}, {"age": []}):
        answers = bundle.predict(nothing)
        assert len(answers) == len(answers.rows()) == len(answers.to_frame()) == 0
        assert list(answers.to_frame()) == ["prediction", "probability_1", "probability_2", "probability_3", "warning"]


def test_rows_without_a_single_field_are_rows(bundle: Bundle) -> None:
    """All missing, and told so."""
    answers = bundle.predict([{}, {}])
    assert len(answers) == 2
    assert {(w.code, w.field) for w in answers.warnings[1]} == {("missing_field", "age"), ("missing_field", "city")}


def test_columns_come_in_any_order_and_names_are_matched_whole(bundle: Bundle) -> None:
    """A near miss is unknown, not used."""
    assert codes(ROW | {"Age": 1, " age": 1}, bundle) == {("unknown_field", "Age"), ("unknown_field", " age")}
    backwards = dict(reversed(ROW.items()))
    assert (bundle.predict([backwards]).estimates == bundle.predict([ROW]).estimates).all()


def test_unknown_fields_are_told_in_bounds(bundle: Bundle) -> None:
    """A thousand of them, or one with an endless name, do not make an endless answer."""
    row = ROW | {f"field {i}": 1 for i in range(1000)} | {"x" * 10_000: 1}
    told = json.dumps(bundle.predict([row]).rows())
    assert len(told) < 5000


@pytest.mark.parametrize(
    ("raw", "match"),
    [
        ({"age": [1, 2], "city": ["Oslo"]}, "differ in length"),
        ({"age": "41"}, "not a sequence"),
        ({"age": 41}, "not a sequence"),
        ([ROW, "row"], "Row 1"),
        ("rows", "not understood"),
        (41, "not understood"),
        (pd.DataFrame([[1, 2]], columns=["age", "age"]), "Two columns"),
        (pa.table([[1], [2]], names=["age", "age"]), "Two columns"),
        ({"1": [1], 1: [2]}, "Two columns"),
    ],
)
def test_rows_of_no_known_shape_are_refused(bundle: Bundle, raw: Any, match: str) -> None:
    """With what would have been right."""
    with pytest.raises(RequestError, match=match):
        bundle.predict(raw)


def test_a_mixed_column_of_a_frame_is_read_cell_by_cell() -> None:
    """Arrow has no type for it; nothing is lost."""
    frame = pd.DataFrame({"age": pd.Series([41, "42", None, 3.5, [1]], dtype=object)})
    assert as_columns(frame).columns["age"] == [41, "42", None, 3.5, [1]]


def test_look_ups_fill_what_a_row_does_not_bring(carrying: Made) -> None:
    """By key; a value that is sent goes first, an unknown key is missing, and a key of any type finds its row."""
    bundle = carrying.bundle
    plain = bundle.predict([ROW]).estimates
    assert (bundle.predict([ROW | {"regions_wealth": 9.25}]).estimates == plain).all()
    assert (bundle.predict([ROW | {"regions_wealth": None}]).estimates == plain).all()
    assert (bundle.predict([ROW | {"regions_wealth": 0.5}]).estimates != plain).any()
    assert codes(ROW | {"regions_wealth": "rich"}, bundle) == {("misfit", "regions_wealth")}
    assert codes(ROW | {"city": "Rome"}, bundle) == {("unseen_category", "city"), ("orphan_key", "city")}
    assert codes(ROW | {"city": [1]}, bundle) == {("misfit", "city"), ("missing_key", "city")}
    table = pa.table({"city": ["Oslo", "Oslo"], "regions_wealth": [None, "0.5"]})
    rows = bundle.predict(table).estimates
    assert (rows[0] != rows[1]).any()


def test_a_label_that_training_lacked_has_probability_zero() -> None:
    """Probabilities stand in the order of the target's labels, all of them."""
    made = make("binary")
    three = made.bundle.schema.model_copy(
        update={"target": Target(name="left", task="multiclass", labels=("no", "yes", "never"))}
    )
    bundle = Bundle.assemble("m", three, PLAN, {}, made.bundle.estimator, made.bundle.profile)
    answers = bundle.predict(made.raw)
    assert answers.estimates.shape == (made.raw.num_rows, 3)
    assert (answers.estimates[:, 2] == 0).all()
    assert np.allclose(answers.estimates.sum(axis=1), 1)


@pytest.mark.parametrize(
    ("kind", "labels", "typed", "dtypes"),
    [
        ("text", ("no", "yes"), ["no", "yes", None], ("str", "str")),
        ("integer", ("0", "1"), [0, 1, None], ("int64", "Int64")),
        ("boolean", ("false", "true"), [False, True, None], ("bool", "boolean")),
    ],
)
def test_labels_are_typed_everywhere(
    kind: Any, labels: tuple[str, ...], typed: list[object], dtypes: tuple[str, str]
) -> None:
    """In JSON and in frames, with and without a row that has no prediction; probabilities keep the spelling."""
    from penstock.cells import Misfit

    target = Target(name="y", task="binary", labels=labels, label_type=kind)
    shares = np.array([[0.75, 0.25], [0.25, 0.75], [0.5, 0.5]])
    whole = Predictions(target, shares[:2])
    holed = Predictions(target, shares, misfits=(Misfit(row=2, column="a", expected="a number"),))
    assert holed.labels == typed
    assert [type(v) for v in holed.labels] == [type(v) for v in typed]
    assert str(whole.to_frame()["prediction"].dtype) == dtypes[0]
    assert str(holed.to_frame()["prediction"].dtype) == dtypes[1]
    assert list(holed.to_frame()) == ["prediction", f"probability_{labels[0]}", f"probability_{labels[1]}", "warning"]
    assert json.loads(json.dumps(holed.rows(), allow_nan=False))[0]["probabilities"] == {
        labels[0]: 0.75,
        labels[1]: 0.25,
    }


def test_numbers_in_json_are_finite() -> None:
    """What an estimator says beyond them is null."""
    answers = Predictions(Target(name="y", task="regression"), np.array([1.5, math.inf, math.nan]))
    assert [row["prediction"] for row in answers.rows()] == [1.5, None, None]
    assert "probabilities" not in answers.rows()[0]
    assert list(answers.to_frame()) == ["prediction", "warning"]


def test_the_warning_of_a_frame_joins_what_a_row_has() -> None:
    """Text, empty where there is nothing to tell."""
    notes = (
        Note(Warned("out_of_range", "a", "'a' is odd"), np.array([1])),
        Note(Warned("unknown_field", "b", "'b' is unknown")),
    )
    answers = Predictions(Target(name="y", task="regression"), np.zeros(2), notes)
    assert answers.to_frame()["warning"].tolist() == ["'b' is unknown", "'a' is odd; 'b' is unknown"]
    assert Predictions(Target(name="y", task="regression"), np.zeros(1)).to_frame()["warning"].tolist() == [""]
