"""The step `split`: a text cut at a separator."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, model_validator

from penstock.blocks import Blocks, Texts, require
from penstock.steps.base import TEXTS, CellStep, Kinds, StepBase
from penstock.steps.checking import with_new


class SplitText(CellStep, StepBase):
    """Cut a column's texts at a separator: add the first `parts` parts as columns, or keep the one that `take` counts.

    The added columns are `<column>_1`, `<column>_2` and so on, and the column stays. `take` counts from 1, or from the
    end with -1, and puts the part in the column's place. Parts are trimmed; one that is not there is missing.

    Examples
    --------
    >>> import pandas as pd
    >>> frame = pd.DataFrame({"path": pd.array(["a / b / c", "a", None], dtype="str")})
    >>> SplitText(column="path", by="/", parts=2).apply(frame)["path_2"].tolist()
    ['b', nan, nan]
    >>> SplitText(column="path", by="/", take=-1).apply(frame)["path"].tolist()
    ['c', 'a', nan]
    """

    kind: Literal["split"] = "split"
    column: str
    by: str = Field(min_length=1)
    parts: int | None = Field(default=None, ge=1, le=50)
    take: int | None = None

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        if (self.parts is None) == (self.take is None):
            raise ValueError("it takes either `parts`, how many columns to add, or `take`, which part to keep")
        if self.take == 0:
            raise ValueError("`take` counts from 1, or from the end with -1")
        return self

    def columns_after(self, kinds: Kinds) -> Kinds:
        """Return the columns and those that are added.

        Raises
        ------
        PlanError
            The column is absent or no text, or the name of an added one is taken.
        """
        self.check_columns([self.column], kinds, TEXTS)
        return with_new(self.name, kinds, dict.fromkeys(self._names, kinds[self.column]))

    def on(self, blocks: Blocks) -> Blocks:
        """Return the blocks with parts."""
        require([self.column], blocks.texts)
        texts = blocks.texts[self.column]
        if self.take is not None:
            return blocks.with_texts({self.column: self._part(texts, self.take)})
        return blocks.with_texts({name: self._part(texts, i + 1) for i, name in enumerate(self._names)})

    @property
    def _names(self) -> tuple[str, ...]:
        return tuple(f"{self.column}_{i + 1}" for i in range(self.parts or 0))

    def _part(self, texts: Texts, count: int) -> Texts:
        def part(text: str | None) -> str | None:
            parts = [] if text is None else text.split(self.by)
            there = abs(count) <= len(parts)
            return (parts[count - 1 if count > 0 else count].strip() or None) if there else None

        return texts.mapped(part)
