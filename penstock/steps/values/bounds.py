"""The step `bounds`: values outside what the spec declares possible."""

from __future__ import annotations

from typing import Literal

import numpy as np

from penstock.blocks import Blocks, FloatMatrix, Texts, require
from penstock.steps.base import NUMBERS, TEXTS, CellStep, Kinds, StepBase
from penstock.steps.checking import with_new
from penstock.table import Domain


class Bounds(CellStep, StepBase):
    """Set values outside their column's domain to missing, numbers to the nearer bound, or only tell of them.

    With `action: flag` values stay, and a further column `<column>_outside` is 1 for those outside and else 0.

    Examples
    --------
    >>> import pandas as pd
    >>> bounds = Bounds(domains={"age": Domain(low=0, high=120)})
    >>> bounds.apply(pd.DataFrame({"age": [-1.0, 41.0, 999.0]}))["age"].tolist()
    [nan, 41.0, nan]
    >>> bounds.model_copy(update={"action": "clip"}).apply(pd.DataFrame({"age": [-1.0, 999.0]}))["age"].tolist()
    [0.0, 120.0]
    >>> bounds.model_copy(update={"action": "flag"}).apply(pd.DataFrame({"age": [-1.0, None]}))["age_outside"].tolist()
    [1.0, 0.0]
    """

    kind: Literal["bounds"] = "bounds"
    domains: dict[str, Domain]
    action: Literal["missing", "clip", "flag"] = "missing"

    def columns_after(self, kinds: Kinds) -> Kinds:
        """Return the columns as they are, and with `action: flag` one more for each that is named.

        Raises
        ------
        PlanError
            A named column is absent, its kind does not go with its domain, or a further column's name is taken.
        """
        for name, domain in self.domains.items():
            self.check_columns([name], kinds, TEXTS if domain.values is not None else NUMBERS)
        if self.action != "flag":
            return dict(kinds)
        flags: Kinds = dict.fromkeys(map(outside_name, sorted(self.domains)), "boolean")
        return with_new(self.name, kinds, flags)

    def on(self, blocks: Blocks) -> Blocks:
        """Return the blocks with no value outside its domain, or with columns that tell of those."""
        if self.action == "flag":
            require(self.domains, blocks.names)
            return blocks.with_columns(
                {outside_name(name): _outside(blocks.column(name), self.domains[name]) for name in sorted(self.domains)}
            )
        return self._texts(self._numbers(blocks))

    def _numbers(self, blocks: Blocks) -> Blocks:
        bounded = {name: d for name, d in self.domains.items() if d.values is None}
        if not bounded:
            return blocks
        names = tuple(bounded)
        low = np.array([-np.inf if d.low is None else d.low for d in bounded.values()])
        high = np.array([np.inf if d.high is None else d.high for d in bounded.values()])
        clips = self.action == "clip"

        def held_to(values: FloatMatrix, at: slice) -> FloatMatrix:
            if clips:
                return np.clip(values, low[at], high[at])
            outside = (values < low[at]) | (values > high[at])
            return np.where(outside, np.nan, values) if outside.any() else values

        with np.errstate(invalid="ignore"):
            return blocks.with_changed(names, held_to)

    def _texts(self, blocks: Blocks) -> Blocks:
        listed = {name: frozenset(d.values) for name, d in self.domains.items() if d.values is not None}
        require(listed, blocks.texts)
        return blocks.with_texts({name: _only(blocks.texts[name], known) for name, known in listed.items()})


def outside_name(column: str) -> str:
    """Return the name of the column that says where another is outside its domain."""
    return f"{column}_outside"


def _outside(values: np.ndarray | Texts, domain: Domain) -> np.ndarray:
    if isinstance(values, Texts):
        known = frozenset(domain.values or ())
        table = np.array([*(float(level not in known) for level in values.levels), 0.0])
        return np.asarray(table[values.codes])
    low, high = -np.inf if domain.low is None else domain.low, np.inf if domain.high is None else domain.high
    return np.asarray((values < low) | (values > high), dtype=np.float64)


def _only(texts: Texts, known: frozenset[str]) -> Texts:
    return texts.mapped(lambda text: text if text in known else None)
