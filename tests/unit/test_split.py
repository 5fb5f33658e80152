"""A row's side is for life."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from penstock.errors import DataError, SpecError
from penstock.slices import Split, Typing
from penstock.split import HELDOUT, SplitRule, agreed_split, choose_split, is_row_number, sides
from penstock.table import Column, TableSchema

RULE = SplitRule(by="content", columns=("a", "b"), heldout=0.3, salt="model")
CELLS = st.one_of(st.none(), st.sampled_from(["x", " x", "1", "1.0", "", "ü"]))
TABLES = st.lists(st.tuples(CELLS, CELLS), min_size=1, max_size=20)
TYPING = Typing(base="t", target="y")


def table(rows: list[tuple[str | None, str | None]]) -> pa.Table:
    """Return raw rows."""
    return pa.table(
        {"a": pa.array([r[0] for r in rows], pa.string()), "b": pa.array([r[1] for r in rows], pa.string())}
    )


def chosen(raw: pa.Table, ids: tuple[str, ...] = (), typing: Typing = TYPING, split: Split | None = None, **more):
    """Choose a split for a table whose columns are categories."""
    columns = [Column(name=n, kind="category", role="id" if n in ids else "feature") for n in raw.column_names]
    return choose_split(raw, TableSchema(columns=tuple(columns)), typing, split or Split(), salt="m", **more)


@given(rows=TABLES, order=st.randoms())
def test_a_side_depends_on_the_row_alone(rows, order):
    """Neither other rows, nor their order, nor how many there are changes it."""
    whole = sides(table(rows), RULE)
    assert whole.tolist() == [sides(table([row]), RULE)[0] for row in rows]
    shuffled = order.sample(range(len(rows)), len(rows))
    assert sides(table([rows[i] for i in shuffled]), RULE).tolist() == whole[shuffled].tolist()


@given(rows=TABLES)
def test_rows_that_are_alike_share_a_side(rows):
    """Blanks around a value and a number's decimal point make no difference."""
    spelled = [tuple(None if v is None else {"x": " x ", "1": "1.0"}.get(v, v) for v in row) for row in rows]
    assert sides(table(spelled), RULE).tolist() == sides(table(rows), RULE).tolist()


@given(rows=st.lists(st.integers(), min_size=1, max_size=50, unique=True), shares=st.tuples(st.floats(0.05, 0.8)))
@settings(max_examples=25)
def test_a_larger_share_holds_out_the_same_rows_and_more(rows, shares):
    """The hash is compared with the share, so that a smaller one is part of a larger one."""
    raw = pa.table({"a": pa.array([str(r) for r in rows])})
    small, large = (
        sides(raw, SplitRule(by="key", columns=("a",), heldout=h, salt="m")) == HELDOUT for h in (shares[0], 0.85)
    )
    assert not (small & ~large).any()


def test_about_the_asked_share_is_held_out_and_another_name_holds_out_other_rows():
    """The salt makes the sides of two models independent."""
    raw = pa.table({"a": [str(i) for i in range(20_000)]})
    first, second = (
        sides(raw, SplitRule(by="key", columns=("a",), heldout=0.2, salt=salt)) == HELDOUT for salt in ("one", "two")
    )
    assert abs(first.mean() - 0.2) < 0.01
    assert abs((first & second).mean() - 0.04) < 0.01


def test_the_side_of_a_row_is_the_same_in_every_release():
    """A changed hash would let models be judged on rows that they have learned from."""
    raw = pa.table({"id": [f"P-{i}" for i in range(24)]})
    held = sides(raw, SplitRule(by="key", columns=("id",), heldout=0.25, salt="clinic")) == HELDOUT
    assert np.flatnonzero(held).tolist() == [1, 10, 11, 13, 15, 17, 19]


def test_an_id_becomes_the_key_and_one_that_joins_is_preferred():
    """An id tells what a row is about; without one its whole content does, the target and row counters apart."""
    raw = pa.table(
        {
            "no": [str(i) for i in range(9)],
            "uuid": [f"u{i}" for i in range(9)],
            "plane": [f"p{i}" for i in range(9)],
            "x": ["a"] * 9,
            "y": ["0"] * 9,
        }
    )
    assert chosen(raw, ids=("no", "uuid", "plane")).columns == ("uuid",)
    assert chosen(raw, ids=("no", "uuid", "plane"), join_keys=["plane"]).columns == ("plane",)
    by_content = chosen(raw, ids=("no",))
    assert (by_content.by, by_content.columns) == ("content", ("uuid", "plane", "x"))
    assert chosen(raw, typing=Typing(base="t", target="y", key="x")).columns == ("x",)
    assert chosen(raw, typing=Typing(base="t", target="y", group="x", key="no")).by == "group"


def test_an_id_with_gaps_or_many_repeats_is_no_key():
    """A key that is missing, or says the same of most rows, would put most rows on one side."""
    raw = pa.table({"gaps": ["a", None, "c", "d"], "same": ["a", "a", "a", "a"], "x": ["1", "2", "3", "5"]})
    assert chosen(raw, ids=("gaps", "same")).by == "content"


def test_facts_of_the_future_and_the_target_do_not_move_a_row():
    """They may be filled in later, when the row has its side already."""
    raw = pa.table({"x": ["1"], "later": ["2"], "y": ["3"]})
    rule = chosen(raw, typing=Typing(base="t", target="y", known_after=("later",)))
    assert rule.columns == ("x",)


def moments(*texts: str | None) -> tuple[pa.Table, TableSchema]:
    """Return a table of moments and its schema."""
    return pa.table({"at": pa.array(texts, pa.string())}), TableSchema(columns=(Column(name="at", kind="datetime"),))


def test_a_split_by_time_holds_out_what_comes_later_and_its_cutoff_stays():
    """As data grow, new rows are held out, and no held-out row is given back."""
    raw, schema = moments(*[f"2026-01-{day:02d}" for day in range(1, 11)], None)
    rule = choose_split(raw, schema, TYPING, Split(by="time", heldout=0.3), salt="m")
    assert rule.cutoff is not None
    assert rule.cutoff.startswith("2026-01-08")
    assert (sides(raw, rule, schema) == HELDOUT).tolist() == [False] * 7 + [True] * 3 + [False]
    more, _ = moments("2026-01-07", "2026-01-08", "2027-05-05")
    assert (sides(more, rule, schema) == HELDOUT).tolist() == [False, True, True]


def test_years_may_split_as_well_as_moments():
    """A time may be a number."""
    raw = pa.table({"year": [str(y) for y in range(2000, 2020)]})
    schema = TableSchema(columns=(Column(name="year", kind="integer"),))
    rule = choose_split(raw, schema, TYPING, Split(by="time", time="year", heldout=0.25), salt="m")
    assert (sides(raw, rule, schema) == HELDOUT).sum() == 5


@pytest.mark.parametrize(
    ("split", "told"),
    [
        (Split(by="time"), "it is not clear by which column"),
        (Split(by="time", time="x"), "the column 'x' is none"),
        (Split(by="group"), "no group is named"),
        (Split(by="key"), "no column identifies rows"),
    ],
)
def test_a_split_that_is_not_possible_says_what_it_lacks(split, told):
    """Each refusal names the line to add."""
    with pytest.raises(SpecError, match=told):
        chosen(pa.table({"x": ["a", "b"]}), split=split)


def test_a_column_of_the_rule_that_is_gone_is_an_error_and_not_another_split():
    """Without it, rows would change sides."""
    with pytest.raises(DataError, match="The column 'b'"):
        sides(pa.table({"a": ["x"]}), RULE)


def test_the_spec_cannot_move_rows_once_the_lock_has_placed_them():
    """A changed share or column is refused; saying the same again is fine."""
    locked = SplitRule(by="key", columns=("id",), heldout=0.2, salt="m")
    assert agreed_split(locked, Split(), TYPING) == locked
    assert agreed_split(locked, Split(by="key", heldout=0.2), TYPING) == locked
    for split, typing in (
        (Split(heldout=0.3), TYPING),
        (Split(by="content"), TYPING),
        (Split(), Typing(base="t", target="y", key="other")),
        (Split(), Typing(base="t", target="y", group="id")),
    ):
        with pytest.raises(SpecError, match="side is for life"):
            agreed_split(locked, split, typing)


def test_a_row_counter_is_told_from_an_id():
    """It counts up by one from any start, in the file's order."""
    assert is_row_number(pa.array([5, 6, 7]))
    assert is_row_number(pa.chunked_array([["0", "1"], ["2"]]))
    assert not is_row_number(pa.array(["1", "3", "2"]))
    assert not is_row_number(pa.array([1, None, 3]))
    assert not is_row_number(pa.array(["a", "b"]))
    assert not is_row_number(pa.array(["1"]))
