"""The step `sample`: fewer training rows to learn from."""

from __future__ import annotations

from typing import Literal, Self

import numpy as np
import pandas as pd
from pydantic import Field, model_validator

from penstock.steps.base import Rows, RowStep
from penstock.steps.rows.content import draw_of

# A quantity is stratified by its tenths.
_STRATA = 10


class Sample(RowStep):
    """Learn from `n` training rows, or a `share` of them, drawn by what each row says.

    Whether a row is drawn hangs on its content and the seed, not on its place: a table that has grown keeps what was
    drawn of a share. `stratify` draws the same share of every label, or of every tenth of a quantity. Held-out rows are
    not drawn from.

    Examples
    --------
    >>> frame = pd.DataFrame({"a": np.arange(100.0)})
    >>> rows = Rows(np.ones(100, bool), pd.DataFrame(index=range(100)), np.zeros(100), np.full(100, None, object))
    >>> sum(reason is None for reason in Sample(n=30).reasons(frame, rows))
    30
    """

    kind: Literal["sample"] = "sample"
    n: int | None = Field(default=None, ge=1)
    share: float | None = Field(default=None, gt=0, le=1)
    stratify: bool = False
    seed: int = Field(default=0, ge=0)

    @model_validator(mode="after")
    def _one_size(self) -> Self:
        if (self.n is None) == (self.share is None):
            raise ValueError("`sample` needs one of `n` and `share`")
        return self

    def reasons(self, frame: pd.DataFrame, rows: Rows) -> np.ndarray:
        """Return `not drawn` for every training row that is not in the sample."""
        at = np.flatnonzero(rows.train)
        target = pd.DataFrame({0: np.asarray(rows.target, dtype=np.float64)})
        whole = pd.concat([frame.reset_index(drop=True), rows.beside.reset_index(drop=True), target], axis=1)
        whole.columns = pd.RangeIndex(whole.shape[1])
        draw = draw_of(whole.iloc[at].reset_index(drop=True), self.seed)
        strata = _strata(np.asarray(rows.target)[at]) if self.stratify else np.zeros(len(at), dtype=np.int64)
        drawn = drawn_rows(draw, strata, self.n, self.share)
        found = np.full(len(frame), None, dtype=object)
        found[at[~drawn]] = "not drawn into the sample"
        return found


def drawn_rows(draw: np.ndarray, strata: np.ndarray, n: int | None, share: float | None) -> np.ndarray:
    """Return which rows are drawn: of every stratum those with the smallest numbers.

    Parameters
    ----------
    draw : numpy.ndarray
        A number for each row, uint64 of shape (n_rows,).
    strata : numpy.ndarray
        The stratum of each row, int64 of shape (n_rows,).
    n, share
        How many rows in all, or which share of each stratum; one of them is None.

    Returns
    -------
    numpy.ndarray
        bool of shape (n_rows,).

    Examples
    --------
    >>> drawn_rows(np.array([7, 1, 5, 3], dtype=np.uint64), np.array([0, 0, 1, 1]), 2, None).tolist()
    [False, True, False, True]
    """
    if share is not None and len(np.unique(strata)) <= 1:
        # One bound for all, so that a row is drawn or not whatever other rows there are.
        return np.asarray(draw <= np.uint64(share * (2.0**64 - 2048)), dtype=bool)
    codes, strata_of = np.unique(strata, return_inverse=True)
    sizes = np.bincount(strata_of, minlength=len(codes))
    wanted = np.ceil(sizes * share).astype(np.int64) if share is not None else _shares(sizes, n or 0)
    order = np.lexsort((np.arange(len(draw)), draw, strata_of))
    rank = np.arange(len(draw)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    drawn = np.zeros(len(draw), dtype=bool)
    drawn[order] = rank < np.repeat(wanted, sizes)
    return drawn


def _shares(sizes: np.ndarray, n: int) -> np.ndarray:
    """Return `n` distributed over strata by their sizes, the largest remainders first."""
    exact = sizes * (min(n, int(sizes.sum())) / max(int(sizes.sum()), 1))
    whole = np.floor(exact).astype(np.int64)
    left = min(n, int(sizes.sum())) - int(whole.sum())
    whole[np.argsort(-(exact - whole), kind="stable")[:left]] += 1
    return whole


def _strata(target: np.ndarray) -> np.ndarray:
    if target.dtype.kind in "iu":
        return target.astype(np.int64)
    edges = np.quantile(target, np.linspace(0, 1, _STRATA + 1)[1:-1]) if len(target) else np.empty(0)
    return np.searchsorted(edges, target).astype(np.int64)
