"""Groups whose rows lie on both sides of the split: declared ones, and columns that are groups undeclared."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from penstock.faults.finding import Finding, told
from penstock.metrics.weighted import Ints
from penstock.table import Target

# A group has a few rows, and there are many groups.
FEWEST_GROUPS, FEWEST_IN_GROUP, MOST_IN_GROUP = 20, 1.8, 50.0
SHARED = 0.2
# Rows of one group have one label, or nearly one number; chance leaves at least so much more.
SAME_LABEL, LEFT, SAME_NUMBER = 0.95, 0.3, 0.9
# In a group of measurements of one thing, most other columns vary little.
ALIKE, ALIKE_COLUMNS = 0.8, 0.5
MOST_ROWS = 50_000


def find_shared_groups(groups: pd.Series[Any], sides: pd.Series[Any]) -> tuple[Finding, ...]:
    """Return whether a group has rows on both sides of the split.

    Parameters
    ----------
    groups, sides : pandas.Series
        The group (missing where there is none) and the side of every row.
    """
    train = set(groups[sides == "train"].dropna())
    both = sorted(train & set(groups[sides == "heldout"].dropna()))
    if not both:
        return ()
    what = told(f"{len(both)} groups have rows on both sides of the split", "split by them: split: {by: group}")
    return (Finding(kind="shared_groups", what=what, blocks=True),)


def find_undeclared_groups(
    columns: pd.DataFrame,
    frame: pd.DataFrame,
    y: npt.NDArray[np.generic],
    is_train: npt.NDArray[np.bool_],
    target: Target,
    ids: frozenset[str],
) -> tuple[Finding, ...]:
    """Return columns whose levels have a few rows each, on both sides, that share their target.

    Of an identifier that is enough. Of another column most numbers must vary little within a level, too: a product
    may tell its price without being a group of copies.

    Parameters
    ----------
    columns : pandas.DataFrame
        Texts of all rows that may name groups, shape (n_rows, n_candidates).
    frame : pandas.DataFrame
        Typed features of the same rows.
    y : numpy.ndarray
        Their target, shape (n_rows,).
    is_train : numpy.ndarray
        Their side, bool, shape (n_rows,).
    target : Target
        What is predicted.
    ids : frozenset of str
        Which of the columns are identifiers.
    """
    found = []
    for name in map(str, columns.columns):
        codes = pd.factorize(columns[name])[0].astype(np.int64)
        there = codes >= 0
        n_levels = int(codes.max(initial=-1)) + 1
        if n_levels < FEWEST_GROUPS or not FEWEST_IN_GROUP <= there.sum() / n_levels <= MOST_IN_GROUP:
            continue
        met = np.zeros(n_levels, dtype=bool)
        met[codes[is_train & there]] = True
        shared = np.flatnonzero(~is_train & there & met[codes])
        if len(shared) <= SHARED * max(1, int((~is_train).sum())) or len(shared) < 10:
            continue
        strength = _told(codes, y, is_train & there, shared, target)
        if strength is None or (name not in ids and not _alike(frame, codes, there)):
            continue
        what = (
            f"{len(shared):,} of {int((~is_train).sum()):,} held-out rows share their {name!r} with training rows, "
            f"which {strength}: a row is judged by what its like have told"
        )
        todo = f"keep them on one side: group: {name}"
        found.append(Finding(kind="undeclared_groups", column=name, what=told(what, todo), blocks=True))
    return tuple(found)


def _told(
    codes: Ints, y: npt.NDArray[np.generic], learn: npt.NDArray[np.bool_], shared: Ints, target: Target
) -> str | None:
    """Return how well the training rows of a level tell the held-out ones, in words; None where not nearly wholly."""
    n = int(codes.max()) + 1
    if target.is_classification:
        votes = np.zeros((n, len(target.labels)))
        np.add.at(votes, (codes[learn], y[learn].astype(np.int64)), 1.0)
        truth = y[shared].astype(np.int64)
        right = float(np.mean(votes[codes[shared]].argmax(axis=1) == truth))
        chance = float(np.bincount(truth, minlength=len(target.labels)).max() / len(truth))
        if right < SAME_LABEL or 1 - right > LEFT * (1 - chance):
            return None
        return f"have the same label in {right:.0%} of the cases, {chance:.0%} by chance"
    values = y.astype(np.float64)
    sums = np.bincount(codes[learn], weights=values[learn], minlength=n)
    counts = np.bincount(codes[learn], minlength=n)
    wrong = values[shared] - sums[codes[shared]] / counts[codes[shared]]
    spread = float(np.var(values[shared]))
    explained = 1 - float(np.mean(wrong**2)) / spread if spread else 0.0
    return f"explain {explained:.0%} of the target" if explained >= SAME_NUMBER else None


def _alike(frame: pd.DataFrame, codes: Ints, there: npt.NDArray[np.bool_]) -> bool:
    rows = np.flatnonzero(there)[:MOST_ROWS]
    within = []
    for name in frame.columns:
        if not pd.api.types.is_numeric_dtype(frame[name].dtype):
            continue
        values = frame[name].iloc[rows]
        spread = float(values.var(ddof=0))
        if not spread > 0 or values.nunique() <= 2:
            continue
        inner = values - values.groupby(codes[rows]).transform("mean")
        n_groups = len(np.unique(codes[rows]))
        # Corrected for the group means that were taken out, so that noise comes to 0.
        left = float((inner**2).sum()) / max(1, len(rows) - n_groups)
        within.append(1 - left / spread)
    return bool(within) and float(np.mean(np.array(within) >= ALIKE)) >= ALIKE_COLUMNS
