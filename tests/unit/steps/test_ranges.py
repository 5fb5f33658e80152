"""Aggregates of ranges of rows."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from penstock.steps.relations.ranges import Ranges

# What pandas makes of the values of a range that are there.
PLAIN = {
    "count": lambda v: v.count(),
    "sum": lambda v: v.sum(),
    "mean": lambda v: v.mean(),
    "std": lambda v: v.std(),
    "min": lambda v: v.min(),
    "max": lambda v: v.max(),
    "first": lambda v: v.dropna().iloc[0] if v.count() else np.nan,
    "last": lambda v: v.dropna().iloc[-1] if v.count() else np.nan,
    "distinct": lambda v: v.nunique(),
}
VALUES = st.lists(st.one_of(st.just(np.nan), st.integers(-4, 4).map(float), st.floats(-1e3, 1e3)), max_size=25)


def ranges_of(starts: np.ndarray, n: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Return ranges within keys, some of them empty, some whole."""
    keys = rng.integers(0, len(starts) - 1, n)
    begin, size = starts[keys], np.diff(starts)[keys]
    one, other = (begin + (rng.random(n) * (size + 1)).astype(np.int64) for _ in range(2))
    return np.minimum(one, other), np.maximum(one, other)


@pytest.mark.parametrize("take", PLAIN)
@given(data=st.data())
@settings(max_examples=20)
def test_a_range_amounts_to_what_its_rows_amount_to(take, data):
    """Whichever way many ranges or few are taken, missing values do not count, and of nothing there is 0 or nothing."""
    parts = data.draw(st.lists(VALUES, min_size=1, max_size=4))
    whole = data.draw(st.booleans())
    values = np.array([v for part in parts for v in part], dtype=np.float64)
    starts = np.concatenate([[0], np.cumsum([len(part) for part in parts])]).astype(np.int64)
    lo, hi = ranges_of(starts, 100, np.random.default_rng(len(values)))
    if whole:
        lo = starts[np.searchsorted(starts, lo, side="right") - 1].clip(max=hi)
        lo = np.minimum(lo, hi)
    column = Ranges(values, starts)
    many = column.over(take, lo, hi)
    wanted = [PLAIN[take](pd.Series(values[a:b], dtype=np.float64)) for a, b in zip(lo, hi, strict=True)]
    # A spread is the root of a difference of squares, so half of the digits of what lies 2,000 apart are certain.
    near = 2e3 * np.finfo(np.float64).eps ** 0.5 if take == "std" else 1e-6
    np.testing.assert_allclose(many, np.array(wanted, dtype=np.float64), rtol=1e-9, atol=near)
    apart = np.concatenate([column.over(take, lo[i : i + 1], hi[i : i + 1]) for i in range(100)])
    assert np.array_equal(apart, many, equal_nan=True)


@pytest.mark.parametrize("take", PLAIN)
def test_what_comes_later_changes_nothing_to_the_last_bit(take):
    """A sum, a spread or a count of what came before must not know what comes after, nor what another key holds."""
    rng = np.random.default_rng(3)
    values, starts = rng.normal(1e6, 1.0, 300), np.array([0, 120, 300])
    lo, hi = np.arange(0, 100), np.arange(0, 100) + rng.integers(0, 20, 100)
    changed = values.copy()
    changed[hi.max() :] = rng.normal(-5.0, 1e9, 300 - hi.max())
    assert np.array_equal(Ranges(values, starts).over(take, lo, hi), Ranges(changed, starts).over(take, lo, hi), True)


def test_sums_of_one_key_are_not_blurred_by_another():
    """A key of huge values beside a key of small ones would swallow them in a common running sum."""
    values, starts = np.array([1e17, 3.0, 0.1, 0.2, 0.3]), np.array([0, 2, 5])
    assert Ranges(values, starts).over("sum", np.array([2, 3]), np.array([5, 5])).tolist() == [0.6, 0.5]
