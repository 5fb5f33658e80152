"""The step `replace`: a part of texts becomes another."""

from __future__ import annotations

from typing import ClassVar, Literal, Self

from pydantic import Field, model_validator

from penstock.blocks import Blocks, Texts, require
from penstock.steps.base import TEXTS, CellStep, ColumnStep
from penstock.steps.text.patterns import checked_pattern, checked_replacement, replaced


class Replace(CellStep, ColumnStep):
    r"""Replace a part of texts, wherever it stands: as it is written, or with `regex` by a pattern in RE2's syntax.

    In `by` of a pattern `\1` is its first group. What is empty then is missing, as an empty cell is.

    Examples
    --------
    >>> import pandas as pd
    >>> frame = pd.DataFrame({"phone": pd.array(["555-123", "-", None], dtype="str")})
    >>> Replace(what="-").apply(frame)["phone"].tolist()
    ['555123', nan, nan]
    >>> Replace(what=r"([0-9]+)-([0-9]+)", by=r"\2 \1", regex=True).apply(frame)["phone"].tolist()
    ['123 555', '-', nan]
    >>> Replace(what="(?=a)", regex=True)
    Traceback (most recent call last):
    pydantic_core._pydantic_core.ValidationError: ...is no regular expression of RE2...
    """

    suits: ClassVar[frozenset[str]] = TEXTS

    kind: Literal["replace"] = "replace"
    what: str = Field(min_length=1)
    by: str = ""
    regex: bool = False

    @model_validator(mode="after")
    def _reads(self) -> Self:
        if self.regex:
            checked_pattern(self.what)
            checked_replacement(self.what, self.by)
        return self

    def on(self, blocks: Blocks) -> Blocks:
        """Return the blocks with replaced parts."""
        names = self.texts_of(blocks) if self.columns is None else self.columns
        require(names, blocks.texts)
        return blocks.with_texts({name: self._replaced(blocks.texts[name]) for name in names})

    def _replaced(self, texts: Texts) -> Texts:
        new = (
            replaced(texts.levels, self.what, self.by)
            if self.regex
            else [level.replace(self.what, self.by) for level in texts.levels]
        )
        table = dict(zip(texts.levels, new, strict=True))
        return texts.mapped(lambda text: None if text is None else table[text] or None)
