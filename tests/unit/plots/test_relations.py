"""Which columns and pairs are worth drawing."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.stats import kruskal, spearmanr

from penstock.plots.groups import MOST, groups_of
from penstock.plots.relations import (
    clustered,
    rank_correlation,
    strongest_pairs,
    with_target,
)
from penstock.table import Target

BINARY = Target(name="y", task="binary", labels=("no", "yes"), positive="yes")


@pytest.fixture
def frame():
    rng = np.random.default_rng(5)
    a = rng.normal(size=300)
    return pd.DataFrame(
        {"a": a, "b": a**3, "c": rng.normal(size=300), "d": -a + rng.normal(size=300), "one": np.ones(300)}
    )


def test_rank_correlation_is_spearmans(frame):
    """It agrees with SciPy's."""
    varying = frame[["a", "b", "c", "d"]]
    assert rank_correlation(varying) == pytest.approx(spearmanr(varying).statistic)


def test_a_constant_column_is_related_to_nothing(frame):
    """Where SciPy gives NaN, there is no relation."""
    assert rank_correlation(frame)[4].tolist() == [0.0] * 5


def test_the_share_explained_by_classes_is_that_of_the_kruskal_wallis_test(frame):
    """Eta squared on ranks is H / (n - 1)."""
    y = (frame["a"] + np.random.default_rng(1).normal(size=300) > 0).to_numpy().astype(np.int64)
    found = with_target(frame[["a", "c"]], groups_of(BINARY, y))
    expected = [kruskal(frame[c][y == 0], frame[c][y == 1]).statistic / 299 for c in ("a", "c")]
    assert found == pytest.approx(expected)


def test_a_numeric_target_explains_by_rank(frame):
    """A monotone copy is explained in full."""
    groups = groups_of(Target(name="y", task="regression"), frame["a"].to_numpy())
    found = with_target(frame[["b", "c"]], groups, frame["a"].to_numpy())
    assert found[0] == pytest.approx(1.0)
    assert found[1] < 0.05


def test_no_column_takes_all_the_pairs():
    """Near copies of one column leave room for other relations."""
    matrix = np.full((6, 6), 0.9)
    pairs = strongest_pairs(matrix, most=6, each=2)
    assert len(pairs) == 6
    assert max(np.bincount(np.array(pairs).ravel())) == 2


def test_related_columns_stand_side_by_side():
    """The order of a heat map puts two blocks one after the other."""
    matrix = np.eye(4)
    matrix[0, 2] = matrix[2, 0] = 0.9
    matrix[1, 3] = matrix[3, 1] = 0.8
    order = clustered(matrix)
    assert abs(order.index(0) - order.index(2)) == abs(order.index(1) - order.index(3)) == 1


def test_of_many_classes_the_rarest_share_a_colour():
    """At most ten groups are told apart."""
    target = Target(name="y", task="multiclass", labels=tuple(f"l{i}" for i in range(26)))
    y = np.repeat(np.arange(26), np.arange(26) + 1)
    groups = groups_of(target, y)
    assert len(groups) == MOST
    assert groups.names[-1] == "17 others"
    assert int((groups.codes == MOST - 1).sum()) == sum(range(1, 18))


def test_a_numeric_target_is_cut_in_thirds():
    """A third of the rows has each colour; a constant target has one."""
    target = Target(name="y", task="regression")
    groups = groups_of(target, np.arange(300.0))
    assert np.bincount(groups.codes).tolist() == [100, 100, 100]
    assert len(groups_of(target, np.zeros(50))) == 1
    assert len(groups_of(target, np.full(50, np.nan))) == 1
