"""The step `derive`: new columns out of those of the same row."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from penstock.blocks import Blocks
from penstock.expressions.compiled import Expression, value_of
from penstock.steps.base import CellStep, Kinds, StepBase
from penstock.steps.checking import checked_expression, with_new


class Derive(CellStep, StepBase):
    """Add columns that expressions make of the others: `{bmi: weight / (height * height)}`.

    Each expression sees the columns as they are before the step, and no other that the step makes. With `replace` a
    column may take the place of one that is there.

    Examples
    --------
    >>> import pandas as pd
    >>> note = pd.array(["ok", None], dtype="str")
    >>> frame = pd.DataFrame({"weight": [80.0, None], "height": [2.0, 1.7], "note": note})
    >>> step = Derive(columns={"bmi": "weight / height ** 2", "is_long": "coalesce(len(note), 0) > 20"})
    >>> step.apply(frame)[["bmi", "is_long"]].to_dict("list")
    {'bmi': [20.0, nan], 'is_long': [0.0, 0.0]}
    >>> step.columns_after({"weight": "float", "height": "text", "note": "text"})
    Traceback (most recent call last):
    penstock.errors.PlanError: The step `derive` has an expression that does not fit its columns...
    """

    kind: Literal["derive"] = "derive"
    columns: Annotated[dict[str, Expression], Field(min_length=1)]
    replace: bool = False

    def columns_after(self, kinds: Kinds) -> Kinds:
        """Return the columns and those that are made.

        Raises
        ------
        PlanError
            An expression names a column that is absent or of a kind that it cannot take, or a name is taken.
        """
        made: Kinds = {
            name: checked_expression(self.name, text, kinds, f"columns, {name}").kind
            for name, text in self._in_order.items()
        }
        return {**kinds, **made} if self.replace else with_new(self.name, kinds, made)

    def on(self, blocks: Blocks) -> Blocks:
        """Return the blocks with the columns that are made."""
        return blocks.with_columns({name: value_of(text, blocks) for name, text in self._in_order.items()})

    @property
    def _in_order(self) -> dict[str, str]:
        # The columns' order must not depend on that of a mapping which may have been written out sorted.
        return dict(sorted(self.columns.items()))
