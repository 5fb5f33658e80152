"""Typed frames for property tests: missing and extreme numbers, odd and unseen texts, moments."""

from __future__ import annotations

import numpy as np
import pandas as pd
from hypothesis import strategies as st

from penstock.steps.base import Kinds, StepBase

from .examples.categories import CATEGORIES
from .examples.code import CODE
from .examples.missing import MISSING
from .examples.outliers import OUTLIERS
from .examples.rows import ROWS_STEPS
from .examples.time import TIME
from .examples.values import VALUES

KINDS: Kinds = {
    "age": "integer",
    "dose": "float",
    "smoker": "boolean",
    "city": "category",
    "note": "text",
    "seen": "datetime",
}

EXAMPLES: tuple[StepBase, ...] = (*VALUES, *TIME, *ROWS_STEPS, *MISSING, *OUTLIERS, *CATEGORIES, *CODE)

_NUMBERS = st.one_of(
    st.just(np.nan), st.integers(-3, 3).map(float), st.floats(allow_nan=True, allow_infinity=False), st.just(-0.0)
)
_TEXTS = st.one_of(
    st.none(), st.sampled_from(["Oslo", "oslo", " OSLO", "Bonn", "(other)", "(missing)", ""]), st.text(max_size=4)
)
_MOMENTS = st.one_of(st.none(), st.datetimes(pd.Timestamp(1600, 1, 1), pd.Timestamp(2400, 1, 1)))
ROWS = st.tuples(_NUMBERS, _NUMBERS, st.sampled_from([0.0, 1.0, np.nan]), _TEXTS, _TEXTS, _MOMENTS)


def frame_of(rows: list[tuple]) -> pd.DataFrame:
    """Return a typed frame as a schema's cast gives it."""
    columns = list(zip(*rows, strict=True)) or [()] * len(KINDS)
    typed = {}
    for (name, kind), values in zip(KINDS.items(), columns, strict=True):
        if kind in ("category", "text"):
            typed[name] = pd.array(list(values), dtype="str")
        elif kind == "datetime":
            typed[name] = np.array(
                [np.datetime64("NaT", "us") if v is None else v for v in values], dtype="datetime64[us]"
            )
        else:
            typed[name] = np.array(values, dtype=np.float64)
    return pd.DataFrame(typed)


def frames(min_size: int = 1, max_size: int = 12) -> st.SearchStrategy[pd.DataFrame]:
    """Return typed frames of arbitrary rows."""
    return st.lists(ROWS, min_size=min_size, max_size=max_size).map(frame_of)


def rows_of(frame: pd.DataFrame) -> list[pd.DataFrame]:
    """Return a frame's rows as frames of one row."""
    return [frame.iloc[[i]].reset_index(drop=True) for i in range(len(frame))]
