"""Columns whose gaps tell the target: what is filled in only once the outcome is there."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
import pandas as pd

from penstock.suspicion.suspicion import Suspicion
from penstock.table import Target

FEWEST_UNLABELLED = 20
# Of the rows without a target so many lack the column too, of those with one at most so many.
GONE_TOGETHER, GONE_ALONE = 0.5, 0.01
FEWEST_IN_GROUP = 30
# A group is nearly of one label when a tenth of the others is left in it, and chance would do that once in a million.
LEFT, CHANCE = 0.1, -6.0
# Share of a number's variance that lies between the rows with a value and those without.
BETWEEN = 0.5


def missing_with_target(labelled: pd.DataFrame, unlabelled: pd.DataFrame, target: str) -> list[Suspicion]:
    """Return the columns that are missing where the target is missing, and nearly nowhere else.

    Parameters
    ----------
    labelled, unlabelled : pandas.DataFrame
        Typed features of training rows that have a target, and of those that have none.
    target : str
        Its name.
    """
    n = len(unlabelled)
    if n < FEWEST_UNLABELLED or not len(labelled):
        return []
    together, apart = unlabelled.isna().sum(), labelled.isna().mean()
    return [
        Suspicion(
            column=str(name),
            sign="with_target",
            what=(
                f"missing in {together[name]:,} of the {n:,} training rows without {target!r}, and in "
                f"{'none' if not apart[name] else f'{apart[name]:.1%}'} of those with it: it seems to come with the "
                "target"
            ),
        )
        for name in labelled.columns
        if together[name] >= GONE_TOGETHER * n and apart[name] <= GONE_ALONE
    ]


def telling_gaps(frame: pd.DataFrame, y: npt.NDArray[np.generic], target: Target, private: bool) -> list[Suspicion]:
    """Return the columns where merely having a value tells the target.

    Parameters
    ----------
    frame : pandas.DataFrame
        Typed features of training rows, shape (n_rows, n_columns).
    y : numpy.ndarray
        Their target, shape (n_rows,).
    target : Target
        What is predicted.
    private : bool
        Whether the target's labels must not be told.
    """
    found = []
    for name in frame.columns:
        gone = frame[name].isna().to_numpy(dtype=bool)
        if min(gone.sum(), len(gone) - gone.sum()) < FEWEST_IN_GROUP:
            continue
        what = _of_labels(gone, y, target, private) if target.is_classification else _of_numbers(gone, y, target.name)
        if what:
            found.append(Suspicion(column=str(name), sign="missing", what=what))
    return found


def _of_labels(
    gone: npt.NDArray[np.bool_], y: npt.NDArray[np.generic], target: Target, private: bool
) -> str:
    labels = y.astype(np.int64)
    whole = np.bincount(labels, minlength=len(target.labels)) / len(labels)
    for group, words in ((~gone, "has a value"), (gone, "is missing")):
        n = int(group.sum())
        share = np.bincount(labels[group], minlength=len(target.labels)) / n
        top = int(np.argmax(share))
        base = float(whole[top])
        if 1.0 - share[top] > LEFT * (1.0 - base) or n * math.log10(max(base, 1e-300)) > CHANCE:
            continue
        label = "one label" if private else f"{target.name} = {target.labels[top]}"
        return f"{words} in {n:,} training rows, {share[top]:.1%} of them with {label} (of all rows {base:.1%})"
    return ""


def _of_numbers(gone: npt.NDArray[np.bool_], y: npt.NDArray[np.generic], target: str) -> str:
    values = y.astype(np.float64)
    spread = float(np.var(values))
    between = float(gone.mean() * (1 - gone.mean()) * (values[gone].mean() - values[~gone].mean()) ** 2)
    if not spread or between < BETWEEN * spread:
        return ""
    return f"missing in {gone.mean():.1%} of the training rows, which alone explains {between / spread:.0%} of {target!r}"
