"""How well one column tells the target, all by itself."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.tree import DecisionTreeRegressor

from penstock.metrics.scores import score
from penstock.metrics.weighted import Floats, Ints
from penstock.table import Target

SMOOTH = 5.0


def alone(values: pd.Series[Any], y: npt.NDArray[np.generic], half: Ints, target: Target) -> float:
    """Return how well one column predicts by itself, each half of the rows from what the other half shows.

    Parameters
    ----------
    values : pandas.Series
        float64 or text, shape (n_rows,).
    y : numpy.ndarray
        The target, shape (n_rows,).
    half : numpy.ndarray
        0 or 1 for each row.
    target : Target
        What is predicted.

    Returns
    -------
    float
        ROC AUC, or R² for a regression; 0 where it cannot be told.

    Examples
    --------
    >>> y, half = np.arange(8.0), np.arange(8) // 2 % 2
    >>> alone(pd.Series(2 * y + 1), y, half, Target(name="y", task="regression"))
    1.0
    """
    wanted = (
        np.eye(len(target.labels))[y.astype(np.int64)] if target.is_classification else y.astype(np.float64)[:, None]
    )
    guessed = np.empty_like(wanted)
    for side in (0, 1):
        learn, test = np.flatnonzero(half != side), np.flatnonzero(half == side)
        if not len(learn) or not len(test):
            return 0.0
        guess = _by_threshold if pd.api.types.is_numeric_dtype(values.dtype) else _by_level
        guessed[test] = guess(values, wanted, learn, test)
    if target.is_classification:
        return max(_finite(score(target, "roc_auc", y, guessed)), _ranks(values, y.astype(np.int64), target))
    spread = float(((wanted - wanted.mean()) ** 2).sum())
    explained = 1.0 - float(((wanted - guessed) ** 2).sum()) / spread if spread else 0.0
    return max(explained, _linear(values, wanted[:, 0]))


def _ranks(values: pd.Series[Any], y: Ints, target: Target) -> float:
    """Return the AUC of a number's own order, which no binning blurs."""
    if target.task != "binary" or not pd.api.types.is_numeric_dtype(values.dtype):
        return 0.0
    numbers = values.to_numpy(dtype=np.float64)
    if np.isnan(numbers).all():
        return 0.0
    known = np.where(np.isnan(numbers), np.nanmedian(numbers), numbers)
    auc = _finite(score(target, "roc_auc", y, np.column_stack([-known, known])))
    return max(auc, 1.0 - auc) if auc else 0.0


def _linear(values: pd.Series[Any], y: Floats) -> float:
    """Return the squared correlation of values, or of ranks, whichever is higher: any monotone copy of the target."""
    if not pd.api.types.is_numeric_dtype(values.dtype):
        return 0.0
    there = values.notna().to_numpy(dtype=bool)
    if there.mean() < 0.5 or there.sum() < 3:
        return 0.0
    own, truth = pd.Series(values.to_numpy(dtype=np.float64)[there]), pd.Series(y[there])
    if own.nunique() < 2 or truth.nunique() < 2:
        return 0.0
    return max(_finite(float(own.corr(truth))) ** 2, _finite(float(own.rank().corr(truth.rank()))) ** 2)


def _by_threshold(values: pd.Series[Any], wanted: Floats, learn: Ints, test: Ints) -> Floats:
    """Guess by a small tree over one number, for which being missing is a value too."""
    column = values.to_numpy(dtype=np.float64)[:, None]
    tree = DecisionTreeRegressor(max_leaf_nodes=64, min_samples_leaf=3, random_state=0)
    guessed = tree.fit(column[learn], wanted[learn]).predict(column[test])
    return np.asarray(guessed).reshape(len(test), -1)


def _by_level(values: pd.Series[Any], wanted: Floats, learn: Ints, test: Ints) -> Floats:
    """Guess by the mean of a category's level."""
    codes = pd.factorize(values, use_na_sentinel=True)[0].astype(np.int64) + 1
    n = int(codes.max()) + 1
    counts = np.bincount(codes[learn], minlength=n)
    columns = range(wanted.shape[1])
    sums = np.column_stack([np.bincount(codes[learn], weights=wanted[learn, k], minlength=n) for k in columns])
    # A level seen once or twice says little, one not seen at all says what all rows say.
    means = (sums + SMOOTH * wanted[learn].mean(axis=0)) / (counts + SMOOTH)[:, None]
    return np.asarray(means[codes[test]])


def _finite(value: float) -> float:
    return value if np.isfinite(value) else 0.0
