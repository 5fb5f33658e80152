"""The step `rename`: columns under another name."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, field_validator

from penstock.blocks import Blocks, require
from penstock.errors import PlanError
from penstock.steps.base import MOMENTS, NUMBERS, TEXTS, CellStep, Kinds, StepBase


class Rename(CellStep, StepBase):
    """Give columns another name: `{old: new}`; two may change their names.

    Examples
    --------
    >>> import pandas as pd
    >>> Rename(columns={"a": "size"}).apply(pd.DataFrame({"a": [1.0], "b": [2.0]})).columns.tolist()
    ['size', 'b']
    >>> Rename(columns={"a": "b"}).columns_after({"a": "float", "b": "float"})
    Traceback (most recent call last):
    penstock.errors.PlanError: The step `rename` would make a second column 'b'...
    """

    kind: Literal["rename"] = "rename"
    columns: Annotated[dict[str, Annotated[str, Field(min_length=1)]], Field(min_length=1)]

    @field_validator("columns")
    @classmethod
    def _apart(cls, columns: dict[str, str]) -> dict[str, str]:
        new = list(columns.values())
        twice = next((name for name in new if new.count(name) > 1), None)
        if twice is not None:
            raise ValueError(f"two columns would be named {twice!r}")
        return columns

    def columns_after(self, kinds: Kinds) -> Kinds:
        """Return the columns under their new names.

        Raises
        ------
        PlanError
            A named column is absent, or a new name is that of another column.
        """
        self.check_columns(self.columns, kinds, NUMBERS | TEXTS | MOMENTS)
        stay = set(kinds) - set(self.columns)
        for old, new in self.columns.items():
            if new in stay:
                raise PlanError(
                    f"The step `rename` would make a second column {new!r}",
                    got=f"{old!r} renamed to it",
                    todo="Give it another name, or `drop` the one that is there before.",
                )
        return {self.columns.get(name, name): kind for name, kind in kinds.items()}

    def on(self, blocks: Blocks) -> Blocks:
        """Return the blocks with renamed columns."""
        require(self.columns, blocks.names)
        return blocks.renamed(self.columns)
