"""Trees of any library in the text form of LightGBM's models, so that one predictor walks them all.

Three things differ between libraries, and all are settled here, once: the dtype in which a row is compared, where
missing values and codes lead, and which way "equal" goes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from penstock.bundle.kernel.engines.engine import Floats, NoKernel

# How LightGBM writes a node: it compares codes, missing goes left, missing is NaN.
CODES, LEFT, IS_NAN = 1, 2, 8
WORD = 32
# What of a tree of LightGBM's own model counts for prediction.
KEPT = (
    *("num_leaves=", "num_cat=", "split_feature=", "threshold=", "decision_type=", "left_child=", "right_child="),
    *("cat_boundaries=", "cat_threshold="),
)


def widened(thresholds: npt.NDArray[np.floating[Any]]) -> Floats:
    """Return for thresholds of rows that are cast to float32 those that say the same of the float64 rows.

    Parameters
    ----------
    thresholds : numpy.ndarray
        A cast value that is no larger leads left.

    Returns
    -------
    numpy.ndarray
        For each the largest float64 that is no larger than the threshold once it is cast.

    Examples
    --------
    >>> edge = widened(np.array([0.1]))[0]
    >>> bool(np.float32(edge) <= 0.1 < float(np.float32(np.nextafter(edge, 1.0))))
    True
    """
    t = np.asarray(thresholds, dtype=np.float64)
    # Where missing values alone split from the others the threshold is infinite, and stays so.
    ends, t = ~np.isfinite(t), np.where(np.isfinite(t), t, 0.0)
    below = t.astype(np.float32)
    below = np.where(below.astype(np.float64) > t, np.nextafter(below, np.float32(-np.inf)), below)
    above = np.nextafter(below, np.float32(np.inf))
    middle = below.astype(np.float64) + (above.astype(np.float64) - below.astype(np.float64)) / 2
    # In the middle a cast takes the neighbour whose last bit is 0.
    even = (below.view(np.uint32) & 1) == 0
    edge = np.where(even, middle, np.nextafter(middle, -np.inf))
    return np.where(ends, np.asarray(thresholds, dtype=np.float64), edge)


def lightgbm_trees(text: str) -> tuple[list[str], list[Floats]]:
    """Return the trees of a LightGBM model's text without what prediction does not read, and their leaves' values."""
    trees = text.partition("end of trees")[0].split("Tree=")[1:]
    blocks, values = [], []
    for tree in trees:
        lines = tree.splitlines()[1:]
        if any(line.startswith("is_linear=1") for line in lines):
            raise NoKernel("trees with linear leaves have no compiled form")
        told = next(line for line in lines if line.startswith("leaf_value=")).partition("=")[2].split()
        values.append(np.array([float(v) for v in told]))
        kept = [line for line in lines if line.startswith(KEPT)]
        blocks.append("\n".join([*kept, _no_values(len(told))]) + "\n")
    return blocks, values


def flat_trees(flat: Any, *, narrow: bool, missing_left: bool = False) -> tuple[list[str], list[npt.NDArray[np.intp]]]:
    """Return flat trees as text, and for each tree the nodes that are its leaves, in the order of their numbers.

    Parameters
    ----------
    flat : FlatTrees
        As estimators keep them: `<=` leads left, and a leaf leads to itself.
    narrow : bool
        Whether they compare rows that are cast to float32.
    missing_left : bool
        Whether a missing value always leads left, whatever the nodes say.
    """
    own = np.arange(len(flat.feature), dtype=np.intp)
    leaf = flat.children[0::2] == own
    threshold = widened(flat.threshold) if narrow else np.asarray(flat.threshold, dtype=np.float64)
    ends = [*flat.roots[1:].tolist(), len(own)]
    texts, leaves = [], []
    for start, end in zip(flat.roots.tolist(), ends, strict=True):
        texts.append(_Tree(flat, start, end, leaf, threshold, missing_left).text())
        leaves.append(start + np.flatnonzero(leaf[start:end]))
    return texts, leaves


class _Tree:
    """One of the flat trees as LightGBM numbers it: inner nodes from 0, leaves from -1 downwards."""

    def __init__(
        self, flat: Any, start: int, end: int, leaf: npt.NDArray[np.bool_], threshold: Floats, missing_left: bool
    ) -> None:
        leaf = leaf[start:end]
        inner = np.flatnonzero(~leaf)
        self.n_leaves = int(leaf.sum())
        number = np.empty(end - start, dtype=np.int64)
        number[inner] = np.arange(len(inner))
        number[leaf] = -1 - np.arange(self.n_leaves)
        at = start + inner
        self.left = number[flat.children[2 * at + 1] - start].tolist()
        self.right = number[flat.children[2 * at] - start].tolist()
        self.feature = flat.feature[at].tolist()
        self.threshold: list[float] = threshold[at].tolist()
        missing = np.full(len(at), True) if missing_left else flat.missing_left[at]
        self.kind = np.where(missing, IS_NAN | LEFT, IS_NAN).tolist()
        self.bits: list[list[int]] = []
        if flat.row_of is not None:
            for i, row in enumerate(flat.row_of[at].tolist()):
                if row >= 0:
                    self._compare_codes(i, flat.goes_left[row], bool(missing[i]))

    def _compare_codes(self, i: int, goes_left: npt.NDArray[np.bool_], missing_left: bool) -> None:
        """Make a node compare codes; LightGBM leads missing codes, and those it does not name, right."""
        others_left = bool(goes_left[-1])
        left, right = self.left[i], self.right[i]
        if others_left != missing_left:
            # Two nodes: the first sends missing values where they belong, and all else to the second.
            self.threshold[i], self.kind[i] = np.inf, IS_NAN
            self.left[i], self.right[i] = len(self.left), left if missing_left else right
            self.feature.append(self.feature[i])
            i = len(self.left)
            for column in (self.left, self.right, self.threshold, self.kind):
                column.append(0)
        named = np.flatnonzero(goes_left[:-1] != others_left)
        self.left[i], self.right[i] = (right, left) if others_left else (left, right)
        self.kind[i], self.threshold[i] = CODES | IS_NAN, float(len(self.bits))
        words = [0] * (1 + (int(named[-1]) // WORD if len(named) else 0))
        for code in named.tolist():
            words[code // WORD] |= 1 << (code % WORD)
        self.bits.append(words)

    def text(self) -> str:
        """Return it with 0 for the value of every leaf: those are kept elsewhere, in their own dtype."""
        # LightGBM takes a tree of n nodes to have n + 1 leaves; where nodes share a child, some are reached by none.
        n_leaves = len(self.left) + 1 if self.left else self.n_leaves
        parts = [f"num_leaves={n_leaves}", f"num_cat={len(self.bits)}"]
        if self.left:
            parts += [
                f"split_feature={_joined(self.feature)}",
                f"threshold={' '.join(map(repr, self.threshold))}",
                f"decision_type={_joined(self.kind)}",
                f"left_child={_joined(self.left)}",
                f"right_child={_joined(self.right)}",
            ]
        if self.bits:
            ends = np.cumsum([0, *(len(words) for words in self.bits)]).tolist()
            parts += [f"cat_boundaries={_joined(ends)}", f"cat_threshold={_joined([w for b in self.bits for w in b])}"]
        return "\n".join([*parts, _no_values(n_leaves)]) + "\n"


def _no_values(n_leaves: int) -> str:
    return f"leaf_value={' '.join(['0'] * n_leaves)}"


def _joined(numbers: Sequence[int]) -> str:
    return " ".join(map(str, numbers))


def written(trees: Sequence[str], n_features: int) -> bytes:
    """Return trees, as the functions of this module return them, as one model's text for rows of so many features."""
    names = " ".join(f"c{i}" for i in range(n_features))
    head = (
        "tree\nversion=v4\nnum_class=1\nnum_tree_per_iteration=1\nlabel_index=0\n"
        f"max_feature_idx={n_features - 1}\nfeature_names={names}\nfeature_infos={' '.join(['none'] * n_features)}\n"
    )
    blocks = [f"Tree={i}\n{tree}\n" for i, tree in enumerate(trees)]
    # With the sizes LightGBM reads trees in parallel.
    sizes = " ".join(str(len(block)) for block in blocks)
    return f"{head}tree_sizes={sizes}\n\n{''.join(blocks)}end of trees\n".encode()
