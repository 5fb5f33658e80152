"""The step `calendar`: a date or time becomes numbers that a model can use."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar, Literal

import numpy as np

from penstock.errors import PlanError
from penstock.steps.base import MOMENTS, CellStep, ColumnStep, Kinds
from penstock.steps.blocks import Blocks, require

Part = Literal["year", "month", "day", "weekday", "hour"]


def _whole(values: np.ndarray, missing: np.ndarray) -> np.ndarray:
    return np.where(missing, np.nan, values.astype(np.int64).astype(np.float64))


def _year(at: np.ndarray) -> np.ndarray:
    return _whole(at.astype("datetime64[Y]").astype(np.int64) + 1970, np.isnat(at))


def _month(at: np.ndarray) -> np.ndarray:
    return _whole(at.astype("datetime64[M]").astype(np.int64) % 12 + 1, np.isnat(at))


def _day(at: np.ndarray) -> np.ndarray:
    return _whole((at.astype("datetime64[D]") - at.astype("datetime64[M]")).astype(np.int64) + 1, np.isnat(at))


def _weekday(at: np.ndarray) -> np.ndarray:
    # 1970-01-01 was a Thursday; Monday is 0.
    return _whole((at.astype("datetime64[D]").astype(np.int64) + 3) % 7, np.isnat(at))


def _hour(at: np.ndarray) -> np.ndarray:
    return _whole((at.astype("datetime64[h]") - at.astype("datetime64[D]")).astype(np.int64), np.isnat(at))


_PARTS: dict[Part, Callable[[np.ndarray], np.ndarray]] = {
    "year": _year,
    "month": _month,
    "day": _day,
    "weekday": _weekday,
    "hour": _hour,
}


class Calendar(CellStep, ColumnStep):
    """Replace each date or time by its parts: `<column>_year`, `_month` and so on, the weekday counted from Monday 0.

    Examples
    --------
    >>> import pandas as pd
    >>> frame = pd.DataFrame({"seen": pd.to_datetime(["2026-11-22 19:30", None])})
    >>> Calendar(parts=("month", "weekday", "hour")).apply(frame).to_dict("list")
    {'seen_month': [11.0, nan], 'seen_weekday': [6.0, nan], 'seen_hour': [19.0, nan]}
    """

    suits: ClassVar[frozenset[str]] = MOMENTS

    kind: Literal["calendar"] = "calendar"
    parts: tuple[Part, ...] = ("year", "month", "day", "weekday", "hour")

    def columns_after(self, kinds: Kinds) -> Kinds:
        """Return the columns without the moments, and with their parts.

        Raises
        ------
        PlanError
            A named column is absent or no date or time, or a part's name is taken.
        """
        self.check_columns(self.columns or (), kinds, self.suits)
        moments = [c for c, kind in kinds.items() if kind == "datetime" and (self.columns is None or c in self.columns)]
        after: Kinds = {c: kind for c, kind in kinds.items() if c not in moments}
        for name in (f"{moment}_{part}" for moment in moments for part in self.parts):
            if name in after:
                raise PlanError(
                    f"The step `calendar` would make a second column {name!r}", todo="Rename one at the source."
                )
            after[name] = "integer"
        return after

    def on(self, blocks: Blocks) -> Blocks:
        """Return the blocks with parts in place of moments."""
        names = tuple(blocks.moments) if self.columns is None else self.columns
        require(names, blocks.moments)
        if not names:
            return blocks
        made = {f"{name}_{part}": _PARTS[part](blocks.moments[name]) for name in names for part in self.parts}
        matrix = np.column_stack([*made.values()]) if made else np.empty((blocks.n_rows, 0))
        return blocks.with_more_numbers(tuple(made), matrix).without_moments(names)
