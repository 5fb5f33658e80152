"""Numbers as pieces of a line."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from penstock.pieces import Pieces

NUMBERS = st.lists(st.integers(-1_000, 1_000).map(lambda i: i / 8), min_size=5, max_size=60)


@given(learned=NUMBERS, asked=NUMBERS, n=st.integers(1, 20))
def test_pieces_together_are_the_value_wherever_it_lies(learned: list[float], asked: list[float], n: int) -> None:
    """Nothing is lost: where the first range begins and what was passed of all add up, beyond both ends, too."""
    pieces = Pieces.learn(np.array(learned)[:, None], n)
    told = pieces.low[0] + pieces.of(np.array(asked)[:, None]) @ pieces.width
    np.testing.assert_allclose(told, asked, rtol=1e-9, atol=1e-9)
    assert len(pieces.source) <= n


def test_a_range_is_passed_before_the_next_one_begins() -> None:
    """A share is full where one behind it has begun."""
    X = np.random.default_rng(0).normal(size=(500, 1))
    shares = Pieces.learn(X, 8).of(X)
    begun = shares[:, 1:] > 0
    assert begun.any()
    assert (shares[:, :-1][begun] == 1.0).all()


def test_indicators_and_constant_columns_stay_as_they_are() -> None:
    """Of two values there is nothing between."""
    X = np.column_stack([np.arange(90) % 2, np.full(90, 7.0), np.linspace(0, 1, 90)])
    pieces = Pieces.learn(X, 4)
    assert pieces.source.tolist() == [0, 1, 2, 2, 2, 2]
    assert (pieces.of(X)[:, :2] == X[:, :2]).all()
    assert Pieces.learn(X, 0).source.tolist() == [0, 1, 2]


def test_pieces_read_from_their_arrays_are_the_same() -> None:
    """They travel within a bundle as plain arrays; rows stay as they were given."""
    X = np.random.default_rng(0).normal(size=(300, 3))
    before = X.copy()
    pieces = Pieces.learn(X, 16)
    again = Pieces.made({name: np.array(part) for name, part in pieces.data().items()})
    assert (again.of(X) == pieces.of(X)).all()
    assert (np.concatenate([pieces.of(X[i : i + 1]) for i in range(9)]) == pieces.of(X)[:9]).all()
    assert (before == X).all()
