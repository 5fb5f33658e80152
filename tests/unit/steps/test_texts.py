"""Texts: one spelling, seldom ones together, missing ones named; and numbers filled."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from penstock.steps.categories.rare import Rare
from penstock.steps.categories.tidy import Tidy
from penstock.steps.missing.fill import Fill


def column(*values: str | None) -> pd.DataFrame:
    """Return a frame of one text column."""
    return pd.DataFrame({"t": pd.array(list(values), dtype="str")})


def after(learned, *values: str | None) -> list[str | None]:
    """Return what becomes of some texts."""
    return [None if pd.isna(v) else v for v in learned.apply(column(*values))["t"]]


def test_the_most_frequent_spelling_of_the_training_rows_stands_for_all():
    """Later spellings don't vote, and an unknown text stays as it is."""
    learned = Tidy().learn(column("new york", "New York", "New York", "Bonn"))
    assert after(learned, "NEW  YORK", " new york ", "bonn", "Rome", None) == [
        "New York",
        "New York",
        "Bonn",
        "Rome",
        None,
    ]


def test_of_equally_frequent_spellings_the_choice_does_not_depend_on_the_order_of_rows():
    """Retraining on shuffled rows gives the same model."""
    ab, ba = Tidy().learn(column("a", "A")), Tidy().learn(column("A", "a"))
    assert ab == ba
    assert after(ab, "a") == ["A"]


def test_seldom_and_unseen_texts_are_taken_together():
    """A text must occur often enough to be learned from."""
    learned = Rare(at_least=2).learn(column("a", "a", "b", None))
    assert after(learned, "a", "b", "c", None) == ["a", "(other)", "(other)", None]


def test_no_more_texts_are_kept_than_an_encoder_can_hold():
    """Of ten thousand texts the most frequent 254 stay."""
    many = [f"level {i:05d}" for i in range(10_000) for _ in range(5 + (i < 10))]
    learned = Rare().learn(column(*many))
    kept = learned.describe()["levels"]["t"]
    assert len(kept) == 254
    assert {f"level {i:05d}" for i in range(10)} <= set(kept)


def test_a_missing_number_becomes_the_lower_median_of_the_training_rows():
    """The filled value is one that occurs: half a child is none."""
    train = pd.DataFrame({"children": [0.0, 1.0, 2.0, 5.0, np.nan], "flag": [0.0, 1.0, 1.0, 0.0, np.nan]})
    filled = Fill().learn(train).apply(pd.DataFrame({"children": [np.nan], "flag": [np.nan]}))
    assert filled.to_dict("list") == {"children": [1.0], "flag": [0.0]}


def test_a_column_without_any_training_value_is_filled_with_zero():
    """A fold in which a column is all missing can still be learned from."""
    learned = Fill().learn(pd.DataFrame({"x": [np.nan, np.nan]}))
    assert learned.apply(pd.DataFrame({"x": [np.nan, 3.0]}))["x"].tolist() == [0.0, 3.0]


def test_a_step_that_meets_another_frame_says_which_column_is_not_there():
    """A frame that lacks what was learned is refused, not filled in."""
    from penstock.errors import DataError

    whole = pd.DataFrame({"x": [1.0], "t": pd.array(["a"], dtype="str")})
    for step, lost in ((Fill(), "x"), (Tidy(), "t"), (Rare(), "t")):
        learned = step.learn(whole)
        with pytest.raises(DataError, match=f"lacks the column '{lost}'"):
            learned.apply(whole.drop(columns=lost))
