"""Fences: the lowest and the highest value that a column of numbers should have, by what training rows hold."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from penstock.blocks import Blocks, FloatMatrix

FenceMethod = Literal["iqr", "zscore", "mad"]
# Tukey's factor, three standard deviations, and the one that Iglewicz and Hoaglin recommend.
FACTORS: dict[FenceMethod, float] = {"iqr": 1.5, "zscore": 3.0, "mad": 3.5}
# The median absolute deviation of a normal variable, in standard deviations.
_NORMAL_MAD = 0.6744897501960817


@dataclass(frozen=True)
class Fences:
    """The fences, by column: -inf and inf where there is none."""

    names: tuple[str, ...]
    low: np.ndarray
    high: np.ndarray

    def values(self, blocks: Blocks) -> FloatMatrix:
        """Return the columns that have fences, shape (n_rows, n_columns)."""
        return blocks.matrix(self.names)

    def outside(self, blocks: Blocks) -> np.ndarray:
        """Return which cells lie outside, bool of shape (n_rows, n_columns); what is missing does not."""
        values = self.values(blocks)
        return np.asarray((values < self.low) | (values > self.high), dtype=bool)

    def describe(self) -> dict[str, Any]:
        """Return the fences by column, null where there is none."""
        pairs = zip(self.low.tolist(), self.high.tolist(), strict=True)
        shown = [[v if np.isfinite(v) else None for v in pair] for pair in pairs]
        return {"fences": dict(zip(self.names, shown, strict=True))}


def learned_fences(
    names: tuple[str, ...], columns: Iterable[np.ndarray], method: FenceMethod, factor: float | None
) -> Fences:
    """Return the fences of training values.

    `iqr` puts them `factor` interquartile ranges beyond the quartiles, `zscore` so many standard deviations from the
    mean, and `mad` so many standard deviations, as the median absolute deviation tells them, from the median. A column
    with fewer than three distinct values, or of which the middle does not vary, has none.

    Parameters
    ----------
    names : tuple of str
        The columns.
    columns : iterable of numpy.ndarray
        Their training values, float64 of shape (n_rows,).
    method : {"iqr", "zscore", "mad"}
        How.
    factor : float, optional
        By default 1.5, 3 or 3.5.

    References
    ----------
    Tukey, J. W. (1977). Exploratory Data Analysis. Addison-Wesley.
    Iglewicz, B. and Hoaglin, D. C. (1993). How to Detect and Handle Outliers. ASQC Quality Press.

    Examples
    --------
    >>> fences = learned_fences(("a",), [np.array([1.0, 2.0, 3.0, 4.0, 5.0])], "iqr", None)
    >>> fences.low.tolist(), fences.high.tolist()
    ([-1.0], [7.0])
    """
    by = FACTORS[method] if factor is None else factor
    # Differences of numbers near 1e308 overflow to inf, and a fence at inf is none.
    with np.errstate(over="ignore", invalid="ignore"):
        pairs = [_fences(values, method, by) for values in columns]
    low, high = np.array(pairs, dtype=np.float64).reshape(-1, 2).T
    return Fences(names=names, low=low.copy(), high=high.copy())


def _fences(values: np.ndarray, method: FenceMethod, factor: float) -> tuple[float, float]:
    none = (-np.inf, np.inf)
    values = values[np.isfinite(values)]
    if len(values) < 3 or not ((values != values.min()) & (values != values.max())).any():
        return none
    if method == "zscore":
        # Sorted, so that the order of the rows does not show in the last digit of a mean.
        values = np.sort(values)
    if method == "iqr":
        low, high = np.quantile(values, [0.25, 0.75])
        reach = factor * (high - low)
    elif method == "zscore":
        low = high = values.mean()
        reach = factor * values.std()
    else:
        low = high = np.median(values)
        reach = factor * np.median(np.abs(values - low)) / _NORMAL_MAD
    found = float(low - reach), float(high + reach)
    return found if 0 < reach < np.inf and np.isfinite(found).all() else none
