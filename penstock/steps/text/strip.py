"""The step `strip`: texts without what stands around them."""

from __future__ import annotations

import unicodedata
from typing import ClassVar, Literal

from penstock.blocks import Blocks, require
from penstock.steps.base import TEXTS, CellStep, ColumnStep


class Strip(CellStep, ColumnStep):
    """Take blanks, chosen `characters` and, if told so, `punctuation` off both ends of texts.

    With `inner` the blanks within a text become a single one. What is empty then is missing, as an empty cell is.

    Examples
    --------
    >>> import pandas as pd
    >>> frame = pd.DataFrame({"city": pd.array([" #Oslo# ", "New   York.", "#", None], dtype="str")})
    >>> Strip(characters="#", punctuation=True, inner=True).apply(frame)["city"].tolist()
    ['Oslo', 'New York', nan, nan]
    """

    suits: ClassVar[frozenset[str]] = TEXTS

    kind: Literal["strip"] = "strip"
    characters: str = ""
    punctuation: bool = False
    inner: bool = False

    def on(self, blocks: Blocks) -> Blocks:
        """Return the blocks with stripped texts."""
        names = self.texts_of(blocks) if self.columns is None else self.columns
        require(names, blocks.texts)
        return blocks.with_texts({name: blocks.texts[name].mapped(self._stripped) for name in names})

    def _stripped(self, text: str | None) -> str | None:
        if text is None:
            return None
        start, end = 0, len(text)
        while start < end and self._goes(text[start]):
            start += 1
        while end > start and self._goes(text[end - 1]):
            end -= 1
        rest = text[start:end]
        return (" ".join(rest.split()) if self.inner else rest) or None

    def _goes(self, character: str) -> bool:
        return (
            character.isspace()
            or character in self.characters
            or (self.punctuation and unicodedata.category(character).startswith("P"))
        )
