"""Fitted state as data: what is written comes back, and what is no data is never written or read."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from penstock.bundle.kernel.state import NotPlain, read, written
from penstock.errors import BundleError
from penstock.steps.categories.folding import Folding
from penstock.steps.categories.tidy import TidyLearned

LEAVES = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text())
KEYS = st.one_of(st.text(), st.integers(), st.floats(allow_nan=False))
VALUES = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.lists(inner, max_size=3).map(tuple), st.dictionaries(KEYS, inner, max_size=3)
    ),
    max_leaves=8,
)


@settings(max_examples=40, deadline=None)
@given(value=VALUES)
def test_what_is_written_comes_back_of_the_same_types(value: object) -> None:
    """A number that became a text, or a tuple a list, would answer otherwise."""
    assert repr(read(*written(value))) == repr(value)


def test_records_and_arrays_come_back() -> None:
    """They are what fitted steps are made of."""
    learned = TidyLearned({"city": {"oslo": "Oslo"}}, Folding(accents=True))
    array = np.array([[0.1, np.nan], [-0.0, np.inf]])
    back = read(*written({"step": learned, "array": array, "names": np.array(["a", None], dtype=object)}))
    assert back["step"] == learned
    assert back["array"].tobytes() == array.tobytes()
    assert back["names"].tolist() == ["a", None]


@pytest.mark.parametrize("value", [object(), print, np.random.default_rng(0), {"deep": [lambda: 0]}, b"bytes"])
def test_what_is_no_data_is_refused(value: object) -> None:
    """It could only be stored as code."""
    with pytest.raises(NotPlain):
        written(value)


@pytest.mark.parametrize("name", ["os:system", "subprocess:Popen", "penstock.steps.base:Any", "penstock.steps.no:Such"])
def test_only_records_of_this_library_are_made(name: str) -> None:
    """A signed file is trusted, and still can call nothing."""
    _, arrays = written({})
    with pytest.raises(BundleError, match="this release does not have"):
        read(json.dumps({"~": name}).encode(), arrays)
