"""Typed frames for property tests: missing and extreme numbers, odd and unseen texts, moments."""

from __future__ import annotations

import numpy as np
import pandas as pd
from hypothesis import strategies as st

from penstock.steps.base import Kinds, StepBase
from penstock.steps.bounds import Bounds
from penstock.steps.calendar import Calendar
from penstock.steps.duplicates import Duplicates
from penstock.steps.fill import Fill
from penstock.steps.isolated import Isolated
from penstock.steps.misfits import Misfits
from penstock.steps.rare import Rare
from penstock.steps.tidy import Tidy
from penstock.table import Domain

KINDS: Kinds = {
    "age": "integer",
    "dose": "float",
    "smoker": "boolean",
    "city": "category",
    "note": "text",
    "seen": "datetime",
}

# At least one instance of every step; the more of its settings are used, the better.
EXAMPLES: tuple[StepBase, ...] = (
    Bounds(domains={"age": Domain(low=0, high=120), "city": Domain(values=("Oslo", "Bonn"))}),
    Bounds(domains={"dose": Domain(high=10.0)}, action="clip"),
    Calendar(),
    Calendar(columns=("seen",), parts=("hour", "weekday")),
    Duplicates(),
    Duplicates(at_most=0.1),
    Fill(),
    Fill(columns=("dose", "city"), flag=("dose",)),
    Isolated(),
    Isolated(columns=("dose",), far=1.5, gap=1.5, strange=1.0, at_most=0.2),
    Misfits(),
    Rare(),
    Rare(columns=("note",), at_least=2, at_most=3),
    Tidy(),
    Tidy(columns=("city",)),
)

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
