"""Categories: spellings that count, orders, and numbers cut into them."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import settings as cases
from hypothesis import strategies as st
from pydantic import ValidationError

from penstock.arrays.profile import profile_frame
from penstock.bundle.observed import Observed
from penstock.errors import PlanError
from penstock.steps.categories.bin import Bin
from penstock.steps.categories.edges import labels_of
from penstock.steps.categories.from_number import CategoryFromNumber
from penstock.steps.categories.ordinal import Ordinal
from penstock.steps.categories.rare import Rare
from penstock.steps.categories.tidy import Tidy
from penstock.steps.plan import Plan
from penstock.table import Column, TableSchema

from .frames import KINDS
from .test_texts import after, column


def numbers(*values: float | None) -> pd.DataFrame:
    """Return a frame of one number column."""
    return pd.DataFrame({"n": np.array(values, dtype=np.float64)})


def cut(applied, *values: float | None) -> list:
    """Return what becomes of some numbers, None for what is missing."""
    return [None if pd.isna(value) else value for value in applied.apply(numbers(*values))["n"]]


def test_which_differences_count_is_told():
    """By default case and blanks do not; accents do, for they make other words in some languages."""
    train = column("Málaga", "Málaga", "Malaga", "MÁLAGA")
    assert after(Tidy().learn(train), "málaga", "malaga") == ["Málaga", "Malaga"]
    assert after(Tidy(accents=True).learn(train), "málaga", "malaga", "Ma\u0301laga") == ["Málaga"] * 3
    assert after(Tidy(accents=True, case=False).learn(train), "málaga", "Malaga") == ["málaga", "Málaga"]
    assert after(Tidy(case=False).learn(column("a b", "a b", "a  b")), " a b", "A B") == ["a b", "A B"]


def test_a_share_of_the_training_rows_can_be_asked_of_a_level():
    """In a large table five rows are still few; a missing value is a row, too."""
    train = column(*["a"] * 60, *["b"] * 19, *["c"] * 20, None)
    assert after(Rare(at_least_share=0.2).learn(train), "a", "b", "c") == ["a", "(other)", "c"]
    assert after(Rare(at_least=21, at_least_share=0.01).learn(train), "a", "c") == ["a", "(other)"]


def test_levels_in_an_order_become_their_places():
    """An unseen level has no place."""
    frame = Ordinal(columns=("t",), levels=("low", "mid", "high")).apply(column("high", "low", "LOW", None))
    assert frame["t"].tolist()[:2] == [2.0, 0.0]
    assert frame["t"].isna().tolist() == [False, False, True, True]


def test_a_category_holds_its_lower_edge_and_not_its_upper_one():
    """So that every number has exactly one."""
    step = CategoryFromNumber(columns=("n",), edges=(0, 10))
    assert cut(step, -0.1, 0.0, 9.9, 10.0, None) == ["< 0", "0 to 10", "0 to 10", ">= 10", None]
    assert cut(step.model_copy(update={"give": "number"}), -0.1, 0.0, 10.0, None) == [0.0, 1.0, 2.0, None]


@given(
    st.lists(st.one_of(st.none(), st.floats(-1e300, 1e300)), min_size=1, max_size=30),
    st.sampled_from(["rows", "width"]),
)
@cases(max_examples=40)
def test_learned_bins_hold_all_there_is(values: list[float | None], by: str):
    """Each bin but the ends between its edges; missing stays missing; no more bins than were asked for."""
    learned = Bin(bins=4, by=by, give="number").learn(numbers(*values))
    edges = learned.edges["n"]
    assert len(edges) <= 3
    assert np.all(np.diff(edges) > 0)
    for value, place in zip(values, cut(learned, *values), strict=True):
        if value is None:
            assert place is None
        else:
            bounds = [-np.inf, *edges.tolist(), np.inf]
            assert bounds[int(place)] <= value < bounds[int(place) + 1]
    assert len(set(labels_of(edges.tolist()))) == len(edges) + 1


def test_bins_of_rows_are_equally_full():
    """A quarter of the training rows each, where values differ."""
    learned = Bin(bins=4).learn(numbers(*range(1_000)))
    assert pd.Series(cut(learned, *range(1_000))).value_counts().tolist() == [250] * 4


def test_a_spelling_that_is_tidied_is_no_surprise_to_the_model():
    """A warning about an unseen text must not come up for one that reads as a known one to the plan."""
    features = (Column(name="t", kind="category"),)
    seen = profile_frame(column("Málaga", "Oslo"), TableSchema(columns=features))
    given_ = column("MALAGA", "oslo", "Rome")
    assert _odd(Observed(features, seen), given_) == [0, 1, 2]
    assert _odd(Observed(features, seen, {"t": Tidy().folding}), given_) == [0, 2]
    assert _odd(Observed(features, seen, {"t": Tidy(accents=True).folding}), given_) == [2]


def _odd(observed: Observed, frame: pd.DataFrame) -> list[int]:
    return sorted(int(row) for note in observed.notes(frame, ()) for row in note.rows)


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"kind": "tidy", "case": False, "blanks": False}, "nothing to tidy"),
        ({"kind": "rare", "at_least_share": 1.5}, "less than 1"),
        ({"kind": "ordinal", "columns": "t", "levels": ["a"]}, "at least 2"),
        ({"kind": "ordinal", "columns": "t", "levels": ["a", "b", "a"]}, "stands in two places"),
        ({"kind": "category_from_number", "columns": "n", "edges": []}, "at least 1"),
        ({"kind": "category_from_number", "columns": "n", "edges": [2, 1]}, "must rise"),
        ({"kind": "category_from_number", "columns": "n", "edges": [1], "labels": ["a"]}, "2 categories"),
        ({"kind": "category_from_number", "columns": "n", "edges": [1], "labels": ["a", "a"]}, "2 categories"),
        (
            {"kind": "category_from_number", "columns": "n", "edges": [1], "labels": ["a", "b"], "give": "number"},
            "asks for none",
        ),
        ({"kind": "bin", "bins": 1}, "greater than or equal to 2"),
    ],
)
def test_settings_that_cannot_work_are_refused_with_the_spec(settings: dict, told: str):
    """Whatever can be told from the spec alone is told then."""
    with pytest.raises(ValidationError, match=told):
        Plan.model_validate({"steps": [settings]})


@pytest.mark.parametrize(
    ("step", "told"),
    [
        (Ordinal(columns=("age",), levels=("a", "b")), "cannot work on the column 'age'"),
        (CategoryFromNumber(columns=("city",), edges=(1,)), "cannot work on the column 'city'"),
        (Bin(columns=("city",)), "cannot work on the column 'city'"),
        (Tidy(columns=("age",)), "cannot work on the column 'age'"),
    ],
)
def test_a_column_of_another_kind_is_refused_before_there_is_a_row(step, told: str):
    """Numbers have no spelling, and texts no edges."""
    with pytest.raises(PlanError, match=told):
        step.columns_after(KINDS)
