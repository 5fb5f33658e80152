"""How strongly columns of mixed kinds go together, over all rows, without holding the table.

Numbers are held as ranks of 16 bits and as standardised values of 32, texts as codes of 16: less than half of the
table, and what rounding it costs is far below a hundredth.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from penstock.explore.columns import Floats, Ints

Matrix = npt.NDArray[np.float64]

# Rows that are looked at together.
CHUNK = 1 << 16
# Further levels of a category are taken together.
MOST_LEVELS = 50


@dataclass(frozen=True)
class Number:
    """A column of numbers: standardised, and as ranks; NaN and 0 where there is none."""

    name: str
    standard: npt.NDArray[np.float32]
    ranks: npt.NDArray[np.uint16]

    @classmethod
    def of(cls, name: str, values: Floats) -> Number:
        """Take numbers, of shape (n_rows,), NaN where there is none."""
        known = np.isfinite(values)
        there = values[known]
        ranks = np.zeros(len(values), dtype=np.uint16)
        standard = np.full(len(values), np.nan, dtype=np.float32)
        if len(there):
            half = np.abs(there).max() or 1.0
            scaled = there / half
            spread = scaled.std()
            standard[known] = (scaled - scaled.mean()) / (spread if spread > 0 else 1.0)
            # 0 is missing, so ranks begin at 1.
            ranks[known] = 1 + np.round(_ranks(there) * (65_534 / max(len(there) - 1, 1)))
        return cls(name, standard, ranks)


@dataclass(frozen=True)
class Category:
    """A column of texts: codes of its commonest levels, -1 where there is none."""

    name: str
    codes: npt.NDArray[np.int16]
    n_levels: int

    @classmethod
    def of(cls, name: str, codes: Ints, n_levels: int) -> Category:
        """Take codes into levels, of shape (n_rows,)."""
        if n_levels > MOST_LEVELS:
            counts = np.bincount(codes[codes >= 0], minlength=n_levels)
            place = np.full(n_levels + 1, MOST_LEVELS - 1, dtype=np.int16)
            place[np.argsort(-counts, kind="stable")[: MOST_LEVELS - 1]] = np.arange(MOST_LEVELS - 1)
            place[-1] = -1
            return cls(name, place[codes], MOST_LEVELS)
        return cls(name, codes.astype(np.int16), max(n_levels, 1))


@dataclass(frozen=True)
class Associated:
    """Two matrices of shape (n_columns, n_columns), numbers before categories; they differ for pairs of numbers alone.

    Between numbers there are Pearson's and Spearman's correlation, between categories Cramér's V, and between a number
    and a category the correlation ratio.
    """

    names: tuple[str, ...]
    n_numbers: int
    pearson: Matrix
    spearman: Matrix


def associate(numbers: Sequence[Number], categories: Sequence[Category]) -> Associated:
    """Measure all pairs of columns over the rows in which both are known; ranks are those within each column.

    Parameters
    ----------
    numbers, categories : sequence of Number or Category
        Columns of the same rows.

    References
    ----------
    Bergsma, W. (2013). A bias-correction for Cramér's V and Tschuprow's T. J. Korean Stat. Soc. 42, 323-328.
    Fisher, R. A. (1925). Statistical Methods for Research Workers, chapter VIII (the correlation ratio).
    Spearman, C. (1904). The proof and measurement of association between two things. Am. J. Psychol. 15, 72-101.
    """
    n, whole = len(numbers), len(numbers) + len(categories)
    pearson = np.eye(whole)
    spearman = np.eye(whole)
    if n:
        # The table is gone through twice: as values, which explain and are explained, and as ranks.
        pearson[:n, :n], ratios = _measured([number.standard for number in numbers], categories)
        spearman[:n, :n], _ = _measured([number.ranks for number in numbers], ())
        for matrix in (pearson, spearman):
            matrix[n:, :n] = ratios
            matrix[:n, n:] = ratios.T
    for j, category in enumerate(categories, n):
        for matrix in (pearson, spearman):
            for i, other in enumerate(categories[: j - n], n):
                matrix[i, j] = matrix[j, i] = cramer(other, category)
    names = (*(number.name for number in numbers), *(category.name for category in categories))
    return Associated(names, n, pearson, spearman)


def _ranks(values: Floats) -> Floats:
    """Return ranks from 0, those of equals at their middle."""
    order = np.argsort(values)
    ordered = values[order]
    new = np.empty(len(values), dtype=bool)
    new[0] = True
    np.not_equal(ordered[1:], ordered[:-1], out=new[1:])
    starts = np.flatnonzero(new)
    ends = np.append(starts[1:], len(values))
    ranks: Floats = np.empty(len(values))
    ranks[order] = np.repeat((starts + ends - 1) / 2.0, ends - starts)
    return ranks


def _chunk(column: npt.NDArray[Any], rows: slice) -> tuple[Floats, Floats]:
    """Return centred values, 0 where there is none, and where there is one as 1."""
    part = column[rows]
    if part.dtype.kind == "u":
        known = part > 0
        # Centred, so that sums of squares do not cancel.
        return np.where(known, part / 32_767.5 - 1.0, 0.0), known.astype(np.float64)
    known = ~np.isnan(part)
    return np.where(known, part, 0.0).astype(np.float64), known.astype(np.float64)


def _measured(columns: Sequence[npt.NDArray[Any]], categories: Sequence[Category]) -> tuple[Matrix, Matrix]:
    """Return the correlations of columns, and the correlation ratios of shape (n_categories, n_columns)."""
    k = len(columns)
    xy, x, xx, n = (np.zeros((k, k)) for _ in range(4))
    within = [np.zeros((category.n_levels + 1, 3 * k)) for category in categories]
    for start in range(0, len(columns[0]), CHUNK):
        rows = slice(start, start + CHUNK)
        parts = [_chunk(column, rows) for column in columns]
        values, known = np.column_stack([v for v, _ in parts]), np.column_stack([m for _, m in parts])
        squares = values**2
        xy += values.T @ values
        x += values.T @ known
        xx += squares.T @ known
        n += known.T @ known
        beside = np.column_stack([values, squares, known]) if categories else values
        for i, category in enumerate(categories):
            within[i] += _by_level(category, rows, beside)
    with np.errstate(invalid="ignore", divide="ignore"):
        covered = xy - x * x.T / n
        spread = np.sqrt(np.maximum(xx - x**2 / n, 0.0))
        matrix = covered / (spread * spread.T)
    found = np.clip(np.where(np.isfinite(matrix), matrix, 0.0), -1.0, 1.0)
    # A constant goes with nothing, and everything with itself.
    found[spread * spread.T < 1e-9 * np.maximum(n, 1.0)] = 0.0
    np.fill_diagonal(found, 1.0)
    ratios = [_ratio(*np.split(sums[:-1], 3, axis=1)) for sums in within]
    return np.asarray((found + found.T) / 2), np.array(ratios).reshape(len(categories), k)


def _by_level(category: Category, rows: slice, values: Matrix) -> Matrix:
    """Return the sums of values by level, those of rows without one last."""
    from scipy.sparse import csr_array

    codes = category.codes[rows].astype(np.int64)
    codes = np.where(codes >= 0, codes, category.n_levels)
    shape = (len(codes), category.n_levels + 1)
    # SciPy's products of sparse and dense have no one type.
    of_level: Any = csr_array((np.ones(len(codes)), codes, np.arange(len(codes) + 1)), shape=shape).T
    return np.asarray(of_level @ values)


def _ratio(sums: Matrix, squares: Matrix, n: Matrix) -> Floats:
    """Return the correlation ratios of columns from what stands at each level, shape (n_levels, n_columns) each."""
    size = np.maximum(n.sum(axis=0), 1.0)
    total = squares.sum(axis=0) - sums.sum(axis=0) ** 2 / size
    between = (sums**2 / np.maximum(n, 1.0)).sum(axis=0) - sums.sum(axis=0) ** 2 / size
    ratio = np.where(total > 1e-9 * size, between / np.where(total > 0, total, 1.0), 0.0)
    return np.asarray(np.sqrt(np.clip(ratio, 0.0, 1.0)))


def cramer(first: Category, second: Category) -> float:
    """Return Cramér's V, corrected for bias, from 0 to 1.

    References
    ----------
    Bergsma, W. (2013). A bias-correction for Cramér's V and Tschuprow's T. J. Korean Stat. Soc. 42, 323-328.
    """
    known = (first.codes >= 0) & (second.codes >= 0)
    place = first.codes[known].astype(np.int64) * second.n_levels + second.codes[known]
    table = np.bincount(place, minlength=first.n_levels * second.n_levels).reshape(first.n_levels, second.n_levels)
    table = table[table.sum(axis=1) > 0][:, table.sum(axis=0) > 0].astype(np.float64)
    n = table.sum()
    rows, columns = table.shape
    if n < 2 or min(rows, columns) < 2:
        return 0.0
    expected = np.outer(table.sum(axis=1), table.sum(axis=0)) / n
    phi = float(np.sum((table - expected) ** 2 / expected)) / n
    corrected = max(0.0, phi - (rows - 1) * (columns - 1) / (n - 1))
    fewest = min(rows - (rows - 1) ** 2 / (n - 1), columns - (columns - 1) ** 2 / (n - 1)) - 1
    return float(np.sqrt(min(corrected / fewest, 1.0))) if fewest > 0 else 0.0
