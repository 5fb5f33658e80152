"""The step `text_facts`: what can be counted of a text."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, ClassVar, Literal

import numpy as np
from pydantic import Field

from penstock.blocks import Blocks, require
from penstock.steps.base import TEXTS, CellStep, ColumnStep, Kinds
from penstock.steps.checking import with_new
from penstock.table import Kind

Fact = Literal["characters", "words", "digits", "uppercase"]


def _share(test: Callable[[str], bool], text: str) -> float:
    return sum(map(test, text)) / len(text) if text else 0.0


_FACTS: dict[Fact, Callable[[str], float]] = {
    "characters": len,
    "words": lambda text: len(text.split()),
    "digits": lambda text: _share(str.isdigit, text),
    "uppercase": lambda text: _share(str.isupper, text),
}
_KINDS: dict[Fact, Kind] = {"characters": "integer", "words": "integer", "digits": "float", "uppercase": "float"}


class TextFacts(CellStep, ColumnStep):
    """Add what can be counted of texts: `<column>_characters`, `_words`, and the shares `_digits` and `_uppercase`.

    The shares are of all characters. The texts stay; of one that is missing nothing is known.

    Examples
    --------
    >>> import pandas as pd
    >>> frame = pd.DataFrame({"note": pd.array(["See B42", None], dtype="str")})
    >>> TextFacts(columns=("note",), facts=("words", "characters")).apply(frame)["note_words"].tolist()
    [2.0, nan]
    """

    suits: ClassVar[frozenset[str]] = TEXTS

    kind: Literal["text_facts"] = "text_facts"
    facts: Annotated[tuple[Fact, ...], Field(min_length=1)] = ("characters", "words", "digits", "uppercase")

    def columns_after(self, kinds: Kinds) -> Kinds:
        """Return the columns and those of the facts.

        Raises
        ------
        PlanError
            A named column is absent or no text, or the name of a fact is taken.
        """
        self.check_columns(self.columns or (), kinds, self.suits)
        names = self.columns if self.columns is not None else [name for name, kind in kinds.items() if kind in TEXTS]
        return with_new(self.name, kinds, {f"{name}_{fact}": _KINDS[fact] for name in names for fact in self.facts})

    def on(self, blocks: Blocks) -> Blocks:
        """Return the blocks with the facts."""
        names = self.texts_of(blocks) if self.columns is None else self.columns
        require(names, blocks.texts)
        made: dict[str, np.ndarray] = {}
        for name in names:
            texts = blocks.texts[name]
            for fact in self.facts:
                table = np.array([*map(float, map(_FACTS[fact], texts.levels)), np.nan])
                made[f"{name}_{fact}"] = table[texts.codes]
        return blocks.with_columns(made)
