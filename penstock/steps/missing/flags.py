"""The step `flag_missing`: columns that say where others have no value."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Literal

import numpy as np

from penstock.blocks import Blocks, FloatMatrix, require
from penstock.steps.base import MOMENTS, NUMBERS, TEXTS, CellStep, ColumnStep, Kinds
from penstock.steps.made import add_columns


def flag_name(column: str) -> str:
    """Return the name of the column that says where another was missing."""
    return f"{column}_missing"


def missing_in(blocks: Blocks, columns: Sequence[str]) -> FloatMatrix:
    """Return 1 where a value is missing, else 0; float64 of shape (n_rows, n_columns), columns in the given order."""
    require(columns, blocks.names)
    found = np.empty((blocks.n_rows, len(columns)), dtype=np.float64, order="F")
    for j, name in enumerate(columns):
        if name in blocks.texts:
            found[:, j] = blocks.texts[name].codes < 0
        elif name in blocks.moments:
            found[:, j] = np.isnat(blocks.moments[name])
        else:
            found[:, j] = np.isnan(blocks.number(name))
    return found


class FlagMissing(CellStep, ColumnStep):
    """Say in a second column, `<column>_missing`, where a value is missing: 1 there, else 0.

    Examples
    --------
    >>> import pandas as pd
    >>> FlagMissing(columns=("city",)).apply(pd.DataFrame({"age": [30.0, 41.0], "city": ["Oslo", None]})).columns
    Index(['age', 'city_missing', 'city'], dtype='str')
    >>> FlagMissing().columns_after({"age": "float", "age_missing": "boolean"})
    Traceback (most recent call last):
    penstock.errors.PlanError: The step `flag_missing` would make a second column 'age_missing'
    ...
    """

    suits: ClassVar[frozenset[str]] = NUMBERS | TEXTS | MOMENTS

    kind: Literal["flag_missing"] = "flag_missing"

    def columns_after(self, kinds: Kinds) -> Kinds:
        """Return the columns, and a flag for each that is looked at.

        Raises
        ------
        PlanError
            A named column is absent, or the name of a flag is taken.
        """
        kinds = super().columns_after(kinds)
        flags = [flag_name(column) for column in (kinds if self.columns is None else self.columns)]
        return add_columns(self.name, kinds, flags, "boolean")

    def on(self, blocks: Blocks) -> Blocks:
        """Return the blocks with the flags."""
        columns = blocks.names if self.columns is None else self.columns
        return blocks.with_more_numbers(tuple(map(flag_name, columns)), missing_in(blocks, columns))
