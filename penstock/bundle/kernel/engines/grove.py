"""Trees of several estimators planted as one model: one call walks all that read the same rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from penstock.bundle.kernel.engines.sources import Leaves, Source, Trees


@dataclass(frozen=True)
class Planted:
    """Trees of one estimator, with the values of each one's leaves; `turns` of them take turns.

    Attributes
    ----------
    trees : sequence of str
        As `treetext` writes them.
    values : sequence of numpy.ndarray
        For each tree shape (n_leaves, n_values).
    """

    encoding: str
    trees: Sequence[str]
    values: Sequence[npt.NDArray[np.floating[Any]]]
    n_features: int
    turns: int = 1

    @property
    def leaves(self) -> Leaves:
        """The values of all trees."""
        first = np.cumsum([0, *(len(each) for each in self.values)])[:-1]
        return Leaves(first, np.ascontiguousarray(np.concatenate(self.values)), self.turns)

    @property
    def width(self) -> int:
        """How many sums there are."""
        return self.turns * int(self.values[0].shape[1])


@dataclass
class Grove:
    """What has been found so far: trees by the rows that they read, and other sources."""

    groups: dict[str, list[Any]] = field(default_factory=dict)

    def add(self, made: Source | Planted) -> tuple[int, int]:
        """Take in one estimator's part; return its source's place, and in which column of that its scores begin."""
        key = f"trees {made.encoding}" if isinstance(made, Planted) else str(len(self.groups))
        group = self.groups.setdefault(key, [])
        first = sum(part.width for part in group)
        group.append(made)
        return list(self.groups).index(key), first

    def sources(self) -> list[Source]:
        """Return one source for each group."""
        return [_source(group) for group in self.groups.values()]


def _source(group: Sequence[Any]) -> Source:
    first = group[0]
    if not isinstance(first, Planted):
        return first  # type: ignore[no-any-return]  # it is a source of its own
    trees = [tree for part in group for tree in part.trees]
    return Trees(first.encoding, trees, first.n_features, [part.leaves for part in group])
