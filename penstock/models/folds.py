"""Which fold every training row is tested in."""

from __future__ import annotations

import itertools
import warnings
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from sklearn.model_selection import GroupKFold, KFold, StratifiedGroupKFold, StratifiedKFold

from penstock.errors import DataError
from penstock.metrics.weighted import Ints
from penstock.table import Target

# Of the time that training rows cover, the share that no fold is tested on: there has to be something to learn from.
FIRST_SHARE = 0.5


@dataclass(frozen=True)
class Order:
    """When the rows of a forecast are known.

    `index` and `origin` are the places of every row and of its origin in its series, shape (n_rows,); `until` is the
    place of each fold's first origin, up to which it may learn.
    """

    index: Ints
    origin: Ints
    until: tuple[int, ...]


def ordered_folds(index: Ints, origin: Ints, folds: int, horizon: int) -> tuple[Ints, Order]:
    """Divide the later half of the time into folds, each tested on what comes after all that it learns from.

    A row is tested in the fold of its time where it is forecast from no earlier than that fold's first origin, which is
    the place right before the fold. So a fold is a row of rolling origins.

    Parameters
    ----------
    index, origin : numpy.ndarray
        The places of every row and of its origin, int64, shape (n_rows,).
    folds : int
        How many folds are wanted; fewer where one would be shorter than the horizon.
    horizon : int
        The furthest step.

    Returns
    -------
    tuple
        The fold of every row, -1 where it is only learned from; and when rows are known.

    Raises
    ------
    DataError
        A fold would have nothing to learn from, or nothing to be tested on.

    Examples
    --------
    >>> index = np.arange(1, 13)
    >>> fold_of, order = ordered_folds(index, index - 1, 3, 2)
    >>> fold_of.tolist(), order.until
    ([-1, -1, -1, -1, -1, -1, 0, 0, 1, 1, 2, 2], (6, 8, 10))
    """
    first, last = (int(index.min()), int(index.max())) if len(index) else (0, -1)
    length = last - first + 1
    begins = first + int(FIRST_SHARE * length)
    n = max(1, min(folds, (last + 1 - begins) // max(horizon, 1)))
    edges = [begins + (last + 1 - begins) * k // n for k in range(n + 1)]
    fold_of = np.full(len(index), -1, dtype=np.int64)
    for fold, (low, high) in enumerate(itertools.pairwise(edges)):
        fold_of[(index >= low) & (index < high) & (origin >= low - 1)] = fold
    order = Order(index, origin, tuple(low - 1 for low in edges[:-1]))
    for fold, until in enumerate(order.until):
        if not (fold_of == fold).any() or not (index <= until).any():
            raise DataError(
                "The training rows cannot be divided into folds that follow each other in time",
                got=f"{len(index):,} rows over {length:,} steps, horizon {horizon:,} steps",
                todo="Bring more rows, forecast less far ahead, or ask for fewer folds: model: {folds: 2}",
            )
    return fold_of, order


def folds_in_time(
    target: Target, y: npt.NDArray[np.generic], times: npt.NDArray[np.float64], folds: int
) -> tuple[Ints, Order] | None:
    """Divide the later half of rows into folds, each tested on what comes after all that it learns from.

    Rows of one time are in one fold; rows whose time nobody knows count as the earliest.

    Parameters
    ----------
    target : Target
        What is predicted.
    y : numpy.ndarray
        True values, shape (n_rows,).
    times : numpy.ndarray
        When rows were, shape (n_rows,); NaN where nobody knows.
    folds : int
        How many folds are wanted.

    Returns
    -------
    tuple or None
        As `ordered_folds`; None where times do not tell rows apart, or a fold would learn from one label alone.

    Examples
    --------
    >>> number = Target(name="y", task="regression")
    >>> found = folds_in_time(number, np.arange(8.0), np.array([8.0, 1, 2, 3, 4, 5, 6, 7]), 2)
    >>> found[0].tolist(), found[1].until
    ([1, -1, -1, -1, -1, 0, 0, 1], (3, 5))
    """
    known = np.where(np.isnan(times), -np.inf, times)
    # A row's place is that of the first row of its time.
    index = np.searchsorted(np.sort(known), known, side="left").astype(np.int64)
    try:
        fold_of, order = ordered_folds(index, index - 1, folds, 1)
    except DataError:
        return None
    if target.is_classification and any(len(np.unique(y[index <= until])) < 2 for until in order.until):
        return None
    return fold_of, order


def make_folds(
    target: Target, y: npt.NDArray[np.generic], groups: npt.NDArray[np.object_] | None, folds: int, seed: int
) -> Ints:
    """Return the fold of every row: balanced by label, groups kept whole.

    There are never more folds than groups, or than rows of the rarer label of two. Of three labels and more, those with
    fewer rows than folds are missing from some of these: a label that is rare must not cost all others what they learn
    from.

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
    with warnings.catch_warnings():
        # It warns of labels that are rarer than folds.
        warnings.simplefilter("ignore", UserWarning)
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
        counts = np.unique(y, return_counts=True)[1]
        most = int(counts.min() if len(counts) == 2 else counts.max())
        return StratifiedGroupKFold(n_splits=max(2, min(n, most)), shuffle=True, random_state=seed)
    if target.is_classification:
        counts = np.unique(y, return_counts=True)[1]
        n = min(folds, int(counts.min() if len(counts) == 2 else counts.max()))
        if n >= 2:
            return StratifiedKFold(n_splits=n, shuffle=True, random_state=seed)
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
