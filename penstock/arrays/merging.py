"""Profiles of parts of a table to the profile of the whole, exactly where that is possible."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from functools import reduce
from itertools import pairwise
from typing import Any

import numpy as np

from penstock.arrays.levels import entropy_of, first_levels
from penstock.arrays.moments import binary_exponent, central_of, finite_or_none, shape_of, together
from penstock.arrays.quantiles import mixed_quantiles, tukey_fences
from penstock.arrays.records import ColumnProfile, Lengths, Matrix, Numbers, Profile, Spacing
from penstock.arrays.relations import Factor, factor_of, matrix_of, normalised, one_thread
from penstock.arrays.spans import Order
from penstock.errors import DataError

# What cannot be told of a matrix whose parts keep no co-moments.
RELATIONS = ("correlation", "rank", "condition_number", "vif", "collinear")


def merge(profiles: Sequence[Profile]) -> Profile:
    """Return the profile of a table from those of its parts, in the order of their rows.

    Exact, up to rounding, are: the counts of rows, present and missing cells, zeros, negatives and infinities; mean,
    standard deviation, skewness and kurtosis; the range; the levels of a category, their number and entropy, where
    every part lists all of its levels; lengths of text; the range and the order of dates; rank, condition number,
    variance inflation and collinear columns of the complete rows; and the correlation, where no number is missing.
    What cannot be exact is named in `approximate`: quantiles, fences and the count outside them are an estimate, the
    number of distinct values a lower bound, the correlation where numbers are missing that of the complete rows. The
    frequency and the gaps of dates are None.

    Parameters
    ----------
    profiles : sequence of Profile
        One or more, of the same columns.

    Raises
    ------
    DataError
        There is none, or the columns or their kinds differ.

    References
    ----------
    The co-moments of parts are joined by one more QR decomposition, of their triangular factors and the differences of
    their means: G. H. Golub, C. F. Van Loan, "Matrix Computations", 4th edition, section 5.2; the weights of the
    differences are those of Chan, Golub and LeVeque, 1979.
    """
    if not profiles:
        raise DataError("There is no profile to merge", expected="one or more")
    first = profiles[0]
    for other in profiles[1:]:
        _check_alike(first, other)
    if len(profiles) == 1:
        return first
    columns = {name: _column([p.columns[name] for p in profiles]) for name in first.columns}
    n_rows = [p.n_rows for p in profiles]
    return Profile(n_rows=sum(n_rows), columns=columns, matrix=_matrix([p.matrix for p in profiles], n_rows))


def _check_alike(first: Profile, other: Profile) -> None:
    mine, theirs = ({n: (c.kind, c.private) for n, c in p.columns.items()} for p in (first, other))
    odd = sorted(n for n in mine.keys() | theirs.keys() if mine.get(n) != theirs.get(n))
    if odd:
        raise DataError(
            "Profiles of different columns cannot be merged",
            where=", ".join(map(repr, odd[:8])),
            got=f"{len(odd)} columns that one lacks, or has as another kind",
            expected="parts of one table, profiled with one schema",
            todo="Profile the parts with the same schema.",
        )


def _column(parts: list[ColumnProfile]) -> ColumnProfile:
    first = parts[0]
    if len(filled := [p for p in parts if p.n]) <= 1:
        only = filled[0] if filled else first
        return only.model_copy(update={"missing": sum(p.missing for p in parts)})
    about: dict[str, Any] = {"name": first.name, "kind": first.kind, "private": first.private}
    about |= {"n": sum(p.n for p in parts), "missing": sum(p.missing for p in parts)}
    if first.numbers is not None:
        return ColumnProfile(**about, **_numeric(filled))
    if first.kind == "datetime":
        return ColumnProfile(**about, **_dates(filled))
    return ColumnProfile(**about, **_levels(filled))


def _numeric(parts: list[ColumnProfile]) -> dict[str, Any]:
    pairs = [(p.numbers, p.n - p.numbers.infinities) for p in parts if p.numbers is not None]
    counts = {
        "zeros": sum(x.zeros for x, _ in pairs),
        "negatives": sum(x.negatives for x, _ in pairs),
        "infinities": sum(x.infinities for x, _ in pairs),
        "outside": sum(x.outside for x, _ in pairs),
    }
    finite = [(x, n) for x, n in pairs if n]
    distinct = max(p.distinct for p in parts)
    if not finite:
        return {"distinct": distinct, "numbers": Numbers(**counts), "approximate": ("distinct",)}
    shape, vague = _shape(finite)
    order = _order_statistics(finite)
    whole = all(x.whole for x, _ in finite)
    numbers = Numbers(**counts, **shape, **order, whole=whole)
    if numbers.low is not None and numbers.low == numbers.high and not numbers.infinities:
        return {"distinct": 1, "numbers": numbers}
    approximate = ("distinct", "quantiles", "fences", "outside", *vague)
    return {"distinct": distinct, "numbers": numbers, "approximate": approximate}


def _shape(parts: list[tuple[Numbers, int]]) -> tuple[dict[str, float | None], tuple[str, ...]]:
    if any(x.mean is None or (n > 1 and x.sd is None) for x, n in parts):
        return {}, ("mean", "sd", "skew", "kurtosis")
    exponent = binary_exponent(0.0, max(_extent(x) for x, _ in parts))
    return shape_of(reduce(together, [central_of(x, n, exponent) for x, n in parts]), exponent), ()


def _extent(numbers: Numbers) -> float:
    return max(abs(v or 0.0) for v in (numbers.low, numbers.high, numbers.mean, numbers.sd))


def _order_statistics(parts: list[tuple[Numbers, int]]) -> dict[str, Any]:
    known = [(n, x.quantiles) for x, n in parts if x.quantiles]
    lows, highs = ([getattr(x, end) for x, _ in parts] for end in ("low", "high"))
    if len(known) < len(parts):
        return {}
    mixed = mixed_quantiles([(n, [q if q is not None else math.nan for q in qs]) for n, qs in known])
    return {
        "low": min(lows),
        "high": max(highs),
        "quantiles": tuple(finite_or_none(q) for q in mixed),
        "fences": tuple(finite_or_none(f) for f in tukey_fences(mixed)),
    }


def _dates(parts: list[ColumnProfile]) -> dict[str, Any]:
    about: dict[str, Any] = {"distinct": max(p.distinct for p in parts), "approximate": ("distinct", "spacing")}
    ranges = [(p.earliest, p.latest) for p in parts if p.earliest is not None and p.latest is not None]
    if len(ranges) < len(parts):
        return about | {"spacing": Spacing()}
    spans = [(np.datetime64(a, "us"), np.datetime64(b, "us")) for a, b in ranges]
    earliest = min(range(len(spans)), key=lambda i: spans[i][0])
    latest = max(range(len(spans)), key=lambda i: spans[i][1])
    order = _order([p.spacing or Spacing() for p in parts], spans)
    return about | {
        "earliest": ranges[earliest][0],
        "latest": ranges[latest][1],
        "spacing": Spacing(order=order),
    }


def _order(spacings: list[Spacing], spans: list[tuple[Any, Any]]) -> Order:
    """Return the order of parts that follow each other; where a part has none, the whole has none."""
    told = {s.order for s in spacings}
    pairs = list(pairwise(spans))
    rises = told <= {"ascending", "constant"} and all(a[1] <= b[0] for a, b in pairs)
    falls = told <= {"descending", "constant"} and all(a[0] >= b[1] for a, b in pairs)
    if rises and falls:
        return "constant"
    return "ascending" if rises else "descending" if falls else "none"


def _levels(parts: list[ColumnProfile]) -> dict[str, Any]:
    about: dict[str, Any] = {"lengths": _lengths([p.lengths for p in parts])}
    counts: Counter[str] = Counter()
    for part in parts:
        counts.update({level.value: level.count for level in part.levels})
    listed = all(len(p.levels) == p.n_levels for p in parts)
    n_levels = len(counts) if listed else max(len(counts), *(p.n_levels for p in parts))
    about |= {"levels": first_levels(counts.items()), "distinct": n_levels, "n_levels": n_levels}
    if listed:
        return about | {"entropy": entropy_of(list(counts.values()))}
    return about | {"approximate": ("distinct", "levels", "n_levels", "entropy")}


def _lengths(parts: list[Lengths | None]) -> Lengths | None:
    known = [p for p in parts if p is not None]
    if len(known) < len(parts):
        return None
    return Lengths(
        fewest=min(p.fewest for p in known), most=max(p.most for p in known), total=sum(p.total for p in known)
    )


def _matrix(parts: list[Matrix], n_rows: list[int]) -> Matrix:
    names = parts[0].columns
    if not names:
        return Matrix()
    filled = [p for p in parts if p.n_complete]
    n_complete = sum(p.n_complete for p in parts)
    if any(p.comoments is None for p in filled):
        return Matrix(columns=names, n_complete=n_complete, approximate=RELATIONS)
    factors = [factor_of(p.n_complete, p.comoments) for p in filled if p.comoments is not None]
    k = len(names)
    nothing = Factor(0, np.zeros(k), np.zeros(k), np.zeros((k, k)))
    with one_thread():
        merged = matrix_of(names, reduce(_joined, factors, nothing), None)
    vague = ("correlation",) if n_complete < sum(n_rows) else ()
    return merged.model_copy(update={"approximate": vague})


def _joined(a: Factor, b: Factor) -> Factor:
    if not a.n:
        return b
    n = a.n + b.n
    step = b.means - a.means
    # Column by column to a common size, so that no square overflows.
    size = np.maximum(np.maximum(a.scales, b.scales), np.abs(step))
    size = np.where(size > 0, size, 1.0)
    rows = [f.upper * (f.scales / size) * math.sqrt(f.n) for f in (a, b)]
    between = (step / size)[None, :] * math.sqrt(a.n / n * b.n)
    upper: Any = np.linalg.qr(np.vstack([*rows, between]), mode="r")
    k = upper.shape[1]
    upper = np.vstack([upper, np.zeros((k - upper.shape[0], k))])
    means = a.means + step * (b.n / n)
    found = normalised(n, means / size, upper)
    return found._replace(means=means, scales=found.scales * size)
