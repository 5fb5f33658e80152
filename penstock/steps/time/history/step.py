"""What all steps have in common that look rows up in what came before them."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Self

import numpy as np
from pydantic import Field, model_validator

from penstock.blocks import Blocks, FloatMatrix, require
from penstock.errors import DataError, PlanError
from penstock.slices import Words
from penstock.steps.base import MOMENTS, NUMBERS, TEXTS, Kinds, Known, Learned, LearnedStep
from penstock.steps.time.history.groups import NO_GROUP, Groups
from penstock.steps.time.history.past import Entries, Past, View, never
from penstock.steps.time.history.settings import Reach, measured
from penstock.steps.time.history.tree import Family

ORDERS: frozenset[str] = MOMENTS | {"integer", "float"}
GROUPS: frozenset[str] = TEXTS | {"integer", "boolean"}


class HistoryStep(LearnedStep):
    """Looks up, for each row, the rows of its group that lie strictly before it in `order`, a date, time or number.

    Without `by` all rows are one group. With `gap` a row is known only so much after its own time. Rows without a time
    or group have nothing before them, and are before nobody. What is stored is training rows, at most `at_most`; what
    comes later is sent as history. `label` is put into the names of the new columns.
    """

    looks_back: ClassVar[bool] = True

    columns: None = None
    order: str
    by: Words = ()
    gap: Reach | None = None
    at_most: int = Field(default=5_000_000, ge=1)
    label: str = ""

    @model_validator(mode="after")
    def _each_once(self) -> Self:
        for setting in ("by", "of", "k", "take"):
            values = getattr(self, setting, ())
            if len(set(values)) < len(values):
                raise ValueError(f"`{setting}` holds something twice")
        if self.order in self.by:
            raise ValueError("`order` cannot be among `by`: no two rows of a group would differ in it")
        return self

    @property
    def looked_at(self) -> tuple[str, ...]:
        """The columns whose earlier values are looked up."""
        return ()

    @property
    def families(self) -> tuple[Family, ...]:
        """What stretches of rows are summed up by."""
        return ()

    @property
    def reaches(self) -> dict[str, str | float]:
        """How far back settings reach, by their names."""
        return {} if self.gap is None else {"gap": self.gap}

    @abstractmethod
    def made(self, kinds: Kinds) -> Kinds:
        """Return the new columns, in order, for those of `looked_at` and `order` with their kinds."""

    @abstractmethod
    def told(self, view: View) -> FloatMatrix:
        """Return the new columns, shape (n, n_made), of rows by what they see."""

    def kept(self, past: Past) -> Past:
        """Return what is stored of the training rows."""
        return past

    def named(self, *parts: str) -> str:
        """Return the name of a new column, with the label in its second place."""
        return "_".join([parts[0], *([self.label] if self.label else []), *parts[1:]])

    def columns_after(self, kinds: Kinds) -> Kinds:
        """Return the columns and the new ones.

        Raises
        ------
        PlanError
            A named column is absent or of a kind that does not suit, a length of time stands where rows are ordered by
            a number or the other way round, or a new column's name is taken.
        """
        after = super().columns_after(kinds)
        self.check_columns([self.order], kinds, ORDERS)
        self.check_columns(self.by, kinds, GROUPS)
        self.check_columns(self.looked_at, kinds, NUMBERS)
        by_moments = kinds[self.order] == "datetime"
        for setting, reach in self.reaches.items():
            if isinstance(reach, str) != by_moments:
                raise PlanError(
                    f"The step `{self.name}` cannot measure its `{setting}` in the column {self.order!r}",
                    got=f"{reach!r} for a column of kind {kinds[self.order]}",
                    expected="a length of time such as 7d" if by_moments else "a number",
                )
        for name, kind in self.made(kinds).items():
            if name in after:
                raise PlanError(
                    f"The step `{self.name}` would make a second column {name!r}", todo="Give the step a `label`."
                )
            after[name] = kind
        return after

    def rows_of(self, blocks: Blocks, groups: Groups) -> Entries:
        """Return what the step needs of rows that are to be told what they see."""
        times, timed = self._times(blocks)
        return Entries(np.where(timed, groups.of(blocks), NO_GROUP), times, self._values(blocks))

    def rows_to_store(self, blocks: Blocks, groups: Groups) -> tuple[Groups, Entries]:
        """Return the groups with those of the rows, and what is stored of those rows that have a time and a group."""
        times, timed = self._times(blocks)
        groups, found = groups.joined_by(blocks, timed)
        return groups, Entries(found, times, self._values(blocks)).take(timed & (found >= 0))

    def _times(self, blocks: Blocks) -> tuple[np.ndarray, np.ndarray]:
        require([self.order], (*blocks.moments, *blocks.number_names))
        if self.order in blocks.moments:
            moments = blocks.moments[self.order]
            return np.where(np.isnat(moments), 0, moments.astype(np.int64)), ~np.isnat(moments)
        column = blocks.number(self.order)
        return np.where(np.isnan(column), 0.0, column), ~np.isnan(column)

    def _values(self, blocks: Blocks) -> FloatMatrix:
        if not self.looked_at:
            return np.empty((blocks.n_rows, 0))
        return np.ascontiguousarray(blocks.matrix(self.looked_at))

    def learn_from(self, blocks: Blocks, known: Known | None = None) -> Remembered:
        """Return the training rows, sorted, as far as the step needs them.

        Raises
        ------
        DataError
            They are more than `at_most`.
        """
        remembered = self.remembering_all(blocks)
        past = self.kept(remembered.past)
        if len(past) > self.at_most:
            raise DataError(
                f"The step `{self.name}` would store more rows than it may",
                got=f"{len(past):,} rows",
                expected=f"at most {self.at_most:,}",
                todo="Say how many rows a group needs by `keep`, or raise `at_most`.",
            )
        return remembered if past is remembered.past else replace(remembered, past=past, cut=True)

    def remembering_all(self, blocks: Blocks) -> Remembered:
        """Return all training rows, sorted."""
        groups, rows = self.rows_to_store(blocks, Groups(self.by, {}))
        return Remembered(self, groups, Past.of(rows, self.families))


class TailStep(HistoryStep):
    """A step that looks back over a bounded stretch, so that the tail of each group answers for all later rows.

    With `keep` that many rows of each group are stored, and those of the window; a row whose stretch reaches into what
    was not kept has nothing to see. Training rows see all that lies before them.
    """

    keep: int | None = Field(default=None, ge=1)

    @model_validator(mode="after")
    def _enough_kept(self) -> Self:
        if self.keep is not None and self.keep < self.rows_needed:
            raise ValueError(f"`keep` must be at least {self.rows_needed}, for so many rows are looked back")
        return self

    @property
    def rows_needed(self) -> int:
        """How many rows a stretch has."""
        return 1

    @property
    def length(self) -> str | float | None:
        """The window, where there is one."""
        return None

    def kept(self, past: Past) -> Past:
        """Return the tail that is stored of the training rows."""
        return past if self.keep is None else past.tail(self.keep, measured(self.gap), measured(self.length))


@dataclass(frozen=True)
class Remembered(Learned):
    """The rows that were learned from, and groups of them to which later rows were added (`newer`, in their stead)."""

    step: HistoryStep
    groups: Groups
    past: Past
    newer: Past | None = None
    cut: bool = False

    def on(self, blocks: Blocks) -> Blocks:
        """Return the blocks with what each row sees of the rows before it; rows of one batch do not see each other."""
        rows = self.step.rows_of(blocks, self.groups)
        unknown = rows.groups == NO_GROUP
        gap = measured(self.step.gap)
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
            told = self.step.told(View.of(self.past, rows, gap))
            if self.newer is not None:
                there = self.newer.has(rows.groups)
                told[there] = self.step.told(View.of(self.newer, rows.take(there), gap))
        told[unknown] = np.nan
        # A sum beyond the largest number is none.
        told[~np.isfinite(told)] = np.nan
        return blocks.with_more_numbers(tuple(self._made), told)

    def on_training(self, blocks: Blocks) -> Blocks:
        """Return the rows that were learned from with what each sees of all that lie before it."""
        return (self.step.remembering_all(blocks) if self.cut else self).on(blocks)

    def extended(self, blocks: Blocks) -> Remembered:
        """Return the same with more rows known.

        A row that agrees with a stored one in group, time and values is that row, and is not stored twice. Where a
        group's earlier rows were not kept, none is added among them.
        """
        groups, rows = self.step.rows_to_store(blocks, self.groups)
        newer, touched = self.newer, np.unique(rows.groups)
        old = self.past.entries(touched if newer is None else touched[~newer.has(touched)])
        cuts = self.past.cuts(touched)
        if newer is not None:
            old, cuts = old.and_(newer.entries(newer.groups)), {**cuts, **newer.cuts(newer.groups)}
        if cuts:
            ends = np.array([cuts.get(group, never(rows.times)) for group in touched.tolist()], rows.times.dtype)
            rows = rows.take(rows.times > ends[np.searchsorted(touched, rows.groups)])
        merged = old.and_(rows.without_copies_of(old))
        return replace(self, groups=groups, newer=Past.of(merged, self.step.families, cuts))

    def describe(self) -> dict[str, Any]:
        """Return how many rows of how many groups are stored, and whether earlier ones were left out."""
        return {"rows": len(self.past), "groups": len(self.past.groups), "cut": self.cut}

    @property
    def _made(self) -> Kinds:
        return self.step.made(dict.fromkeys((self.step.order, *self.step.looked_at), "float"))
