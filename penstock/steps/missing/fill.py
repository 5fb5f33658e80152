"""The step `fill`: something stands in for what is missing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from penstock.errors import PlanError
from penstock.slices import Words
from penstock.steps.base import NUMBERS, Kinds, Known, Learned, LearnedStep
from penstock.steps.blocks import Blocks, FloatMatrix, require

MISSING = "(missing)"


@dataclass(frozen=True)
class FillLearned(Learned):
    """What stands in for a missing number, by column; which columns say that it was missing; which texts are filled."""

    names: tuple[str, ...]
    values: np.ndarray
    flagged: tuple[str, ...]
    texts: tuple[str, ...]

    def on(self, blocks: Blocks) -> Blocks:
        """Return the blocks with nothing missing in the columns that were learned."""
        require(self.texts, blocks.texts)
        flags = np.isnan(blocks.numbers[:, blocks.positions(self.flagged)]).astype(np.float64) if self.flagged else None
        numbers = blocks.numbers[:, blocks.positions(self.names)]
        filled = blocks.with_numbers(self.names, np.where(np.isnan(numbers), self.values, numbers))
        if flags is not None:
            filled = filled.with_more_numbers(tuple(flag_name(name) for name in self.flagged), flags)
        return filled.with_texts({name: blocks.texts[name].mapped(_filled) for name in self.texts})

    def describe(self) -> dict[str, Any]:
        """Return the values by column, and the columns filled with a level of their own."""
        numbers = dict(zip(self.names, self.values.tolist(), strict=True))
        return {"numbers": numbers, "flagged": list(self.flagged), "texts": list(self.texts)}


def _filled(text: str | None) -> str:
    return MISSING if text is None else text


def flag_name(column: str) -> str:
    """Return the name of the column that says where another was missing."""
    return f"{column}_missing"


class Fill(LearnedStep):
    """Put the median of the training rows for a missing number, and `(missing)` for a missing text.

    The median is the lower one where two values share the middle, so that it is a value that occurs. Columns listed in
    `flag` get a second column, `<column>_missing`, that is 1 where the value was missing.

    Examples
    --------
    >>> import pandas as pd
    >>> learned = Fill(flag=("age",)).learn(pd.DataFrame({"age": [30.0, None, 50.0], "city": ["Oslo", None, "Bonn"]}))
    >>> learned.apply(pd.DataFrame({"age": [None, 41.0], "city": [None, "Rome"]})).to_dict("list")
    {'age': [30.0, 41.0], 'age_missing': [1.0, 0.0], 'city': ['(missing)', 'Rome']}
    """

    kind: Literal["fill"] = "fill"
    flag: Words = ()

    def columns_after(self, kinds: Kinds) -> Kinds:
        """Return the columns, and a further one for each that is flagged.

        Raises
        ------
        PlanError
            A named column is absent, a flagged one is no number or not filled, or the further column's name is taken.
        """
        after = super().columns_after(kinds)
        self.check_columns(self.flag, kinds, NUMBERS)
        for column in self.flag:
            name = flag_name(column)
            if name in after or (self.columns is not None and column not in self.columns):
                raise PlanError(
                    f"The step `fill` cannot flag the column {column!r}",
                    got=f"there is a column {name!r} already" if name in after else "it is not among its columns",
                    todo="Take it out of `flag`.",
                )
            after[name] = "boolean"
        return after

    def learn_from(self, blocks: Blocks, known: Known | None = None) -> FillLearned:
        """Return each number's lower median; 0 where training rows have no value."""
        names, texts = self.numbers_of(blocks), self.texts_of(blocks)
        values = _lower_medians(blocks.numbers[:, blocks.positions(names)])
        return FillLearned(names=names, values=values, flagged=self.flag, texts=texts)


def _lower_medians(matrix: FloatMatrix) -> np.ndarray:
    return np.array([_lower_median(matrix[:, j]) for j in range(matrix.shape[1])], dtype=np.float64)


def _lower_median(values: np.ndarray) -> float:
    present = values[~np.isnan(values)]
    if not len(present):
        return 0.0
    middle = (len(present) - 1) // 2
    return float(np.partition(present, middle)[middle])
