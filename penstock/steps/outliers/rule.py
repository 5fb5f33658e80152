"""What tells an outlier: the settings that a step which marks them and a step which rejects them have in common."""

from __future__ import annotations

from typing import Literal, Self

import numpy as np
from pydantic import Field, model_validator

from penstock.blocks import Blocks
from penstock.frozen import Frozen
from penstock.slices import Words
from penstock.steps.outliers.fences import Fences, learned_fences
from penstock.steps.outliers.forest import Forest, grown_forest
from penstock.table import Domain

Method = Literal["iqr", "zscore", "mad", "isolation_forest", "domain"]


class OutlierRule(Frozen):
    """How outliers are told.

    `iqr`, `zscore` and `mad` learn a fence for each column (`factor` interquartile ranges or standard deviations wide),
    `domain` takes those of `domains`, and `isolation_forest` looks at all columns of a row at once: at most `share` of
    the training rows are out.
    """

    columns: Words | None = None
    method: Method = "iqr"
    factor: float | None = Field(default=None, gt=0)
    share: float = Field(default=0.01, gt=0, lt=0.5)
    trees: int = Field(default=100, ge=1, le=1_000)
    domains: dict[str, Domain] = {}
    seed: int = Field(default=0, ge=0)

    @model_validator(mode="after")
    def _settings_go_with_the_method(self) -> Self:
        if (self.method == "domain") != bool(self.domains):
            raise ValueError("`method: domain` and `domains` ({COLUMN: {low: …, high: …}}) go together")
        if self.domains and self.columns is not None:
            raise ValueError("the columns of `method: domain` are those of `domains`; leave `columns` out")
        for name, domain in self.domains.items():
            if domain.values is not None or (domain.low is None and domain.high is None):
                raise ValueError(f"the domain of {name!r} needs `low` or `high`: outliers are numbers")
        if self.factor is not None and self.method in ("domain", "isolation_forest"):
            raise ValueError(f"`factor` widens fences, and `method: {self.method}` learns none")
        return self

    @property
    def named(self) -> tuple[str, ...]:
        """The columns that are named, under `columns` or `domains`."""
        return tuple(self.domains) or (self.columns or ())

    def learned(self, blocks: Blocks, seed: int = 0) -> Fences | Forest:
        """Return what tells outliers, learned from training rows."""
        if self.method == "domain":
            low = [-np.inf if d.low is None else d.low for d in self.domains.values()]
            high = [np.inf if d.high is None else d.high for d in self.domains.values()]
            return Fences(tuple(self.domains), np.array(low, dtype=np.float64), np.array(high, dtype=np.float64))
        names = blocks.number_names if self.columns is None else self.columns
        if self.method == "isolation_forest":
            return grown_forest(names, blocks.matrix(names), self.share, self.trees, seed + self.seed)
        return learned_fences(names, map(blocks.number, names), self.method, self.factor)
