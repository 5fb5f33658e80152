"""The step `misfits`: rows with a cell that does not read as its column's kind."""

from __future__ import annotations

from typing import Literal

import numpy as np
import pandas as pd

from penstock.steps.base import Rows, RowStep


class Misfits(RowStep):
    """Reject training rows in which a cell could not be read."""

    kind: Literal["misfits"] = "misfits"

    def reasons(self, frame: pd.DataFrame, rows: Rows) -> np.ndarray:
        """Return which column could not be read, and what was expected there; never the value."""
        return rows.misfit
