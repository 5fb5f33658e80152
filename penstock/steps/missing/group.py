"""The step `fill_by_group`: what is usual in a row's group stands in for what it lacks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from pydantic import Field

from penstock.blocks import Blocks, Texts, require
from penstock.errors import PlanError
from penstock.slices import Words
from penstock.steps.base import NUMBERS, TEXTS, Kinds, Known, Learned, LearnedStep
from penstock.steps.groups import Groups
from penstock.steps.missing.fill import mode_of
from penstock.steps.statistics import by_group, overall


@dataclass(frozen=True)
class Usual:
    """The most frequent text of each group: positions in `levels` of shape (n_groups + 1,), the last one for all."""

    levels: tuple[str, ...]
    at: np.ndarray


@dataclass(frozen=True)
class FillByGroupLearned(Learned):
    """What stands in, by group and column; the last row of `numbers` holds what stands in where a group says nothing.

    `numbers` has shape (n_groups + 1, n_columns).
    """

    groups: Groups
    names: tuple[str, ...]
    numbers: np.ndarray
    texts: dict[str, Usual]

    def on(self, blocks: Blocks) -> Blocks:
        """Return the blocks with nothing missing in the columns that were learned."""
        require(self.texts, blocks.texts)
        # A group that was never met has the code -1, and so the last row.
        codes = self.groups.codes(blocks)
        numbers = blocks.matrix(self.names)
        filled = blocks.with_numbers(self.names, np.where(np.isnan(numbers), self.numbers[codes], numbers))
        return filled.with_texts(
            {name: _filled(blocks.texts[name], usual, codes) for name, usual in self.texts.items()}
        )

    def describe(self) -> dict[str, Any]:
        """Return the number of groups, and what stands in where a group says nothing."""
        numbers = dict(zip(self.names, self.numbers[-1].tolist(), strict=True))
        texts = {name: usual.levels[usual.at[-1]] for name, usual in self.texts.items()}
        return {"by": list(self.groups.by), "groups": self.groups.n, "otherwise": {**numbers, **texts}}


def _filled(texts: Texts, usual: Usual, groups: np.ndarray) -> Texts:
    missing = texts.codes < 0
    if not missing.any():
        return texts
    needed, which = np.unique(usual.at[groups[missing]], return_inverse=True)
    seen = {level: code for code, level in enumerate(texts.levels)}
    place = [seen.setdefault(usual.levels[at], len(seen)) for at in needed.tolist()]
    codes = texts.codes.astype(np.intp)
    codes[missing] = np.array(place, dtype=np.intp)[which]
    return Texts(codes=codes, levels=tuple(seen))


class FillByGroup(LearnedStep):
    """Put the median, mean or mode of a row's group for what it lacks; of all training rows where the group has none.

    A group is made of the training rows that agree in the columns `by`, a missing value there being a value like
    others. A group that training never met is filled like one without a value. Medians and means fill numbers only,
    the mode fills texts as well. The median is the lower one where two values share the middle.

    Examples
    --------
    >>> import pandas as pd
    >>> train = pd.DataFrame({"dose": [1.0, 3.0, None, 9.0], "city": ["Oslo", "Oslo", "Oslo", "Bonn"]})
    >>> learned = FillByGroup(by=("city",)).learn(train)
    >>> learned.apply(pd.DataFrame({"dose": [None, None, 7.0], "city": ["Bonn", "Rome", "Oslo"]}))["dose"].tolist()
    [9.0, 3.0, 7.0]
    >>> FillByGroup(by=("town",)).columns_after({"dose": "float", "city": "category"})
    Traceback (most recent call last):
    penstock.errors.PlanError: The step `fill_by_group` names a column 'town' that is not there
    ...
    """

    kind: Literal["fill_by_group"] = "fill_by_group"
    by: Words = Field(min_length=1)
    take: Literal["median", "mean", "mode"] = "median"

    def columns_after(self, kinds: Kinds) -> Kinds:
        """Return the columns as they are.

        Raises
        ------
        PlanError
            A named column is absent or of a kind that does not suit, or is to be filled by groups of itself.
        """
        self.check_columns(self.by, kinds, NUMBERS | TEXTS)
        self.check_columns(self.columns or (), kinds, self.suits if self.take == "mode" else NUMBERS)
        for column in self.columns or ():
            if column in self.by:
                raise PlanError(
                    f"The step `fill_by_group` cannot fill the column {column!r} by groups of itself",
                    todo="Take it out of `columns`, or out of `by`.",
                )
        return dict(kinds)

    def learn_from(self, blocks: Blocks, known: Known | None = None) -> FillByGroupLearned:
        """Return each group's statistic; 0 and `(missing)` where training rows have no value."""
        groups, codes = Groups.of(blocks, self.by)
        names = tuple(name for name in self.numbers_of(blocks) if name not in self.by)
        texts = tuple(n for n in self.texts_of(blocks) if n not in self.by) if self.take == "mode" else ()
        require(texts, blocks.texts)
        numbers = np.empty((groups.n + 1, len(names)))
        values = blocks.matrix(names)
        for j in range(len(names)):
            usual = overall(values[:, j], self.take)
            numbers[-1, j] = 0.0 if np.isnan(usual) else usual
            found = by_group(values[:, j], codes, groups.n, self.take)
            numbers[:-1, j] = np.where(np.isnan(found), numbers[-1, j], found)
        return FillByGroupLearned(groups, names, numbers, {n: _usual(blocks.texts[n], codes, groups.n) for n in texts})


def _usual(texts: Texts, groups: np.ndarray, n_groups: int) -> Usual:
    # Ranks in code point order: the smallest of equally frequent ranks is the first text.
    ordered = sorted(texts.levels)
    rank = {level: float(i) for i, level in enumerate(ordered)}
    ranks = np.array([*(rank[level] for level in texts.levels), np.nan])[texts.codes]
    found = by_group(ranks, groups, n_groups, "mode")
    levels = (*ordered, mode_of(texts))
    at = np.append(np.where(np.isnan(found), len(ordered), found), len(ordered)).astype(np.intp)
    return Usual(levels, at)
