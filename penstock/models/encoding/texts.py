"""A column of texts as its distinct texts, and what all that stands for one text has in common."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from penstock.metrics.weighted import Ints


@dataclass(frozen=True)
class Distinct:
    """A column: codes of shape (n_rows,) into its distinct texts; a missing one has the code `len(texts)`."""

    codes: Ints
    texts: list[str]

    @classmethod
    def of(cls, values: pd.Series[Any]) -> Distinct:
        """Take a column of texts apart; the texts stand in the order in which they occur."""
        text = pa.array(values, from_pandas=True)
        if isinstance(text, pa.ChunkedArray):
            text = text.combine_chunks()
        found = text.cast(pa.large_string()).dictionary_encode()
        texts = found.dictionary.to_pylist()
        codes = pc.fill_null(found.indices, len(texts)).to_numpy(zero_copy_only=False).astype(np.int64)
        return cls(codes, texts)

    def counts(self) -> Ints:
        """Return how often each text occurs, and last how often it is missing, shape (n_texts + 1,)."""
        return np.bincount(self.codes, minlength=len(self.texts) + 1)

    @property
    def has_missing(self) -> bool:
        """Whether some row has no text."""
        return bool((self.codes == len(self.texts)).any())


class View(Protocol):
    """Numbers that stand for one text: what they are depends on that text and on what was learned, on nothing else."""

    @property
    def dense(self) -> tuple[str, ...]:
        """How the names of those numbers end that may be scaled; they come first."""

    @property
    def indicators(self) -> tuple[str, ...]:
        """How the names of the others end."""

    def of(self, text: str | None) -> list[float]:
        """Return the numbers for one text, or for a missing one."""


@dataclass(frozen=True)
class Codes:
    """The place of a text among the levels; NaN for a missing one, and for one that is none of them."""

    lookup: dict[str, float]

    @classmethod
    def among(cls, levels: Sequence[str]) -> Codes:
        """Give every level a number, from 0."""
        return cls({level: float(code) for code, level in enumerate(levels)})

    def of(self, text: str | None) -> float:
        """Return the code of one text."""
        return self.lookup.get(text, np.nan) if isinstance(text, str) else np.nan


@dataclass(frozen=True)
class Indicators:
    """1 for the level that a text is, and one for missing texts where training rows had such; else 0."""

    lookup: dict[str, int]
    with_missing: bool

    @classmethod
    def among(cls, levels: Sequence[str], with_missing: bool) -> Indicators:
        """Give every level a place."""
        return cls({level: place for place, level in enumerate(levels)}, with_missing)

    @property
    def dense(self) -> tuple[str, ...]:
        """None of them is scaled."""
        return ()

    @property
    def indicators(self) -> tuple[str, ...]:
        """One a level, and one for missing texts."""
        return (*(f"={level}" for level in self.lookup), *((" is missing",) if self.with_missing else ()))

    def of(self, text: str | None) -> list[float]:
        """Return the indicators of one text."""
        found = [0.0] * (len(self.lookup) + self.with_missing)
        if not isinstance(text, str):
            if self.with_missing:
                found[-1] = 1.0
        elif (place := self.lookup.get(text, -1)) >= 0:
            found[place] = 1.0
        return found


@dataclass(frozen=True)
class Counts:
    """How many training rows have the text, as the logarithm of one more; of a missing one how many lack it."""

    lookup: dict[str, float]
    missing: float

    @classmethod
    def among(cls, column: Distinct, most: int) -> Counts:
        """Count texts; of those beyond the `most` most frequent ones, and of single ones, nothing is kept."""
        counts = column.counts()
        return cls(
            {text: float(np.log1p(counts[i])) for i, text in frequent(column, most) if counts[i] > 1},
            float(np.log1p(counts[-1])),
        )

    @property
    def dense(self) -> tuple[str, ...]:
        """One number."""
        return (" count",)

    @property
    def indicators(self) -> tuple[str, ...]:
        """None."""
        return ()

    def of(self, text: str | None) -> list[float]:
        """Return the logarithm for one text."""
        return [self.lookup.get(text, 0.0) if isinstance(text, str) else self.missing]


def frequent(column: Distinct, most: int) -> list[tuple[int, str]]:
    """Return the `most` most frequent texts with their codes, sorted; ties go to the first in code point order."""
    counts = column.counts()[:-1].tolist()
    ranked = sorted(((-n, text, i) for i, (n, text) in enumerate(zip(counts, column.texts, strict=True))))[:most]
    return sorted(((i, text) for _, text, i in ranked), key=lambda pair: pair[1])
