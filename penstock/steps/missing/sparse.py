"""The step `drop_sparse`: columns that are hardly ever filled."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, ClassVar, Literal

import numpy as np
from pydantic import Field

from penstock.blocks import Blocks, Texts, require
from penstock.steps.base import MOMENTS, NUMBERS, TEXTS, Known, Learned, LearnedStep
from penstock.steps.missing.flags import missing_in


@dataclass(frozen=True)
class DropSparseLearned(Learned):
    """The columns that are emptied, and the share of training rows in which each looked-at column is missing."""

    emptied: tuple[str, ...]
    shares: dict[str, float]

    def on(self, blocks: Blocks) -> Blocks:
        """Return the blocks with nothing in the columns that are emptied."""
        require(self.emptied, blocks.names)
        gone = frozenset(self.emptied)
        numbers = tuple(name for name in blocks.number_names if name in gone)
        texts = {name: Texts(np.full(blocks.n_rows, -1, dtype=np.intp), ()) for name in blocks.texts if name in gone}
        nat = np.datetime64("NaT", "us")
        moments = {name: np.full_like(at, nat) if name in gone else at for name, at in blocks.moments.items()}
        emptied = blocks.with_numbers(numbers, np.full((blocks.n_rows, len(numbers)), np.nan)) if numbers else blocks
        return replace(emptied, moments=moments).with_texts(texts)

    def describe(self) -> dict[str, Any]:
        """Return the emptied columns, and the shares that are missing."""
        return {"emptied": list(self.emptied), "missing": self.shares}


class DropSparse(LearnedStep):
    """Empty the columns that are missing in more than the share `over` of the training rows.

    Which they are is known only once training rows were seen, in every fold anew, while the plan check promises the
    columns of every step beforehand. So such a column stays by its name and is missing in every row. A column that
    never changes tells a model nothing, which is what dropping it is for; add `flag_missing` before this step where
    being filled at all says something.

    Examples
    --------
    >>> import pandas as pd
    >>> train = pd.DataFrame({"age": [30.0, None, 50.0], "dose": [None, None, 2.0]})
    >>> DropSparse(over=0.5).learn(train).apply(pd.DataFrame({"age": [7.0], "dose": [8.0]})).to_dict("list")
    {'age': [7.0], 'dose': [nan]}
    """

    suits: ClassVar[frozenset[str]] = NUMBERS | TEXTS | MOMENTS

    kind: Literal["drop_sparse"] = "drop_sparse"
    over: float = Field(default=0.9, ge=0, lt=1)

    def learn_from(self, blocks: Blocks, known: Known | None = None) -> DropSparseLearned:
        """Return the columns that are missing too often."""
        columns = blocks.names if self.columns is None else self.columns
        missing = missing_in(blocks, columns).sum(axis=0) / max(1, blocks.n_rows)
        shares = dict(zip(columns, missing.tolist(), strict=True))
        return DropSparseLearned(tuple(name for name in columns if shares[name] > self.over), shares)
