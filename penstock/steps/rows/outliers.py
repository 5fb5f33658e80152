"""The step `reject_outliers`: rows with numbers that are unlike the rest."""

from __future__ import annotations

from typing import Literal

import numpy as np
import pandas as pd

from penstock.blocks import Blocks
from penstock.steps.base import NUMBERS, Kinds, Rows, RowStep
from penstock.steps.outliers.forest import Forest
from penstock.steps.outliers.rule import OutlierRule


class RejectOutliers(OutlierRule, RowStep):
    """Reject training rows with a number outside fences learned from training rows, or rows unlike all others.

    It tells outliers as the step `outliers` does. Held-out rows are held to the fences of training rows.

    Examples
    --------
    >>> frame = pd.DataFrame({"age": [30.0, 32.0, 35.0, 38.0, 410.0]})
    >>> rows = Rows(np.ones(5, bool), pd.DataFrame(index=range(5)), np.zeros(5), np.full(5, None, object))
    >>> RejectOutliers(method="mad").reasons(frame, rows).tolist()
    [None, None, None, None, "an outlier in 'age' (mad)"]
    """

    kind: Literal["reject_outliers"] = "reject_outliers"

    def columns_after(self, kinds: Kinds) -> Kinds:
        """Return the columns, which the step leaves as they are."""
        self.check_columns(self.named, kinds, NUMBERS)
        return dict(kinds)

    def reasons(self, frame: pd.DataFrame, rows: Rows) -> np.ndarray:
        """Return the first column in which a row holds an outlier, or that it is unlike all others; never the value."""
        rule = self.learned(Blocks.of(frame[rows.train]))
        blocks = Blocks.of(frame)
        found = np.full(len(frame), None, dtype=object)
        if isinstance(rule, Forest):
            found[rule.outside(blocks)] = "unlike all other rows (isolation forest)"
            return found
        outside = rule.outside(blocks)
        for j in reversed(range(len(rule.names))):
            found[outside[:, j]] = f"an outlier in {rule.names[j]!r} ({self.method})"
        return found
