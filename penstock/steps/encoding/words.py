"""How a text is taken apart: into words or pieces of words, and runs of them."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Annotated, ClassVar, Literal

import numpy as np
from pydantic import AfterValidator

from penstock.blocks import Blocks, FloatMatrix, Texts, require
from penstock.steps.base import TEXTS, ColumnStep, Kinds
from penstock.steps.made import add_columns

Unit = Literal["words", "characters"]
# scikit-learn's own pattern leaves out words of one letter.
WORD = r"(?u)\b\w+\b"
MOST_GRAMS = 8


def _ascending(ngrams: tuple[int, int]) -> tuple[int, int]:
    if not 1 <= ngrams[0] <= ngrams[1] <= MOST_GRAMS:
        raise ValueError(f"`ngrams` are the shortest and the longest run, from 1 to {MOST_GRAMS}")
    return ngrams


class TextVectorStep(ColumnStep):
    """A step that replaces texts by numbers for the words or characters in them.

    `characters` looks at pieces of words, blanks at their ends included, which forgives misspellings. `ngrams` are the
    shortest and the longest run of words or characters. Upper and lower case are the same.
    """

    suits: ClassVar[frozenset[str]] = TEXTS

    unit: Unit = "words"
    ngrams: Annotated[tuple[int, int], AfterValidator(_ascending)] = (1, 1)
    keep: bool = False

    def made(self, column: str) -> tuple[str, ...]:
        """Return the names of the columns that stand for one of texts."""
        raise NotImplementedError

    def columns_after(self, kinds: Kinds) -> Kinds:
        """Return the columns without the texts (unless they are kept), and with the numbers for them.

        Raises
        ------
        PlanError
            A named column is absent or no text, or a name is taken.
        """
        kinds = super().columns_after(kinds)
        texts = [
            name for name, kind in kinds.items() if kind in TEXTS and (self.columns is None or name in self.columns)
        ]
        rest: Kinds = {name: kind for name, kind in kinds.items() if self.keep or name not in texts}
        return add_columns(self.name, rest, [made for name in texts for made in self.made(name)], "float")

    def columns_of(self, blocks: Blocks) -> dict[str, Texts]:
        """Return the columns of texts that the step works on."""
        names = self.texts_of(blocks)
        require(names, blocks.texts)
        return {name: blocks.texts[name] for name in names}


@lru_cache(maxsize=64)
def analyzer_for(unit: Unit, ngrams: tuple[int, int]) -> Callable[[str], list[str]]:
    """Return what takes a text apart into its terms."""
    from sklearn.feature_extraction.text import CountVectorizer

    vectorizer = CountVectorizer(
        analyzer="word" if unit == "words" else "char_wb", token_pattern=WORD, ngram_range=ngrams
    )
    analyzer: Callable[[str], list[str]] = vectorizer.build_analyzer()
    return analyzer


def spread(texts: Texts, by_level: FloatMatrix, into: FloatMatrix) -> None:
    """Write each row's numbers, of shape (n_rows, n_made), from those of the levels; 0 where the text is missing."""
    n_levels, n_made = by_level.shape
    padded = np.zeros((n_levels + 1, n_made), order="F")
    padded[:n_levels] = by_level
    codes = np.where(texts.codes < 0, n_levels, texts.codes)
    for j in range(n_made):
        into[:, j] = padded[:, j].take(codes)
