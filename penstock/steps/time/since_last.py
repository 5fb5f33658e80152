"""The step `since_last`: how long ago the row before was."""

from __future__ import annotations

from typing import Literal

import numpy as np

from penstock.blocks import FloatMatrix
from penstock.steps.base import Kinds
from penstock.steps.time.elapsed import MICROS, Unit
from penstock.steps.time.history.past import View
from penstock.steps.time.history.step import TailStep


class SinceLast(TailStep):
    """Add how long before a row the last earlier row of its group lies, as `<order>_since_last`.

    It is in `unit`s where rows are ordered by a date or time, and a plain difference where they are by a number.

    Examples
    --------
    >>> import pandas as pd
    >>> calls = pd.DataFrame({"at": pd.to_datetime(["2026-03-01 08:00", "2026-03-01 20:00"]), "who": ["x", "y"]})
    >>> learned = SinceLast(order="at", by="who", unit="hours").learn(calls)
    >>> rows = pd.DataFrame({"at": pd.to_datetime(["2026-03-02 08:00"] * 3), "who": ["x", "y", "z"]})
    >>> learned.apply(rows)["at_since_last"].tolist()
    [24.0, 12.0, nan]
    """

    kind: Literal["since_last"] = "since_last"
    unit: Unit = "days"

    def made(self, kinds: Kinds) -> Kinds:
        """Return the new column."""
        return {self.named(self.order, "since_last"): "float"}

    def told(self, view: View) -> FloatMatrix:
        """Return the time since the last row."""
        there, times = view.last_time()
        told = np.full((len(there), 1), np.nan)
        told[there, 0] = view.times[there] - times
        return told if times.dtype.kind == "f" else told / MICROS[self.unit]
