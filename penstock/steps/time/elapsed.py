"""The step `elapsed`: how long before a date or time another lies."""

from __future__ import annotations

import datetime as dt
from typing import Literal, Self

import numpy as np
from pydantic import model_validator

from penstock.blocks import Blocks, require
from penstock.errors import PlanError
from penstock.steps.base import MOMENTS, CellStep, Kinds, StepBase

Unit = Literal["seconds", "minutes", "hours", "days", "weeks", "years"]

_DAY = 86_400 * 1_000_000
# A year is the mean one of the Gregorian calendar.
MICROS: dict[Unit, float] = {
    "seconds": 1e6,
    "minutes": 6e7,
    "hours": _DAY / 24,
    "days": float(_DAY),
    "weeks": 7.0 * _DAY,
    "years": 365.2425 * _DAY,
}


class Elapsed(CellStep, StepBase):
    """Add how much time lies between a date or time and an earlier one: another column, or one that is fixed.

    The new column is `<column>_since_<since>` unless `into` names it; it is negative where `since` is the later one. A
    fixed `date` without an offset is in UTC. Both columns stay; a `calendar` step takes them out.

    Examples
    --------
    >>> import pandas as pd
    >>> rows = pd.DataFrame({"seen": pd.to_datetime(["2026-11-22 12:00"]), "born": pd.to_datetime(["1996-11-22"])})
    >>> Elapsed(column="seen", since="born", unit="years").apply(rows)["seen_since_born"].round(2).tolist()
    [30.0]
    >>> Elapsed(column="seen", date="2026-11-20").apply(rows)["seen_since_2026-11-20"].tolist()
    [2.5]
    """

    kind: Literal["elapsed"] = "elapsed"
    column: str
    since: str | None = None
    date: dt.datetime | None = None
    unit: Unit = "days"
    into: str = ""

    @model_validator(mode="after")
    def _one_beginning(self) -> Self:
        if (self.since is None) == (self.date is None):
            raise ValueError("name either `since`, a column, or `date`, a fixed date or time")
        return self

    @property
    def made(self) -> str:
        """The name of the new column."""
        return self.into or f"{self.column}_since_{self.since or str(self._fixed).removesuffix('T00:00:00.000000')}"

    @property
    def _fixed(self) -> np.datetime64:
        date = self.date or dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
        return np.datetime64(date.astimezone(dt.UTC).replace(tzinfo=None) if date.tzinfo else date, "us")

    def columns_after(self, kinds: Kinds) -> Kinds:
        """Return the columns and the new one.

        Raises
        ------
        PlanError
            A named column is absent or no date or time, or the new column's name is taken.
        """
        self.check_columns([self.column, *([self.since] if self.since else [])], kinds, MOMENTS)
        if self.made in kinds:
            raise PlanError(
                f"The step `elapsed` would make a second column {self.made!r}",
                todo="Give the new one another name by `into`.",
            )
        return {**kinds, self.made: "float"}

    def on(self, blocks: Blocks) -> Blocks:
        """Return the blocks with the time that lies between."""
        require([self.column, *([self.since] if self.since else [])], blocks.moments)
        end, start = blocks.moments[self.column], blocks.moments[self.since] if self.since else self._fixed
        micros = np.where(np.isnat(end) | np.isnat(start), np.nan, (end - start).astype(np.int64))
        return blocks.with_more_numbers((self.made,), (micros / MICROS[self.unit])[:, None])
