"""The step `holidays`: whether a day is a public holiday somewhere, and how near the nearest ones are."""

from __future__ import annotations

import datetime as dt
from functools import lru_cache
from typing import Any, ClassVar, Literal, Self

import numpy as np
from pydantic import Field, field_validator, model_validator

from penstock.blocks import Blocks, FloatMatrix, require
from penstock.errors import PlanError
from penstock.steps.base import MOMENTS, CellStep, ColumnStep, Kinds
from penstock.steps.time.calendar import known_zone
from penstock.steps.time.clock import Clock
from penstock.table import closest

Told = Literal["is_holiday", "days_to_next", "days_since_last"]
_EPOCH = dt.date(1970, 1, 1)
_ENDS: dict[Told, str] = {
    "is_holiday": "is_holiday",
    "days_to_next": "days_to_next_holiday",
    "days_since_last": "days_since_last_holiday",
}


class Holidays(CellStep, ColumnStep):
    """Add to each date or time whether its day is a public holiday of a country, and how far the nearest ones are.

    The new columns are `<column>_is_holiday`, `<column>_days_to_next_holiday` and `<column>_days_since_last_holiday`:
    0 on a holiday, and `at_most` where none is nearer. A `label` is put before these names. A day begins at midnight
    in `zone`. Days outside the years that are known of the country are missing. The moment stays, for a `calendar`
    step.

    References
    ----------
    The Python library `holidays`, https://github.com/vacanza/holidays

    Examples
    --------
    >>> import pandas as pd
    >>> days = pd.DataFrame({"day": pd.to_datetime(["2026-12-24", "2026-12-25", "1066-10-14"])})
    >>> step = Holidays(country="DE", tell=("is_holiday", "days_to_next"))
    >>> step.apply(days)[["day_is_holiday", "day_days_to_next_holiday"]].to_dict("list")
    {'day_is_holiday': [0.0, 1.0, nan], 'day_days_to_next_holiday': [1.0, 0.0, nan]}
    >>> Holidays(country="Germny")
    Traceback (most recent call last):
    ...
    pydantic_core._pydantic_core.ValidationError: 1 validation error for Holidays
    country
      Value error, no holidays are known of the country 'Germny'; did you mean 'Germany'?...
    """

    suits: ClassVar[frozenset[str]] = MOMENTS

    kind: Literal["holidays"] = "holidays"
    country: str
    subdivision: str = ""
    zone: str = ""
    tell: tuple[Told, ...] = ("is_holiday", "days_to_next", "days_since_last")
    at_most: int = Field(default=30, ge=1, le=366)
    label: str = ""

    _check_zone = field_validator("zone")(known_zone)

    @field_validator("country")
    @classmethod
    def _known_country(cls, country: str) -> str:
        codes = _codes()
        code = codes.get(country.strip().casefold())
        if code is None:
            names = sorted({name for names in _countries().values() for name in names[:2]})
            raise ValueError(f"no holidays are known of the country {country!r}; {closest(country, names)}")
        return code

    @model_validator(mode="after")
    def _known_subdivision(self) -> Self:
        if self.subdivision:
            entity = _entity(self.country)
            known = (*entity.subdivisions, *entity.subdivisions_aliases)
            if self.subdivision not in known:
                raise ValueError(
                    f"{self.country} has no subdivision {self.subdivision!r}; {closest(self.subdivision, known)}"
                )
        return self

    def columns_after(self, kinds: Kinds) -> Kinds:
        """Return the columns, and what is told of each date or time.

        Raises
        ------
        PlanError
            A named column is absent or no date or time, or a new column's name is taken.
        """
        self.check_columns(self.columns or (), kinds, self.suits)
        moments = [c for c, kind in kinds.items() if kind == "datetime" and (self.columns is None or c in self.columns)]
        after = dict(kinds)
        for moment in moments:
            for told in self.tell:
                name = self._name(moment, told)
                if name in after:
                    raise PlanError(
                        f"The step `holidays` would make a second column {name!r}", todo="Give the step a `label`."
                    )
                after[name] = "boolean" if told == "is_holiday" else "integer"
        return after

    def on(self, blocks: Blocks) -> Blocks:
        """Return the blocks with what is told of each date or time."""
        names = tuple(blocks.moments) if self.columns is None else self.columns
        require(names, blocks.moments)
        if not names or not self.tell:
            return blocks
        made = tuple(self._name(name, told) for name in names for told in self.tell)
        return blocks.with_more_numbers(made, np.column_stack([self._matrix(blocks.moments[n]) for n in names]))

    def _name(self, moment: str, told: Told) -> str:
        return f"{moment}_{self.label}_{_ENDS[told]}" if self.label else f"{moment}_{_ENDS[told]}"

    def _matrix(self, moments: np.ndarray) -> FloatMatrix:
        clock = Clock.at(moments, self.zone)
        told: FloatMatrix = self._told(clock.days.number)[clock.which]
        told[np.isnat(moments)] = np.nan
        return told

    def _told(self, days: np.ndarray) -> FloatMatrix:
        first_year, last_year = _years(self.country)
        years = np.unique(days.astype("datetime64[D]").astype("datetime64[Y]").astype(np.int64) + 1970)
        near = sorted({y + i for y in years.tolist() for i in (-1, 0, 1) if first_year <= y + i <= last_year})
        free = [day for year in near for day in _holidays(self.country, self.subdivision, year)]
        begin, end = ((dt.date(year, 1, 1) - _EPOCH).days for year in (first_year, last_year + 1))
        # A sentinel on either side is farther than any cap, so that every day has a next and a last one.
        fenced = np.array([-(2**40), *free, 2**40], np.int64)
        to_next = fenced[np.searchsorted(fenced, days, side="left")] - days
        since_last = days - fenced[np.searchsorted(fenced, days, side="right") - 1]
        found: dict[Told, np.ndarray] = {
            "is_holiday": (to_next == 0).astype(np.float64),
            "days_to_next": self._capped(to_next, end - 1 - days),
            "days_since_last": self._capped(since_last, days - begin),
        }
        table = np.column_stack([found[told] for told in self.tell])
        table[(days < begin) | (days >= end)] = np.nan
        return table

    def _capped(self, distance: np.ndarray, known: np.ndarray) -> np.ndarray:
        # Where what is known ends before the cap and before a holiday, nobody can say how far it is.
        told = np.minimum(distance, self.at_most)
        return np.where(told <= known, told, np.nan)


def _countries() -> dict[str, tuple[str, ...]]:
    from holidays.registry import COUNTRIES

    return COUNTRIES


@lru_cache(maxsize=1)
def _codes() -> dict[str, str]:
    """Return the two letters of a country by each of its names, folded."""
    return {name.casefold(): names[1] for key, names in _countries().items() for name in (key, *names)}


@lru_cache(maxsize=64)
def _entity(country: str) -> Any:
    import holidays

    return getattr(holidays, country)


def _years(country: str) -> tuple[int, int]:
    entity = _entity(country)
    return max(int(entity.start_year), 1), min(int(entity.end_year), 9998)


@lru_cache(maxsize=4096)
def _holidays(country: str, subdivision: str, year: int) -> tuple[int, ...]:
    """Return the holidays of a year as days since the start of 1970."""
    found = _entity(country)(years=year, subdiv=subdivision or None, expand=False)
    return tuple(sorted((day - _EPOCH).days for day in found))
