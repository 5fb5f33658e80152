from __future__ import annotations

import numpy as np
import pytest

from penstock.errors import DataError
from penstock.models.folds import make_folds
from tests.unit.models.making import BINARY, NUMBER, THREE


def test_every_fold_has_its_share_of_the_rare_label() -> None:
    """A fold without it could not be scored."""
    y = np.array([1] * 10 + [0] * 190)
    fold_of = make_folds(BINARY, y, None, 5, 1)
    assert np.bincount(fold_of).tolist() == [40] * 5
    assert np.bincount(fold_of[y == 1]).tolist() == [2] * 5


def test_of_two_labels_there_are_no_more_folds_than_rows_of_the_rarer() -> None:
    """Otherwise some fold could not be ranked."""
    y = np.array([0] * 40 + [1] * 3)
    assert make_folds(BINARY, y, None, 5, 1).max() + 1 == 3


def test_a_rare_label_among_many_costs_no_folds_and_is_spread_over_them() -> None:
    """Its three rows are in three folds, so that every fold learns from two of them at least."""
    y = np.array([0] * 40 + [1] * 30 + [2] * 3)
    fold_of = make_folds(THREE, y, None, 5, 1)
    assert fold_of.max() + 1 == 5
    assert len(set(fold_of[y == 2].tolist())) == 3


@pytest.mark.parametrize("target", [BINARY, NUMBER])
def test_a_group_is_in_one_fold(target: object) -> None:
    """Rows of one group tell each other's answers."""
    random = np.random.default_rng(0)
    groups = random.choice([f"g{i}" for i in range(30)], 300).astype(object)
    y = random.integers(0, 2, 300)
    fold_of = make_folds(target, y, groups, 5, 1)  # type: ignore[arg-type]
    assert all(len(set(fold_of[groups == g])) == 1 for g in set(groups))
    assert set(fold_of) == {0, 1, 2, 3, 4}


def test_rows_without_a_group_are_groups_of_their_own() -> None:
    """They would otherwise all land in one fold."""
    groups = np.array([None] * 50 + ["g"] * 10, dtype=object)
    fold_of = make_folds(NUMBER, np.arange(60.0), groups, 5, 1)
    assert len(set(fold_of[:50])) == 5
    assert len(set(fold_of[50:])) == 1


def test_the_same_seed_gives_the_same_folds() -> None:
    """And another seed others."""
    y = np.arange(100) % 2
    assert (make_folds(BINARY, y, None, 5, 1) == make_folds(BINARY, y, None, 5, 1)).all()
    assert (make_folds(BINARY, y, None, 5, 1) != make_folds(BINARY, y, None, 5, 2)).any()


def test_one_group_cannot_be_divided() -> None:
    """The error says what there is too little of."""
    with pytest.raises(DataError, match="too few groups"):
        make_folds(NUMBER, np.arange(10.0), np.array(["g"] * 10, dtype=object), 5, 1)
