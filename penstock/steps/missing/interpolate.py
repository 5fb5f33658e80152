"""The step `interpolate`: what a series held before or after stands in for what a row lacks."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, ClassVar, Literal

import numpy as np
from pydantic import Field

from penstock.blocks import Blocks
from penstock.durations import Duration
from penstock.errors import PlanError
from penstock.slices import Words
from penstock.steps.base import MOMENTS, NUMBERS, TEXTS, Kinds, Known, Learned, LearnedStep
from penstock.steps.missing.series import Neighbour, Series, places_of

Method = Literal["forward", "backward", "time"]


@dataclass(frozen=True)
class InterpolateLearned(Learned):
    """The values that training rows held, in their order by group, and behind them those of more recent rows.

    `within` is in the units of the order: microseconds where it is a date or time.
    """

    names: tuple[str, ...]
    order: str
    by: tuple[str, ...]
    method: Method
    within: float
    known: tuple[Series, ...]

    def on(self, blocks: Blocks) -> Blocks:
        """Return the blocks with what could be found in place of what is missing."""
        values = blocks.matrix(self.names)
        missing = np.isnan(values)
        if not missing.any():
            return blocks
        filled = values.copy(order="F")
        rows = np.flatnonzero(missing.any(axis=1))
        at, in_order = places_of(blocks, self.order)
        groups = [series.group_of(blocks) for series in self.known]
        rows = rows[in_order[rows]]
        for j in range(len(self.names)):
            wanted = rows[missing[rows, j]]
            if len(wanted):
                filled[wanted, j] = self._found(j, at[wanted], [codes[wanted] for codes in groups])
        return blocks.with_numbers(self.names, filled)

    def extended(self, blocks: Blocks) -> InterpolateLearned:
        """Return the same with more recent rows known: they are looked at beside those of training."""
        recent = Series.of(blocks, self.names, self.order, self.by)
        return replace(self, known=(*self.known, recent))

    def describe(self) -> dict[str, Any]:
        """Return the number of groups, and of the values that are looked up, by column."""
        n_values = {name: sum(s.n_values(j) for s in self.known) for j, name in enumerate(self.names)}
        return {"method": self.method, "groups": self.known[0].groups.n, "values": n_values}

    def _found(self, column: int, at: np.ndarray, groups: list[np.ndarray]) -> np.ndarray:
        before, after = Neighbour.none(at), Neighbour.none(at)
        for series, codes in zip(self.known, groups, strict=True):
            # Where two are as near, the more recently known holds.
            if self.method != "backward":
                before = series.before(column, at, codes).or_farther(before)
            if self.method != "forward":
                after = series.after(column, at, codes).or_farther(after)
        if self.method == "forward":
            return before.value_within(self.within)
        if self.method == "backward":
            return after.value_within(self.within)
        span = before.distance + after.distance
        with np.errstate(invalid="ignore"):
            weight = np.where(span > 0, before.distance / np.where(span > 0, span, 1.0), 0.0)
            first, second = before.value_within(self.within), after.value_within(self.within)
            between: np.ndarray = first * (1 - weight) + second * weight
        return between


class Interpolate(LearnedStep):
    """Put for a missing number what other training rows held before it: the last value in the order of a column.

    `order` is a date or time, or a number; `by` keeps groups apart. Only missing values are filled, from rows that hold
    one, and from none farther away than `within` (a length of time, or in the units of a number that orders). Rows that
    lack the order or their group stay as they are. Rows that a caller sends as history are looked at, too.

    `forward` looks back, as a model has to that foretells. `backward` takes the next value and `time` draws a line
    between the last and the next (where both are there): these look ahead. They suit rows that are given out of order,
    and the plan check refuses them where rows are split by time.

    Examples
    --------
    >>> import pandas as pd
    >>> train = pd.DataFrame({"day": [1.0, 2.0, 5.0], "level": [10.0, None, 40.0]})
    >>> later = pd.DataFrame({"day": [0.0, 3.0, 9.0], "level": [float("nan")] * 3})
    >>> Interpolate(columns=("level",), order="day").learn(train).apply(later)["level"].tolist()
    [nan, 10.0, 40.0]
    >>> between = Interpolate(columns=("level",), order="day", method="time")
    >>> between.learn(train).apply(later)["level"].tolist(), between.looks_ahead
    ([nan, 25.0, nan], True)
    """

    suits: ClassVar[frozenset[str]] = NUMBERS

    looks_back: ClassVar[bool] = True

    kind: Literal["interpolate"] = "interpolate"
    columns: Words = Field(min_length=1)
    order: str
    by: Words = ()
    method: Method = "forward"
    within: Duration | None = None

    @property
    def looks_ahead(self) -> bool:
        """Whether rows are given what is only known later."""
        return self.method != "forward"

    def columns_after(self, kinds: Kinds) -> Kinds:
        """Return the columns as they are.

        Raises
        ------
        PlanError
            A named column is absent or of a kind that does not suit, or is to be filled in the order of itself.
        """
        self.check_columns((self.order,), kinds, NUMBERS | MOMENTS)
        self.check_columns(self.by, kinds, NUMBERS | TEXTS)
        for column in self.columns:
            if column == self.order or column in self.by:
                raise PlanError(
                    f"The step `interpolate` cannot fill the column {column!r} by itself",
                    got="it is among `columns`, and orders or groups the rows",
                    todo="Take it out of `columns`.",
                )
        return super().columns_after(kinds)

    def learn_from(self, blocks: Blocks, known: Known | None = None) -> InterpolateLearned:
        """Return the values that training rows hold."""
        scale = 1e6 if self.order in blocks.moments else 1.0
        within = np.inf if self.within is None else self.within * scale
        series = Series.of(blocks, self.columns, self.order, self.by)
        return InterpolateLearned(self.columns, self.order, self.by, self.method, within, (series,))
