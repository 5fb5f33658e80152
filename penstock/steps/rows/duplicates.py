"""The step `duplicates`: rows that say again what another row has said."""

from __future__ import annotations

from typing import Literal

import numpy as np
import pandas as pd
from pydantic import Field

from penstock.steps.base import Rows, RowStep


class Duplicates(RowStep):
    """Reject training rows that equal an earlier row of their side in all that they say.

    That is their features, the target, and their ids and whatever else the source says of them; a column that only
    counts rows does not matter. Where more than `at_most` of the training rows are such copies, equality says little
    (a table of a few categories repeats itself), and all stay.
    """

    kind: Literal["duplicates"] = "duplicates"
    at_most: float = Field(default=1.0, gt=0, le=1)

    def reasons(self, frame: pd.DataFrame, rows: Rows) -> np.ndarray:
        """Return `duplicate` for every later copy."""
        copies = _copies(frame, rows)
        found = np.full(len(frame), None, dtype=object)
        if self._too_many(copies, rows):
            return found
        found[copies] = "duplicate of an earlier row"
        return found

    def why_idle(self, frame: pd.DataFrame, rows: Rows) -> str:
        """Say so where copies were too many to be mistakes."""
        copies = _copies(frame, rows)
        if not self._too_many(copies, rows):
            return ""
        share = copies[rows.train].mean()
        return f"{share:.0%} of the training rows equal an earlier one: too many to be mistakes, so all stay"

    def _too_many(self, copies: np.ndarray, rows: Rows) -> bool:
        return bool(rows.train.any() and copies[rows.train].mean() > self.at_most)


def _copies(frame: pd.DataFrame, rows: Rows) -> np.ndarray:
    facts = {"side": rows.train, "target": rows.target}
    # Positions for names: a feature may be called `side` or `target` too.
    parts = [frame.reset_index(drop=True), rows.beside.reset_index(drop=True), pd.DataFrame(facts)]
    whole = pd.concat(parts, axis=1)
    whole.columns = pd.RangeIndex(whole.shape[1])
    return np.asarray(whole.duplicated(keep="first").to_numpy(), dtype=bool)
