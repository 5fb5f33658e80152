"""The step `drop`: columns go."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from penstock.blocks import Blocks, require
from penstock.slices import Words
from penstock.steps.base import MOMENTS, NUMBERS, TEXTS, CellStep, Kinds, StepBase


class Drop(CellStep, StepBase):
    """Take columns out.

    Examples
    --------
    >>> import pandas as pd
    >>> Drop(columns=("b",)).apply(pd.DataFrame({"a": [1.0], "b": [2.0]})).columns.tolist()
    ['a']
    >>> Drop(columns=("c",)).columns_after({"a": "float", "b": "float"})
    Traceback (most recent call last):
    penstock.errors.PlanError: The step `drop` names a column 'c' that is not there...
    """

    kind: Literal["drop"] = "drop"
    columns: Annotated[Words, Field(min_length=1)]

    def columns_after(self, kinds: Kinds) -> Kinds:
        """Return the columns that stay.

        Raises
        ------
        PlanError
            A named column is absent.
        """
        self.check_columns(self.columns, kinds, NUMBERS | TEXTS | MOMENTS)
        return {name: kind for name, kind in kinds.items() if name not in self.columns}

    def on(self, blocks: Blocks) -> Blocks:
        """Return the blocks without the columns."""
        require(self.columns, blocks.names)
        return blocks.without(self.columns)
