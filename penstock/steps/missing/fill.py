"""The step `fill`: something stands in for what is missing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, Literal, Self

import numpy as np
from pydantic import Field, model_validator

from penstock.blocks import Blocks, FloatMatrix, Texts, require
from penstock.errors import PlanError
from penstock.slices import Words
from penstock.steps.base import NUMBERS, TEXTS, Kinds, Known, Learned, LearnedStep
from penstock.steps.missing.flags import flag_name, missing_in
from penstock.steps.statistics import overall

MISSING = "(missing)"


@dataclass(frozen=True)
class FillLearned(Learned):
    """What stands in for a missing number or text, by column; and which columns say that it was missing."""

    names: tuple[str, ...]
    values: np.ndarray
    flagged: tuple[str, ...]
    texts: dict[str, str]

    def on(self, blocks: Blocks) -> Blocks:
        """Return the blocks with nothing missing in the columns that were learned."""
        require(self.texts, blocks.texts)
        flags = missing_in(blocks, self.flagged) if self.flagged else None
        filled = blocks.with_changed(self.names, self._filled)
        if flags is not None:
            filled = filled.with_more_numbers(tuple(flag_name(name) for name in self.flagged), flags)
        return filled.with_texts({name: filled_with(blocks.texts[name], text) for name, text in self.texts.items()})

    def _filled(self, values: FloatMatrix, at: slice) -> FloatMatrix:
        missing = np.isnan(values)
        return np.where(missing, self.values[at], values) if missing.any() else values

    def describe(self) -> dict[str, Any]:
        """Return what stands in, by column, and the flagged columns."""
        numbers = dict(zip(self.names, self.values.tolist(), strict=True))
        return {"numbers": numbers, "flagged": list(self.flagged), "texts": self.texts}


def filled_with(texts: Texts, standing_in: str) -> Texts:
    """Return a column of texts with one in place of what is missing."""
    return texts.mapped(lambda text: standing_in if text is None else text)


class Fill(LearnedStep):
    """Put the median of the training rows for a missing number, and `(missing)` for a missing text.

    The median is the lower one where two values share the middle, so that it is a value that occurs. With `by: mean`
    numbers get the mean; with `by: mode` numbers and texts get what is most frequent; with `by: constant` they get
    `value`, and only those columns that it suits: numbers where it is one, else texts. Columns listed in `flag` get a
    second column, `<column>_missing`, that is 1 where the value was missing.

    Examples
    --------
    >>> import pandas as pd
    >>> learned = Fill(flag=("age",)).learn(pd.DataFrame({"age": [30.0, None, 50.0], "city": ["Oslo", None, "Bonn"]}))
    >>> learned.apply(pd.DataFrame({"age": [None, 41.0], "city": [None, "Rome"]})).to_dict("list")
    {'age': [30.0, 41.0], 'age_missing': [1.0, 0.0], 'city': ['(missing)', 'Rome']}
    >>> Fill(by="constant")
    Traceback (most recent call last):
    pydantic_core._pydantic_core.ValidationError: 1 validation error for Fill
      Value error, `by: constant` needs a `value`...
    """

    kind: Literal["fill"] = "fill"
    by: Literal["median", "mean", "mode", "constant"] = "median"
    value: Annotated[float, Field(allow_inf_nan=False)] | str | None = None
    flag: Words = ()

    @model_validator(mode="after")
    def _constant_has_value(self) -> Self:
        if (self.by == "constant") != (self.value is not None):
            raise ValueError("`by: constant` needs a `value`, and no other way to fill takes one")
        return self

    def columns_after(self, kinds: Kinds) -> Kinds:
        """Return the columns, and a further one for each that is flagged.

        Raises
        ------
        PlanError
            A named column is absent or does not go with the constant; or a flagged one is no number or not filled, or
            the further column's name is taken.
        """
        after = super().columns_after(kinds)
        if self.by == "constant":
            self.check_columns(self.columns or (), kinds, TEXTS if isinstance(self.value, str) else NUMBERS)
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
        """Return what stands in for each column; 0 and `(missing)` where training rows have no value."""
        names, texts = self.numbers_of(blocks), self.texts_of(blocks)
        require(texts, blocks.texts)
        if self.by == "constant" and isinstance(self.value, str):
            names = ()
        elif self.by == "constant":
            texts = ()
        return FillLearned(
            names=names,
            values=np.array([self._number(blocks.number(name)) for name in names], dtype=np.float64),
            flagged=self.flag,
            texts={name: self._text(blocks.texts[name]) for name in texts},
        )

    def _number(self, values: np.ndarray) -> float:
        if self.by == "median":
            return _lower_median(values)
        if self.by == "constant":
            return float(self.value or 0.0)
        found = overall(values, self.by)
        return 0.0 if np.isnan(found) else found

    def _text(self, texts: Texts) -> str:
        if self.by == "constant":
            return str(self.value)
        if self.by == "mode":
            return mode_of(texts)
        return MISSING


def mode_of(texts: Texts) -> str:
    """Return the most frequent text, of equally frequent ones the first in code point order.

    Examples
    --------
    >>> import pandas as pd
    >>> mode_of(Texts.of(pd.array(["b", "a", None, "a", "b"], dtype="str"))), mode_of(Texts(np.array([-1]), ()))
    ('a', '(missing)')
    """
    counts = {text: n for text, n in texts.counts().items() if n}
    return min(counts, key=lambda text: (-counts[text], text), default=MISSING)


def _lower_median(values: np.ndarray) -> float:
    present = values[~np.isnan(values)]
    if not len(present):
        return 0.0
    middle, least = (len(present) - 1) // 2, present.min()
    if np.count_nonzero(present == least) > middle:
        # A flag, mostly: to look for the middle of equal values takes long.
        return float(least)
    return float(np.partition(present, middle)[middle])
