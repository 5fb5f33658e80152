"""Moments and order statistics of one numeric column, and how moments of parts become those of the whole."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from penstock.arrays.quantiles import quantiles_of, tukey_fences
from penstock.arrays.records import Numbers

# Numbers of one slice: what is computed between two reads of memory stays in the processor's cache.
SLICE = 1 << 15
# Of fewer private values even the mean would tell what they are.
FEW_PRIVATE = 20


class Central(NamedTuple):
    """n, mean, and the sums of the second to fourth powers of what is left when the mean is taken off."""

    n: int
    mean: float
    m2: float
    m3: float
    m4: float


class Described(NamedTuple):
    """A column's numbers, and what relating it to others needs: its centre, its spread, and whether all are finite."""

    n: int
    distinct: int
    numbers: Numbers
    centre: float
    spread: float
    is_whole_column: bool


def describe(values: Any, private: bool = False) -> Described:
    """Measure one numeric column.

    Parameters
    ----------
    values : numpy.ndarray
        float64, shape (n_rows,), NaN for missing.
    private : bool
        Whether no value may be told.

    Returns
    -------
    Described
        The same whatever the order of the rows: everything is computed from the sorted numbers.

    References
    ----------
    Skewness and kurtosis are the sample's own third and fourth standardised moments, m3 / m2^1.5 and m4 / m2^2 - 3.
    """
    return describe_ordered(np.sort(values), private)


def describe_ordered(ordered: Any, private: bool = False) -> Described:
    """Measure numbers that are sorted already, NaN at the end; see `describe`."""
    # Sorted once: order statistics, distinct values, infinities and fences are then look-ups. NaN sorts to the end.
    n = int(np.searchsorted(ordered, np.nan, "left"))
    present = ordered[:n]
    distinct = int(np.count_nonzero(present[1:] != present[:-1])) + 1 if n else 0
    finite = present[np.searchsorted(present, -np.inf, "right") : np.searchsorted(present, np.inf, "left")]
    infinities = n - len(finite)
    if not len(finite):
        return Described(n, distinct, Numbers(infinities=infinities), 0.0, 0.0, False)
    central, exponent = _central(finite)
    below_zero = int(np.searchsorted(finite, 0.0, "left"))
    quantiles = quantiles_of(finite)
    fences = tukey_fences(quantiles)
    outside = np.searchsorted(finite, fences[0], "left") + len(finite) - np.searchsorted(finite, fences[1], "right")
    shown: dict[str, Any] = {}
    if not private:
        # Adding zero makes 0.0 of -0.0: which of the two comes first depends on the order of the rows.
        shown["low"], shown["high"] = float(finite[0]) + 0.0, float(finite[-1]) + 0.0
        shown["quantiles"] = tuple(finite_or_none(q) for q in quantiles)
        shown["fences"] = (finite_or_none(fences[0]), finite_or_none(fences[1]))
    if not private or len(finite) >= FEW_PRIVATE:
        shown |= shape_of(central, exponent)
    numbers = Numbers(
        zeros=int(np.searchsorted(finite, 0.0, "right")) - below_zero,
        negatives=below_zero,
        infinities=infinities,
        whole=_are_whole(finite),
        outside=int(outside),
        **shown,
    )
    spread = math.ldexp(math.sqrt(central.m2 / central.n), exponent)
    return Described(n, distinct, numbers, math.ldexp(central.mean, exponent), spread, len(finite) == len(ordered))


def shape_of(central: Central, exponent: int = 0) -> dict[str, float | None]:
    """Return mean, sd, skew and kurtosis of numbers that were divided by two to the power of `exponent`."""
    n, mean, m2, m3, m4 = central
    spread = math.sqrt(m2 / n)
    shape: dict[str, float | None] = {
        "mean": _scaled(mean, exponent),
        "sd": _scaled(math.sqrt(m2 / (n - 1)), exponent) if n > 1 else None,
        "skew": None,
        "kurtosis": None,
    }
    # A spread that is rounding error alone has no shape.
    if spread > 1e-14 * abs(mean):
        shape["skew"] = finite_or_none(m3 / n / spread / spread / spread)
        shape["kurtosis"] = finite_or_none(m4 / n / spread / spread / spread / spread - 3.0)
    return shape


def central_of(numbers: Numbers, n: int, exponent: int = 0) -> Central:
    """Return the sums that the moments of `n` finite numbers came from, divided by two to the power of `exponent`."""
    mean = math.ldexp(numbers.mean or 0.0, -exponent)
    sd = math.ldexp(numbers.sd or 0.0, -exponent)
    m2 = sd * sd * (n - 1)
    spread = math.sqrt(m2 / n)
    m3 = (numbers.skew or 0.0) * n * spread**3
    m4 = 0.0 if numbers.kurtosis is None else (numbers.kurtosis + 3.0) * n * spread**4
    return Central(n, mean, m2, m3, m4)


def together(a: Central, b: Central) -> Central:
    """Return the moments of two parts taken together.

    References
    ----------
    T. F. Chan, G. H. Golub, R. J. LeVeque, "Updating Formulae and a Pairwise Algorithm for Computing Sample
    Variances", 1979. P. Pébay, "Formulas for Robust, One-Pass Parallel Computation of Covariances and Arbitrary-Order
    Statistical Moments", Sandia SAND2008-6212, equations 1.4 to 1.6.

    Examples
    --------
    >>> together(Central(1, 1.0, 0.0, 0.0, 0.0), Central(1, 3.0, 0.0, 0.0, 0.0))
    Central(n=2, mean=2.0, m2=2.0, m3=0.0, m4=2.0)
    """
    if not a.n or not b.n:
        return a if a.n else b
    n = a.n + b.n
    step = b.mean - a.mean
    p, q = a.n / n, b.n / n
    m2 = a.m2 + b.m2 + step * step * n * p * q
    m3 = a.m3 + b.m3 + step**3 * n * p * q * (p - q) + 3.0 * step * (p * b.m2 - q * a.m2)
    m4 = (
        a.m4
        + b.m4
        + step**4 * n * p * q * (p * p - p * q + q * q)
        + 6.0 * step * step * (p * p * b.m2 + q * q * a.m2)
        + 4.0 * step * (p * b.m3 - q * a.m3)
    )
    return Central(n, a.mean + step * q, m2, m3, m4)


def finite_or_none(value: float | None) -> float | None:
    """Return a number that JSON can hold, or None."""
    return value if value is not None and math.isfinite(value) else None


def binary_exponent(low: float, high: float) -> int:
    """Return the power of two to divide by, so that no fourth power overflows or vanishes; mostly 0: none."""
    exponent = math.frexp(max(abs(low), abs(high)))[1]
    return exponent if abs(exponent) > 200 else 0


def _central(ordered: Any) -> tuple[Central, int]:
    n, low, high = len(ordered), float(ordered[0]), float(ordered[-1])
    if low == high:
        return Central(n, low + 0.0, 0.0, 0.0, 0.0), 0
    exponent = binary_exponent(low, high)
    values = np.ldexp(ordered, -exponent) if exponent else ordered
    slices = [values[start : start + SLICE] for start in range(0, n, SLICE)]
    mean = math.fsum(float(part.sum()) for part in slices) / n
    sums = [_powers(part - mean) for part in slices]
    left, m2, m3, m4 = (math.fsum(column) for column in zip(*sums, strict=True))
    # What the mean's own rounding left over.
    return Central(n, mean + left / n, max(m2 - left * left / n, 0.0), m3 - 3.0 * left * m2 / n, m4), exponent


def _powers(away: Any) -> tuple[float, float, float, float]:
    squares = away * away
    return (
        float(away.sum()),
        float(squares.sum()),
        float((squares * away).sum()),
        float((squares * squares).sum()),
    )


def _are_whole(values: Any) -> bool:
    return all(
        bool((np.floor(part) == part).all())
        for part in (values[start : start + SLICE] for start in range(0, len(values), SLICE))
    )


def _scaled(value: float, exponent: int) -> float | None:
    try:
        return finite_or_none(math.ldexp(value, exponent))
    except OverflowError:
        return None
