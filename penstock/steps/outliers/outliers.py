"""The step `outliers`: numbers, or rows of numbers, that are unlike the rest."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Literal, Self

import numpy as np
from pydantic import model_validator

from penstock.blocks import Blocks, FloatMatrix
from penstock.errors import PlanError
from penstock.steps.base import NUMBERS, Kinds, Known, Learned, LearnedStep
from penstock.steps.outliers.fences import Fences
from penstock.steps.outliers.forest import Forest
from penstock.steps.outliers.rule import OutlierRule

Action = Literal["flag", "clip", "missing"]
ROW_FLAG = "outlier"


@dataclass(frozen=True)
class OutliersLearned(Learned):
    """What tells outliers, and what becomes of them."""

    rule: Fences | Forest
    action: Action

    def on(self, blocks: Blocks) -> Blocks:
        """Return the blocks with outliers marked, moved to the fence or missing."""
        if isinstance(self.rule, Forest):
            flag = self.rule.outside(blocks).astype(np.float64)
            return blocks.with_more_numbers((ROW_FLAG,), flag[:, None])
        if self.action == "flag":
            names = tuple(flag_name(name) for name in self.rule.names)
            return blocks.with_more_numbers(names, self.rule.outside(blocks).astype(np.float64))
        return blocks.with_changed(self.rule.names, self._held_to)

    def _held_to(self, values: FloatMatrix, at: slice) -> FloatMatrix:
        assert not isinstance(self.rule, Forest)
        low, high = self.rule.low[at], self.rule.high[at]
        outside = (values < low) | (values > high)
        if not outside.any():
            return values
        return np.where(outside, np.nan, values) if self.action == "missing" else np.clip(values, low, high)

    def describe(self) -> dict[str, Any]:
        """Return the fences, or what the forest looks at."""
        return {**self.rule.describe(), "action": self.action}


def flag_name(column: str) -> str:
    """Return the name of the column that says where another holds an outlier."""
    return f"{column}_outlier"


class Outliers(OutlierRule, LearnedStep):
    """Mark numbers outside fences learned from training rows, move them to the fence, or set them to missing.

    `action: flag` adds `<column>_outlier` for each column, `clip` moves to the nearer fence, `missing` empties. An
    isolation forest looks at whole rows, and adds one column, `outlier`.

    Examples
    --------
    >>> import pandas as pd
    >>> learned = Outliers(method="mad", action="missing").learn(pd.DataFrame({"age": [30.0, 32.0, 35.0, 38.0, 41.0]}))
    >>> learned.apply(pd.DataFrame({"age": [36.0, 410.0, None]}))["age"].tolist()
    [36.0, nan, nan]
    """

    suits: ClassVar[frozenset[str]] = NUMBERS

    kind: Literal["outliers"] = "outliers"
    action: Action = "flag"

    @model_validator(mode="after")
    def _row_is_flagged(self) -> Self:
        if self.method == "isolation_forest" and self.action != "flag":
            raise ValueError("an isolation forest tells rows, not which value is at fault: its action is `flag`")
        return self

    def columns_after(self, kinds: Kinds) -> Kinds:
        """Return the columns, and the flags.

        Raises
        ------
        PlanError
            A named column is absent or no number, or a flag's name is taken.
        """
        after = super().columns_after(kinds)
        self.check_columns(self.domains, kinds, NUMBERS)
        if self.action != "flag":
            return after
        numbers = [name for name, kind in kinds.items() if kind in NUMBERS]
        flagged = self.named if self.method == "domain" or self.columns is not None else numbers
        names = [ROW_FLAG] if self.method == "isolation_forest" else [flag_name(name) for name in flagged]
        for name in names:
            if name in after:
                raise PlanError(
                    f"The step `outliers` would make a second column {name!r}",
                    todo="Rename the column, or choose another `action`.",
                )
            after[name] = "boolean"
        return after

    def learn_from(self, blocks: Blocks, known: Known | None = None) -> OutliersLearned:
        """Return the fences, or the forest, of training rows."""
        return OutliersLearned(self.learned(blocks, known.seed if known is not None else 0), self.action)
