"""Rows that follow each other in time and were split at random: a row is judged by what came after it."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from penstock.faults.finding import Finding, told
from penstock.metrics.scores import score
from penstock.metrics.weighted import Floats
from penstock.table import Target

# What the neighbours in time may tell: ROC AUC, R².
CLASS, NUMBER = 0.9, 0.8
FEWEST_HELD, FEWEST_MOMENTS = 30, 0.2


def find_time_overlap(
    name: str,
    times: Floats,
    y: npt.NDArray[np.generic],
    is_train: npt.NDArray[np.bool_],
    target: Target,
    *,
    by_time: bool,
    seed: int,
) -> tuple[Finding, ...]:
    """Return whether training rows reach into the time of held-out rows and tell them.

    Parameters
    ----------
    name : str
        The column of times.
    times : numpy.ndarray
        Moments as numbers, NaN where there is none, float64, shape (n_rows,).
    y, is_train : numpy.ndarray
        The target and the side of the same rows.
    target : Target
        What is predicted.
    by_time : bool
        Whether rows were split by this column: then there must be no overlap at all.
    seed : int
        How rows of one moment are put in order.
    """
    known = np.isfinite(times)
    learn, held = np.flatnonzero(known & is_train), np.flatnonzero(known & ~is_train)
    if len(held) < FEWEST_HELD or len(learn) < FEWEST_HELD:
        return ()
    if by_time:
        late = int(np.sum(times[learn] >= times[held].min()))
        if not late:
            return ()
        what = f"{late:,} training rows are from the time of the held-out rows by {name!r}, by which they were split"
        return (
            Finding(kind="time_overlap", column=name, what=told(what, "see that its times read alike"), blocks=True),
        )
    if len(np.unique(times[known])) < FEWEST_MOMENTS * known.sum():
        return ()
    reached = _from_neighbours(times, y, learn, held, target, seed)
    if reached < (CLASS if target.is_classification else NUMBER):
        return ()
    measure = "a ROC AUC of" if target.is_classification else "an R² of"
    what = (
        f"rows next to each other in {name!r} share their target, and were split at random: the two training rows "
        f"nearest in time alone tell held-out rows with {measure} {reached:.2f}, which no row of the future has"
    )
    return (
        Finding(kind="time_overlap", column=name, what=told(what, f"split: {{by: time, time: {name}}}"), blocks=True),
    )


def _from_neighbours(
    times: Floats,
    y: npt.NDArray[np.generic],
    learn: npt.NDArray[np.int64],
    held: npt.NDArray[np.int64],
    target: Target,
    seed: int,
) -> float:
    # Rows of one moment have no order of their own, and that of the file may be the target's.
    learn = np.random.default_rng(seed).permutation(learn)
    learn = learn[np.argsort(times[learn], kind="stable")]
    after = np.searchsorted(times[learn], times[held], side="left")
    pair = np.clip(np.column_stack([after - 1, after]), 0, len(learn) - 1)
    if not target.is_classification:
        told_by = y.astype(np.float64)[learn[pair]].mean(axis=1)
        spread = float(np.var(y[held].astype(np.float64)))
        wrong = float(np.mean((y[held].astype(np.float64) - told_by) ** 2))
        return 1 - wrong / spread if spread else 0.0
    guessed = np.eye(len(target.labels))[y.astype(np.int64)[learn[pair]]].mean(axis=1)
    reached = score(target, "roc_auc", y[held], guessed)
    return reached if np.isfinite(reached) else 0.0
