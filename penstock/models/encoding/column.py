"""Everything that stands for one column of texts, chosen by how many levels it has and how many words they have."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from penstock.metrics.weighted import Floats
from penstock.models.encoding.target import target_means, tells
from penstock.models.encoding.texts import Codes, Counts, Distinct, Indicators, View
from penstock.models.encoding.words import learn_words, mean_words

# A level of which fewer rows than this are there on average is too thin for a code or an indicator of its own.
ROWS_PER_LEVEL = 4
# So few levels are categories however few rows there are.
ALWAYS_LEVELS = 16
# A model has to be loaded and held: what is rarer than so many others counts as unknown.
MOST_KEPT = 50_000
SEVERAL_WORDS = 1.5
# Where levels have more rows, their own means tell more than their words.
ROWS_PER_TEXT = 20


@dataclass(frozen=True)
class TextRules:
    """Up to how many levels a column gets codes, or else indicators."""

    codes: int = 0
    indicators: int = 0


class Encoded(NamedTuple):
    """What stands for the rows of a column: codes of shape (n_rows, 0 or 1), numbers and indicators (n_rows, n)."""

    codes: Floats
    dense: Floats
    indicators: Floats


@dataclass(frozen=True)
class TextColumn:
    """Codes, if there are any, and further views of the texts."""

    codes: Codes | None
    views: tuple[View, ...] = ()
    n_dense: tuple[int, ...] = ()

    @classmethod
    def learn(
        cls, column: Distinct, outputs: Floats | None, rules: TextRules, seed: int
    ) -> tuple[TextColumn, dict[int, Floats]]:
        """Choose the views, and learn them.

        Parameters
        ----------
        column : Distinct
            The training rows.
        outputs : numpy.ndarray, optional
            Their target, shape (n_rows, n_outputs).
        rules : TextRules
            What the model can take.
        seed : int
            Which rows are in one fold.

        Returns
        -------
        tuple
            The column; and for the training rows, what takes the place of its numbers, by the position of the first.
        """
        n_levels, n_rows = len(column.texts), int(column.counts()[:-1].sum())
        thin = n_levels > ALWAYS_LEVELS and n_levels * ROWS_PER_LEVEL > n_rows
        if rules.codes and n_levels <= rules.codes and not thin:
            return cls(Codes.among(sorted(column.texts))), {}
        if rules.indicators and n_levels <= rules.indicators and not thin:
            return cls(None, (Indicators.among(sorted(column.texts), column.has_missing),), (0,)), {}
        views: list[View] = [Counts.among(column, MOST_KEPT)]
        training: dict[int, Floats] = {}
        if outputs is not None:
            means, own = target_means(column, outputs, seed, MOST_KEPT)
            if tells(own, outputs):
                training[1] = own
                views.append(means)
        if n_levels * ROWS_PER_TEXT > n_rows and mean_words(column) >= SEVERAL_WORDS:
            words, own = learn_words(column, outputs, seed)
            training[sum(len(view.dense) for view in views)] = own
            views.append(words)
        return cls(None, tuple(views), tuple(len(view.dense) for view in views)), training

    @property
    def dense(self) -> tuple[str, ...]:
        """How the names of numbers end that may be scaled."""
        return tuple(end for view in self.views for end in view.dense)

    @property
    def indicators(self) -> tuple[str, ...]:
        """How the names of other numbers end."""
        return tuple(end for view in self.views for end in view.indicators)

    def add(self, cell: object, codes: list[float], dense: list[float], indicators: list[float]) -> None:
        """Append what stands for one cell to the lists of its row."""
        text = cell if isinstance(cell, str) else None
        if self.codes is not None:
            codes.append(self.codes.of(text))
        for view, n in zip(self.views, self.n_dense, strict=True):
            numbers = view.of(text)
            if n:
                dense += numbers[:n]
            if n < len(numbers):
                indicators += numbers[n:]

    def of(self, column: Distinct) -> Encoded:
        """Return what stands for many rows: each distinct text is looked at once."""
        codes: list[list[float]] = []
        dense: list[list[float]] = []
        indicators: list[list[float]] = []
        for text in (*column.texts, None):
            made: tuple[list[float], list[float], list[float]] = ([], [], [])
            self.add(text, *made)
            for rows, row in zip((codes, dense, indicators), made, strict=True):
                rows.append(row)
        n = len(column.texts) + 1
        return Encoded(*(np.array(rows).reshape(n, -1)[column.codes] for rows in (codes, dense, indicators)))
