"""The step `extract`: parts of a text become columns."""

from __future__ import annotations

from typing import Literal

from pydantic import field_validator

from penstock.blocks import Blocks, require
from penstock.steps.base import TEXTS, CellStep, Kinds, StepBase
from penstock.steps.checking import with_new
from penstock.steps.text.patterns import checked_groups, extracted


class Extract(CellStep, StepBase):
    """Add a column for each named group of a `pattern`, holding what the first match in a column's text has there.

    The pattern is in RE2's syntax, and is looked for anywhere in the text. Where it does not match, or a group is
    empty, the new columns are missing. They are categories: `cast` makes numbers of them.

    Examples
    --------
    >>> import pandas as pd
    >>> frame = pd.DataFrame({"cabin": pd.array(["C85", "E 46", "?", None], dtype="str")})
    >>> Extract(column="cabin", pattern="(?P<deck>[A-Z]) ?(?P<number>[0-9]+)").apply(frame)["deck"].tolist()
    ['C', 'E', nan, nan]
    >>> Extract(column="cabin", pattern="[A-Z]")
    Traceback (most recent call last):
    pydantic_core._pydantic_core.ValidationError: ...names no group...
    """

    kind: Literal["extract"] = "extract"
    column: str
    pattern: str

    @field_validator("pattern")
    @classmethod
    def _reads(cls, pattern: str) -> str:
        checked_groups(pattern)
        return pattern

    def columns_after(self, kinds: Kinds) -> Kinds:
        """Return the columns and one for each group.

        Raises
        ------
        PlanError
            The column is absent or no text, or a group has the name of a column.
        """
        self.check_columns([self.column], kinds, TEXTS)
        return with_new(self.name, kinds, dict.fromkeys(checked_groups(self.pattern), "category"))

    def on(self, blocks: Blocks) -> Blocks:
        """Return the blocks with what was extracted."""
        require([self.column], blocks.texts)
        texts = blocks.texts[self.column]
        made = {}
        for name, parts in extracted(texts.levels, self.pattern, checked_groups(self.pattern)).items():
            table = dict(zip(texts.levels, parts, strict=True))
            made[name] = texts.mapped(lambda text, table=table: None if text is None else table[text])  # type: ignore[misc]
        return blocks.with_texts(made)
