"""The numeric columns together: correlation, rank, condition number, variance inflation.

The rows are read slice by slice, so that no second copy of the columns is ever made. Complete rows go through a QR
decomposition, which keeps the digits that a matrix of cross-products would lose where columns nearly coincide.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import cache, reduce
from typing import Any, NamedTuple

import numpy as np
from threadpoolctl import ThreadpoolController

from penstock.arrays.collinear import collinear_groups
from penstock.arrays.moments import FEW_PRIVATE, binary_exponent, finite_or_none
from penstock.arrays.records import Collinear, CoMoments, Matrix

# Cells of one slice, and the fewest rows for each column that keep its decomposition worth the call. The result
# depends on where slices end, and so these are constants.
CELLS, FEWEST_ROWS = 1 << 19, 16
# Slices that are worked on at once; the result does not depend on it.
WORKERS = 2
# What a merge needs is kept for at most so many columns: it grows with their square.
MOST_KEPT = 128
# A condition number below it leaves no variance inflation factor of a million to explain.
ILL_CONDITIONED = 1e3


class Numeric(NamedTuple):
    """A numeric column with what is known of it: float64 of shape (n_rows,), NaN for missing."""

    name: str
    values: Any
    centre: float
    spread: float
    is_whole: bool
    private: bool = False


class Factor(NamedTuple):
    """The complete rows in short: R of the QR decomposition of the centred columns, each divided by its scale.

    `upper` has shape (n_columns, n_columns) and columns of length 1, or 0 for a constant one, so that upper' upper is
    the correlation matrix. Means and scales (standard deviations with divisor n) have shape (n_columns,).
    """

    n: int
    means: Any
    scales: Any
    upper: Any


_limited = threading.Lock()


@contextmanager
def one_thread() -> Iterator[None]:
    """Let the linear algebra library use one thread: how many it has changes the last digits of what it returns."""
    with _limited, _controller().limit(limits=1, user_api="blas"):
        yield


@cache
def _controller() -> ThreadpoolController:
    return ThreadpoolController()


def relate(columns: Sequence[Numeric]) -> Matrix:
    """Measure numeric columns together."""
    if not columns:
        return Matrix()
    tamed = [_tamed(column) for column in columns]
    with one_thread():
        n_complete, correlation = _pairwise([column for column, _ in tamed])
        factor = _factor(tamed, n_complete)
        few_private = any(c.private for c in columns) and factor.n < FEW_PRIVATE
        return matrix_of(tuple(c.name for c in columns), factor, correlation, keep=not few_private)


def matrix_of(names: tuple[str, ...], factor: Factor, correlation: Any | None, *, keep: bool = True) -> Matrix:
    """Return the record of numeric columns; without a pairwise correlation it is that of the complete rows.

    Without `keep`, what could tell a value of few private rows is left out: relations and co-moments.

    References
    ----------
    The condition number is the ratio of the largest to the smallest singular value of the standardised complete rows,
    constant columns left out. The variance inflation factor of a column is 1 / (1 - R squared) of its regression on the
    others, which is its diagonal element of the inverse of the correlation matrix: D. A. Belsley, E. Kuh, R. E. Welsch,
    "Regression Diagnostics", 1980, chapter 3.
    """
    varying = np.flatnonzero(factor.scales > 0)
    rank, condition, vif = 0, None, np.full(len(names), np.nan)
    groups: tuple[Collinear, ...] = ()
    if factor.n > 1 and len(varying):
        upper = factor.upper[:, varying]
        _, singular, right = np.linalg.svd(upper)
        # Numbers far from zero are rounded more coarsely, beside their spread, than the decomposition rounds.
        coarse = 1.0 + float((np.abs(factor.means[varying]) / factor.scales[varying]).max())
        tolerance = singular[0] * max(factor.n, len(varying) * coarse) * np.finfo(np.float64).eps
        kept = singular > tolerance
        rank = int(kept.sum())
        condition = _digits(singular[0] / singular[-1], 8) if kept.all() else None
        vif[varying] = _inflation(singular, right, kept)
        # In few rows every column follows from the others by chance.
        if keep and factor.n > 2 * len(varying) and (condition is None or condition > ILL_CONDITIONED):
            groups = collinear_groups(upper, [names[i] for i in varying], factor.means[varying], factor.scales[varying])
    if correlation is None:
        correlation = _complete_correlation(factor)
    return Matrix(
        columns=names,
        correlation=tuple(tuple(finite_or_none(round(float(c), 12)) for c in row) for row in correlation),
        rank=rank,
        condition_number=condition,
        n_complete=factor.n,
        vif=tuple(_digits(v, 6) for v in vif),
        collinear=groups,
        comoments=comoments_of(factor) if keep and factor.n and len(names) <= MOST_KEPT else None,
    )


def comoments_of(factor: Factor) -> CoMoments:
    """Return what a merge needs, with all its digits: a rank is lost with the last ones."""
    upper = factor.upper[np.triu_indices(len(factor.means))]
    return CoMoments(
        means=tuple(factor.means.tolist()), scales=tuple(factor.scales.tolist()), factor=tuple(upper.tolist())
    )


def factor_of(n: int, kept: CoMoments) -> Factor:
    """Return the factor that `comoments_of` was given."""
    k = len(kept.means)
    upper = np.zeros((k, k))
    upper[np.triu_indices(k)] = kept.factor
    return Factor(n, np.array(kept.means), np.array(kept.scales), upper)


def normalised(n: int, means: Any, upper: Any) -> Factor:
    """Return a factor with columns of length 1 from R of centred columns.

    A column whose spread is rounding error alone counts as constant.
    """
    lengths = np.sqrt((upper * upper).sum(axis=0))
    scales = lengths / math.sqrt(n)
    scales = np.where(scales > 1e-14 * np.abs(means), scales, 0.0)
    with np.errstate(invalid="ignore", divide="ignore"):
        return Factor(n, means, scales, np.where(scales > 0, upper / lengths, 0.0))


def _digits(value: float, n: int) -> float | None:
    return finite_or_none(float(f"{value:.{n}g}"))


def _tamed(column: Numeric) -> tuple[Numeric, int]:
    """Return a column with infinities as missing, divided by a power of two where its squares would overflow."""
    values = column.values
    if not column.is_whole and np.isinf(values).any():
        values = np.where(np.isinf(values), np.nan, values)
    exponent = binary_exponent(column.centre, column.spread)
    if not exponent:
        return column._replace(values=values), 0
    centre, spread = math.ldexp(column.centre, -exponent), math.ldexp(column.spread, -exponent)
    return column._replace(values=np.ldexp(values, -exponent), centre=centre, spread=spread), exponent


def _each_slice(columns: Sequence[Numeric], measure: Callable[[Any], Any]) -> Iterator[Any]:
    """Give what is measured of the rows slice by slice, standardised, as arrays of shape (n_columns, n_in_slice)."""
    n_rows = len(columns[0].values)
    step = max(CELLS // len(columns), FEWEST_ROWS * len(columns))

    def measured(start: int) -> Any:
        block = np.empty((len(columns), min(step, n_rows - start)))
        for i, column in enumerate(columns):
            np.subtract(column.values[start : start + step], column.centre, out=block[i])
            if column.spread > 0:
                block[i] /= column.spread
        return measure(block)

    if n_rows <= step:
        yield measured(0)
        return
    with ThreadPoolExecutor(WORKERS) as pool:
        yield from pool.map(measured, range(0, n_rows, step))


class _Sums(NamedTuple):
    """Sums over the rows where both columns of a pair are present, each of shape (n_columns, n_columns)."""

    n_complete: int
    n: Any
    x: Any
    xx: Any
    xy: Any

    def plus(self, other: _Sums) -> _Sums:
        return _Sums(*(a + b for a, b in zip(self, other, strict=True)))

    def correlation(self) -> Any:
        n = np.maximum(self.n, 1.0)
        with np.errstate(invalid="ignore", divide="ignore"):
            covariance = self.xy - self.x * self.x.T / n
            spread = np.sqrt((self.xx - self.x**2 / n) * (self.xx.T - self.x.T**2 / n))
            found = covariance / spread
        found[~(spread > 1e-9) | (self.n < 3)] = np.nan
        return np.clip(found, -1.0, 1.0)


def _sums(block: Any) -> _Sums:
    there = ~np.isnan(block)
    mask = there.astype(np.float64)
    block[~there] = 0.0
    return _Sums(
        n_complete=int(there.all(axis=0).sum()),
        n=mask @ mask.T,
        x=block @ mask.T,
        xx=(block * block) @ mask.T,
        xy=block @ block.T,
    )


def _pairwise(columns: Sequence[Numeric]) -> tuple[int, Any | None]:
    """Return how many rows are complete, and the correlation over the rows of each pair where not all are."""
    if all(column.is_whole for column in columns):
        return len(columns[0].values), None
    sums: _Sums = reduce(_Sums.plus, _each_slice(columns, _sums))
    return sums.n_complete, sums.correlation()


def _triangle(rows: Any) -> Any:
    # A column of ones before the others: what is left of them is then centred on the complete rows, to the last digit.
    return np.linalg.qr(np.vstack([np.ones(rows.shape[1]), rows]).T, mode="r")


def _complete_triangle(block: Any) -> Any:
    return _triangle(block[:, ~np.isnan(block).any(axis=0)])


def _factor(tamed: Sequence[tuple[Numeric, int]], n_complete: int) -> Factor:
    columns = [column for column, _ in tamed]
    k = len(columns)
    if not n_complete:
        return Factor(0, np.zeros(k), np.zeros(k), np.zeros((k, k)))
    measure = _triangle if n_complete == len(columns[0].values) else _complete_triangle
    triangle: Any = np.zeros((k + 1, k + 1))
    for part in _each_slice(columns, measure):
        triangle = np.linalg.qr(np.vstack([triangle, part]), mode="r")
    # Q may point either way.
    triangle = triangle * np.where(np.diag(triangle) < 0, -1.0, 1.0)[:, None]
    offsets = triangle[0, 1:] / math.sqrt(n_complete)
    spreads = np.array([c.spread if c.spread > 0 else 1.0 for c in columns])
    means = np.array([c.centre for c in columns]) + offsets * spreads
    found = normalised(n_complete, means, triangle[1:, 1:] * spreads)
    exponents = np.array([exponent for _, exponent in tamed])
    with np.errstate(over="ignore", under="ignore"):
        means, scales = np.ldexp(found.means, exponents), np.ldexp(found.scales, exponents)
    # Beside the largest number the last digit decides whether a mean is infinite.
    most = np.finfo(np.float64).max
    return found._replace(means=np.clip(means, -most, most), scales=np.minimum(scales, most))


def _inflation(singular: Any, right: Any, kept: Any) -> Any:
    """Return the diagonal of the inverse of R'R, NaN where a column lies in the null space."""
    share = right.T**2
    with np.errstate(over="ignore"):
        found = (share[:, kept] / singular[kept] ** 2).sum(axis=1)
    found[share[:, ~kept].sum(axis=1) > 1e-6] = np.nan
    return found


def _complete_correlation(factor: Factor) -> Any:
    correlation = np.clip(factor.upper.T @ factor.upper, -1.0, 1.0)
    constant = ~(factor.scales > 0)
    correlation[constant | (factor.n < 3), :] = np.nan
    correlation[:, constant] = np.nan
    return correlation
