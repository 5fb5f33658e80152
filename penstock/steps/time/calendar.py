"""The step `calendar`: a date or time becomes numbers that a model can use."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, ClassVar, Literal, get_args

import numpy as np
from pydantic import BeforeValidator, field_validator

from penstock.blocks import Blocks, require
from penstock.errors import PlanError
from penstock.steps.base import MOMENTS, CellStep, ColumnStep, Kinds
from penstock.steps.time.clock import Clock, Cycle, Part, part_of, round_of
from penstock.table import Kind
from penstock.zones import is_zone


def known_zone(zone: str) -> str:
    """Return the name of a time zone; empty stands for UTC.

    Raises
    ------
    ValueError
        There is no such zone.
    """
    if zone and not is_zone(zone):
        raise ValueError(f"{zone!r} is no time zone; one is named as in Europe/Berlin or UTC")
    return zone


def _all_or_none(value: Any) -> Any:
    if isinstance(value, bool):
        return get_args(Cycle) if value else ()
    return (value,) if isinstance(value, str) else value


class Calendar(CellStep, ColumnStep):
    """Replace each date or time by its parts: `<column>_year`, `_month` and so on, the weekday counted from Monday 0.

    Moments are in UTC; with `zone` the parts are what clocks and calendars show there. `week` is that of ISO 8601,
    `hour_of_week` counts from Monday 0 h, `day_number` from 1970-01-01. With `cyclic` month, weekday, hour and day of
    the year (or those of them that are listed) also come as `<column>_<part>_sin` and `_cos`, in which the end of a
    cycle lies beside its beginning. With `keep` the moment stays, for a later step.

    Examples
    --------
    >>> import pandas as pd
    >>> frame = pd.DataFrame({"seen": pd.to_datetime(["2026-11-22 19:30", None])})
    >>> Calendar(parts=("month", "weekday", "hour")).apply(frame).to_dict("list")
    {'seen_month': [11.0, nan], 'seen_weekday': [6.0, nan], 'seen_hour': [19.0, nan]}
    >>> Calendar(parts=("hour",), zone="Asia/Tokyo", cyclic=("weekday",)).apply(frame).round(3).to_dict("list")
    {'seen_hour': [4.0, nan], 'seen_weekday_sin': [0.0, nan], 'seen_weekday_cos': [1.0, nan]}
    """

    suits: ClassVar[frozenset[str]] = MOMENTS

    kind: Literal["calendar"] = "calendar"
    parts: tuple[Part, ...] = ("year", "month", "day", "weekday", "hour")
    cyclic: Annotated[
        tuple[Cycle, ...], BeforeValidator(_all_or_none, json_schema_input_type=bool | tuple[Cycle, ...])
    ] = ()
    zone: str = ""
    keep: bool = False

    _check_zone = field_validator("zone")(known_zone)

    def columns_after(self, kinds: Kinds) -> Kinds:
        """Return the columns without the moments, unless they are kept, and with their parts.

        Raises
        ------
        PlanError
            A named column is absent or no date or time, or a part's name is taken.
        """
        self.check_columns(self.columns or (), kinds, self.suits)
        moments = [c for c, kind in kinds.items() if kind == "datetime" and (self.columns is None or c in self.columns)]
        after: Kinds = {c: kind for c, kind in kinds.items() if self.keep or c not in moments}
        for name, kind in ((f"{moment}_{end}", kind) for moment in moments for end, kind in self._ends()):
            if name in after:
                raise PlanError(
                    f"The step `calendar` would make a second column {name!r}", todo="Rename one at the source."
                )
            after[name] = kind
        return after

    def on(self, blocks: Blocks) -> Blocks:
        """Return the blocks with parts in place of moments."""
        names = tuple(blocks.moments) if self.columns is None else self.columns
        require(names, blocks.moments)
        if not names:
            return blocks
        ends = [end for end, _ in self._ends()]
        matrix = np.empty((blocks.n_rows, len(names) * len(ends)), order="F")
        for i, name in enumerate(names):
            moments = blocks.moments[name]
            for j, values in enumerate(self._values(Clock.at(moments, self.zone)), i * len(ends)):
                matrix[:, j] = values
            matrix[np.isnat(moments), i * len(ends) : (i + 1) * len(ends)] = np.nan
        after = blocks.with_more_numbers(tuple(f"{name}_{end}" for name in names for end in ends), matrix)
        return after if self.keep else after.without_moments(names)

    def _ends(self) -> Iterator[tuple[str, Kind]]:
        for part in self.parts:
            yield part, "boolean" if part.startswith("is_") else "integer"
        for part in self.cyclic:
            yield f"{part}_sin", "float"
            yield f"{part}_cos", "float"

    def _values(self, clock: Clock) -> Iterator[np.ndarray]:
        for part in self.parts:
            yield part_of(part, clock)
        for cycle in self.cyclic:
            yield from round_of(cycle, clock)
