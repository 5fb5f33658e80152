"""The step `count_missing`: how much a row leaves out."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from penstock.blocks import Blocks
from penstock.steps.base import MOMENTS, NUMBERS, TEXTS, CellStep, ColumnStep, Kinds
from penstock.steps.made import add_columns
from penstock.steps.missing.flags import missing_in


class CountMissing(CellStep, ColumnStep):
    """Count in a further column how many of a row's values are missing.

    Examples
    --------
    >>> import pandas as pd
    >>> frame = pd.DataFrame({"age": [None, 41.0], "dose": [None, 2.0], "city": ["Oslo", None]})
    >>> CountMissing().apply(frame)["missing_count"].tolist()
    [2.0, 1.0]
    >>> CountMissing(into="age").columns_after({"age": "float"})
    Traceback (most recent call last):
    penstock.errors.PlanError: The step `count_missing` would make a second column 'age'
    ...
    """

    suits: ClassVar[frozenset[str]] = NUMBERS | TEXTS | MOMENTS

    kind: Literal["count_missing"] = "count_missing"
    into: str = Field(default="missing_count", min_length=1)

    def columns_after(self, kinds: Kinds) -> Kinds:
        """Return the columns, and the count.

        Raises
        ------
        PlanError
            A named column is absent, or the count's name is taken.
        """
        return add_columns(self.name, super().columns_after(kinds), (self.into,), "integer")

    def on(self, blocks: Blocks) -> Blocks:
        """Return the blocks with the count."""
        missing = missing_in(blocks, blocks.names if self.columns is None else self.columns)
        return blocks.with_more_numbers((self.into,), missing.sum(axis=1, keepdims=True))
