"""The step `select`: only some columns stay."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from penstock.blocks import Blocks, require
from penstock.slices import Words
from penstock.steps.base import MOMENTS, NUMBERS, TEXTS, CellStep, Kinds, StepBase


class Select(CellStep, StepBase):
    """Keep some columns and take all others out; they stay in the table's order.

    Examples
    --------
    >>> import pandas as pd
    >>> Select(columns=("b",)).apply(pd.DataFrame({"a": [1.0], "b": [2.0]})).columns.tolist()
    ['b']
    """

    kind: Literal["select"] = "select"
    columns: Annotated[Words, Field(min_length=1)]

    def columns_after(self, kinds: Kinds) -> Kinds:
        """Return the columns that stay.

        Raises
        ------
        PlanError
            A named column is absent.
        """
        self.check_columns(self.columns, kinds, NUMBERS | TEXTS | MOMENTS)
        return {name: kind for name, kind in kinds.items() if name in self.columns}

    def on(self, blocks: Blocks) -> Blocks:
        """Return the blocks with the columns that stay."""
        require(self.columns, blocks.names)
        return blocks.without([name for name in blocks.names if name not in self.columns])
