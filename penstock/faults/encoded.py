"""Columns that were made of the target of all rows before these were split: means of it by level."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import pandas as pd

from penstock.faults.finding import Finding, told
from penstock.metrics.weighted import Floats, Ints
from penstock.table import Target

FEWEST_LEVELS, MOST_LABELS = 8, 20
# In so many rows the column is the mean; a few rows may have been dropped or corrected since.
AGREES, COVERED = 0.9, 0.5
# How far from it a number may be by rounding, as a part of the column's spread, or the target's.
ROUNDED = 1e-3
MOST_SMOOTHING = 1000.0


def find_encoded(frame: pd.DataFrame, y: npt.NDArray[np.generic], target: Target) -> tuple[Finding, ...]:
    """Return columns that are the mean of the target by level, held-out rows among them.

    A mean may be smoothed, (sum + m p) / (n + m), or leave out the row's own target; the column that had the levels
    need not be there.

    Parameters
    ----------
    frame : pandas.DataFrame
        Typed features of the rows of both sides, shape (n_rows, n_columns).
    y : numpy.ndarray
        Their target, shape (n_rows,).
    target : Target
        What is predicted.

    References
    ----------
    Micci-Barreca, D. (2001), A preprocessing scheme for high-cardinality categorical attributes in classification and
    prediction problems, SIGKDD Explorations 3.
    """
    texts = [
        c for c in frame.columns if not pd.api.types.is_numeric_dtype(frame[c].dtype) and frame[c].dtype.kind != "M"
    ]
    levels = {str(c): pd.factorize(frame[c])[0].astype(np.int64) for c in texts}
    found = []
    for name in frame.columns:
        if not pd.api.types.is_numeric_dtype(frame[name].dtype):
            continue
        values = frame[name].to_numpy(dtype=np.float64)
        if np.isfinite(values).mean() < COVERED or not np.nanstd(values) > 0:
            continue
        share = max((_agreement(values, truth, levels) for truth in _indicators(y, target)), default=0.0)
        if share < AGREES:
            continue
        what = (
            f"the column {str(name)!r} is the mean of the target by level in {share:.0%} of the rows, with that of "
            "held-out rows in it: it was made before the split"
        )
        todo = f"take it out and let a step encode the levels: columns: {{{name}: {{role: ignored}}}}"
        found.append(Finding(kind="fitted_before_split", column=str(name), what=told(what, todo), blocks=True))
    return tuple(found)


def _indicators(y: npt.NDArray[np.generic], target: Target) -> Iterator[Floats]:
    if not target.is_classification:
        yield y.astype(np.float64)
        return
    # Of two labels the one's mean is the other's, upside down.
    several = range(len(target.labels)) if len(target.labels) > 2 else (1, 0)
    for label in list(several)[:MOST_LABELS]:
        yield (y == label).astype(np.float64)


def _agreement(values: Floats, y: Floats, levels: dict[str, Ints]) -> float:
    own = np.unique(values[np.isfinite(values)])
    best = 0.0
    if FEWEST_LEVELS <= len(own) <= len(values) / 2:
        best = _is_mean(values, y, np.where(np.isfinite(values), np.searchsorted(own, values), -1))
    for codes in levels.values():
        if best < AGREES and FEWEST_LEVELS <= int(codes.max(initial=-1)) + 1 <= len(values) / 2:
            best = max(best, _is_mean(values, y, codes), _is_mean_of_others(values, y, codes))
    return best


def _is_mean(values: Floats, y: Floats, codes: Ints) -> float:
    """Return in which share of the rows a column is its level's mean, plain or smoothed."""
    there = (codes >= 0) & np.isfinite(values)
    n = np.bincount(codes[there], minlength=int(codes.max()) + 1).astype(np.float64)
    total = np.bincount(codes[there], weights=y[there], minlength=len(n))
    said = np.bincount(codes[there], weights=values[there], minlength=len(n))
    several = n >= 2
    if several.sum() < FEWEST_LEVELS or n[several].sum() < COVERED * len(values):
        return 0.0
    n, total, mean = n[several], total[several], said[several] / n[several]
    scale = ROUNDED * float(min(np.nanstd(values), np.std(y)))
    best = _share(np.abs(mean - total / n) <= scale, n)
    if best >= AGREES:
        return best
    # (sum + m p) / (n + m) = x is linear in m and m p: x n - sum = m p - m x.
    kept = np.ones(len(n), dtype=bool)
    for _ in range(3):
        design = np.column_stack([np.ones(kept.sum()), -mean[kept]])
        (lifted, smoothing), *_ = np.linalg.lstsq(design, mean[kept] * n[kept] - total[kept], rcond=None)
        if not 0 < smoothing <= MOST_SMOOTHING:
            return best
        wrong = np.abs((total + lifted) / (n + smoothing) - mean)
        kept = wrong <= np.quantile(wrong, 0.8)
        if kept.sum() < FEWEST_LEVELS:
            return best
    return max(best, _share(wrong <= scale, n))


def _is_mean_of_others(values: Floats, y: Floats, codes: Ints) -> float:
    there = codes >= 0
    n = np.bincount(codes[there], minlength=int(codes.max()) + 1)
    total = np.bincount(codes[there], weights=y[there], minlength=len(n))
    rows = np.flatnonzero(there & (n[codes] >= 2) & np.isfinite(values))
    if len(rows) < COVERED * len(values):
        return 0.0
    others = (total[codes[rows]] - y[rows]) / (n[codes[rows]] - 1)
    return float(np.mean(np.abs(values[rows] - others) <= ROUNDED * float(min(np.nanstd(values), np.std(y)))))


def _share(right: npt.NDArray[np.bool_], n: Floats) -> float:
    """Return the share of the rows, or of the levels where that is less: one large level says nothing of the others."""
    return float(min(n[right].sum() / n.sum(), right.mean()))
