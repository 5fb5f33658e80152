"""The step `parse_number`: numbers out of text that is written with signs, units and thousands."""

from __future__ import annotations

from typing import Annotated, Literal

import numpy as np
from pydantic import Field, field_validator

from penstock.blocks import Blocks, require
from penstock.slices import Words, checked_units
from penstock.steps.base import TEXTS, CellStep, Kinds, StepBase
from penstock.steps.checking import refuse_rows
from penstock.steps.values.reading import read_texts, reader
from penstock.table import MISSING_TOKENS, Column


class ParseNumber(CellStep, StepBase):
    """Read numbers out of text: `19M`, `10,000+`, `$4.99`, `1.234,5 kg`.

    The settings are those of a column in the spec. `units` gives a factor for what may stand behind a number; `missing`
    are texts that mean that there is none. A text that does not read becomes missing, or the number `otherwise`; with
    `otherwise: refuse` it is an error.

    Examples
    --------
    >>> import pandas as pd
    >>> frame = pd.DataFrame({"size": pd.array(["19M", "512k", "Varies with device", None], dtype="str")})
    >>> ParseNumber(columns=("size",), units={"M": 1e6, "k": 1e3}).apply(frame)["size"].tolist()
    [19000000.0, 512000.0, nan, nan]
    >>> installs = pd.DataFrame({"installs": pd.array(["10,000+", "5+"], dtype="str")})
    >>> ParseNumber(columns=("installs",), thousands=",", suffix="+").apply(installs)["installs"].tolist()
    [10000.0, 5.0]
    """

    kind: Literal["parse_number"] = "parse_number"
    columns: Words
    decimal: Literal[".", ",", ".,"] = "."
    thousands: Literal["", ",", ".", " ", "'"] = ""
    prefix: str = ""
    suffix: str = ""
    units: dict[str, float] = {}
    missing: Words = MISSING_TOKENS
    otherwise: Literal["missing", "refuse"] | Annotated[float, Field(allow_inf_nan=False)] = "missing"

    @field_validator("units")
    @classmethod
    def _check_units(cls, units: dict[str, float]) -> dict[str, float]:
        checked_units(units)
        return units

    def columns_after(self, kinds: Kinds) -> Kinds:
        """Return the columns, the named ones as numbers.

        Raises
        ------
        PlanError
            A named column is absent or no text.
        """
        return self.turned(self.columns, kinds, TEXTS, "float")

    def on(self, blocks: Blocks) -> Blocks:
        """Return the blocks with numbers in place of texts.

        Raises
        ------
        DataError
            A text does not read, and the step is told to refuse it.
        """
        require(self.columns, blocks.texts)
        made = {}
        for name in self.columns:
            values, bad = read_texts(self._reader, blocks.texts[name])
            if self.otherwise == "refuse":
                refuse_rows(self.name, name, np.flatnonzero(bad).tolist(), "numbers")
            made[name] = np.where(bad, self.otherwise, values) if isinstance(self.otherwise, float) else values
        return blocks.with_columns(made)

    @property
    def _reader(self) -> Column:
        return reader(
            "float",
            tuple(self.units.items()),
            decimal=self.decimal,
            thousands=self.thousands,
            prefix=self.prefix,
            suffix=self.suffix,
            missing=self.missing,
        )
