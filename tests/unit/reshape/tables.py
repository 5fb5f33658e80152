"""Small typed tables, and a place for a step to stand."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from penstock.reshape.base import TableStep
from penstock.reshape.table import At, Tabular
from penstock.table import Kind


def table(private: str = "", **columns: tuple[Kind, list[Any]]) -> Tabular:
    """Return a table of columns given as kind and values."""
    frame = {}
    for name, (kind, values) in columns.items():
        if kind in ("category", "text"):
            frame[name] = pd.array(values, dtype=pd.StringDtype(na_value=np.nan))
        elif kind == "datetime":
            frame[name] = np.array([np.datetime64(v or "NaT", "us") for v in values])
        else:
            frame[name] = np.array(values, dtype=np.float64)
    return Tabular(pd.DataFrame(frame), {n: kind for n, (kind, _) in columns.items()}, frozenset(private.split()))


def done(step: TableStep, given: Tabular, **others: Tabular) -> Tabular:
    """Return what a step makes of a table."""
    before = given.frame.copy(deep=True)
    made = step.on(given, At("made", 2, step.name, others))
    pd.testing.assert_frame_equal(given.frame, before)
    assert list(made.frame.columns) == list(made.kinds)
    return made


def cells(made: Tabular) -> Mapping[str, list[Any]]:
    """Return a table's cells, None where one is missing."""
    return {name: [None if pd.isna(v) else v for v in made.frame[name].tolist()] for name in made.frame}
