"""Columns whose gaps tell the target: what is filled in only once the outcome is there."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

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


Mask = npt.NDArray[np.bool_]


def missing_with_target(gone: Mapping[str, Mask], labelled: Mask, unlabelled: Mask, target: str) -> list[Suspicion]:
    """Return the columns that are missing where the target is missing, and nearly nowhere else.

    Parameters
    ----------
    gone : mapping of str to numpy.ndarray
        For each column where it has no value, bool of shape (n_rows,).
    labelled, unlabelled : numpy.ndarray
        The training rows that have a target, and those that have none, bool of shape (n_rows,).
    target : str
        Its name.

    Examples
    --------
    >>> here = np.arange(100) >= 25
    >>> missing_with_target({"arrived": ~here, "left": here & False}, here, ~here, "late")[0].what
    "missing in 25 of the 25 training rows without 'late', and in none of those with it: it comes with the target"
    """
    n, n_labelled = int(unlabelled.sum()), int(labelled.sum())
    if n < FEWEST_UNLABELLED or not n_labelled:
        return []
    found = []
    for name, where in gone.items():
        together, apart = int(where[unlabelled].sum()), float(where[labelled].mean())
        if together < GONE_TOGETHER * n or apart > GONE_ALONE:
            continue
        rest = f"{apart:.1%}" if apart else "none"
        what = (
            f"missing in {together:,} of the {n:,} training rows without {target!r}, and in {rest} of those with it: "
            "it comes with the target"
        )
        found.append(Suspicion(column=name, sign="with_target", what=what))
    return found


def telling_gaps(
    gone: Mapping[str, Mask], y: npt.NDArray[np.generic], labelled: Mask, target: Target, private: bool
) -> list[Suspicion]:
    """Return the columns where merely having a value tells the target.

    Parameters
    ----------
    gone : mapping of str to numpy.ndarray
        For each column where it has no value, bool of shape (n_rows,).
    y : numpy.ndarray
        The target of all rows, shape (n_rows,).
    labelled : numpy.ndarray
        The training rows that have one, bool of shape (n_rows,).
    target : Target
        What is predicted.
    private : bool
        Whether the target's labels must not be told.
    """
    truth = y[labelled]
    found = []
    for name, where in gone.items():
        seen = where[labelled]
        if min(seen.sum(), len(seen) - seen.sum()) < FEWEST_IN_GROUP:
            continue
        if target.is_classification:
            what = _of_labels(seen, truth, target, private)
        else:
            what = _of_numbers(seen, truth, target.name)
        if what:
            found.append(Suspicion(column=name, sign="missing", what=what))
    return found


def _of_labels(gone: Mask, y: npt.NDArray[np.generic], target: Target, private: bool) -> str:
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


def _of_numbers(gone: Mask, y: npt.NDArray[np.generic], target: str) -> str:
    values = y.astype(np.float64)
    spread = float(np.var(values))
    between = float(gone.mean() * (1 - gone.mean()) * (values[gone].mean() - values[~gone].mean()) ** 2)
    if not spread or between < BETWEEN * spread:
        return ""
    return (
        f"missing in {gone.mean():.1%} of the training rows, which alone explains {between / spread:.0%} of {target!r}"
    )
