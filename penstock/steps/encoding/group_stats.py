"""The step `group_stats`: what is usual in a row's group, as columns."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, Self

import numpy as np
from pydantic import Field

from penstock.blocks import Blocks, FloatMatrix
from penstock.errors import PlanError
from penstock.slices import Words
from penstock.steps.base import NUMBERS, TEXTS, Kinds, Known, LearnedStep
from penstock.steps.encoding.outoffold import OutOfFold, folds, names_for_labels, outputs_of, target_of
from penstock.steps.groups import Groups
from penstock.steps.made import add_columns
from penstock.steps.statistics import by_group, overall

Taken = Literal["count", "mean", "std", "min", "max", "median"]
TARGET = "target"


@dataclass(frozen=True, kw_only=True)
class GroupStatsLearned(OutOfFold):
    """The statistics by group, of shape (n_groups + 1, n_made); the last row is for groups that were never met."""

    groups: Groups
    made: tuple[str, ...]
    values: FloatMatrix

    def on(self, blocks: Blocks) -> Blocks:
        """Return the blocks with the statistics of each row's group."""
        return blocks.with_more_numbers(self.made, self.values[self.groups.codes(blocks)])

    def on_training(self, blocks: Blocks) -> Blocks:
        """Return the training rows with the statistics of rows in other folds."""
        return blocks.with_more_numbers(self.made, self.values_for_training(blocks.n_rows))

    def describe(self) -> dict[str, Any]:
        """Return the number of groups, and what a group gets that was never met."""
        otherwise = [None if np.isnan(v) else v for v in self.values[-1].tolist()]
        made = dict(zip(self.made, otherwise, strict=True))
        return {"by": list(self.groups.by), "groups": self.groups.n, "otherwise": made}


class GroupStats(LearnedStep):
    """Add statistics of a column, or of the target, over the training rows of a row's group.

    A group is made of the training rows that agree in the columns `by`, a missing value being a value like others.
    `of: target` takes the target: its values, of two labels the share of the second, of more the share of each. A group
    that training never met, or that has too few values, gets the statistic of all; its `count` is 0. The median is the
    lower one where two values share the middle, and `std` the sample's.

    The training rows themselves get statistics of rows in other ones of `folds` folds, and a `count` without
    themselves: a row must not learn from what it has itself put in.

    Examples
    --------
    >>> import pandas as pd
    >>> train = pd.DataFrame({"city": ["Oslo", "Oslo", "Bonn"], "dose": [1.0, 3.0, 8.0]})
    >>> step = GroupStats(by=("city",), of="dose", take=("mean", "count"))
    >>> learned = step.learn(train)
    >>> made = ["dose_mean_by_city", "dose_count_by_city"]
    >>> learned.apply(pd.DataFrame({"city": ["Oslo", "Rome"], "dose": [0.0, 0.0]}))[made].to_dict("list")
    {'dose_mean_by_city': [2.0, 4.0], 'dose_count_by_city': [2.0, 0.0]}
    >>> step.columns_after({"city": "category", "doses": "float"})
    Traceback (most recent call last):
    penstock.errors.PlanError: The step `group_stats` names a column 'dose' that is not there
      expected: did you mean 'doses'? ...
    """

    kind: Literal["group_stats"] = "group_stats"
    columns: None = None
    by: Words = Field(min_length=1)
    of: str
    take: tuple[Taken, ...] = Field(default=("mean",), min_length=1)
    folds: int = Field(default=5, ge=2, le=50)

    @property
    def needs_target(self) -> bool:
        """Whether the target is what is looked at."""
        return self.of == TARGET

    def columns_after(self, kinds: Kinds) -> Kinds:
        """Return the columns where the target is a number or has two labels."""
        return self.columns_for(kinds, 0)

    def columns_for(self, kinds: Kinds, n_labels: int) -> Kinds:
        """Return the columns, and the statistics.

        Raises
        ------
        PlanError
            A named column is absent or of a kind that does not suit, a name is taken, or labels are to be ordered.
        """
        kinds = super().columns_after(kinds)
        self.check_columns(self.by, kinds, NUMBERS | TEXTS)
        if not self.needs_target:
            self.check_columns((self.of,), kinds, NUMBERS)
        elif TARGET in kinds:
            raise PlanError(
                "The step `group_stats` cannot tell the target from a column 'target'",
                todo="Rename the column at the source, or give it the role `ignored`.",
            )
        self._check_labels(n_labels)
        return add_columns(self.name, kinds, self._made(n_labels), "float")

    def learn_from(self, blocks: Blocks, known: Known | None = None) -> GroupStatsLearned:
        """Return the statistics of every group, and those of the training rows themselves.

        Raises
        ------
        DataError
            The target is to be looked at, and there is none.
        """
        seed, n_labels = (known.seed, known.n_labels) if known is not None else (0, 0)
        groups, codes = Groups.of(blocks, self.by)
        if self.needs_target:
            outputs = outputs_of(target_of(self.name, known))
        else:
            n_labels, outputs = 0, blocks.matrix((self.of,))
        self._check_labels(n_labels)
        pairs = self._pairs(n_labels)
        found = {j: _Sorted.of(outputs[:, j], codes, groups.n, self.folds, seed) for _, j in pairs}
        return GroupStatsLearned(
            groups=groups,
            made=self._made(n_labels),
            values=np.column_stack([found[j].by_group(take) for take, j in pairs]),
            training=np.column_stack([found[j].by_row(take) for take, j in pairs]),
        )

    def _check_labels(self, n_labels: int) -> None:
        ordering = [take for take in self.take if take not in ("mean", "count")]
        if self.needs_target and n_labels > 2 and ordering:
            raise PlanError(
                f"The step `group_stats` cannot take the {ordering[0]} of labels",
                got=f"a target with {n_labels} labels",
                expected="mean or count",
            )

    def _pairs(self, n_labels: int) -> list[tuple[Taken, int]]:
        """Return which statistic of which column of the outputs each made column is."""
        return [(take, j) for take in self.take for j in range(n_labels if n_labels > 2 and take == "mean" else 1)]

    def _made(self, n_labels: int) -> tuple[str, ...]:
        behind = "_".join(self.by)
        return tuple(
            name
            for take in self.take
            for name in names_for_labels(f"{self.of}_{take}_by_{behind}", n_labels if take == "mean" else 0)
        )


@dataclass(frozen=True)
class _Sorted:
    """Values sorted by group and size: the sorts of all statistics and folds find their work done.

    `order` holds where each came from, `inside` for each fold which of them are in it.
    """

    values: np.ndarray
    groups: np.ndarray
    n_groups: int
    order: np.ndarray
    inside: list[np.ndarray]

    @classmethod
    def of(cls, values: np.ndarray, groups: np.ndarray, n_groups: int, n_folds: int, seed: int) -> Self:
        order = np.lexsort((values, groups))
        inside = [fold[order] for fold in folds(len(values), n_folds, seed)]
        return cls(values[order], groups[order], n_groups, order, inside)

    def by_group(self, take: Taken) -> np.ndarray:
        """Return a statistic by group, of shape (n_groups + 1,)."""
        return _by_group(self.values, self.groups, self.n_groups, take)

    def by_row(self, take: Taken) -> np.ndarray:
        """Return what each row gets from others, of shape (n_rows,), rows as they came."""
        found = np.empty(len(self.values))
        if take == "count":
            found[self.order] = self.by_group(take)[self.groups] - ~np.isnan(self.values)
            return found
        for inside in self.inside:
            table = _by_group(self.values[~inside], self.groups[~inside], self.n_groups, take)
            found[self.order[inside]] = table[self.groups[inside]]
        return found


def _by_group(values: np.ndarray, groups: np.ndarray, n_groups: int, take: Taken) -> np.ndarray:
    otherwise = 0.0 if take == "count" else overall(values, take)
    found = by_group(values, groups, n_groups, take)
    return np.append(np.where(np.isnan(found), otherwise, found), otherwise)
