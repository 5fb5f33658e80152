"""Blocks: rows that are taken, columns that are added, and what may not change behind anybody's back."""

from __future__ import annotations

import numpy as np
import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st

from penstock.blocks import MANY_ROWS, Blocks

from .frames import frames


@given(frame=frames(max_size=12), data=st.data())
@settings(max_examples=40)
def test_taken_rows_are_as_if_they_had_been_taken_apart_alone(frame, data):
    """What is learned from some rows must not hang on how they were picked."""
    kept = np.array(data.draw(st.lists(st.booleans(), min_size=len(frame), max_size=len(frame))), dtype=bool)
    taken, alone = Blocks.of(frame).take(kept), Blocks.of(frame[kept].reset_index(drop=True))
    assert [t.levels for t in taken.texts.values()] == [t.levels for t in alone.texts.values()]
    pd.testing.assert_frame_equal(taken.frame(), alone.frame())
    pd.testing.assert_frame_equal(Blocks.of(frame).take(np.flatnonzero(kept)).frame(), alone.frame())


def test_columns_added_to_many_rows_leave_what_was_there_alone():
    """Two steps may add to the same blocks: neither sees the other's columns."""
    start = Blocks.of(pd.DataFrame({"a": np.arange(MANY_ROWS, dtype=float)}))
    one = start.with_more_numbers(("b",), np.ones((MANY_ROWS, 1)))
    two = start.with_more_numbers(("c",), np.full((MANY_ROWS, 1), 2.0))
    more = one.with_more_numbers(("d",), np.full((MANY_ROWS, 1), 3.0))
    other = one.with_more_numbers(("e",), np.full((MANY_ROWS, 1), 4.0))
    assert start.number_names == ("a",)
    assert (one.numbers[:, 1] == 1).all()
    assert (two.numbers[:, 1] == 2).all()
    assert (more.numbers[0].tolist(), other.numbers[0].tolist()) == ([0.0, 1.0, 3.0], [0.0, 1.0, 4.0])
    changed = more.with_numbers(("a",), np.full((MANY_ROWS, 1), 9.0))
    assert more.numbers[1, 0] == 1.0
    assert changed.with_more_numbers(("f",), np.zeros((MANY_ROWS, 1))).numbers[0].tolist() == [9.0, 1.0, 3.0, 0.0]


def test_a_column_is_found_by_name_whatever_it_holds():
    """Numbers, moments and texts lie in different places; whoever asks need not know."""
    blocks = Blocks.of(pd.DataFrame({"n": [1.0], "t": ["a"], "m": pd.to_datetime(["2026-01-31"])}))
    assert [name in blocks for name in ("n", "t", "m", "x")] == [True, True, True, False]
    assert blocks.column("n").tolist() == [1.0]
    assert blocks.column("t").levels == ("a",)
    assert str(blocks.column("m")[0])[:10] == "2026-01-31"
