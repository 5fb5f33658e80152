"""The step `category_from_number`: numbers become categories at edges that the spec names."""

from __future__ import annotations

from itertools import pairwise
from typing import Annotated, Literal, Self

import numpy as np
from pydantic import Field, model_validator

from penstock.blocks import Blocks, require
from penstock.slices import Words
from penstock.steps.base import NUMBERS, CellStep, Kinds, StepBase
from penstock.steps.categories.edges import Give, binned, labels_of


class CategoryFromNumber(CellStep, StepBase):
    """Cut numbers at `edges` into categories: each holds its lower edge and not its upper one.

    `labels` name the categories, one more than there are edges; `give: number` counts them from 0 instead.

    Examples
    --------
    >>> import pandas as pd
    >>> frame = pd.DataFrame({"age": [3.0, 18.0, 70.0, None]})
    >>> step = CategoryFromNumber(columns=("age",), edges=(18, 65), labels=("child", "adult", "old"))
    >>> step.apply(frame)["age"].tolist()
    ['child', 'adult', 'old', nan]
    >>> CategoryFromNumber(columns=("age",), edges=(18, 65)).apply(frame)["age"].tolist()
    ['< 18', '18 to 65', '>= 65', nan]
    """

    kind: Literal["category_from_number"] = "category_from_number"
    columns: Words
    edges: Annotated[tuple[Annotated[float, Field(allow_inf_nan=False)], ...], Field(min_length=1)]
    labels: Words = ()
    give: Give = "category"

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if any(low >= high for low, high in pairwise(self.edges)):
            raise ValueError("`edges` must rise, each above the one before")
        if self.labels and self.give == "number":
            raise ValueError("`labels` name categories, and `give: number` asks for none")
        if self.labels and (len(self.labels) != len(self.edges) + 1 or len(set(self.labels)) < len(self.labels)):
            raise ValueError(f"{len(self.edges)} edges make {len(self.edges) + 1} categories, each with its own label")
        return self

    def columns_after(self, kinds: Kinds) -> Kinds:
        """Return the columns, the named ones as categories or whole numbers.

        Raises
        ------
        PlanError
            A named column is absent or no number.
        """
        return self.turned(self.columns, kinds, NUMBERS, "category" if self.give == "category" else "integer")

    def on(self, blocks: Blocks) -> Blocks:
        """Return the blocks with categories."""
        require(self.columns, blocks.number_names)
        edges, labels = np.array(self.edges), self.labels or labels_of(self.edges)
        return blocks.with_columns(
            {name: binned(blocks.number(name), edges, labels, self.give) for name in self.columns}
        )
