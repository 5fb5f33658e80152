"""Shapley values of trees, exactly: every leaf by the columns on its path.

The value of a leaf is a product over the columns on its path, and the Shapley value of one factor in a product is an
integral of the others (Owen's multilinear extension), which is a polynomial: Gauss and Legendre's rule has it exactly.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from penstock.metrics.weighted import Floats, Ints
from penstock.models.estimators.walking import FlatTrees, Reals

# Leaves that are looked at together; each takes some tens of numbers.
LEAVES_AT_ONCE = 60_000


@dataclass(frozen=True)
class Paths:
    """The leaves of some trees, each with the columns that are asked on the way to it.

    Attributes
    ----------
    node, is_left : numpy.ndarray
        The comparisons on all paths and the side that a path takes, sorted by slot, shape (n_comparisons,).
    slot_at : numpy.ndarray
        Where each slot, a column on the path to a leaf, begins among the comparisons; shape (n_slots,).
    feature, share : numpy.ndarray
        A slot's column, and the share of training rows that its comparisons let through; shape (n_slots,).
    leaf_at, leaf_of : numpy.ndarray
        Where each leaf begins among the slots, shape (n_leaves,), and the leaf of each slot, shape (n_slots,).
    values : numpy.ndarray
        Shape (n_leaves, n_outputs).
    base : numpy.ndarray
        What the trees say on the average of the training rows, shape (n_outputs,).
    """

    node: Ints
    is_left: npt.NDArray[np.bool_]
    slot_at: Ints
    feature: Ints
    share: Floats
    leaf_at: Ints
    leaf_of: Ints
    values: Floats
    base: Floats

    def contributions(self, left: npt.NDArray[np.bool_], n_features: int) -> Floats:
        """Return what each column adds for one row, shape (n_features, n_outputs).

        Parameters
        ----------
        left : numpy.ndarray
            For every node whether the row goes left there, shape (n_nodes,).
        n_features : int
            How many columns there are.

        References
        ----------
        Lundberg, S. et al. (2020), From local explanations to global understanding with explainable AI for trees,
        Nature Machine Intelligence 2, algorithm 2 (the same values, path-dependent).
        Owen, G. (1972), Multilinear extensions of games, Management Science 18, P64-P79.
        """
        done = np.zeros((n_features, self.values.shape[1]))
        if not len(self.feature):
            return done
        passes = np.logical_and.reduceat(left[self.node] == self.is_left, self.slot_at)
        change = passes - self.share
        longest = int(np.bincount(self.leaf_of).max())
        points, weights = np.polynomial.legendre.leggauss((longest + 1) // 2)
        others = np.zeros(len(change))
        for point, weight in zip((points + 1) / 2, weights / 2, strict=True):
            factors = self.share + point * change
            others += weight * np.multiply.reduceat(factors, self.leaf_at)[self.leaf_of] / factors
        for k in range(self.values.shape[1]):
            added = change * others * self.values[self.leaf_of, k]
            done[:, k] = np.bincount(self.feature, added, minlength=n_features)
        return done


def paths_of(flat: FlatTrees, covers: Reals, n_outputs: int) -> list[Paths]:
    """Return the paths of all trees, some trees at a time.

    Parameters
    ----------
    flat : FlatTrees
        Whose leaves hold values of `n_outputs`, or of one, and then trees take turns.
    covers : numpy.ndarray
        How much of the training rows came to each node, shape (n_nodes,).
    n_outputs : int
        Of the model.
    """
    right, left = flat.children[0::2], flat.children[1::2]
    nodes = np.arange(len(flat.feature))
    inner = np.flatnonzero(left != nodes)
    parent, is_left = np.full(len(nodes), -1), np.zeros(len(nodes), dtype=bool)
    parent[right[inner]] = parent[left[inner]] = inner
    is_left[left[inner]] = True
    share = np.ones(len(nodes))
    below = np.flatnonzero(parent >= 0)
    share[below] = covers[below] / np.maximum(covers[parent[below]], np.finfo(np.float64).tiny)
    leaves = np.flatnonzero(left == nodes)
    tree = np.searchsorted(flat.roots, leaves, side="right") - 1
    values = flat.values[leaves].astype(np.float64)
    if values.shape[1] != n_outputs:
        turns = np.zeros((len(leaves), n_outputs))
        turns[np.arange(len(leaves)), tree % n_outputs] = values[:, 0]
        values = turns
    n_parts = max(1, -(-len(leaves) // LEAVES_AT_ONCE))
    parts = zip(np.array_split(leaves, n_parts), np.array_split(values, n_parts), strict=True)
    return [_paths(flat, parent, is_left, share, *part) for part in parts]


def goes_left(flat: FlatTrees, row: Reals) -> npt.NDArray[np.bool_]:
    """Return for every node whether a row of shape (n_features,) goes left there."""
    missing = np.isnan(row)
    left = row[flat.feature] <= flat.threshold
    if flat.goes_left is not None and flat.row_of is not None:
        codes = np.clip(np.where(missing, 0, row), 0, flat.goes_left.shape[1] - 1).astype(np.intp)
        coded = flat.row_of >= 0
        left[coded] = flat.goes_left[flat.row_of[coded], codes[flat.feature[coded]]]
    return np.where(missing[flat.feature], flat.missing_left, left)


def _paths(
    flat: FlatTrees, parent: Ints, is_left: npt.NDArray[np.bool_], share: Floats, leaves: Ints, values: Floats
) -> Paths:
    climbed, leaf, at = [], np.arange(len(leaves)), leaves
    while len(leaf := leaf[(up := parent[at]) >= 0]):
        at = at[up >= 0]
        climbed.append((leaf, parent[at], is_left[at], share[at]))
        at = parent[at]
    alone = np.ones(len(leaves), dtype=bool)
    if not climbed:
        empty = np.zeros(0, dtype=np.intp)
        return Paths(
            empty, empty.astype(bool), empty, empty, empty.astype(float), empty, empty, values[:0], values.sum(axis=0)
        )
    of_leaf, node, side, each = (np.concatenate(part) for part in zip(*climbed, strict=True))
    column = flat.feature[node]
    order = np.lexsort((column, of_leaf))
    of_leaf, node, side, each, column = of_leaf[order], node[order], side[order], each[order], column[order]
    slot_at = np.flatnonzero(np.r_[True, (of_leaf[1:] != of_leaf[:-1]) | (column[1:] != column[:-1])])
    of_slot = of_leaf[slot_at]
    leaf_at = np.flatnonzero(np.r_[True, of_slot[1:] != of_slot[:-1]])
    alone[of_slot] = False
    shares = np.multiply.reduceat(each, slot_at)
    reached = np.multiply.reduceat(shares, leaf_at)
    kept = values[of_slot[leaf_at]]
    return Paths(
        node=node,
        is_left=side,
        slot_at=slot_at,
        feature=column[slot_at],
        share=shares,
        leaf_at=leaf_at,
        leaf_of=np.repeat(np.arange(len(leaf_at)), np.diff(np.r_[leaf_at, len(slot_at)])),
        values=kept,
        base=values[alone].sum(axis=0) + (reached[:, None] * kept).sum(axis=0),
    )
