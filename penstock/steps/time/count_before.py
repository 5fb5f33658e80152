"""The step `count_before`: how many rows came before."""

from __future__ import annotations

from typing import Literal

import numpy as np

from penstock.blocks import FloatMatrix
from penstock.steps.base import Kinds
from penstock.steps.time.history.past import View
from penstock.steps.time.history.step import HistoryStep


class CountBefore(HistoryStep):
    """Add how many earlier rows a row's group has, as `<order>_count_before`.

    Examples
    --------
    >>> import pandas as pd
    >>> orders = pd.DataFrame({"day": [1.0, 2.0, 2.0], "who": ["x", "x", "y"]})
    >>> learned = CountBefore(order="day", by="who").learn(orders)
    >>> learned.apply(pd.DataFrame({"day": [2.0, 3.0, 3.0], "who": ["x", "x", "z"]}))["day_count_before"].tolist()
    [1.0, 2.0, 0.0]
    """

    kind: Literal["count_before"] = "count_before"

    def made(self, kinds: Kinds) -> Kinds:
        """Return the new column."""
        return {self.named(self.order, "count_before"): "integer"}

    def told(self, view: View) -> FloatMatrix:
        """Return the counts."""
        return view.upto.astype(np.float64)[:, None]
