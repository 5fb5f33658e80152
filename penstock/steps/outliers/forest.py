"""An isolation forest: rows that few random cuts set apart from all others.

scikit-learn grows the trees. A row's score here is the sum of its depths, added tree by tree in one order: comparisons
and sums give a row alone the same bits as a row among many, which powers and matrix products do not promise.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from penstock.blocks import Blocks, FloatMatrix

# Trees compare in float32; a range of numbers must fit into it.
_LARGEST = 1e38
_MOST_ROWS = 256


@dataclass(frozen=True)
class Forest:
    """The trees, the path lengths of their leaves, what stands for a missing value, and the depth below which is out.

    `trees` are scikit-learn's, and `lengths` hold for each node of each tree the number of cuts that lead there and
    those that it would still take to part the training rows in it.
    """

    names: tuple[str, ...]
    medians: np.ndarray
    trees: tuple[Any, ...]
    lengths: tuple[np.ndarray, ...]
    limit: float

    def outside(self, blocks: Blocks) -> np.ndarray:
        """Return which rows are set apart more easily than the limit, bool of shape (n_rows,)."""
        values = blocks.matrix(self.names)
        return self.depths(values) < self.limit

    def depths(self, values: FloatMatrix) -> np.ndarray:
        """Return the sum over all trees of how many cuts set a row apart, float64 of shape (n_rows,)."""
        ready = _ready(values, self.medians)
        total = np.zeros(len(ready))
        for tree, lengths in zip(self.trees, self.lengths, strict=True):
            total += lengths[tree.apply(ready)]
        return total

    def describe(self) -> dict[str, Any]:
        """Return the columns, the number of trees, and the mean depth below which a row is out."""
        n = max(len(self.trees), 1)
        return {"columns": list(self.names), "trees": len(self.trees), "mean_depth_below": self.limit / n}


def grown_forest(names: tuple[str, ...], matrix: FloatMatrix, share: float, n_trees: int, seed: int) -> Forest:
    """Grow a forest on training rows.

    Parameters
    ----------
    names : tuple of str
        The columns.
    matrix : numpy.ndarray
        Their training values, float64 of shape (n_rows, n_columns).
    share : float
        At most this share of the training rows is out.
    n_trees, seed : int
        How many trees, and what their random cuts grow from.

    References
    ----------
    Liu, F. T., Ting, K. M. and Zhou, Z.-H. (2008). Isolation Forest. Eighth IEEE International Conference on Data
    Mining, 413-422.
    """
    from sklearn.ensemble import IsolationForest

    medians = _medians(matrix)
    if not len(matrix) or not names:
        return Forest(names, medians, (), (), 0.0)
    ready = _ready(matrix, medians)
    fitted = IsolationForest(n_estimators=n_trees, max_samples=min(_MOST_ROWS, len(ready)), random_state=seed)
    trees = tuple(estimator.tree_ for estimator in fitted.fit(ready).estimators_)
    lengths = tuple(_lengths(tree) for tree in trees)
    forest = Forest(names, medians, trees, lengths, 0.0)
    depths = np.sort(forest.depths(matrix))
    return Forest(names, medians, trees, lengths, float(depths[min(int(share * len(depths)), len(depths) - 1)]))


def _medians(matrix: FloatMatrix) -> np.ndarray:
    there = [column[np.isfinite(column)] for column in matrix.T]
    return np.array([float(np.median(column)) if len(column) else 0.0 for column in there])


def _ready(values: FloatMatrix, medians: np.ndarray) -> np.ndarray:
    filled = np.where(np.isnan(values), medians, values)
    ready: np.ndarray = np.clip(filled, -_LARGEST, _LARGEST).astype(np.float32)
    return ready


def _lengths(tree: Any) -> np.ndarray:
    """Return for each node the cuts that lead to it, and the expected further ones to part its training rows."""
    depth = np.zeros(tree.node_count)
    for node in range(tree.node_count):
        for child in (tree.children_left[node], tree.children_right[node]):
            if child >= 0:
                depth[child] = depth[node] + 1
    return np.asarray(depth + _average_path(tree.n_node_samples.astype(np.float64)))


def _average_path(n: np.ndarray) -> np.ndarray:
    """Return the average length of an unsuccessful search in a binary tree of `n` rows."""
    more = np.maximum(n, 3.0)
    length = 2.0 * (np.log(more - 1.0) + np.euler_gamma) - 2.0 * (more - 1.0) / more
    return np.asarray(np.where(n <= 1, 0.0, np.where(n == 2, 1.0, length)))
