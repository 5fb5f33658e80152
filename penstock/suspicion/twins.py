"""Columns that say what another column says: copies, and the same levels under other names."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd

from penstock.suspicion.suspicion import Suspicion

# Where nearly every row has its own value, any two columns seem to follow from each other.
MOST_DISTINCT = 0.5


def twins(sample: pd.DataFrame, whole: pd.DataFrame, rows: npt.NDArray[np.bool_]) -> list[Suspicion]:
    """Return the columns that say again what an earlier one says.

    Parameters
    ----------
    sample : pandas.DataFrame
        Some of the rows: what differs here is looked at no more.
    whole : pandas.DataFrame
        All rows, typed.
    rows : numpy.ndarray
        Which of all rows count, bool of shape (n_rows,).

    Examples
    --------
    >>> frame = pd.DataFrame({"school": ["HS", "BA", "HS", "BA"], "years": [12.0, 16.0, 12.0, 16.0]})
    >>> twins(frame, frame, np.ones(4, dtype=bool))[0].what
    "the 2 levels of 'school' under other names, one for one, in all of 4 training rows"
    """
    first: dict[bytes, str] = {}
    found = []
    for name in sample.columns:
        codes, levels = pd.factorize(sample[name])
        if len(levels) < 2 or len(levels) > MOST_DISTINCT * len(sample):
            continue
        mark = codes.astype(np.int32).tobytes()
        other = first.setdefault(mark, str(name))
        if other == name:
            continue
        told = _told(whole[other][rows], whole[name][rows], other)
        if told is not None:
            found.append(told.model_copy(update={"column": str(name)}))
    return found


def _told(one: pd.Series, two: pd.Series, other: str) -> Suspicion | None:
    codes, levels = pd.factorize(one)
    own, names = pd.factorize(two)
    if not np.array_equal(codes, own):
        return None
    rows = f"in all of {len(one):,} training rows"
    if one.dtype == two.dtype and list(levels) == list(names):
        return Suspicion(column=other, sign="copy", what=f"a copy of {other!r}, {rows}")
    n = len(levels)
    return Suspicion(
        column=other, sign="recoding", what=f"the {n:,} levels of {other!r} under other names, one for one, {rows}"
    )
