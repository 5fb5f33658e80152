"""Trees of every library, as one predictor walks them."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.bundle.kernel.engines.predictor import checked
from penstock.bundle.kernel.engines.sources import Leaves, Trees
from penstock.bundle.kernel.engines.treetext import flat_trees, widened
from penstock.models.estimators.walking import FlatTrees
from tests.unit.bundle.engines.making import engine, rows

SINGLES = st.floats(-(2.0**120), 2.0**120, width=32)


@given(SINGLES, st.integers(-3, 3), st.floats(-1e37, 1e37))
def test_a_widened_threshold_splits_float64_as_the_threshold_splits_float32(near: float, steps: int, t: float) -> None:
    """Rows need no cast then, and estimators of any dtype can be walked together."""
    for threshold in (t, near, float(np.nextafter(near, np.inf))):
        edge = float(widened(np.array([threshold]))[0])
        for start in (edge, threshold, near):
            x = start
            for _ in range(abs(steps)):
                x = float(np.nextafter(x, np.copysign(np.inf, steps)))
            assert (float(np.float32(x)) <= threshold) == (x <= edge)


@pytest.mark.parametrize("missing_left", [False, True])
@pytest.mark.parametrize("others_left", [False, True])
def test_codes_and_gaps_lead_where_each_library_says(missing_left: bool, others_left: bool) -> None:
    """LightGBM sends both to one side; XGBoost keeps them apart, for which one node becomes two."""
    goes_left = np.array([[True, False, True, others_left]])
    flat = FlatTrees(
        roots=np.array([0]),
        feature=np.array([0, 0, 0]),
        threshold=np.zeros(3),
        missing_left=np.array([missing_left, False, False]),
        children=np.array([2, 1, 1, 1, 2, 2]),
        values=np.array([[0.0], [1.0], [2.0]]),
        depth=1,
        row_of=np.array([0, -1, -1]),
        goes_left=goes_left,
    )
    texts, leaves = flat_trees(flat, narrow=False)
    trees = Trees("ordinal", texts, 1, [Leaves(np.array([0]), flat.values[leaves[0]])])
    X = np.array([[0.0], [1.0], [2.0], [3.0], [200.0], [np.nan]])
    want = [float(flat.reached(row)[0, 0]) for row in X]
    assert trees.scores(X)[:, 0].tolist() == want
    assert want[-2:] == [1.0 if others_left else 2.0, 1.0 if missing_left else 2.0]


def test_rows_and_batches_of_many_threads_do_not_disturb_each_other() -> None:
    """LightGBM keeps in a model what was last asked of it."""
    made, X = engine("lightgbm", "binary"), np.ascontiguousarray(np.tile(rows("ordinal"), (20, 1)))
    want = made.answer({"ordinal": X})

    def ask(i: int) -> bool:
        n = (1, 3, 40, 150, 4_800)[i % 5]
        return made.answer({"ordinal": X[:n]}).tobytes() == want[:n].tobytes()

    with ThreadPoolExecutor(4) as pool:
        assert all(pool.map(ask, range(200)))


def test_rows_of_another_width_never_reach_the_library() -> None:
    """It would read beyond their memory."""
    with pytest.raises(ValueError, match="6 features"):
        engine("lightgbm", "binary").answer({"ordinal": np.zeros((1, 5))})
    assert checked(np.asfortranarray(np.zeros((3, 2))), 2).flags.c_contiguous
