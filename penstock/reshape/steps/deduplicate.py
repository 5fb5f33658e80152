"""The table step `deduplicate`: one row of several that stand for the same."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import model_validator

from penstock.reshape.base import TableStep
from penstock.reshape.table import At, Tabular
from penstock.slices import Words
from penstock.steps.rows.keeping import Keep, same_rows, scores_of, surplus
from penstock.table import NUMERIC

_ORDERED: frozenset[str] = NUMERIC | {"datetime"}


class DeduplicateRows(TableStep):
    """Keep one row of those with the same `key`; without keys, of those that are equal.

    The first or the last is kept, the newest (with the greatest value in the column `by`), or the most complete (with
    the fewest missing cells); of equals the earlier. A row that lacks a key stays.

    Examples
    --------
    >>> import pandas as pd
    >>> table = Tabular(pd.DataFrame({"id": [1.0, 1.0], "v": [2.0, 3.0]}), {"id": "integer", "v": "integer"})
    >>> step = DeduplicateRows(key="id", keep="newest", by="v")
    >>> step.on(table, At("t", 1, "deduplicate", {})).frame.to_dict("list")
    {'id': [1.0], 'v': [3.0]}
    """

    kind: Literal["deduplicate"] = "deduplicate"
    key: Words = ()
    keep: Keep = "first"
    by: str = ""

    @model_validator(mode="after")
    def _keeps_one(self) -> Self:
        if self.keep in ("newest", "complete") and not self.key:
            raise ValueError(f"`keep: {self.keep}` chooses among rows of one key; name them under `key`")
        if (self.keep == "newest") != bool(self.by):
            raise ValueError("`keep: newest` and `by`, the column that tells what is newer, go together")
        return self

    def on(self, table: Tabular, at: At) -> Tabular:
        """Return the rows that are kept, in their order.

        Raises
        ------
        PlanError
            A column is not there, or cannot tell what is newer.
        """
        at.require(table, self.key)
        if self.by:
            at.require(table, [self.by], _ORDERED)
        keyed = table.frame[list(self.key)] if self.key else table.frame
        scores = scores_of(self.keep, table.frame[self.by] if self.by else None, table.frame)
        gone = surplus(same_rows(keyed), self.keep, scores)
        if self.key:
            gone = gone & keyed.notna().all(axis=1).to_numpy(dtype=bool)
        return table.take(~gone)
