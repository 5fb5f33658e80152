"""Laws that every step keeps, whichever it is."""

from __future__ import annotations

import contextlib
import importlib
import inspect
import pkgutil

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter

import penstock.steps
from penstock.errors import DataError, PlanError
from penstock.steps.base import CellStep, ColumnStep, Known, Learned, LearnedStep, Rows, RowStep, StepBase
from penstock.steps.plan import Plan
from penstock.steps.union import STEPS, Step, nature_of, table_of_steps

from .frames import EXAMPLES, KINDS, ROWS, frame_of, frames, rows_of

CELLS = [s for s in EXAMPLES if isinstance(s, CellStep)]
LEARNERS = [s for s in EXAMPLES if isinstance(s, LearnedStep)]
ROW_STEPS = [s for s in EXAMPLES if isinstance(s, RowStep)]
TRAINING = st.one_of(
    frames(max_size=8),
    # Enough rows for fences, and texts that are frequent.
    st.lists(ROWS, min_size=2, max_size=6).map(lambda rows: frame_of(rows * 30)),
)


# So many steps of a plan meet each other, and fit in a test.
LONGEST_PLAN = 10


def _name(step: StepBase) -> str:
    return f"{step.name}-{EXAMPLES.index(step)}"


def _known_of(frame: pd.DataFrame) -> Known:
    return Known(np.arange(len(frame)) % 2, n_labels=2, seed=3)


def _learned(step: LearnedStep, frame: pd.DataFrame) -> Learned:
    """Return what a step learns, with a target only where it cannot do without."""
    return step.learn(frame, _known_of(frame) if step.needs_target else None)


def _apart_equals_together(apply, frame: pd.DataFrame) -> None:
    whole = apply(frame)
    apart = pd.concat([apply(row) for row in rows_of(frame)], ignore_index=True)
    pd.testing.assert_frame_equal(whole, apart, check_exact=True)


@pytest.mark.parametrize("step", CELLS, ids=_name)
@given(frame=frames(max_size=8))
@settings(max_examples=25)
def test_a_cell_step_treats_a_batch_as_its_rows_one_at_a_time(step, frame):
    """What a cell becomes depends on its own row alone."""
    _apart_equals_together(step.apply, frame)


@pytest.mark.parametrize("step", LEARNERS, ids=_name)
@given(train=TRAINING, frame=frames(max_size=8))
@settings(max_examples=25)
def test_what_was_learned_treats_a_batch_as_its_rows_one_at_a_time(step, train, frame):
    """The same holds for rows that training never saw, with texts that training never had."""
    _apart_equals_together(_learned(step, train).apply, frame)


@given(train=TRAINING, frame=frames(max_size=8), drawn=st.permutations([*CELLS, *LEARNERS]))
@settings(max_examples=25)
def test_a_whole_plan_treats_a_batch_as_its_rows_one_at_a_time(train, frame, drawn):
    """Steps in any order that the plan check allows still work within one row."""
    plan, kinds = [], dict(KINDS)
    for step in drawn:
        with contextlib.suppress(PlanError):
            kinds = step.columns_for(kinds, 2)
            plan.append(step)
        if len(plan) == LONGEST_PLAN:
            break
    whole = Plan(steps=tuple(plan))
    fitted = whole.transformer(2).fit(whole.apply_cells(train), _known_of(train).target)
    assert set(fitted.feature_names_out_) == set(kinds)
    _apart_equals_together(lambda rows: fitted.transform(whole.apply_cells(rows)), frame)


@pytest.mark.parametrize("step", [*CELLS, *LEARNERS], ids=_name)
@given(frame=frames())
@settings(max_examples=20)
def test_no_step_changes_the_frame_that_it_is_given(step, frame):
    """Arguments are not mutated, not even through shared memory."""
    before = frame.copy(deep=True)
    learned = _learned(step, frame) if isinstance(step, LearnedStep) else step
    after = learned.apply(frame)
    for name in after:
        after.loc[0, name] = after[name].iloc[-1]
    pd.testing.assert_frame_equal(frame, before)


@pytest.mark.parametrize("step", [s for s in LEARNERS if s.needs_target], ids=_name)
def test_a_step_that_learns_from_the_target_says_so_where_there_is_none(step):
    """Whoever only wants to see a step work is told what is missing."""
    with pytest.raises(DataError, match=f"`{step.name}` learns from the target"):
        step.learn(frame_of([(1.0, 2.0, 0.0, "Oslo", "x", None)] * 3))


@pytest.mark.parametrize("step", [*CELLS, *LEARNERS], ids=_name)
def test_the_columns_that_a_step_promises_are_those_that_it_gives(step):
    """The plan check knows the columns after every step without running it."""
    frame = frame_of([(1.0, 2.0, 0.0, "Oslo", "x", None)] * 3)
    learned = _learned(step, frame) if isinstance(step, LearnedStep) else step
    after = learned.apply(frame)
    promised = step.columns_after(KINDS)
    assert set(after.columns) == set(promised)
    for name, kind in promised.items():
        expected = {"datetime": "M", "category": "U", "text": "U"}.get(kind, "f")
        assert after[name].dtype.kind in ("O", "U", "T") if expected == "U" else after[name].dtype.kind == expected


@pytest.mark.parametrize("step", ROW_STEPS, ids=_name)
@given(rows=st.lists(ROWS, min_size=1, max_size=6), data=st.data())
@settings(max_examples=20)
def test_a_row_step_never_drops_a_held_out_row(step, rows, data):
    """Whatever it objects to, a held-out row stays, and so is predicted and counted."""
    frame = frame_of([*rows, *rows])
    n = len(frame)
    train = np.array(data.draw(st.lists(st.booleans(), min_size=n, max_size=n)))
    misfit = np.array(data.draw(st.lists(st.sampled_from([None, "bad"]), min_size=n, max_size=n)), dtype=object)
    known = Rows(train=train, beside=pd.DataFrame(index=range(n)), target=np.zeros(n), misfit=misfit)
    keep, reasons = step.kept(frame, known)
    assert keep[~train].all()
    assert [r is None for r in reasons[train]] == keep[train].tolist()


@pytest.mark.parametrize("step", EXAMPLES, ids=_name)
def test_a_step_survives_being_written_into_a_spec(step):
    """A step's JSON form reads back as the same step."""
    adapter = TypeAdapter(Step)
    assert adapter.validate_json(adapter.dump_json(step)) == step


def test_every_step_class_is_in_the_union():
    """A new step is of no use until the union knows it."""
    found: set[type[StepBase]] = set()
    for module in pkgutil.walk_packages(penstock.steps.__path__, "penstock.steps."):
        members = vars(importlib.import_module(module.name)).values()
        found |= {m for m in members if isinstance(m, type) and issubclass(m, StepBase) and "kind" in m.model_fields}
    for step in found:
        assert step in STEPS, f"add to the union of its room ({step.__module__}): {step.__name__}"


def test_every_step_has_an_example_in_these_tests():
    """The laws above are only shown for what is among the examples."""
    for step in STEPS:
        assert any(type(e) is step for e in EXAMPLES), f"add to its room's list in examples/: {step.__name__}"


def test_each_step_is_of_exactly_one_nature():
    """What a step may do is settled by its kind."""
    for step in STEPS:
        assert sum(issubclass(step, kind) for kind in (CellStep, LearnedStep, RowStep)) == 1
        assert inspect.isabstract(step) is False
        assert nature_of(step) in ("cell", "learned", "row")


def test_the_listing_says_what_each_step_is_for():
    """A reader of the listing sees kind, nature and a sentence."""
    listed = table_of_steps()
    assert [kind for kind, _, _ in listed] == sorted(kind for kind, _, _ in listed)
    assert all(sentence for _, _, sentence in listed)


def test_a_step_says_which_column_it_cannot_work_on():
    """An unknown column and one of the wrong kind are told apart, with the nearest name."""
    for step in EXAMPLES:
        if isinstance(step, ColumnStep):
            with pytest.raises(PlanError, match="citty"):
                step.model_copy(update={"columns": ("citty",)}).columns_after(KINDS)
    with pytest.raises(PlanError, match="cannot work on the column 'city'"):
        next(s for s in EXAMPLES if s.name == "isolated").model_copy(update={"columns": ("city",)}).columns_after(KINDS)
