"""The step `ordinal`: levels that have an order become their place in it."""

from __future__ import annotations

from typing import Annotated, Literal

import numpy as np
from pydantic import Field, field_validator

from penstock.blocks import Blocks, require
from penstock.slices import Words
from penstock.steps.base import TEXTS, CellStep, Kinds, StepBase


class Ordinal(CellStep, StepBase):
    """Put 0, 1, 2 and so on for levels in the order in which `levels` names them; for any other text nothing.

    Examples
    --------
    >>> import pandas as pd
    >>> frame = pd.DataFrame({"size": pd.array(["M", "S", "XL", None], dtype="str")})
    >>> Ordinal(columns=("size",), levels=("S", "M", "L")).apply(frame)["size"].tolist()
    [1.0, 0.0, nan, nan]
    """

    kind: Literal["ordinal"] = "ordinal"
    columns: Words
    levels: Annotated[Words, Field(min_length=2)]

    @field_validator("levels")
    @classmethod
    def _apart(cls, levels: tuple[str, ...]) -> tuple[str, ...]:
        twice = next((level for level in levels if levels.count(level) > 1), None)
        if twice is not None:
            raise ValueError(f"the level {twice!r} stands in two places")
        return levels

    def columns_after(self, kinds: Kinds) -> Kinds:
        """Return the columns, the named ones as whole numbers.

        Raises
        ------
        PlanError
            A named column is absent or no text.
        """
        return self.turned(self.columns, kinds, TEXTS, "integer")

    def on(self, blocks: Blocks) -> Blocks:
        """Return the blocks with places instead of levels."""
        require(self.columns, blocks.texts)
        places = {level: float(i) for i, level in enumerate(self.levels)}
        made = {}
        for name in self.columns:
            texts = blocks.texts[name]
            made[name] = np.array([*(places.get(level, np.nan) for level in texts.levels), np.nan])[texts.codes]
        return blocks.with_columns(made)
