"""The step `hash_text`: a fixed number of columns for whatever words there are."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, Literal

import numpy as np
import scipy.sparse as sp
from pydantic import Field

from penstock.steps.base import CellStep
from penstock.steps.blocks import Blocks
from penstock.steps.encoding.words import TextVectorStep, Unit, settings_for, spread
from penstock.steps.made import in_place_of


class HashText(CellStep, TextVectorStep):
    """Replace each text by `into` numbers: the hash of a word says which of them it counts for, and with which sign.

    There is nothing to learn, so that no word is unknown; different words may share a number. A row's numbers for one
    text have the length 1, or are 0 where there is no word.

    References
    ----------
    Weinberger, K. et al. (2009). Feature hashing for large scale multitask learning. Proceedings of the 26th
    International Conference on Machine Learning, 1113-1120.

    Examples
    --------
    >>> import pandas as pd
    >>> hashed = HashText(into=4).apply(pd.DataFrame({"note": ["good", "Good, good!", None]}))
    >>> hashed.columns.tolist()
    ['note_hash_1', 'note_hash_2', 'note_hash_3', 'note_hash_4']
    >>> hashed.abs().sum(axis=1).tolist(), bool((hashed.loc[0] == hashed.loc[1]).all())
    ([1.0, 1.0, 0.0], True)
    >>> HashText(ngrams=(3, 2))
    Traceback (most recent call last):
    pydantic_core._pydantic_core.ValidationError: 1 validation error for HashText
    ngrams
      Value error, `ngrams` are the shortest and the longest run, from 1 to 8...
    """

    kind: Literal["hash_text"] = "hash_text"
    into: int = Field(default=32, ge=2, le=1_024)

    def made(self, column: str) -> tuple[str, ...]:
        """Return the names of the columns that stand for one of texts."""
        return tuple(f"{column}_hash_{i}" for i in range(1, self.into + 1))

    def on(self, blocks: Blocks) -> Blocks:
        """Return the blocks with numbers in place of texts, or beside them."""
        columns = self.columns_of(blocks)
        vectorizer = _vectorizer(self.unit, self.ngrams, self.into)
        found = [spread(texts, _hashed(vectorizer, texts.levels, self.into)) for texts in columns.values()]
        values = np.concatenate([np.empty((blocks.n_rows, 0)), *found], axis=1)
        made = tuple(made for name in columns for made in self.made(name))
        return in_place_of(blocks, () if self.keep else columns, made, values)


@lru_cache(maxsize=64)
def _vectorizer(unit: Unit, ngrams: tuple[int, int], into: int) -> Any:
    from sklearn.feature_extraction.text import HashingVectorizer

    return HashingVectorizer(n_features=into, **settings_for(unit, ngrams))


def _hashed(vectorizer: Any, levels: tuple[str, ...], into: int) -> sp.csr_array:
    return sp.csr_array(vectorizer.transform(levels)) if levels else sp.csr_array((0, into))
