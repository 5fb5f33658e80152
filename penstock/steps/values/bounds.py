"""The step `bounds`: values outside what the spec declares possible."""

from __future__ import annotations

from typing import Literal

import numpy as np

from penstock.steps.base import NUMBERS, TEXTS, CellStep, Kinds, StepBase
from penstock.steps.blocks import Blocks, Texts, require
from penstock.table import Domain


class Bounds(CellStep, StepBase):
    """Set values outside their column's domain to missing, or numbers to the nearer bound.

    Examples
    --------
    >>> import pandas as pd
    >>> bounds = Bounds(domains={"age": Domain(low=0, high=120)})
    >>> bounds.apply(pd.DataFrame({"age": [-1.0, 41.0, 999.0]}))["age"].tolist()
    [nan, 41.0, nan]
    >>> bounds.model_copy(update={"action": "clip"}).apply(pd.DataFrame({"age": [-1.0, 999.0]}))["age"].tolist()
    [0.0, 120.0]
    """

    kind: Literal["bounds"] = "bounds"
    domains: dict[str, Domain]
    action: Literal["missing", "clip"] = "missing"

    def columns_after(self, kinds: Kinds) -> Kinds:
        """Return the columns as they are.

        Raises
        ------
        PlanError
            A named column is absent, or its kind does not go with its domain.
        """
        for name, domain in self.domains.items():
            self.check_columns([name], kinds, TEXTS if domain.values is not None else NUMBERS)
        return dict(kinds)

    def on(self, blocks: Blocks) -> Blocks:
        """Return the blocks with no value outside its domain."""
        return self._texts(self._numbers(blocks))

    def _numbers(self, blocks: Blocks) -> Blocks:
        bounded = {name: d for name, d in self.domains.items() if d.values is None}
        if not bounded:
            return blocks
        names = tuple(bounded)
        low = np.array([-np.inf if d.low is None else d.low for d in bounded.values()])
        high = np.array([np.inf if d.high is None else d.high for d in bounded.values()])
        values = blocks.numbers[:, blocks.positions(names)]
        if self.action == "clip":
            return blocks.with_numbers(names, np.clip(values, low, high))
        with np.errstate(invalid="ignore"):
            return blocks.with_numbers(names, np.where((values < low) | (values > high), np.nan, values))

    def _texts(self, blocks: Blocks) -> Blocks:
        listed = {name: frozenset(d.values) for name, d in self.domains.items() if d.values is not None}
        require(listed, blocks.texts)
        return blocks.with_texts({name: _only(blocks.texts[name], known) for name, known in listed.items()})


def _only(texts: Texts, known: frozenset[str]) -> Texts:
    return texts.mapped(lambda text: text if text in known else None)
