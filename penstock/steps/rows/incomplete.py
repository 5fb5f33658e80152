"""The step `drop_incomplete`: rows that leave out too much to learn from."""

from __future__ import annotations

from typing import Literal

import numpy as np
import pandas as pd
from pydantic import Field

from penstock.blocks import require
from penstock.slices import Words
from penstock.steps.base import Rows, RowStep


class DropIncomplete(RowStep):
    """Reject training rows in which more than the share `over` of the columns are missing.

    Without `columns` all features count; with `over: 0` one missing value is enough.

    Examples
    --------
    >>> frame = pd.DataFrame({"age": [30.0, None], "dose": [None, None]})
    >>> rows = Rows(np.array([True, True]), pd.DataFrame(index=range(2)), np.zeros(2), np.array([None, None]))
    >>> DropIncomplete().reasons(frame, rows).tolist()
    [None, '2 of 2 columns are missing']
    """

    kind: Literal["drop_incomplete"] = "drop_incomplete"
    columns: Words | None = Field(default=None, min_length=1)
    over: float = Field(default=0.5, ge=0, lt=1)

    @property
    def asks(self) -> tuple[str, ...]:
        """The columns that count, where they are named."""
        return self.columns or ()

    def reasons(self, frame: pd.DataFrame, rows: Rows) -> np.ndarray:
        """Return how many columns are missing, for every row that lacks too many."""
        columns = self.columns or tuple(frame.columns)
        require(columns, (*frame.columns, *rows.others.columns))
        n_missing = np.zeros(len(frame), dtype=np.int64)
        for name in columns:
            n_missing += (frame if name in frame else rows.others)[name].isna().to_numpy()
        n = len(columns)
        told = [f"{k} of {n} columns are missing" if k > 0 and k / n > self.over else None for k in range(n + 1)]
        reasons = np.array(told, dtype=object)
        found: np.ndarray = reasons[n_missing]
        return found
