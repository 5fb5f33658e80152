"""Leaves by masks are the leaves of a walk, whatever a row holds."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from penstock.bundle.kernel.engines import sources
from penstock.bundle.kernel.engines.blend import BlendEngine
from penstock.bundle.kernel.engines.engine import Floats
from penstock.bundle.kernel.engines.parity import beside_thresholds
from penstock.bundle.kernel.engines.predictor import Predictor
from penstock.bundle.kernel.engines.quickscorer import NEAR_ZERO, QuickScorer, Unfit, scorers
from penstock.bundle.kernel.engines.sources import Trees
from penstock.bundle.kernel.engines.treetext import flat_trees, written
from penstock.models.estimators.walking import FlatTrees
from tests.unit.bundle.engines.making import engine, fitted, rows

MASKED = ("lightgbm", "hist_gradient_boosting", "gradient_boosting", "xgboost", "tree")
# Numbers at which a comparison, a cast to a code or a float of 32 bits might go another way.
ODD = (0.0, -0.0, 1e-36, -1e-36, NEAR_ZERO, -NEAR_ZERO, 2e-35, -2e-35, np.nan, np.inf, -np.inf, 1e300, -1e300)
CODES = (-1.0, -0.5, 0.5, 1.0, 2.0, 7.0, 31.0, 32.0, 254.0)
N_FEATURES = 3


def trees_of(made: BlendEngine) -> Trees:
    """Return the source of an engine that is made of trees."""
    (found,) = [source for source in made.sources if isinstance(source, Trees)]
    return found


def walked(trees: Trees, X: Floats) -> list[list[int]]:
    """Return the leaves that LightGBM's predictor finds."""
    found = Predictor(written(trees._trees, trees.n_features), trees.n_features, len(trees._trees)).leaves(X)
    return [[int(leaf) for leaf in row] for row in found]


@pytest.mark.parametrize("task", ["binary", "multiclass", "regression"])
@pytest.mark.parametrize("kind", MASKED)
def test_masks_and_walks_come_to_the_same_leaves(kind: str, task: str) -> None:
    """Beside thresholds, with gaps, codes nobody has seen, and numbers that no encoder makes; alone and together."""
    trees = trees_of(engine(kind, task))
    model = fitted(kind, task)
    X = beside_thresholds(model, {"ordinal": rows("ordinal")}, 200)["ordinal"]
    rng = np.random.default_rng(0)
    odd = rng.choice([*ODD, *CODES], size=(200, X.shape[1]))
    mixed = np.where(rng.random(X.shape) < 0.3, odd, X)
    for given_rows in (X, odd, mixed):
        together = [
            leaves
            for _, _, table in scorers(trees._trees, 1 << 40)
            for leaves in table.leaves(np.ascontiguousarray(given_rows)).T
        ]
        want = walked(trees, np.ascontiguousarray(given_rows))
        assert np.array(together).T.tolist() == want
        alone = [
            [int(leaf) for _, _, table in scorers(trees._trees, 1 << 40) for leaf in table.leaves_of(row)]
            for row in given_rows[:20].tolist()
        ]
        assert alone == want[:20]


@st.composite
def grown(draw: st.DrawFn) -> tuple[FlatTrees, int]:
    """Return one flat tree of up to 64 leaves, some of whose nodes compare codes, and how many leaves it has."""
    n_leaves = draw(st.integers(1, 64))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    feature, threshold, missing_left, row_of = [0], [0.0], [False], [-1]
    children: list[list[int]] = [[0, 0]]
    codes = []
    leaves = [0]
    for _ in range(n_leaves - 1):
        at = leaves.pop(int(rng.integers(len(leaves))))
        # The last feature holds codes, of which the last stands for all others.
        feature[at] = int(rng.integers(N_FEATURES))
        missing_left[at] = bool(rng.integers(2))
        if feature[at] == N_FEATURES - 1:
            row_of[at] = len(codes)
            codes.append(rng.integers(0, 2, 9).astype(bool))
        else:
            threshold[at] = float(rng.choice([*(t for t in ODD if np.isfinite(t)), 0.25, -3.0]))
        for side in (0, 1):
            children[at][side] = len(feature)
            leaves.append(len(feature))
            feature.append(0)
            threshold.append(0.0)
            missing_left.append(False)
            row_of.append(-1)
            children.append([len(feature) - 1] * 2)
    flat = FlatTrees(
        roots=np.array([0]),
        feature=np.array(feature),
        threshold=np.array(threshold),
        missing_left=np.array(missing_left),
        children=np.array(children).ravel(),
        values=np.zeros((len(feature), 1)),
        depth=n_leaves,
        row_of=np.array(row_of),
        goes_left=np.array(codes) if codes else np.zeros((1, 9), dtype=bool),
    )
    return flat, n_leaves


@settings(max_examples=120, deadline=None)
@given(grown(), st.integers(0, 2**32))
def test_any_tree_of_few_leaves_is_masked_rightly(tree: tuple[FlatTrees, int], seed: int) -> None:
    """Also where missing values and unknown codes part, for which one node is written as two."""
    flat, n_leaves = tree
    (text,), _ = flat_trees(flat, narrow=False)
    rng = np.random.default_rng(seed)
    X = rng.choice([*ODD, *CODES, 0.25, -3.0, 1.5], size=(60, N_FEATURES))
    X[:, -1] = rng.choice([0.0, 1.0, 3.0, 7.0, 8.0, 99.0, np.nan], size=60)
    masks = QuickScorer([text])
    want = Predictor(written([text], N_FEATURES), N_FEATURES, 1).leaves(X).astype(int).tolist()
    assert masks.leaves(X).tolist() == want
    assert [masks.leaves_of(row).tolist() for row in X.tolist()] == want
    assert n_leaves > 32 or masks.leaves(X).dtype == np.int32


def test_trees_that_masks_are_not_for_are_walked(monkeypatch: pytest.MonkeyPatch) -> None:
    """More than 64 leaves, or tables too large to stay in the cache: the answers are the same."""
    made, X = engine("lightgbm", "binary"), np.tile(rows("ordinal"), (2, 1))
    trees = trees_of(made)
    # Tables are made when they are asked for first, which has to be before there is no room for them.
    assert trees._tables is not None
    with pytest.raises(Unfit, match="too large"):
        scorers(trees._trees, 10)
    monkeypatch.setattr(sources, "MOST_BYTES", 10)
    again = Trees.made(trees.encoding, trees.data())
    assert again._tables is None
    for n in (1, 5, 99, len(X)):
        some = np.ascontiguousarray(X[:n])
        assert again.scores(some).tobytes() == trees.scores(some).tobytes()


def test_a_tree_of_many_leaves_is_refused() -> None:
    """A bit stands for a leaf, and there are 64."""
    forest = trees_of(engine("random_forest", "regression"))
    sizes = [int(text.partition("num_leaves=")[2].split()[0]) for text in forest._trees]
    assert max(sizes) > 64
    with pytest.raises(Unfit, match="leaves"):
        QuickScorer([forest._trees[sizes.index(max(sizes))]])
