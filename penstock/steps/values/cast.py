"""The step `cast`: columns become another kind."""

from __future__ import annotations

from typing import Literal

import numpy as np

from penstock.blocks import Blocks, Texts, require
from penstock.slices import Words
from penstock.steps.base import MOMENTS, NUMBERS, TEXTS, CellStep, Kinds, StepBase
from penstock.steps.values.reading import read_texts, reader, texts_of
from penstock.table import Kind

Target = Literal["integer", "float", "boolean", "category", "text", "datetime"]


class Cast(CellStep, StepBase):
    """Turn columns into another kind; what does not read as that kind becomes missing.

    A text reads as a cell of a source does, and a number or moment becomes the text that such a cell would have (a
    boolean that of 1 or 0). How numbers and dates are written is declared by `parse_number` and `parse_date`.

    Examples
    --------
    >>> import pandas as pd
    >>> frame = pd.DataFrame({"age": pd.array(["41", " 7.5", "old", None], dtype="str")})
    >>> Cast(columns=("age",), to="float").apply(frame)["age"].tolist()
    [41.0, 7.5, nan, nan]
    >>> Cast(columns=("code",), to="category").apply(pd.DataFrame({"code": [10.0, 2.5]}))["code"].tolist()
    ['10', '2.5']
    """

    kind: Literal["cast"] = "cast"
    columns: Words
    to: Target

    def columns_after(self, kinds: Kinds) -> Kinds:
        """Return the columns with their new kind.

        Raises
        ------
        PlanError
            A named column is absent, or of a kind that no value can be taken from: a moment has no number.
        """
        suits = {"datetime": TEXTS | MOMENTS, "category": NUMBERS | TEXTS | MOMENTS, "text": NUMBERS | TEXTS | MOMENTS}
        return self.turned(self.columns, kinds, suits.get(self.to, NUMBERS | TEXTS), self.to)

    def on(self, blocks: Blocks) -> Blocks:
        """Return the blocks with cast columns."""
        require(self.columns, blocks.names)
        return blocks.with_columns({name: _cast(blocks.column(name), self.to) for name in self.columns})


def _cast(values: np.ndarray | Texts, to: Kind) -> np.ndarray | Texts:
    if to in ("category", "text"):
        return values if isinstance(values, Texts) else texts_of(values)
    if isinstance(values, Texts):
        return read_texts(reader(to), values)[0]
    if to == "integer":
        return np.where(values == np.floor(values), values, np.nan)
    return np.where((values == 0.0) | (values == 1.0), values, np.nan) if to == "boolean" else values
