"""Which fold every training row is tested in."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from sklearn.model_selection import GroupKFold, KFold, StratifiedGroupKFold, StratifiedKFold

from penstock.errors import DataError
from penstock.metrics.weighted import Ints
from penstock.table import Target


def make_folds(
    target: Target, y: npt.NDArray[np.generic], groups: npt.NDArray[np.object_] | None, folds: int, seed: int
) -> Ints:
    """Return the fold of every row: balanced by label, groups kept whole.

    There are never more folds than rows of the rarest label, or than groups.

    Parameters
    ----------
    target : Target
        What is predicted.
    y : numpy.ndarray
        True values, shape (n_rows,).
    groups : numpy.ndarray, optional
        The group of every row, shape (n_rows,); rows without one are groups of their own.
    folds : int
        How many folds are wanted.
    seed : int
        How rows are shuffled.

    Returns
    -------
    numpy.ndarray
        int64 of shape (n_rows,), from 0 to the number of folds less one.

    Raises
    ------
    DataError
        There are not two of what has to be divided.

    Examples
    --------
    >>> target = Target(name="y", task="binary", labels=("no", "yes"))
    >>> len(set(make_folds(target, np.array([0, 0, 0, 1, 1]), None, 5, 0).tolist()))
    2
    """
    splitter = _splitter(target, y, groups, folds, seed)
    fold_of = np.empty(len(y), dtype=np.int64)
    blank = np.zeros((len(y), 1))
    for i, (_, test) in enumerate(splitter.split(blank, y, _codes(groups) if groups is not None else None)):
        fold_of[test] = i
    return fold_of


def _splitter(
    target: Target, y: npt.NDArray[np.generic], groups: npt.NDArray[np.object_] | None, folds: int, seed: int
) -> KFold | StratifiedKFold | GroupKFold | StratifiedGroupKFold:
    if groups is not None:
        n_groups = len(np.unique(_codes(groups)))
        n = _enough(min(folds, n_groups), "groups", n_groups)
        if not target.is_classification:
            return GroupKFold(n_splits=n, shuffle=True, random_state=seed)
        rarest = int(np.unique(y, return_counts=True)[1].min())
        return StratifiedGroupKFold(n_splits=max(2, min(n, rarest)), shuffle=True, random_state=seed)
    if target.is_classification:
        rarest = int(np.unique(y, return_counts=True)[1].min())
        if rarest >= 2:
            return StratifiedKFold(n_splits=min(folds, rarest), shuffle=True, random_state=seed)
    return KFold(n_splits=_enough(min(folds, len(y)), "training rows", len(y)), shuffle=True, random_state=seed)


def _enough(n: int, of_what: str, there: int) -> int:
    if n < 2:
        raise DataError(
            f"There are too few {of_what} for cross-validation", got=str(there), expected="at least 2", todo="Add rows."
        )
    return n


def _codes(groups: npt.NDArray[np.object_]) -> Ints:
    known: dict[object, int] = {}
    codes = np.empty(len(groups), dtype=np.int64)
    for i, group in enumerate(groups.tolist()):
        alone = not isinstance(group, str)
        codes[i] = known.setdefault(("row", i) if alone else group, len(known))
    return codes
