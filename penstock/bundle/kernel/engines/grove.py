"""Trees of several estimators planted as few models: one call walks all that read the same rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import zip_longest
from typing import Any

import numpy as np
import numpy.typing as npt

from penstock.bundle.kernel.engines.sources import LookedUpTrees, Source, SummedTrees
from penstock.bundle.kernel.engines.treetext import NOTHING, with_values, written


@dataclass(frozen=True)
class Summed:
    """Trees of one estimator whose values are summed in float64; they take turns, one for each sum."""

    encoding: str
    trees: Sequence[str]
    n_features: int
    width: int


@dataclass(frozen=True)
class Leafy:
    """Trees of one estimator with the values of each one's leaves, of shape (n_leaves, n_values); `turns` take turns."""

    encoding: str
    trees: Sequence[str]
    values: Sequence[npt.NDArray[np.floating[Any]]]
    n_features: int
    turns: int

    @property
    def width(self) -> int:
        """How many sums there are."""
        return self.turns * int(self.values[0].shape[1])


@dataclass
class Grove:
    """What has been found so far: groups of trees that can be walked together, and other sources."""

    groups: dict[tuple[str, ...], list[Any]] = field(default_factory=dict)

    def add(self, made: Source | Summed | Leafy) -> tuple[int, int]:
        """Take in one estimator's part; return its group, and in which column of that its scores begin."""
        if isinstance(made, Summed):
            key: tuple[str, ...] = ("summed", made.encoding)
        elif isinstance(made, Leafy):
            key = ("leafy", made.encoding, made.values[0].dtype.str, str(made.values[0].shape[1]))
        else:
            key = ("other", str(len(self.groups)))
        group = self.groups.setdefault(key, [])
        first = sum(part.width for part in group)
        group.append(made)
        return list(self.groups).index(key), first

    def planted(self) -> list[Source]:
        """Return a source for each group."""
        return [_planted(group) for group in self.groups.values()]


def _planted(group: Sequence[Any]) -> Source:
    first = group[0]
    if isinstance(first, Summed):
        width = sum(part.width for part in group)
        rounds = [[part.trees[i : i + part.width] for i in range(0, len(part.trees), part.width)] for part in group]
        # An estimator that has no more trees adds nothing.
        still = [[NOTHING] * part.width for part in group]
        trees = [
            tree
            for turn in zip_longest(*rounds)
            for own, none in zip(turn, still, strict=True)
            for tree in (none if own is None else own)
        ]
        return SummedTrees(first.encoding, written(trees, first.n_features, width), first.n_features, width)
    if isinstance(first, Leafy):
        values = [each for part in group for each in part.values]
        numbered = [with_values(tree, [0] * len(each)) for tree, each in _pairs(group)]
        starts = np.cumsum([0, *(len(each) for each in values)])[:-1]
        return LookedUpTrees(
            first.encoding,
            written(numbered, first.n_features, 1),
            first.n_features,
            starts,
            np.ascontiguousarray(np.concatenate(values)),
            [(len(part.trees), part.turns) for part in group],
        )
    return first  # type: ignore[no-any-return]  # it is a source of its own


def _pairs(group: Sequence[Leafy]) -> list[tuple[str, npt.NDArray[np.floating[Any]]]]:
    return [pair for part in group for pair in zip(part.trees, part.values, strict=True)]
