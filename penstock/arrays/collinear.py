"""Numeric columns that other numeric columns determine, with the relation that does it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from penstock.arrays.records import Collinear

# A column is told to be determined by others when they leave less than this share of its variance: a variance inflation
# factor of a million.
UNEXPLAINED = 1e-6
# A term that moves the column by less than this share of its spread may be left out, if the relation holds without it.
SLIGHT = 1e-2


def collinear_groups(upper: Any, names: Sequence[str], means: Any, scales: Any) -> tuple[Collinear, ...]:
    """Find the columns that those before them determine.

    Parameters
    ----------
    upper : numpy.ndarray
        R with R'R the correlation matrix, shape (m, n_columns), columns of length 1.
    names : sequence of str
        The columns' names.
    means, scales : numpy.ndarray
        Their means and standard deviations, shape (n_columns,).

    Returns
    -------
    tuple of Collinear
        One for each determined column, in order; a column that is determined explains no other.
    """
    found: list[Collinear] = []
    free: list[int] = []
    basis = np.zeros((upper.shape[0], 0))
    for j in range(len(names)):
        rest = upper[:, j]
        # Twice: the first projection leaves rounding errors in the directions that it takes out.
        for _ in range(2):
            rest = rest - basis @ (basis.T @ rest)
        left = float(rest @ rest)
        if left < UNEXPLAINED and free:
            relation = _relation(upper, names, means, scales, j, free)
            found += [relation] if relation is not None else []
        else:
            free.append(j)
            basis = np.column_stack([basis, rest / np.sqrt(left)])
    return tuple(found)


def _relation(upper: Any, names: Sequence[str], means: Any, scales: Any, j: int, free: list[int]) -> Collinear | None:
    terms, weights, left = list(free), *_solved(upper, j, free)
    strong = [i for i, w in zip(terms, weights, strict=True) if abs(w) > SLIGHT]
    if strong and len(strong) < len(terms):
        fewer, less = _solved(upper, j, strong)
        if less < UNEXPLAINED:
            terms, weights, left = strong, fewer, less
    with np.errstate(over="ignore", invalid="ignore"):
        slopes = [_round(float(w * scales[j] / scales[i])) for i, w in zip(terms, weights, strict=True)]
        constant = float(means[j] - sum(s * means[i] for s, i in zip(slopes, terms, strict=True)))
    if not np.isfinite([*slopes, constant]).all():
        return None
    # What is left of the means' cancellation is no constant.
    extent = abs(float(means[j])) + float(scales[j])
    constant = 0.0 if abs(constant) < 1e-6 * extent else _round(constant)
    named = {names[i]: s for i, s in zip(terms, slopes, strict=True)}
    return Collinear(
        column=names[j],
        terms=named,
        constant=constant,
        unexplained=float(f"{left:.1e}") if left > 1e-15 else 0.0,
        relation=f"{names[j]} = {_told(named, constant)}",
    )


def _solved(upper: Any, j: int, terms: list[int]) -> tuple[Any, float]:
    weights, *_ = np.linalg.lstsq(upper[:, terms], upper[:, j], rcond=None)
    left = upper[:, j] - upper[:, terms] @ weights
    return weights, float(left @ left)


def _round(value: float) -> float:
    """Return the shortest number close by: a coefficient is mostly meant to be a simple one."""
    for digits in range(1, 6):
        short = float(f"{value:.{digits}g}")
        if abs(short - value) <= 1e-5 * abs(value):
            return short
    return float(f"{value:.6g}")


def _told(terms: dict[str, float], constant: float) -> str:
    words = ""
    for name, slope in (*terms.items(), ("", constant)):
        if not slope:
            continue
        size = abs(slope)
        told = f"{size:g}" if not name else name if size == 1.0 else f"{size:g} {name}"
        sign = ("-" if slope < 0 else "") if not words else (" - " if slope < 0 else " + ")
        words += sign + told
    return words or "0"
