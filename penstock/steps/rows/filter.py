"""The step `filter`: training rows for which a condition holds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import numpy as np
import pandas as pd
from pydantic import field_validator

from penstock.blocks import Blocks
from penstock.errors import DataError, PlanError
from penstock.expressions.compiled import compile_condition, mask_of
from penstock.expressions.language import NotAnExpression, columns_of, parse
from penstock.steps.base import Kinds, Rows, RowStep
from penstock.steps.telling import told_rows
from penstock.table import Kind


class Filter(RowStep):
    """Learn from the training rows for which a condition holds.

    `where` is an expression over features and other columns of the base. A row of which it cannot be known, because a
    value is missing, does not hold.

    Examples
    --------
    >>> frame = pd.DataFrame({"age": [30.0, 15.0, np.nan]})
    >>> rows = Rows(np.ones(3, bool), pd.DataFrame(index=range(3)), np.zeros(3), np.full(3, None, object))
    >>> Filter(where="age >= 18").reasons(frame, rows).tolist()
    [None, 'not so: age >= 18', 'not so: age >= 18']
    """

    kind: Literal["filter"] = "filter"
    where: str

    @field_validator("where")
    @classmethod
    def _reads(cls, where: str) -> str:
        parse(where)
        return where

    @property
    def asks(self) -> tuple[str, ...]:
        """The columns that the condition names."""
        return columns_of(parse(self.where))

    def check_beside(self, kinds: Kinds, others: Mapping[str, Kind]) -> None:
        """Refuse a condition over columns that are not there, or that is neither true nor false."""
        super().check_beside(kinds, others)
        try:
            compile_condition(self.where, {**others, **kinds})
        except NotAnExpression as error:
            raise PlanError(
                "The step `filter` has a condition that does not fit the columns",
                where=f"where: {self.where}",
                got=str(error),
                todo="Correct the condition.",
            ) from error

    def reasons(self, frame: pd.DataFrame, rows: Rows) -> np.ndarray:
        """Return the condition for every row for which it does not hold.

        Raises
        ------
        DataError
            It holds for no training row.
        """
        named = rows.named(frame, self.asks)
        holds = mask_of(self.where, Blocks.of(named))
        if rows.train.any() and not holds[rows.train].any():
            raise DataError(
                "The step `filter` leaves no training row",
                where=f"where: {self.where}",
                got=told_rows(named[rows.train], rows.private),
                expected="a condition that some rows fulfil",
                todo="Correct the condition, or look at the columns' kinds: penstock check SPEC.yaml",
            )
        found = np.full(len(frame), None, dtype=object)
        found[~holds] = f"not so: {self.where}"
        return found
