"""The step `bin`: numbers become categories at edges that are learned."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np
from pydantic import Field

from penstock.blocks import Blocks, require
from penstock.steps.base import NUMBERS, Kinds, Known, Learned, LearnedStep
from penstock.steps.categories.edges import Give, binned, labels_of


@dataclass(frozen=True)
class BinLearned(Learned):
    """The edges of each column, and whether labels or places are given."""

    edges: dict[str, np.ndarray]
    give: Give

    def on(self, blocks: Blocks) -> Blocks:
        """Return the blocks with bins in place of numbers."""
        require(self.edges, blocks.number_names)
        return blocks.with_columns(
            {
                name: binned(blocks.number(name), edges, labels_of(edges.tolist()), self.give)
                for name, edges in self.edges.items()
            }
        )

    def describe(self) -> dict[str, Any]:
        """Return the edges, by column."""
        return {"edges": {name: edges.tolist() for name, edges in self.edges.items()}}


class Bin(LearnedStep):
    """Cut numbers into `bins` categories: of as many training rows each, or by `width` of as wide a range each.

    A category holds its lower edge and not its upper one. Where many rows share a value there are fewer categories.
    `give: number` counts them from 0 instead of naming them.

    Examples
    --------
    >>> import pandas as pd
    >>> learned = Bin(bins=2).learn(pd.DataFrame({"age": [1.0, 2.0, 3.0, 40.0]}))
    >>> learned.apply(pd.DataFrame({"age": [-5.0, 3.0, None]}))["age"].tolist()
    ['< 3', '>= 3', nan]
    >>> Bin(bins=3, by="width").learn(pd.DataFrame({"age": [0.0, 30.0]})).describe()
    {'edges': {'age': [10.0, 20.0]}}
    """

    suits: ClassVar[frozenset[str]] = NUMBERS

    kind: Literal["bin"] = "bin"
    bins: int = Field(default=5, ge=2, le=254)
    by: Literal["rows", "width"] = "rows"
    give: Give = "category"

    def columns_after(self, kinds: Kinds) -> Kinds:
        """Return the columns, those that are cut as categories or whole numbers.

        Raises
        ------
        PlanError
            A named column is absent or no number.
        """
        after = super().columns_after(kinds)
        names = self.columns if self.columns is not None else [name for name, kind in kinds.items() if kind in NUMBERS]
        turned: Kinds = dict.fromkeys(names, "category" if self.give == "category" else "integer")
        return {**after, **turned}

    def learn_from(self, blocks: Blocks, known: Known | None = None) -> BinLearned:
        """Return the edges; none where training rows have no two values."""
        names = self.numbers_of(blocks)
        require(names, blocks.number_names)
        columns = {name: blocks.number(name) for name in names}
        return BinLearned({name: self._edges(np.sort(v[~np.isnan(v)])) for name, v in columns.items()}, self.give)

    def _edges(self, there: np.ndarray) -> np.ndarray:
        if not len(there):
            return np.empty(0)
        shares = np.arange(1, self.bins) / self.bins
        if self.by == "rows":
            edges = there[(np.arange(1, self.bins) * len(there)) // self.bins]
        else:
            # Both ends are weighed: their difference might be too large to be told.
            edges = there[0] * (1.0 - shares) + there[-1] * shares
        return np.unique(edges[edges > there[0]])
