"""The numeric profile of a typed frame: moments, quantiles, levels, correlation, rank and condition number."""

from __future__ import annotations

import heapq
import math
from typing import Any

import numpy as np
import pandas as pd

from penstock.frozen import Frozen
from penstock.table import NUMERIC, Kind, TableSchema

QUANTILES: tuple[float, ...] = (0.0, 0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99, 1.0)
MAX_LEVELS = 100
# Tukey's fences: a value further than this many interquartile ranges from the box is outside.
FENCE = 1.5


class Numbers(Frozen):
    """What the present numbers of a column are like; None where it is not defined."""

    mean: float | None = None
    sd: float | None = None
    skew: float | None = None
    kurtosis: float | None = None
    low: float | None = None
    high: float | None = None
    quantiles: tuple[float | None, ...] = ()
    zeros: int = 0
    fences: tuple[float | None, float | None] = (None, None)
    outside: int = 0


class Level(Frozen):
    """One level of a category, and its rows."""

    value: str
    count: int


class ColumnProfile(Frozen):
    """One column: how much is there, and what it is like by its kind."""

    name: str
    kind: Kind
    n: int
    missing: int
    distinct: int
    numbers: Numbers | None = None
    levels: tuple[Level, ...] = ()
    n_levels: int = 0
    earliest: str | None = None
    latest: str | None = None


class Matrix(Frozen):
    """The numeric columns together. `correlation` is Pearson's, pairwise over the rows where both are present."""

    columns: tuple[str, ...] = ()
    correlation: tuple[tuple[float | None, ...], ...] = ()
    rank: int = 0
    condition_number: float | None = None
    n_complete: int = 0


class Profile(Frozen):
    """A frame in numbers, small enough for JSON."""

    n_rows: int
    columns: dict[str, ColumnProfile]
    matrix: Matrix = Matrix()

    def column(self, name: str) -> ColumnProfile | None:
        """Return a column's profile, or None where there is none."""
        return self.columns.get(name)

    def levels(self, name: str) -> tuple[str, ...] | None:
        """Return all levels of a category, most frequent first; None where not all of them are listed."""
        column = self.column(name)
        if column is None or column.kind not in ("category", "text") or column.n_levels > len(column.levels):
            return None
        return tuple(level.value for level in column.levels)

    def range(self, name: str) -> tuple[float, float] | None:
        """Return the lowest and highest number seen, or None."""
        column = self.column(name)
        if column is None or column.numbers is None or column.numbers.low is None or column.numbers.high is None:
            return None
        return column.numbers.low, column.numbers.high


def profile_frame(frame: pd.DataFrame, schema: TableSchema) -> Profile:
    """Measure a typed frame.

    Parameters
    ----------
    frame : pandas.DataFrame
        A frame that `TableSchema.cast` made, or some of its columns; shape (n_rows, n_columns).
    schema : TableSchema
        The kinds of its columns.

    Returns
    -------
    Profile
        One entry for each column that both know.

    References
    ----------
    Skewness and kurtosis are the sample's own third and fourth standardised moments, m3 / m2^1.5 and m4 / m2^2 - 3.
    The condition number is the ratio of the largest to the smallest singular value of the standardised complete rows.
    """
    kinds = {c.name: c.kind for c in schema.columns}
    # Ids and private values are counted, never listed: a profile travels with the model.
    hidden = {c.name for c in schema.columns if c.role == "id" or c.private}
    names = [str(n) for n in frame.columns if str(n) in kinds]
    numeric = [n for n in names if kinds[n] in NUMERIC]
    values = frame[numeric].to_numpy(dtype=np.float64) if numeric else np.empty((len(frame), 0))
    columns = {n: _profile(frame[n], n, kinds[n], n in hidden) for n in names}
    return Profile(n_rows=len(frame), columns=columns, matrix=_matrix(values, numeric))


def _profile(values: pd.Series, name: str, kind: Kind, hidden: bool) -> ColumnProfile:
    missing = int(values.isna().sum())
    known: dict[str, Any] = {"name": name, "kind": kind, "n": len(values) - missing, "missing": missing}
    if kind in NUMERIC:
        distinct, numbers = _describe(np.asarray(values, dtype=np.float64))
        return ColumnProfile(**known, distinct=distinct, numbers=numbers)
    if kind == "datetime":
        low, high = (values.min(), values.max()) if len(values) > missing else (None, None)
        shown = [None if m is None else m.isoformat() for m in (low, high)]
        return ColumnProfile(**known, distinct=int(values.nunique()), earliest=shown[0], latest=shown[1])
    counts = values.value_counts()
    # Of levels that are equally frequent the order must not depend on the rows'.
    most = [] if hidden else heapq.nsmallest(MAX_LEVELS, counts.items(), key=lambda pair: (-int(pair[1]), str(pair[0])))
    levels = tuple(Level(value=str(v), count=int(c)) for v, c in most)
    return ColumnProfile(**known, distinct=len(counts), levels=levels, n_levels=len(counts))


def _describe(column: np.ndarray) -> tuple[int, Numbers]:
    # Sorted once: order statistics, distinct values and fences are then look-ups.
    ordered = np.sort(column[~np.isnan(column)])
    n = len(ordered)
    if not n:
        return 0, Numbers()
    distinct = 1 + int((np.diff(ordered) != 0).sum())
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        quantiles = _quantiles(ordered)
        lower, upper = quantiles[3], quantiles[5]
        fences = (lower - FENCE * (upper - lower), upper + FENCE * (upper - lower))
        mean, sd, skew, kurtosis = _moments(ordered)
    zeros = np.searchsorted(ordered, 0.0, "right") - np.searchsorted(ordered, 0.0, "left")
    outside = np.searchsorted(ordered, fences[0], "left") + n - np.searchsorted(ordered, fences[1], "right")
    return distinct, Numbers(
        mean=_finite(mean),
        sd=_finite(sd),
        skew=_finite(skew),
        kurtosis=_finite(kurtosis),
        low=float(ordered[0]),
        high=float(ordered[-1]),
        quantiles=tuple(_finite(q) for q in quantiles),
        zeros=int(zeros),
        fences=(_finite(fences[0]), _finite(fences[1])),
        outside=int(outside),
    )


def _quantiles(ordered: np.ndarray) -> list[float]:
    """Return quantiles by linear interpolation between the two nearest order statistics."""
    at = np.array(QUANTILES) * (len(ordered) - 1)
    below = np.floor(at).astype(np.int64)
    above = np.minimum(below + 1, len(ordered) - 1)
    share = at - below
    return [float(q) for q in ordered[below] * (1.0 - share) + ordered[above] * share]


def _moments(values: np.ndarray) -> tuple[float, float | None, float | None, float | None]:
    mean = float(values.mean())
    away = values - mean
    spread = math.sqrt(float((away * away).mean()))
    sd = spread * math.sqrt(len(values) / (len(values) - 1)) if len(values) > 1 else None
    # A spread that is rounding error alone has no shape.
    if not math.isfinite(spread) or spread <= 1e-14 * abs(mean):
        return mean, sd, None, None
    standard = away / spread
    squares = standard * standard
    return mean, sd, float((squares * standard).mean()), float((squares * squares).mean()) - 3.0


def _finite(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None


def _matrix(values: np.ndarray, names: list[str]) -> Matrix:
    if not names:
        return Matrix()
    complete = values[~np.isnan(values).any(axis=1)]
    rank, condition = _rank(complete)
    correlation = tuple(tuple(_finite(round(float(c), 12)) for c in row) for row in _correlation(values))
    return Matrix(
        columns=tuple(names),
        correlation=correlation,
        rank=rank,
        condition_number=condition,
        n_complete=len(complete),
    )


def _correlation(values: np.ndarray) -> Any:
    """Return Pearson's correlation of every pair of columns over the rows where both are present."""
    there = (~np.isnan(values)).astype(np.float64)
    # Centred and scaled first: sums of squares of large numbers would lose the digits that matter.
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        n_each = np.maximum(there.sum(axis=0), 1.0)
        filled = np.where(np.isnan(values), 0.0, values)
        middle = filled.sum(axis=0) / n_each
        centred = np.where(there > 0, values - middle, 0.0)
        scale = np.sqrt((centred**2).sum(axis=0) / n_each)
        scaled = centred / np.where(scale > 0, scale, 1.0)
        n = there.T @ there
        s_x, s_xx, s_xy = scaled.T @ there, (scaled**2).T @ there, scaled.T @ scaled
        covariance = s_xy - s_x * s_x.T / n
        spread = np.sqrt((s_xx - s_x**2 / n) * (s_xx.T - s_x.T**2 / n))
        found = covariance / spread
    found[~(spread > 1e-9) | (n < 3)] = np.nan
    return np.clip(found, -1.0, 1.0)


def _rank(complete: np.ndarray) -> tuple[int, float | None]:
    if len(complete) < 2:
        return 0, None
    with np.errstate(over="ignore", invalid="ignore"):
        centred = complete - complete.mean(axis=0)
        scale = centred.std(axis=0)
    varying = scale > 0
    if not varying.any() or not np.isfinite(scale).all():
        return 0, None
    standard = centred[:, varying] / scale[varying]
    # The small triangle of a QR decomposition has the same singular values, whatever the number of rows.
    singular = np.linalg.svd(np.linalg.qr(standard, mode="r"), compute_uv=False)
    tolerance = singular[0] * max(standard.shape) * np.finfo(np.float64).eps
    rank = int((singular > tolerance).sum())
    # As many digits as do not depend on how threads share the sums.
    return rank, _finite(float(f"{singular[0] / singular[-1]:.8g}")) if singular[-1] > tolerance else None
