"""Look at training rows for columns that would not be known in time, or that are there twice."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd

from penstock.suspicion.alone import alone
from penstock.suspicion.gaps import missing_with_target, telling_gaps
from penstock.suspicion.sums import parts_of_target
from penstock.suspicion.suspicion import Suspicion
from penstock.suspicion.twins import twins
from penstock.table import Target

MOST_ROWS, MOST_CELLS, FEWEST_ROWS = 5_000, 250_000, 500
# Which half of the rows a row is in.
SEED = 20261122
# More columns than these are not looked at one by one.
MOST_COLUMNS = 500
# What a single column may reach alone before it is asked about; the best of the bundled sample reaches .975.
TELLING = 0.98
# A name is evidence only of the strongest column, and only where that is strong: ROC AUC, and R² for a number.
NAMED_CLASS, NAMED_NUMBER = 0.75, 0.6
_words = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")
_LATE = (
    "after post final end ended closed resolved actual outcome result duration elapsed arrival "
    "delivered returned refund refunded settled cancelled canceled discharge discharged"
)
_LATE_WORDS = frozenset(_LATE.split())
# Words that any two columns may share.
_SHARED = "column median mean total number count average value rate date time name type code year month day the of and"
_COMMON = frozenset(_SHARED.split())


def find_suspicions(
    frame: pd.DataFrame,
    y: npt.NDArray[np.generic],
    labelled: npt.NDArray[np.bool_],
    unlabelled: npt.NDArray[np.bool_],
    target: Target,
    private: bool = False,
) -> tuple[Suspicion, ...]:
    """Return what looks odd about the features of training rows, at most one thing a column.

    Signs are weighed from the surest to the least: the target is a sum of columns; a column is missing where the target
    is; having a value tells the target; a column alone tells it nearly whole; the strongest column is named like an
    outcome; a column says what another says.

    Parameters
    ----------
    frame : pandas.DataFrame
        Typed features of all rows, shape (n_rows, n_columns).
    y : numpy.ndarray
        The target of all rows, shape (n_rows,).
    labelled, unlabelled : numpy.ndarray
        The training rows that have a target, and those that have none, bool of shape (n_rows,): others are not looked
        at.
    target : Target
        What is predicted.
    private : bool
        Whether the target's labels must not be told.

    Returns
    -------
    tuple of Suspicion
        In the order of the columns. How strong a column is alone is measured on at most 5,000 rows and 250,000 cells,
        evenly spaced; the sentence says on how many.
    """
    rows = np.flatnonzero(labelled)
    if len(frame.columns) > MOST_COLUMNS or len(rows) < FEWEST_ROWS // 10:
        return ()
    at = rows[spaced(len(rows), max(FEWEST_ROWS, min(MOST_ROWS, MOST_CELLS // max(1, len(frame.columns)))))]
    some, truth = frame.iloc[at].reset_index(drop=True), y[at]
    gone = {str(name): frame[name].isna().to_numpy(dtype=bool) for name in frame.columns}
    gone = {name: where for name, where in gone.items() if where.any()}
    found = [] if target.is_classification else parts_of_target(some, truth, target.name)
    found += missing_with_target(gone, labelled, unlabelled, target.name)
    found += telling_gaps(gone, y, labelled, target, private)
    found += _alone(some, truth, target, len(rows))
    found += twins(some, frame, labelled)
    first: dict[str, Suspicion] = {}
    for suspicion in found:
        first.setdefault(suspicion.column, suspicion)
    return tuple(first[str(name)] for name in frame.columns if str(name) in first)


def spaced(n: int, most: int) -> npt.NDArray[np.int64]:
    """Return the positions of at most so many rows, evenly spaced.

    Examples
    --------
    >>> spaced(10, 5).tolist(), spaced(3, 5).tolist()
    ([0, 2, 4, 6, 8], [0, 1, 2])
    """
    return np.arange(n) if n <= most else np.arange(most, dtype=np.int64) * n // most


def _alone(frame: pd.DataFrame, y: npt.NDArray[np.generic], target: Target, n: int) -> list[Suspicion]:
    half = np.random.default_rng(SEED).permutation(len(y)) % 2
    strengths = {str(name): alone(_readable(frame[name]), y, half, target) for name in frame.columns}
    measure = "ROC AUC" if target.is_classification else "R²"
    where = f"in {len(frame):,} of {n:,} training rows" if len(frame) < n else f"in {n:,} training rows"
    found = [
        Suspicion(column=name, sign="tells", what=f"tells {target.name!r} all alone, {measure} {strength:.3f} {where}")
        for name, strength in strengths.items()
        if strength > TELLING
    ]
    named = _named(strengths, target)
    if named is not None:
        name, word = named
        what = f"the strongest column, {measure} {strengths[name]:.2f} alone {where}, and its name says {word!r}"
        found.append(Suspicion(column=name, sign="name", what=what))
    return found


def _named(strengths: dict[str, float], target: Target) -> tuple[str, str] | None:
    strongest = max(strengths, key=lambda name: strengths[name], default=None)
    if strongest is None or strengths[strongest] < (NAMED_CLASS if target.is_classification else NAMED_NUMBER):
        return None
    words = words_of(strongest)
    shared = {w for w in words_of(target.name) if len(w) > 3} - _COMMON
    word = next((w for w in words if w in _LATE_WORDS or w in shared), None)
    return (strongest, word) if word is not None else None


def words_of(name: str) -> Sequence[str]:
    """Return the words of a column's name in small letters.

    Examples
    --------
    >>> words_of("callDuration_s"), words_of("ARR_DELAY")
    (['call', 'duration', 's'], ['arr', 'delay'])
    """
    return [w.lower() for w in _words.findall(name)]


def _readable(values: pd.Series) -> pd.Series:
    if values.dtype.kind != "M":
        return values
    moments = values.to_numpy().astype("datetime64[us]")
    return pd.Series(np.where(np.isnat(moments), np.nan, moments.astype(np.int64).astype(np.float64)))
