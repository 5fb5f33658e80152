"""Which row of several that stand for the same thing is kept."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
import pandas as pd

from penstock.steps.rows.content import cell_hashes, row_hashes

Keep = Literal["first", "last", "newest", "complete"]


def same_rows(frame: pd.DataFrame) -> np.ndarray:
    """Return a number for each row, the same for rows that are equal; int64 of shape (n_rows,).

    Examples
    --------
    >>> same_rows(pd.DataFrame({"a": [1.0, 2.0, 1.0], "b": pd.array(["x", None, "x"], dtype="str")})).tolist()
    [0, 1, 0]
    """
    codes = np.zeros(len(frame), dtype=np.int64)
    for name in range(frame.shape[1]):
        own, levels = pd.factorize(frame.iloc[:, name])
        # Missing, which has the code -1, is a level of its own; numbering anew keeps the product small.
        codes, _ = pd.factorize(codes * (len(levels) + 1) + own + 1)
    return np.asarray(codes, dtype=np.int64)


def equal_rows(frame: pd.DataFrame, keep: Literal["first", "last"]) -> np.ndarray:
    """Return which rows equal another one in all columns, but for the one of each that is kept.

    Rows are told apart by hashes of their numbers and moments first; only those that these do not tell apart are
    compared, which is exact.

    Parameters
    ----------
    frame : pandas.DataFrame
        Typed rows, shape (n_rows, n_columns).
    keep : {"first", "last"}
        Which one of equal rows is none.

    Returns
    -------
    numpy.ndarray
        bool of shape (n_rows,).

    Examples
    --------
    >>> equal_rows(pd.DataFrame({"a": [1.0, 2.0, 1.0], "b": ["x", "x", "x"]}), "first").tolist()
    [False, False, True]
    """
    told = frame.select_dtypes(["number", "bool", "datetime"])
    hashes = pd.Series(row_hashes(cell_hashes(told), len(frame)))
    maybe = np.flatnonzero(hashes.duplicated(keep=False).to_numpy())
    equal = np.zeros(len(frame), dtype=bool)
    equal[maybe] = frame.iloc[maybe].duplicated(keep=keep).to_numpy()
    return equal


def surplus(groups: np.ndarray, keep: Keep, scores: np.ndarray | None = None) -> np.ndarray:
    """Return which rows go, so that one of each group stays.

    Parameters
    ----------
    groups : numpy.ndarray
        The group of each row, int64 of shape (n_rows,).
    keep : {"first", "last", "newest", "complete"}
        Which one stays: by position, or the one with the highest score; of equal ones the earlier.
    scores : numpy.ndarray, optional
        float64 of shape (n_rows,), NaN below all others.

    Returns
    -------
    numpy.ndarray
        bool of shape (n_rows,).

    Examples
    --------
    >>> surplus(np.array([0, 0, 1]), "newest", np.array([1.0, 2.0, 0.0])).tolist()
    [True, False, False]
    """
    if scores is None:
        stays: Any = keep if keep == "last" else "first"
        return np.asarray(pd.Series(groups).duplicated(keep=stays).to_numpy(), dtype=bool)
    ranked = np.where(np.isnan(scores), -np.inf, scores)
    order = np.lexsort((np.arange(len(groups)), -ranked, groups))
    first = np.ones(len(groups), dtype=bool)
    first[1:] = groups[order][1:] != groups[order][:-1]
    gone = np.ones(len(groups), dtype=bool)
    gone[order[first]] = False
    return gone


def scores_of(keep: Keep, by: Any, frame: pd.DataFrame) -> np.ndarray | None:
    """Return what rows are compared by: the value of a column, or how many cells are there; None for positions."""
    if keep == "newest":
        values = by.to_numpy()
        if values.dtype.kind == "M":
            return np.where(np.isnat(values), np.nan, values.astype("datetime64[us]").astype(np.int64).astype(float))
        return np.asarray(values, dtype=np.float64)
    if keep == "complete":
        return frame.notna().sum(axis=1).to_numpy(dtype=np.float64)
    return None
