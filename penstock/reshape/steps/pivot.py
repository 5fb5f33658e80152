"""The table step `pivot`: a column for each level of another."""

from __future__ import annotations

from typing import Any, Literal, Self

import numpy as np
import pandas as pd
from pydantic import Field, model_validator

from penstock.cells import canonical_text
from penstock.reshape.base import TableStep
from penstock.reshape.groups import Groups, Take, check_aggregate, grouped, kind_of, one_of_each
from penstock.reshape.table import At, Tabular
from penstock.slices import Words
from penstock.steps.telling import told_places, told_rows
from penstock.table import Kind

MOST_CELLS = 50_000_000
_MIDNIGHT = " 00:00:00"


class PivotColumns(TableStep):
    """Turn long rows into wide ones: one row for each `index`, and a column for each level of `column`.

    A cell holds the `value` of the row that it is made of, or an `aggregate` of several. The columns stand in the order
    of their levels. With `levels` there are always these, whatever the rows hold: a table that a model is made of
    should have the same columns in every run. More than `most` levels are refused.

    Examples
    --------
    >>> import pandas as pd
    >>> long = pd.DataFrame({"id": [1.0, 1.0, 2.0], "what": ["b", "a", "a"], "n": [5.0, 6.0, 7.0]})
    >>> table = Tabular(long, {"id": "integer", "what": "category", "n": "float"})
    >>> PivotColumns(index="id", column="what", value="n").on(table, At("wide", 1, "pivot", {})).frame.to_dict("list")
    {'id': [1.0, 2.0], 'a': [6.0, 7.0], 'b': [5.0, nan]}
    """

    kind: Literal["pivot"] = "pivot"
    index: Words = Field(min_length=1)
    column: str
    value: str | None = None
    aggregate: Take | None = None
    levels: Words | None = None
    prefix: str = ""
    most: int = Field(default=200, ge=1, le=10_000)

    @model_validator(mode="after")
    def _something_to_show(self) -> Self:
        if self.value is None and self.aggregate != "count":
            raise ValueError("`pivot` needs a `value`, the column that fills the cells, unless `aggregate: count`")
        return self

    def on(self, table: Tabular, at: At) -> Tabular:
        """Return one row for each index.

        Raises
        ------
        PlanError
            A column is not there, has no such aggregate, is private where its levels would become names, or a level
            has the name of an index column.
        DataError
            There are too many levels, or several rows for one cell and no aggregate of them.
        """
        at.require(table, [*self.index, self.column, *([self.value] if self.value is not None else [])])
        check_aggregate(table, self.value, self.aggregate or "first", at)
        if self.column in table.private:
            raise at.plan_error(
                f"The step `pivot` would make names of the values of {self.column!r}, which is private",
                todo="Pivot by another column.",
            )
        codes, levels = self._levels(table, at)
        names = [self.prefix + level for level in levels]
        at.refuse_taken(names, self.index)
        groups, keys = grouped(table.frame, self.index)
        if groups.n * len(levels) > MOST_CELLS:
            raise at.data_error(
                "The step `pivot` would make a table that is too large",
                got=f"{groups.n:,} rows of {len(levels):,} columns",
                expected=f"at most {MOST_CELLS:,} cells",
                todo="Aggregate or filter before.",
            )
        cells = Groups(np.where(codes >= 0, groups.codes * len(levels) + codes, -1), groups.n * len(levels))
        self._check_single(table, cells, at)
        made = one_of_each(table, cells, self.value, self.aggregate or "first")
        kind: Kind = kind_of(self.aggregate or "first", table.kinds[self.value] if self.value is not None else None)
        hidden = self.value in table.private and self.aggregate not in ("count", "distinct")
        left_out = codes < 0
        return table.made(
            {**{n: keys[n] for n in self.index}, **{n: made[j :: len(levels)] for j, n in enumerate(names)}},
            {**{n: table.kinds[n] for n in self.index}, **dict.fromkeys(names, kind)},
            (table.private & set(self.index)) | (set(names) if hidden else set()),
            f"pivot left out {told_places(left_out)} without a level of {self.column!r}" if left_out.any() else "",
        )

    def _levels(self, table: Tabular, at: At) -> tuple[np.ndarray, list[str]]:
        """Return each row's level, -1 for none, and the levels by name, in order."""
        codes, found = pd.factorize(table.frame[self.column], sort=True)
        names = [level_name(level, table.kinds[self.column]) for level in found]
        if self.levels is not None:
            places = {name: j for j, name in enumerate(self.levels)}
            at.refuse_taken(self.levels, ())
            return np.array([*(places.get(name, -1) for name in names), -1], dtype=np.int64)[codes], list(self.levels)
        if not names or len(names) > self.most:
            shown = ", ".join(map(repr, names[:5]))
            raise at.data_error(
                f"The step `pivot` would make a column for each of {len(names):,} levels of {self.column!r}",
                got=f"levels such as {shown}" if names else "no level at all",
                expected=f"1 to {self.most:,} levels",
                todo="Name those that matter under `levels`, filter or bin before, or raise `most`.",
            )
        return codes.astype(np.int64), names

    def _check_single(self, table: Tabular, cells: Groups, at: At) -> None:
        if self.aggregate is not None:
            return
        several = (cells.codes >= 0) & (cells.sizes()[cells.codes] > 1)
        if several.any():
            raise at.data_error(
                f"The step `pivot` has several rows for one cell: {told_places(several)}",
                got=told_rows(table.frame.loc[several, [*self.index, self.column]], table.private),
                expected=f"one row for each {', '.join(self.index)} and {self.column}",
                todo="Say what to make of them: aggregate: mean (or sum, first, last, count, …)",
            )


def level_name(level: Any, kind: Kind) -> str:
    """Return a level as a column's name.

    Examples
    --------
    >>> level_name(2.0, "integer"), level_name(1.0, "boolean"), level_name(pd.Timestamp("2024-05-01"), "datetime")
    ('2', 'true', '2024-05-01')
    """
    if kind == "boolean":
        return "true" if level else "false"
    if isinstance(level, str):
        return level
    if kind == "datetime":
        return str(pd.Timestamp(level)).removesuffix(_MIDNIGHT)
    return canonical_text(float(level))
