"""Rows that lie on both sides of the split: copies under another identifier, and copies that differ by a hair."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd

from penstock.faults.finding import Finding, told
from penstock.metrics.weighted import Floats
from penstock.table import Target

TELLING_SHARE, TELLING_COLUMNS, COPIES = 0.2, 2, 0.05
# A copy has its target with it; a few may have been corrected.
COPIED = 0.95
# A near copy lies this much nearer than rows usually lie to each other. In three or more dimensions less than one row
# in ten thousand does so by chance.
NEAR, NEAR_COLUMNS = 0.05, 3
FREQUENT = 0.005
MOST_TRAIN, MOST_HELD, MOST_NUMBERS = 20_000, 2_000, 40
# Two numbers of a target are the same where they differ by no more than this part of its spread.
SAME_NUMBER = 0.05

Values = npt.NDArray[np.generic]


def find_shared_rows(train: pd.DataFrame, heldout: pd.DataFrame, known: Values, true: Values) -> tuple[Finding, ...]:
    """Return whether held-out rows are copies of training rows under another identifier.

    Where columns have few values, rows are alike by nature, and that is only told. It blocks where at least two columns
    take so many values that two rows do not agree in all of them by chance, where more than 5 % of the held-out rows
    have their like, and where these agree in the target, too: of rows that are merely alike some differ in it.

    Parameters
    ----------
    train, heldout : pandas.DataFrame
        Typed features of both sides, with the same columns.
    known, true : numpy.ndarray
        The target of the training rows and of the held-out rows.
    """
    if not len(train.columns) or not len(heldout) or not len(train):
        return ()
    seen = pd.util.hash_pandas_object(train, index=False).to_numpy()
    asked = pd.util.hash_pandas_object(heldout, index=False).to_numpy()
    both = int(np.isin(asked, seen).sum())
    if not both:
        return ()
    telling = sum(train[c].nunique() > TELLING_SHARE * len(train) for c in train.columns)
    what = f"{both} of {len(heldout)} held-out rows agree in every feature with a training row"
    pairs = pd.DataFrame({"row": asked, "true": true}).merge(pd.DataFrame({"row": seen, "known": known}), on="row")
    same = float((pairs["true"] == pairs["known"]).mean())
    blocks = telling >= TELLING_COLUMNS and both > COPIES * len(heldout) and same >= COPIED
    what += "; they look like copies" if blocks else f", and {same:.0%} of such pairs in the target"
    if blocks:
        what = told(what, "name the column that is the same in copies, as `key: COLUMN` or `group: COLUMN`")
    return (Finding(kind="shared_rows", what=what, blocks=blocks),)


def find_near_rows(
    train: pd.DataFrame, heldout: pd.DataFrame, known: Values, true: Values, target: Target, *, seed: int
) -> tuple[Finding, ...]:
    """Return whether held-out rows are training rows written a little differently: rounded, or with other spellings.

    Parameters
    ----------
    train, heldout, known, true
        As for `find_shared_rows`.
    target : Target
        What is predicted.
    seed : int
        Which rows are compared where there are too many (2,000 held-out rows, 20,000 training rows).
    """
    columns = [c for c in train.columns if _is_fine(train[c])][:MOST_NUMBERS]
    if len(columns) < NEAR_COLUMNS or len(heldout) < 10 or len(train) < 20:
        return ()
    random = np.random.default_rng(seed)
    learn = np.sort(random.permutation(len(train))[:MOST_TRAIN])
    asked = np.sort(random.permutation(len(heldout))[:MOST_HELD])
    distance, nearest = _nearest(train[columns].iloc[learn], heldout[columns].iloc[asked])
    usual = float(np.median(distance))
    if not usual > 0:
        return ()
    near = np.flatnonzero(distance < NEAR * usual)
    # Rows that agree whole are told by find_shared_rows.
    near = near[distance[near] > 0]
    near = near[_own_values(train[columns], heldout[columns].iloc[asked[near]]) >= NEAR_COLUMNS]
    if len(near) <= COPIES * len(asked):
        return ()
    one, other = true[asked[near]], known[learn[nearest[near]]]
    same = float(np.mean(_agree(one, other, known, target)))
    blocks = same >= COPIED
    what = (
        f"{len(near)} of {len(asked)} held-out rows lie {1 / NEAR:.0f} times nearer to a training row than rows "
        f"usually lie, and {same:.0%} of them have its target"
    )
    todo = "take the copies out, or name the column that is the same in them: group: COLUMN"
    return (Finding(kind="near_rows", what=told(what, todo) if blocks else what, blocks=blocks),)


def _is_fine(values: pd.Series) -> bool:
    """Whether a column has so many numbers that rows seldom share one."""
    if not pd.api.types.is_numeric_dtype(values.dtype):
        return False
    return bool(values.nunique() > TELLING_SHARE * len(values) and values.notna().mean() > 0.8)


def _own_values(train: pd.DataFrame, rows: pd.DataFrame) -> npt.NDArray[np.int64]:
    """Return in how many columns each row has a value that few rows have: where many have it, to agree says nothing."""
    own = np.zeros(len(rows), dtype=np.int64)
    most = max(1.0, FREQUENT * len(train))
    for name in train.columns:
        counts = train[name].value_counts()
        own += (rows[name].map(counts[counts > most]).isna() & rows[name].notna()).to_numpy(dtype=np.int64)
    return own


def _nearest(train: pd.DataFrame, heldout: pd.DataFrame) -> tuple[Floats, npt.NDArray[np.int64]]:
    from scipy.spatial import cKDTree

    centre = train.median()
    spread = (train.quantile(0.75) - train.quantile(0.25)).replace(0.0, np.nan).fillna(train.std()).replace(0.0, 1.0)
    known = ((train.fillna(centre) - centre) / spread).clip(-20, 20).to_numpy(dtype=np.float64)
    asked = ((heldout.fillna(centre) - centre) / spread).clip(-20, 20).to_numpy(dtype=np.float64)
    distance, place = cKDTree(known).query(asked)
    return np.asarray(distance, dtype=np.float64), np.asarray(place, dtype=np.int64)


def _agree(one: Values, other: Values, known: Values, target: Target) -> npt.NDArray[np.bool_]:
    if target.is_classification:
        return np.asarray(one == other)
    spread = float(np.std(known.astype(np.float64)))
    return np.asarray(np.abs(one.astype(np.float64) - other.astype(np.float64)) <= SAME_NUMBER * spread)
