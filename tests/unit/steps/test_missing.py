"""Steps for what is missing: what they put, and from which rows they take it."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from penstock.errors import PlanError
from penstock.steps.base import Known, LearnedStep, Rows
from penstock.steps.missing.fill import Fill
from penstock.steps.missing.flags import FlagMissing
from penstock.steps.missing.group import FillByGroup
from penstock.steps.missing.impute import Impute
from penstock.steps.missing.interpolate import Interpolate
from penstock.steps.missing.sparse import DropSparse
from penstock.steps.plan import Plan
from penstock.steps.rows.incomplete import DropIncomplete
from penstock.steps.running import Held, Running, run_after
from penstock.steps.time.calendar import Calendar

from .frames import EXAMPLES, KINDS, frame_of

NAN = float("nan")


def _texts(*values):
    return pd.array(list(values), dtype="str")


def _days(*days):
    return np.array([np.datetime64("2026-01-01", "us") + np.timedelta64(d, "D") for d in days])


@pytest.mark.parametrize(
    ("step", "number", "text"),
    [
        (Fill(), 2.0, "(missing)"),
        (Fill(by="mean"), 3.5, "(missing)"),
        (Fill(by="mode"), 1.0, "b"),
        (Fill(by="constant", value=7), 7.0, None),
        (Fill(by="constant", value="none"), NAN, "none"),
    ],
)
def test_each_way_to_fill_puts_what_it_says(step, number, text):
    """A constant fills what it suits, and leaves the other columns alone."""
    train = pd.DataFrame({"x": [2.0, 1.0, NAN, 1.0, 10.0], "c": _texts("b", "a", None, "b", "c")})
    filled = step.learn(train.drop(index=3) if step.by != "mode" else train).apply(
        pd.DataFrame({"x": [NAN], "c": _texts(None)})
    )
    if step.by == "mean":
        number = float(np.mean([2.0, 1.0, 10.0]))
    np.testing.assert_equal(filled["x"].iloc[0], number)
    assert filled["c"].iloc[0] == text if text is not None else filled["c"].isna().iloc[0]


@pytest.mark.parametrize("settings", [{"by": "constant"}, {"value": 1}, {"by": "constant", "value": NAN}])
def test_a_constant_and_its_value_come_together(settings):
    """A value that nobody uses is a mistake, and so is a constant without one."""
    with pytest.raises(ValidationError):
        Fill(**settings)


def test_a_constant_must_suit_the_columns_that_are_named():
    """A text among numbers would be no number any more."""
    with pytest.raises(PlanError, match="'age'"):
        Fill(by="constant", value="old", columns=("age",)).columns_after(KINDS)
    with pytest.raises(PlanError, match="'city'"):
        Fill(by="constant", value=0, columns=("city",)).columns_after(KINDS)


def test_a_group_fills_its_own_and_a_stranger_gets_what_is_usual():
    """The group says most; one that training never met, or that holds nothing, falls back to all rows."""
    train = pd.DataFrame(
        {"x": [1.0, 3.0, 3.0, 50.0, NAN], "c": _texts("p", "p", None, "q", "q"), "by": _texts("a", "a", "a", "b", "c")}
    )
    asked = pd.DataFrame({"x": [NAN] * 4, "c": _texts(None, None, None, None), "by": _texts("a", "b", "c", "new")})
    assert FillByGroup(by=("by",)).learn(train).apply(asked)["x"].tolist() == [3.0, 50.0, 3.0, 3.0]
    mean = FillByGroup(by=("by",), take="mean").learn(train).apply(asked)
    assert mean["x"].tolist() == pytest.approx([7 / 3, 50.0, 14.25, 14.25])
    assert mean["c"].isna().all()
    mode = FillByGroup(by=("by",), take="mode").learn(train).apply(asked)
    assert mode["c"].tolist() == ["p", "q", "q", "p"]


def test_a_group_cannot_fill_the_columns_that_make_it():
    """A row without its group has no group to be filled from."""
    with pytest.raises(PlanError, match="groups of itself"):
        FillByGroup(by=("city",), columns=("city",), take="mode").columns_after(KINDS)


def test_a_flag_whose_name_is_taken_is_refused():
    """Two columns of one name would be told apart by nobody."""
    with pytest.raises(PlanError, match="second column 'age_missing'"):
        Plan(steps=(Fill(flag=("age",)), Calendar(), FlagMissing())).check(KINDS)


def test_a_sparse_column_is_emptied_by_what_training_rows_hold():
    """Which columns are sparse is learned, and the columns after the step are still those that were promised."""
    train = pd.DataFrame({"x": [1.0, NAN, NAN], "c": _texts(None, None, "a"), "y": [1.0, NAN, 2.0]})
    learned = DropSparse(over=0.5).learn(train)
    after = learned.apply(pd.DataFrame({"x": [5.0], "c": _texts("a"), "y": [6.0]}))
    assert after.isna().iloc[0].to_dict() == {"x": True, "y": False, "c": True}
    assert learned.describe()["emptied"] == ["x", "c"]
    assert DropSparse(over=2 / 3).learn(train).describe()["emptied"] == []


def test_rows_that_leave_out_too_much_are_rejected_in_training_alone():
    """The limit itself is not too much, and a column may be one that is no feature."""
    frame = pd.DataFrame({"x": [1.0, NAN, NAN, NAN], "c": _texts("a", "b", None, None)})
    rows = Rows(
        train=np.array([True, True, True, False]),
        beside=pd.DataFrame(index=range(4)),
        target=np.zeros(4),
        misfit=np.full(4, None, dtype=object),
        others=pd.DataFrame({"id": [NAN, 1.0, 1.0, 1.0]}),
    )
    keep, reasons = DropIncomplete(over=0.5).kept(frame, rows)
    assert keep.tolist() == [True, True, False, True]
    assert reasons[2] == "2 of 2 columns are missing"
    assert DropIncomplete(columns=("id",), over=0).kept(frame, rows)[0].tolist() == [False, True, True, True]
    with pytest.raises(PlanError, match="did you mean 'id'"):
        DropIncomplete(columns=("idd",)).check_beside({"x": "float"}, {"id": "integer"})


def test_interpolation_finds_the_neighbours_of_a_rows_own_group():
    """Forward looks at what came before or at the same time, backward behind, and `within` bounds both."""
    train = pd.DataFrame(
        {"at": _days(0, 2, 6, 3, 3), "x": [1.0, NAN, 7.0, 100.0, 5.0], "g": _texts("a", "a", "a", "b", None)},
    )
    asked = pd.DataFrame({"at": _days(0, 2, 5, 9, 3, 3), "x": [NAN] * 6, "g": _texts(*"aaaab", None)})

    def found(**settings):
        step = Interpolate(columns=("x",), order="at", by=("g",), **settings)
        return step.learn(train).apply(asked)["x"].tolist()

    np.testing.assert_equal(found(), [1.0, 1.0, 1.0, 7.0, 100.0, NAN])
    np.testing.assert_equal(found(within="2d"), [1.0, 1.0, NAN, NAN, 100.0, NAN])
    np.testing.assert_equal(found(method="backward"), [1.0, 7.0, 7.0, NAN, 100.0, NAN])
    np.testing.assert_allclose(found(method="time"), [1.0, 3.0, 6.0, NAN, 100.0, NAN])
    np.testing.assert_allclose(found(method="time", within="4d"), [1.0, 3.0, NAN, NAN, 100.0, NAN])
    # What nobody can look up is not kept.
    learned = Interpolate(columns=("x",), order="at", by=("g",)).learn(train)
    assert learned.describe() == {"method": "forward", "groups": 3, "values": {"x": 3}}


TIMES = st.lists(
    st.tuples(
        st.integers(0, 6).map(float), st.one_of(st.just(NAN), st.integers(0, 9).map(float)), st.sampled_from("ab")
    ),
    min_size=1,
    max_size=15,
)


def _frame(rows):
    at, x, g = zip(*rows, strict=True)
    return pd.DataFrame({"at": np.array(at), "x": np.array(x), "g": _texts(*g)})


@given(train=TIMES, asked=TIMES)
@settings(max_examples=40)
def test_looking_forward_is_what_pandas_finds_group_by_group(train, asked):
    """Whatever ties and gaps there are: the last value held by a training row at or before the row's place."""
    train, asked = _frame(train), _frame(asked)
    step = Interpolate(columns=("x",), order="at", by=("g",))
    found = step.learn(train).apply(asked)["x"]
    held = train.dropna().sort_values("at", kind="stable").rename(columns={"x": "held"})
    merged = pd.merge_asof(
        asked.assign(row=range(len(asked))).sort_values("at", kind="stable"), held, on="at", by="g"
    ).sort_values("row")
    expected = np.where(asked["x"].isna(), merged["held"], asked["x"])
    np.testing.assert_array_equal(found, expected)


@given(train=TIMES, more=TIMES, asked=TIMES, method=st.sampled_from(["forward", "backward", "time"]))
@settings(max_examples=40)
def test_history_is_looked_at_as_if_training_had_had_it(train, more, asked, method):
    """A caller who sends recent rows gets what a model would give that had learned from them, too."""
    train, more, asked = _frame(train), _frame(more), _frame(asked)
    step = Interpolate(columns=("x",), order="at", by=("g",), method=method)
    # Of two values at the same place either may be the neighbour when one looks ahead.
    more["at"] += 0.5
    learned = step.learn(train)
    extended = Plan(steps=(step,)).transformer().fit(train).extended(more).transform(asked)
    whole = step.learn(pd.concat([train, more], ignore_index=True)).apply(asked)
    pd.testing.assert_frame_equal(extended, whole)
    assert learned.describe()["values"]["x"] == int(train["x"].notna().sum())


def test_what_looks_ahead_is_refused_where_rows_are_split_by_time():
    """A model that is judged on later rows must not be given them to learn from."""
    kinds = {"day": "float", "level": "float"}
    for method in ("backward", "time"):
        ahead = Plan(steps=(Interpolate(columns=("level",), order="day", method=method),))
        ahead.check(kinds)
        with pytest.raises(PlanError, match="`interpolate` looks ahead"):
            ahead.check(kinds, time_ordered=True)
    Plan(steps=(Interpolate(columns=("level",), order="day"),)).check(kinds, time_ordered=True)


def test_a_column_is_not_interpolated_in_the_order_of_itself():
    """Where it is missing, a row has no place in the order."""
    with pytest.raises(PlanError, match="by itself"):
        Interpolate(columns=("age",), order="age").columns_after(KINDS)
    with pytest.raises(PlanError, match="'sean'"):
        Interpolate(columns=("age",), order="sean").columns_after(KINDS)


@pytest.mark.parametrize("step", [s for s in EXAMPLES if isinstance(s, LearnedStep)], ids=lambda s: s.name)
def test_nothing_is_taken_from_rows_that_do_not_train(step):
    """Absurd values in held-out rows change nothing of what training rows get: they are learned from by no step."""
    rows = [(30.0, 1.5, 0.0, "Oslo", "a b", pd.Timestamp(2026, 1, 2)), (NAN, 2.5, 1.0, "Bonn", None, None)] * 15
    rows += [(50.0 + i, NAN, NAN, None, "b", pd.Timestamp(2026, 3, 4, i)) for i in range(10)]
    absurd = [(1e300, -1e300, 1.0, "Oslo", "a absurd", pd.Timestamp(2399, 1, 1))] * 20
    usual = [(31.0, 1.0, 0.0, "Bonn", "b", pd.Timestamp(2026, 1, 3))] * 20
    train = np.arange(60) < 40
    after = []
    for heldout in (usual, absurd):
        frame = frame_of([*rows, *heldout])
        n = len(frame)
        side = Rows(train, pd.DataFrame(index=range(n)), np.arange(n) % 2, np.full(n, None, dtype=object))
        known = Known(np.arange(40) % 2, 2, 0)
        start = Running(Held(frame), side, np.arange(n), np.full(n, None, dtype=object))
        clean, _ = run_after(Plan(steps=(step,)), start, frozenset(), known)
        after.append(clean.frame[:40])
    pd.testing.assert_frame_equal(*after, check_exact=True)


def test_imputing_leaves_what_a_row_holds():
    """Only what is missing is put; everything else goes through, bit for bit."""
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(rng.normal(size=(200, 3)), columns=list("abc")).mask(rng.random((200, 3)) < 0.2)
    for method in ("knn", "iterative"):
        filled = Impute(method=method).learn(frame).apply(frame)
        assert not filled.isna().any(axis=None)
        pd.testing.assert_frame_equal(filled.where(frame.notna()), frame, check_exact=True)
