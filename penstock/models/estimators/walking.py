"""All trees of a model walked level by level for one row: a call for each tree costs more than its comparisons.

Batches go through the libraries' own code, tree by tree. Both reach the same leaves and add their values in the order
of the trees, so a row alone has the bits that it has in a batch.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Reals = npt.NDArray[np.floating[Any]]
# Up to here rows are walked one by one.
FEW_ROWS = 4


@dataclass(frozen=True)
class FlatTrees:
    """Nodes of all trees, one after the other; a leaf leads to itself.

    Attributes
    ----------
    roots : numpy.ndarray
        Position of each tree's root, shape (n_trees,).
    feature, threshold, missing_left : numpy.ndarray
        What a node looks at, what it compares with (`<=` leads left), and whether a missing value leads left;
        shape (n_nodes,).
    children : numpy.ndarray
        Right child and left child of every node in turn, shape (2 * n_nodes,).
    values : numpy.ndarray
        Shape (n_nodes, n_outputs).
    depth : int
        Steps to the deepest leaf.
    row_of, goes_left : numpy.ndarray
        Where nodes compare codes: each node's row in `goes_left`, -1 for one that compares numbers, shape (n_nodes,);
        and whether a code leads left, shape (n_rows, n_codes), the last column for all larger codes.
    """

    roots: npt.NDArray[np.intp]
    feature: npt.NDArray[np.intp]
    threshold: Reals
    missing_left: npt.NDArray[np.bool_]
    children: npt.NDArray[np.intp]
    values: Reals
    depth: int
    row_of: npt.NDArray[np.intp] | None = None
    goes_left: npt.NDArray[np.bool_] | None = None

    def reached(self, row: Reals) -> Reals:
        """Return the values of the leaves that a row of shape (n_features,) comes to, shape (n_trees, n_outputs)."""
        node, missing = self.roots, np.isnan(row)
        gone = bool(missing.any())
        if self.goes_left is not None:
            width = self.goes_left.shape[1]
            codes = np.clip(np.where(missing, 0, row), 0, width - 1).astype(np.intp)
        for _ in range(self.depth):
            column = self.feature.take(node)
            left = row.take(column) <= self.threshold.take(node)
            if self.goes_left is not None and self.row_of is not None:
                at = self.row_of.take(node)
                left = np.where(at >= 0, self.goes_left.take(at * width + codes.take(column)), left)
            if gone:
                left = np.where(missing.take(column), self.missing_left.take(node), left)
            node = self.children.take(2 * node + left)
        return self.values.take(node, axis=0)

    def sums(self, X: Reals, start: Reals, rate: float | None = None) -> Reals:
        """Return what the trees add up to, beginning with `start`; shape (n_rows, n_outputs).

        With as many starts as outputs of a tree, each tree adds to all; else trees take turns, one for each start.
        """
        done = np.empty((len(X), len(start)), dtype=self.values.dtype)
        for i, row in enumerate(X):
            each = self.reached(row).reshape(-1, len(start))
            if rate is not None:
                each = each * rate
            # Strictly one after the other, as the libraries add; `sum` would add in pairs.
            done[i] = np.add.accumulate(np.concatenate([start[None, :], each]), axis=0)[-1]
        return done


class Walked:
    """An estimator that makes its flat trees when the first single row comes, and seals without them."""

    def __getstate__(self) -> dict[str, Any]:
        state: dict[str, Any] = super().__getstate__()  # type: ignore[assignment]  # scikit-learn's is a dictionary
        return {name: value for name, value in state.items() if name != "flat_"}


def joined(
    left: Sequence[npt.NDArray[np.integer[Any]]],
    right: Sequence[npt.NDArray[np.integer[Any]]],
    columns: dict[str, Sequence[npt.NDArray[Any]]],
) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp], int, dict[str, npt.NDArray[Any]]]:
    """Put trees one after the other; a node without a left child (-1, or 0, where the root is) is a leaf.

    Returns
    -------
    tuple
        Roots, children, the depth of the deepest leaf, and each of `columns` joined.
    """
    sizes = np.array([len(part) for part in left], dtype=np.intp)
    roots = np.concatenate([[0], np.cumsum(sizes)[:-1]]).astype(np.intp)
    shift = np.repeat(roots, sizes)
    own = np.arange(int(sizes.sum()), dtype=np.intp)
    lefts = np.concatenate([np.asarray(part, dtype=np.intp) for part in left])
    rights = np.concatenate([np.asarray(part, dtype=np.intp) for part in right])
    leaf = lefts <= 0
    children = np.empty(2 * len(own), dtype=np.intp)
    children[0::2] = np.where(leaf, own, rights + shift)
    children[1::2] = np.where(leaf, own, lefts + shift)
    depth, level = 0, roots[~leaf[roots]]
    while len(level):
        depth += 1
        level = np.concatenate([children[2 * level], children[2 * level + 1]])
        level = level[~leaf[level]]
    return roots, children, depth, {name: np.concatenate(parts) for name, parts in columns.items()}


def of_sklearn(trees: Sequence[Any]) -> FlatTrees:
    """Return scikit-learn's trees (`estimator.tree_`) as flat ones; they read float32."""
    nodes = [tree.__getstate__()["nodes"] for tree in trees]
    roots, children, depth, columns = joined(
        [n["left_child"] for n in nodes],
        [n["right_child"] for n in nodes],
        {
            "feature": [np.maximum(n["feature"], 0) for n in nodes],
            "threshold": [n["threshold"] for n in nodes],
            "missing": [n["missing_go_to_left"].astype(bool) for n in nodes],
            "values": [tree.value.reshape(len(n), -1) for tree, n in zip(trees, nodes, strict=True)],
        },
    )
    return FlatTrees(
        roots=roots,
        feature=columns["feature"].astype(np.intp),
        threshold=columns["threshold"],
        missing_left=columns["missing"],
        children=children,
        values=columns["values"],
        depth=depth,
    )


def of_histogram(predictors: Sequence[Any], known: Any, position: Any) -> FlatTrees:
    """Return the trees of scikit-learn's histogram boosting as flat ones; they read float64, and codes.

    Parameters
    ----------
    predictors : sequence of TreePredictor
        The trees.
    known, position : numpy.ndarray
        Bits of the codes that training had, a row for each column of codes; and for each feature its row.
    """
    nodes = [p.nodes for p in predictors]
    inner = [np.where(n["is_leaf"], 0, n["left"].astype(np.intp)) for n in nodes]
    row_of = [np.where(n["is_categorical"].astype(bool) & ~n["is_leaf"].astype(bool), 1, 0) for n in nodes]
    roots, children, depth, columns = joined(
        inner,
        [n["right"].astype(np.intp) for n in nodes],
        {
            "feature": [np.where(n["is_leaf"], 0, n["feature_idx"]) for n in nodes],
            "threshold": [n["num_threshold"] for n in nodes],
            "missing": [n["missing_go_to_left"].astype(bool) for n in nodes],
            "values": [n["value"] for n in nodes],
            "coded": row_of,
        },
    )
    coded = columns["coded"].astype(bool)
    rows = None
    if coded.any():
        rows = np.concatenate([_histogram_codes(p, known, position) for p in predictors])
    return FlatTrees(
        roots=roots,
        feature=columns["feature"].astype(np.intp),
        threshold=columns["threshold"].astype(np.float64),
        missing_left=columns["missing"],
        children=children,
        values=columns["values"].reshape(-1, 1),
        depth=depth,
        row_of=np.where(coded, np.cumsum(coded) - 1, -1).astype(np.intp) if coded.any() else None,
        goes_left=rows,
    )


def _histogram_codes(predictor: Any, known: Any, position: Any) -> npt.NDArray[np.bool_]:
    """Return for each categorical split, in the order of nodes, where codes lead: 256 of them, and all larger ones."""
    nodes = predictor.nodes
    at = np.flatnonzero(nodes["is_categorical"].astype(bool) & ~nodes["is_leaf"].astype(bool))
    missing = nodes["missing_go_to_left"][at, None].astype(bool)
    left = _bits(predictor.raw_left_cat_bitsets[nodes["bitset_idx"][at]])
    seen = _bits(known[position[nodes["feature_idx"][at]]])
    return np.concatenate([left | (missing & ~seen), missing], axis=1)


def _bits(words: Any) -> npt.NDArray[np.bool_]:
    little = np.ascontiguousarray(words, dtype="<u4")
    return np.unpackbits(little.view(np.uint8), axis=1, bitorder="little").astype(bool)
