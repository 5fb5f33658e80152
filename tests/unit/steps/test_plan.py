"""The plan: its cut, its check, and its transformer."""

from __future__ import annotations

import io

import joblib
import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.pipeline import Pipeline

from penstock.errors import DataError, PlanError
from penstock.steps.categories.rare import Rare
from penstock.steps.categories.tidy import Tidy
from penstock.steps.missing.fill import Fill
from penstock.steps.outliers.isolated import Isolated
from penstock.steps.plan import Plan
from penstock.steps.propose import propose
from penstock.steps.rows.duplicates import Duplicates
from penstock.steps.rows.misfits import Misfits
from penstock.steps.time.calendar import Calendar
from penstock.steps.values.bounds import Bounds
from penstock.table import Column, Domain, TableSchema

from .frames import KINDS, frame_of

ROWS = [
    (30.0, 1.5, 0.0, "Oslo", "a", pd.Timestamp(2026, 1, 2)),
    (np.nan, 2.5, 1.0, "oslo", None, None),
    (50.0, np.nan, np.nan, None, "b", pd.Timestamp(2026, 3, 4, 5)),
] * 20
WHOLE = Plan(
    steps=(
        Misfits(),
        Duplicates(),
        Bounds(domains={"age": Domain(low=0)}),
        Calendar(),
        Tidy(),
        Isolated(),
        Fill(flag=("age",)),
        Rare(),
    )
)


def test_the_plan_is_cut_at_its_first_learned_step():
    """What stands before runs once; what stands after is learned anew in every fold."""
    assert WHOLE.cut == 4
    assert [s.name for s in WHOLE.cells] == ["bounds", "calendar"]
    assert [s.name for s in WHOLE.rows] == ["misfits", "duplicates"]
    assert [s.name for s in WHOLE.learned] == ["tidy", "isolated", "fill", "rare"]
    assert Plan(steps=(Calendar(),)).learned == ()


def test_a_row_step_after_the_cut_is_refused():
    """Rejecting rows by what was learned from them would leak, so the check names both steps."""
    with pytest.raises(PlanError, match="`duplicates` stands after the cut") as caught:
        Plan(steps=(Fill(), Duplicates())).check({"x": "float"})
    assert "fill" in str(caught.value)


def test_a_cell_step_after_the_cut_runs_inside_the_transformer():
    """Cell steps may stand anywhere; there they see what learned steps made."""
    plan = Plan(steps=(Fill(), Bounds(domains={"age": Domain(high=40)}, action="clip")))
    plan.check({"age": "float"})
    frame = pd.DataFrame({"age": [30.0, 60.0, 60.0]})
    fitted = plan.transformer().fit(frame)
    assert plan.cells == ()
    assert fitted.transform(pd.DataFrame({"age": [np.nan, 20.0]}))["age"].tolist() == [40.0, 20.0]


def test_the_check_tells_the_columns_after_each_step():
    """`check` promises exactly the columns that the model gets."""
    after = WHOLE.check(dict(KINDS))
    assert [name for name, _ in after] == [s.name for s in WHOLE.steps]
    frame = WHOLE.apply_cells(frame_of(ROWS))
    out = WHOLE.transformer().fit(frame).transform(frame)
    assert set(out.columns) == set(after[-1][1])
    assert not out.isna().any(axis=None)


@pytest.mark.parametrize(
    ("steps", "kinds", "told"),
    [
        ((Fill(columns=("agee",)),), {"age": "float"}, "did you mean 'age'"),
        ((Isolated(columns=("city",)),), {"city": "category"}, "kind category"),
        ((Calendar(columns=("age",)),), {"age": "float"}, "kind float"),
        ((Calendar(),), {"seen": "datetime", "seen_year": "float"}, "second column 'seen_year'"),
        ((Fill(flag=("a",)),), {"a": "float", "a_missing": "float"}, "'a_missing' already"),
        ((Fill(columns=("b",), flag=("a",)),), {"a": "float", "b": "float"}, "not among its columns"),
        ((Bounds(domains={"city": Domain(low=1)}),), {"city": "category"}, "kind category"),
        ((Fill(),), {"seen": "datetime"}, "no model can take it"),
        ((), {}, "No column is left"),
    ],
)
def test_the_check_says_what_is_wrong_with_a_plan(steps, kinds, told):
    """Each refusal names the step or column, and what to do."""
    with pytest.raises(PlanError) as caught:
        Plan(steps=steps).check(dict(kinds))
    assert told in str(caught.value)


def test_the_transformer_is_a_scikit_learn_citizen():
    """It clones without what it learned, sits in a Pipeline, and joblib brings it back whole."""
    frame = WHOLE.apply_cells(frame_of(ROWS))
    fitted = Pipeline([("plan", WHOLE.transformer())]).fit(frame)
    copy = clone(fitted)
    assert not hasattr(copy["plan"], "learned_")
    assert copy["plan"].plan == WHOLE
    file = io.BytesIO()
    joblib.dump(fitted, file)
    file.seek(0)
    back = joblib.load(file)
    pd.testing.assert_frame_equal(back.transform(frame), fitted.transform(frame))
    assert back["plan"].get_feature_names_out().tolist() == fitted.transform(frame).columns.tolist()
    assert [entry["step"] for entry in back["plan"].describe()] == ["tidy", "isolated", "fill", "rare"]


def test_fitting_and_transforming_at_once_is_the_same_as_one_after_the_other():
    """scikit-learn calls either, and folds must not depend on which."""
    frame = WHOLE.apply_cells(frame_of(ROWS))
    at_once = WHOLE.transformer().fit_transform(frame)
    pd.testing.assert_frame_equal(at_once, WHOLE.transformer().fit(frame).transform(frame))


def test_columns_in_another_order_are_found_by_their_names():
    """A column is what its name says, not where it stands; one that lacks is named."""
    frame = WHOLE.apply_cells(frame_of(ROWS))
    fitted = WHOLE.transformer().fit(frame)
    pd.testing.assert_frame_equal(fitted.transform(frame[frame.columns[::-1]]), fitted.transform(frame))
    with pytest.raises(DataError, match="lack the column 'city'"):
        fitted.transform(frame.drop(columns="city"))


def test_no_rows_are_transformed_to_no_rows():
    """An empty batch is a batch."""
    frame = WHOLE.apply_cells(frame_of(ROWS))
    fitted = WHOLE.transformer().fit(frame)
    assert fitted.transform(frame.iloc[:0]).shape == (0, fitted.transform(frame).shape[1])


def test_the_automatic_plan_fits_its_table_and_says_why():
    """Each step is there for a reason, and steps for kinds that the table lacks are not there."""
    columns = tuple(Column(name=name, kind=kind) for name, kind in KINDS.items())
    limited = Column(name="weight", kind="float", domain=Domain(low=0))
    steps = propose(TableSchema(columns=(*columns, limited)), {"age": 0.2, "dose": 0.001, "city": 0.5})
    assert [s.name for s in steps] == [
        "misfits",
        "duplicates",
        "bounds",
        "calendar",
        "tidy",
        "isolated",
        "fill",
        "rare",
    ]
    assert all(s.why for s in steps)
    assert next(s for s in steps if s.name == "fill").flag == ("age",)
    Plan(steps=steps).check(TableSchema(columns=(*columns, limited)))
    numbers = propose(TableSchema(columns=(Column(name="x", kind="float"),)), {})
    assert [s.name for s in numbers] == ["misfits", "duplicates", "isolated", "fill"]


def test_free_text_that_was_told_to_be_a_feature_keeps_its_words():
    """Of sentences each is seldom: taken together, they would all read `(other)`."""
    columns = (Column(name="city", kind="category"), Column(name="note", kind="text"))
    steps = {step.name: step for step in propose(TableSchema(columns=columns), {})}
    assert steps["tidy"].columns == steps["rare"].columns == ("city",)
    assert steps["fill"].columns is None
    only = propose(TableSchema(columns=columns[1:]), {})
    assert [step.name for step in only] == ["misfits", "duplicates", "fill"]


def test_the_automatic_plan_keeps_as_many_levels_as_the_encoder_averages():
    """A level that is folded away has no mean of its own."""
    shop = pd.DataFrame({"shop": [f"s{i % 400}" for i in range(4_000)]})
    rare = propose(TableSchema(columns=(Column(name="shop", kind="category"),)), {})[-1]
    assert rare.learn(shop).apply(shop)["shop"].nunique() == 400


def test_copies_are_only_mistakes_where_they_are_few_or_rows_have_an_id():
    """A table of a few categories repeats itself without anybody's fault."""
    schema = TableSchema(columns=(Column(name="x", kind="float"),))
    assert propose(schema, {}, identified=True)[1].at_most == 1.0
    assert propose(schema, {}, identified=False)[1].at_most == 0.25
