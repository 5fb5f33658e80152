"""The step `convert`: numbers in another unit."""

from __future__ import annotations

from typing import Literal, Self

import numpy as np
from pydantic import AliasChoices, Field, model_validator

from penstock.blocks import Blocks
from penstock.slices import Words
from penstock.steps.base import CellStep, Kinds, StepBase
from penstock.steps.values.units import conversion

MEASURED: frozenset[str] = frozenset({"integer", "float"})


class Convert(CellStep, StepBase):
    """Give numbers in another unit: `from` one `to` another, or times `factor` plus `offset`.

    Known are units of length, area, volume, mass, temperature, time, speed, energy, power, pressure and data size.

    Examples
    --------
    >>> import pandas as pd
    >>> frame = pd.DataFrame({"t": [32.0, None]})
    >>> Convert.model_validate({"columns": "t", "from": "F", "to": "C"}).apply(frame)["t"].tolist()
    [0.0, nan]
    >>> Convert(columns=("t",), factor=0.5, offset=1.0).apply(frame)["t"].tolist()
    [17.0, nan]
    >>> Convert(columns=("t",))
    Traceback (most recent call last):
    pydantic_core._pydantic_core.ValidationError: ...
    """

    kind: Literal["convert"] = "convert"
    columns: Words
    given: str = Field(default="", validation_alias=AliasChoices("from", "given"))
    to: str = ""
    factor: float = Field(default=1.0, allow_inf_nan=False)
    offset: float = Field(default=0.0, allow_inf_nan=False)

    @model_validator(mode="after")
    def _by_units_or_numbers(self) -> Self:
        by_numbers = (self.factor, self.offset) != (1.0, 0.0)
        if bool(self.given) != bool(self.to) or bool(self.given) == by_numbers:
            raise ValueError("it takes `from` and `to`, which name units, or a `factor` and `offset`")
        if self.factor == 0.0:
            raise ValueError("a `factor` of 0 would leave nothing")
        if self.given:
            conversion(self.given, self.to)
        return self

    def columns_after(self, kinds: Kinds) -> Kinds:
        """Return the columns, the named ones as floats.

        Raises
        ------
        PlanError
            A named column is absent, or holds nothing that is measured.
        """
        return self.turned(self.columns, kinds, MEASURED, "float")

    def on(self, blocks: Blocks) -> Blocks:
        """Return the blocks with converted numbers; one that becomes too large is missing."""
        factor, offset = conversion(self.given, self.to) if self.given else (self.factor, self.offset)
        with np.errstate(over="ignore", invalid="ignore"):
            made = blocks.matrix(self.columns) * factor + offset
        return blocks.with_numbers(self.columns, np.where(np.isfinite(made), made, np.nan))
