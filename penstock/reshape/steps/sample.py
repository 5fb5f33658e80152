"""The table step `sample`: some of the rows."""

from __future__ import annotations

from typing import Literal, Self

import numpy as np
from pydantic import Field, model_validator

from penstock.reshape.base import TableStep
from penstock.reshape.table import At, Tabular
from penstock.steps.rows.content import draw_of
from penstock.steps.rows.sample import drawn_rows


class SampleRows(TableStep):
    """Keep `n` rows, or a `share` of them, drawn by what each row says; their order stays.

    Whether a row is drawn hangs on its content and the seed: a table that has grown keeps what was drawn of a share.

    Examples
    --------
    >>> import pandas as pd
    >>> table = Tabular(pd.DataFrame({"a": np.arange(9.0)}), {"a": "integer"})
    >>> SampleRows(n=4).on(table, At("t", 1, "sample", {})).n_rows
    4
    """

    kind: Literal["sample"] = "sample"
    n: int | None = Field(default=None, ge=1)
    share: float | None = Field(default=None, gt=0, le=1)
    seed: int = Field(default=0, ge=0)

    @model_validator(mode="after")
    def _one_size(self) -> Self:
        if (self.n is None) == (self.share is None):
            raise ValueError("`sample` needs one of `n` and `share`")
        return self

    def on(self, table: Tabular, at: At) -> Tabular:
        """Return the rows that are drawn."""
        draw = draw_of(table.frame, self.seed)
        return table.take(drawn_rows(draw, np.zeros(table.n_rows, dtype=np.int64), self.n, self.share))
