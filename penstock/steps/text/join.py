"""The step `join_texts`: several texts become one."""

from __future__ import annotations

from typing import Annotated, Literal

import numpy as np
from pydantic import Field

from penstock.blocks import Blocks, Texts, require
from penstock.expressions.values import text_of
from penstock.slices import Words
from penstock.steps.base import TEXTS, CellStep, Kinds, StepBase
from penstock.steps.checking import with_new


class JoinTexts(CellStep, StepBase):
    """Add a column of texts joined: those of some columns, in their order, with `by` between them.

    A text that is missing is left out; where all are, so is the joined one. The columns stay.

    Examples
    --------
    >>> import pandas as pd
    >>> first, last = pd.array(["Ada", None, None], dtype="str"), pd.array(["Byron", "Curie", None], dtype="str")
    >>> frame = pd.DataFrame({"first": first, "last": last})
    >>> JoinTexts(columns=("first", "last"), into="name").apply(frame)["name"].tolist()
    ['Ada Byron', 'Curie', nan]
    """

    kind: Literal["join_texts"] = "join_texts"
    columns: Annotated[Words, Field(min_length=2)]
    into: str = Field(min_length=1)
    by: str = " "

    def columns_after(self, kinds: Kinds) -> Kinds:
        """Return the columns and the joined one.

        Raises
        ------
        PlanError
            A named column is absent or no text, or the name of the joined one is taken.
        """
        self.check_columns(self.columns, kinds, TEXTS)
        return with_new(self.name, kinds, {self.into: "text"})

    def on(self, blocks: Blocks) -> Blocks:
        """Return the blocks with the joined texts."""
        require(self.columns, blocks.texts)
        joined = text_of(self._joined, *(_with_empty(blocks.texts[name]) for name in self.columns))
        return blocks.with_texts({self.into: joined.mapped(lambda text: text or None)})

    def _joined(self, *parts: str) -> str:
        return self.by.join(part for part in parts if part)


def _with_empty(texts: Texts) -> Texts:
    codes = np.where(texts.codes < 0, len(texts.levels), texts.codes)
    return Texts(codes, (*texts.levels, ""))
