"""The leaves that many rows come to, found by masks in place of walks.

After QuickScorer (Lucchese et al., SIGIR 2015): a bit stands for a leaf of a tree. What a row has in one column leaves
some leaves of each tree within reach; what is within reach by every column is the leaf that the row comes to. A column
has few kinds of values, as far as trees can tell them apart, so what each leaves within reach is a table made once. A
walk's branches cannot be foreseen by the processor; here are none, and NumPy does a hundred trees at once.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from penstock.bundle.kernel.engines.engine import Floats
from penstock.bundle.kernel.engines.treetext import CODES, IS_NAN, LEFT, WORD

Masks = npt.NDArray[np.unsignedinteger[Any]]
# Trees in one table: its rows have to stay in the cache while many rows pass.
TREES_AT_ONCE = 256
# One for each bit.
MOST_LEAVES = 64
# Columns that trees tell into few kinds share a table, as long as it stays so small: each costs a look-up for a tree.
SHARED_CELLS = 256
MISSING_KIND = 12
# As LightGBM's predictor reads numbers.
NEAR_ZERO = float(np.float32(1e-35))


class Unfit(ValueError):
    """Trees that masks are not for: too many leaves, tables too large, or a kind of node that is not known here."""


@dataclass
class Splits:
    """The nodes that split one column: where its values lead, and the bits of the leaves below either side."""

    trees: list[int] = field(default_factory=list)
    thresholds: list[float] = field(default_factory=list)
    missing_left: list[bool] = field(default_factory=list)
    codes: list[tuple[int, ...] | None] = field(default_factory=list)
    left: list[int] = field(default_factory=list)
    right: list[int] = field(default_factory=list)

    def add(
        self, tree: int, threshold: float, missing_left: bool, codes: tuple[int, ...] | None, left: int, right: int
    ) -> None:
        """Take in a node; `codes` lead left where it compares codes."""
        self.trees.append(tree)
        self.thresholds.append(threshold)
        self.missing_left.append(missing_left)
        self.codes.append(codes)
        self.left.append(left)
        self.right.append(right)


class QuickScorer:
    """Some trees of an estimator, ready to be asked for many rows. Any number of threads may ask at once.

    Parameters
    ----------
    trees : sequence of str
        As the functions of `treetext` return them.

    Raises
    ------
    Unfit
        A tree has more than 64 leaves, or what its nodes compare is not known here.
    """

    def __init__(self, trees: Sequence[str]) -> None:
        columns: dict[int, Splits] = {}
        roots = [_read(i, text, columns) for i, text in enumerate(trees)]
        most = max(root.bit_length() for root in roots)
        if most > MOST_LEAVES:
            raise Unfit(f"a tree has {most} leaves")
        self._wide = most > 32
        self._all: Masks = np.array(roots, dtype=np.uint64 if self._wide else np.uint32)
        made = [_column(at, splits, self._all) for at, splits in sorted(columns.items())]
        self._tables = _shared(sorted(made, key=lambda column: len(column.table)))
        # One array, so that a row finds what all columns leave within reach in one look.
        self._stack = np.concatenate([self._all[None], *(table for _, table in self._tables)])
        self._by_hand: list[tuple[int, list[tuple[int, list[float] | None, int]]]] = []
        first = 1
        for i, (together, table) in enumerate(self._tables):
            self._tables[i] = together, self._stack[first : first + len(table)]
            self._by_hand.append((first, [(column.at, column.listed, column.n_cells) for column in together]))
            first += len(table)

    @property
    def nbytes(self) -> int:
        """What the tables take, in bytes."""
        return self._stack.nbytes

    def leaves_of(self, row: Sequence[float]) -> npt.NDArray[np.integer[Any]]:
        """Return what `leaves` does of one row, sooner: shape (n_trees,)."""
        at = [0]
        # Written out: a call for each of the columns would cost as much as all else.
        for first, parts in self._by_hand:
            cell = 0
            for place, thresholds, n_cells in parts:
                value = row[place]
                cell *= n_cells
                if value != value:  # noqa: PLR0124  # NaN alone
                    cell += n_cells - 1
                elif thresholds is not None:
                    cell += bisect_left(thresholds, value)
                else:
                    cell += int(value) if -1.0 < value < n_cells - 2 else n_cells - 2
            at.append(first + cell)
        return self._numbers(np.bitwise_and.reduce(self._stack.take(at, axis=0), axis=0))

    def leaves(self, X: Floats) -> npt.NDArray[np.integer[Any]]:
        """Return the leaf that each tree comes to, for float64 rows of shape (n_rows, n_features).

        Returns
        -------
        numpy.ndarray
            Shape (n_rows, n_trees): LightGBM's numbers of leaves.
        """
        within = np.empty((len(X), len(self._all)), dtype=self._all.dtype)
        within[:] = self._all
        one = np.empty_like(within)
        for columns, table in self._tables:
            cells = columns[0].cells(X)
            for column in columns[1:]:
                cells = cells * column.n_cells + column.cells(X)
            table.take(cells, axis=0, out=one, mode="clip")
            np.bitwise_and(within, one, out=within)
        return self._numbers(within)

    def _numbers(self, within: Masks) -> npt.NDArray[np.integer[Any]]:
        """Return which bit is set in each: the exponent of its value, which a float holds without loss."""
        if self._wide:
            return (within.astype(np.float64).view(np.int64) >> 52) - 1023
        return (within.astype(np.float32).view(np.int32) >> 23) - 127


class Numbers:
    """A column that trees split at thresholds: between two of them nothing tells values apart."""

    def __init__(self, at: int, splits: Splits, all_leaves: Masks) -> None:
        self.at = at
        told = _near_zero(np.array(splits.thresholds))
        self.thresholds = np.unique(told)
        self.listed: list[float] | None = self.thresholds.tolist()
        last = len(self.thresholds)
        self.n_cells = last + 2
        rank, tree = self.thresholds.searchsorted(told), np.array(splits.trees)
        not_left = ~np.array(splits.left, dtype=all_leaves.dtype)
        not_right = ~np.array(splits.right, dtype=all_leaves.dtype)
        shape = (last + 2, len(all_leaves))
        # Above a threshold nothing of its left side is within reach; at it and below, nothing of its right side.
        above, below = (np.full(shape, ~all_leaves.dtype.type(0)) for _ in range(2))
        np.bitwise_and.at(above, (rank + 1, tree), not_left)
        np.bitwise_and.at(below, (rank, tree), not_right)
        np.bitwise_and.accumulate(above[: last + 1], axis=0, out=above[: last + 1])
        np.bitwise_and.accumulate(below[last::-1], axis=0, out=below[last::-1])
        self.table: Masks = above & below & all_leaves
        missing_left = np.array(splits.missing_left)
        missing = self.table[last + 1]
        missing[:] = all_leaves
        np.bitwise_and.at(missing, tree, np.where(missing_left, not_right, not_left))

    def cells(self, X: Floats) -> npt.NDArray[np.intp]:
        """Return the row of the table for each row: how many thresholds lie below, the last for a missing value."""
        values = X[:, self.at]
        found = self.thresholds.searchsorted(values)
        found[np.isnan(values)] = self.n_cells - 1
        return found


class Codes:
    """A column of codes: each that some node names is told apart, all others are alike, and so are missing ones."""

    listed: list[float] | None = None

    def __init__(self, at: int, splits: Splits, all_leaves: Masks) -> None:
        self.at = at
        self.n_codes = 1 + max(max(codes or (0,)) for codes in splits.codes)
        self.n_cells = self.n_codes + 2
        self.table = np.tile(all_leaves, (self.n_cells, 1))
        both = zip(splits.trees, splits.left, splits.right, strict=True)
        for i, (tree, left, right) in enumerate(both):
            leads_left = np.zeros(self.n_cells, dtype=bool)
            if (codes := splits.codes[i]) is not None:
                leads_left[list(codes)] = True
            elif splits.thresholds[i] == np.inf:
                leads_left[:] = True
            else:
                raise Unfit("codes are compared with a number")
            leads_left[-1] = splits.missing_left[i]
            self.table[:, tree] &= ~np.where(leads_left, all_leaves.dtype.type(right), all_leaves.dtype.type(left))

    def cells(self, X: Floats) -> npt.NDArray[np.intp]:
        """Return the row of the table for each row: its code, or one of the last two."""
        codes = np.trunc(X[:, self.at])
        other = ~((codes >= 0) & (codes < self.n_codes))
        found = np.where(other, self.n_codes, codes).astype(np.intp)
        found[np.isnan(codes)] = self.n_codes + 1
        return found


def _near_zero(thresholds: Floats) -> Floats:
    """Return thresholds that send what is nearer to 0 than LightGBM's predictor sees where it sends 0."""
    near = np.abs(thresholds) <= NEAR_ZERO
    below = np.nextafter(-NEAR_ZERO, -np.inf)
    return np.where(near, np.where(thresholds < 0.0, below, NEAR_ZERO), thresholds)


def _column(at: int, splits: Splits, all_leaves: Masks) -> Numbers | Codes:
    kind = Numbers if all(codes is None for codes in splits.codes) else Codes
    return kind(at, splits, all_leaves)


def _shared(columns: Sequence[Numbers | Codes]) -> list[tuple[list[Numbers | Codes], Masks]]:
    """Return columns, smallest first, with tables: one for several columns where its rows are few all the same."""
    made: list[tuple[list[Numbers | Codes], Masks]] = []
    for column in columns:
        if made and len(made[-1][1]) * len(column.table) <= SHARED_CELLS:
            together, table = made[-1]
            both = (table[:, None, :] & column.table).reshape(-1, table.shape[1])
            made[-1] = ([*together, column], both)
        else:
            made.append(([column], column.table))
    return made


def n_leaves(tree: str) -> int:
    """Return how many leaves a tree has, as `treetext` writes it."""
    # It is told at the very beginning.
    return int(tree[:40].partition("num_leaves=")[2].partition("\n")[0])


def _read(number: int, text: str, columns: dict[int, Splits]) -> int:
    """Take in the nodes of a tree, and return the bits of its leaves."""
    lines = {name: told for name, _, told in (line.partition("=") for line in text.splitlines())}
    if "split_feature" not in lines:
        return 1
    return _Reader(number, lines, columns).read()


class _Reader:
    """One tree, as `treetext` writes it."""

    def __init__(self, number: int, lines: dict[str, str], columns: dict[int, Splits]) -> None:
        self.number, self.columns = number, columns
        self.column = [*map(int, lines["split_feature"].split())]
        self.threshold = [*map(float, lines["threshold"].split())]
        self.kind = [*map(int, lines["decision_type"].split())]
        self.left = [*map(int, lines["left_child"].split())]
        self.right = [*map(int, lines["right_child"].split())]
        self.ends = [*map(int, lines.get("cat_boundaries", "").split())]
        self.words = [*map(int, lines.get("cat_threshold", "").split())]

    def read(self) -> int:
        nodes = range(len(self.column))
        children_follow = all(
            (left < 0 or left > node) and (right < 0 or right > node)
            for node, left, right in zip(nodes, self.left, self.right, strict=True)
        )
        if children_follow and not any(self._codes_behind(node) is not None for node in nodes):
            return self._upwards()
        return self._below(0)

    def _upwards(self) -> int:
        """Read node by node, children before their parents: sooner than from the root down."""
        below = [0] * len(self.column)
        for node in range(len(below) - 1, -1, -1):
            left, right = self.left[node], self.right[node]
            below[node] = self._take(
                node,
                below[left] if left >= 0 else 1 << (-1 - left),
                below[right] if right >= 0 else 1 << (-1 - right),
            )
        return below[0]

    def _below(self, node: int) -> int:
        """Read a node and all below it, and return the bits of its leaves."""
        if node < 0:
            return 1 << (-1 - node)
        inner = self._codes_behind(node)
        if inner is None:
            return self._take(node, self._below(self.left[node]), self._below(self.right[node]))
        # Two nodes that are one: the first leads missing values to a child of the second.
        missing_left = self.left[inner] == self.right[node]
        left, right = self._below(self.left[inner]), self._below(self.right[inner])
        return self._take(inner, left, right, missing_left)

    def _take(self, node: int, left: int, right: int, missing_left: bool = False) -> int:
        if left & right:
            raise Unfit("two nodes share a child")
        codes = None
        if self.kind[node] & CODES:
            codes = self._named(node)
        else:
            missing_left = self._missing_left(node)
        splits = self.columns.get(self.column[node])
        if splits is None:
            splits = self.columns[self.column[node]] = Splits()
        splits.add(self.number, self.threshold[node], missing_left, codes, left, right)
        return left | right

    def _codes_behind(self, node: int) -> int | None:
        """Return the node that compares the codes of a node that leads missing values alone elsewhere."""
        if self.kind[node] != IS_NAN or self.threshold[node] != np.inf or self.left[node] < 0:
            return None
        inner = self.left[node]
        children = self.left[inner], self.right[inner]
        alike = self.kind[inner] & CODES and self.column[inner] == self.column[node]
        return inner if alike and self.right[node] in children else None

    def _missing_left(self, node: int) -> bool:
        how = self.kind[node] & MISSING_KIND
        if how == IS_NAN:
            return bool(self.kind[node] & LEFT)
        if how:
            raise Unfit("zero stands for a missing value")
        return self.threshold[node] >= 0.0

    def _named(self, node: int) -> tuple[int, ...]:
        which = int(self.threshold[node])
        words = self.words[self.ends[which] : self.ends[which + 1]]
        return tuple(i * WORD + bit for i, word in enumerate(words) for bit in range(WORD) if word >> bit & 1)


def scorers(trees: Sequence[str], most_bytes: int) -> list[tuple[int, int, QuickScorer]]:
    """Return trees in tables of some at once, each with the places of its first tree and of the one after its last.

    Parameters
    ----------
    trees : sequence of str
        As the functions of `treetext` return them.
    most_bytes : int
        What the tables may take together.

    Raises
    ------
    Unfit
        Masks are not for them.
    """
    made = []
    for start in range(0, len(trees), TREES_AT_ONCE):
        one = QuickScorer(trees[start : start + TREES_AT_ONCE])
        most_bytes -= one.nbytes
        if most_bytes < 0:
            raise Unfit("the tables are too large")
        made.append((start, min(start + TREES_AT_ONCE, len(trees)), one))
    return made
