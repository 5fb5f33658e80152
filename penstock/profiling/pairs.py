"""How columns are related, whatever they hold: rank correlation, correlation ratio, Cramér's V; copies and recodings.

Pearson's correlation and what is collinear are over all rows and come from the profile of a run. The other measures
need ranks and tables of counts for every pair: they are over a sample of rows, drawn with a fixed seed.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from penstock.arrays.profile import Matrix
from penstock.arrays.relations import one_thread
from penstock.profiling.columns import Seen
from penstock.profiling.records import Cloud, Measure, Pair, Relations, Twin

SAMPLE, SEED = 20_000, 20261122
# A heatmap of more columns cannot be read, nor a table of counts of more levels.
MOST_COLUMNS, MOST_LEVELS = 60, 50
MOST_PAIRS, MOST_CLOUDS, GRID = 20, 6, 24
# Where nearly every row has its own value, any two columns seem to follow from each other.
MOST_DISTINCT = 0.5
WEAK, FEWEST = 0.1, 10


class Sample(NamedTuple):
    """Some rows of the columns that can be related, as floats or as codes of few levels."""

    rows: Any
    columns: tuple[Seen, ...]
    numbers: Any
    is_number: tuple[bool, ...]
    codes: tuple[Any, ...]
    widths: tuple[int, ...]


def relate_columns(columns: Sequence[Seen], n_rows: int, matrix: Matrix) -> Relations:
    """Relate the columns to each other.

    Parameters
    ----------
    columns : sequence of Seen
        All columns; private ones, constant ones, ids and free text are passed over.
    n_rows : int
        How many rows there are.
    matrix : Matrix
        What is known of the numeric columns over all rows.

    References
    ----------
    C. Spearman, "The Proof and Measurement of Association between Two Things", 1904; ranks are within each column.
    K. Pearson, "On the General Theory of Skew Correlation and Non-linear Regression", 1905 (correlation ratio).
    W. Bergsma, "A bias-correction for Cramér's V and Tschuprow's T", 2013.
    """
    usable = [c for c in columns if is_related(c, n_rows)]
    chosen = usable[:MOST_COLUMNS]
    rows = sampled(n_rows)
    twins = _twins([c for c in columns if not c.look.private and c.look.profile.distinct > 1], rows)
    if len(chosen) < 2:
        return Relations(twins=twins, collinear=matrix.collinear)
    sample = take_sample(chosen, rows)
    strengths, measures = _strengths(sample)
    order = _clustered(strengths)
    place = {name: i for i, name in enumerate(matrix.columns)}
    names = [chosen[i].name for i in order]
    pairs = [
        Pair(
            one=chosen[i].name,
            two=chosen[j].name,
            measure=measures[i][j],
            strength=float(strengths[i, j]),
            pearson=_pearson(matrix, place, chosen[i].name, chosen[j].name),
        )
        for i in range(len(chosen))
        for j in range(i + 1, len(chosen))
        if np.isfinite(strengths[i, j])
    ]
    pairs = [p for p in pairs if max(abs(p.strength), abs(p.pearson or 0.0)) >= WEAK]
    pairs.sort(key=lambda p: (-max(abs(p.strength), abs(p.pearson or 0.0)), p.one, p.two))
    by_name = {c.name: c for c in chosen}
    drawn = [p for p in pairs if p.measure == "spearman"][:MOST_CLOUDS]
    clouds = [_cloud(by_name[p.one], by_name[p.two]) for p in drawn]
    return Relations(
        columns=tuple(names),
        matrix=tuple(
            tuple(round(float(strengths[i, j]), 4) if np.isfinite(strengths[i, j]) else None for j in order)
            for i in order
        ),
        measures=tuple(tuple(measures[i][j] for j in order) for i in order),
        n_sample=len(rows),
        left_out=len(usable) - len(chosen),
        pairs=tuple(pairs[:MOST_PAIRS]),
        clouds=tuple(c for c in clouds if c is not None),
        twins=twins,
        collinear=matrix.collinear,
    )


def is_related(column: Seen, n_rows: int) -> bool:
    """Whether a column can be related to others."""
    look = column.look
    if look.private or look.profile.distinct < 2 or look.role == "id":
        return False
    return not has_many_levels(column, min(n_rows, SAMPLE))


def has_many_levels(column: Seen, n_rows: int) -> bool:
    """Whether a column has so many levels that most would stand alone among so many rows."""
    return column.n_codes > max(MOST_LEVELS, MOST_DISTINCT * n_rows)


def strength_of(column: Seen, aimed: Sample) -> tuple[Measure | None, float | None]:
    """Return how strongly a column is related to one that was sampled, and by which measure.

    None where it cannot be told.
    """
    if has_many_levels(column, len(aimed.rows)) or has_many_levels(aimed.columns[0], len(aimed.rows)):
        return None, None
    own = take_sample([column], aimed.rows)
    strengths, measures = _strengths(
        Sample(
            aimed.rows,
            own.columns + aimed.columns,
            np.vstack([own.numbers, aimed.numbers]),
            own.is_number + aimed.is_number,
            own.codes + aimed.codes,
            own.widths + aimed.widths,
        )
    )
    found = float(strengths[0, 1])
    return (measures[0][1], found) if np.isfinite(found) else (None, None)


def sampled(n_rows: int) -> Any:
    """Return the positions of at most 20,000 rows, the same for the same number of rows, in order."""
    if n_rows <= SAMPLE:
        return np.arange(n_rows)
    return np.sort(np.random.default_rng(SEED).choice(n_rows, SAMPLE, replace=False))


def take_sample(columns: Sequence[Seen], rows: Any) -> Sample:
    """Take some rows of some columns; of many levels the rare ones are taken together."""
    numbers = [c.floats(rows) for c in columns if c.is_number]
    codes, widths = [], []
    for column in columns:
        if not column.is_number:
            few, width = _few(column.codes(rows))
            codes.append(few)
            widths.append(width)
    stacked = np.array(numbers) if numbers else np.empty((0, len(rows)))
    return Sample(rows, tuple(columns), stacked, tuple(c.is_number for c in columns), tuple(codes), tuple(widths))


def _few(codes: Any) -> tuple[Any, int]:
    counts = np.bincount(codes[codes >= 0], minlength=1)
    order = np.argsort(-counts, kind="stable")
    place = np.full(len(counts), MOST_LEVELS)
    place[order[:MOST_LEVELS]] = np.arange(min(MOST_LEVELS, len(counts)))
    width = min(len(counts), MOST_LEVELS + 1)
    return np.where(codes < 0, -1, place[codes]).astype(np.int32), width


def _strengths(sample: Sample) -> tuple[Any, list[list[Measure]]]:
    k = len(sample.columns)
    found = np.full((k, k), np.nan)
    np.fill_diagonal(found, 1.0)
    at_numbers = [i for i, number in enumerate(sample.is_number) if number]
    at_levels = [i for i, number in enumerate(sample.is_number) if not number]
    with one_thread():
        if at_numbers:
            found[np.ix_(at_numbers, at_numbers)] = spearman(sample.numbers)
        if at_levels:
            hot, bounds = _hot(sample.codes, sample.widths)
            found[np.ix_(at_levels, at_levels)] = _cramer(hot, bounds)
            if at_numbers:
                ratios = _ratios(hot, bounds, sample.numbers)
                found[np.ix_(at_levels, at_numbers)] = ratios
                found[np.ix_(at_numbers, at_levels)] = ratios.T
    measures: list[list[Measure]] = [
        [_measure(sample.is_number[i], sample.is_number[j]) for j in range(k)] for i in range(k)
    ]
    return found, measures


def _measure(one: bool, two: bool) -> Measure:
    return "spearman" if one and two else "correlation_ratio" if one or two else "cramers_v"


def spearman(numbers: Any) -> Any:
    """Return rank correlations of numbers of shape (k, n) with NaN, over the rows where both of a pair are there."""
    ranks = pd.DataFrame(numbers.T).rank().to_numpy().T
    there = ~np.isnan(ranks)
    centred = np.where(there, ranks - (numbers.shape[1] + 1) / 2, 0.0)
    mask = there.astype(np.float64)
    n = np.maximum(mask @ mask.T, 1.0)
    x, xx, xy = centred @ mask.T, (centred * centred) @ mask.T, centred @ centred.T
    spread = np.sqrt(np.maximum((xx - x * x / n) * (xx.T - x.T * x.T / n), 0.0))
    with np.errstate(invalid="ignore", divide="ignore"):
        found = (xy - x * x.T / n) / spread
    found[(spread <= 1e-9) | (n < FEWEST)] = np.nan
    return np.clip(found, -1.0, 1.0)


def _hot(codes: Sequence[Any], widths: Sequence[int]) -> tuple[Any, Any]:
    """Return all levels of all columns as one sparse matrix of (n_rows, n_levels), and where each column begins."""
    from scipy.sparse import csr_array

    bounds = np.append(0, np.cumsum(widths))
    rows = [np.flatnonzero(c >= 0) for c in codes]
    places = [c[r] + start for c, r, start in zip(codes, rows, bounds[:-1], strict=True)]
    row, place = np.concatenate(rows), np.concatenate(places)
    return csr_array((np.ones(len(row)), (row, place)), shape=(len(codes[0]), int(bounds[-1]))), bounds


def _cramer(hot: Any, bounds: Any) -> Any:
    tables = (hot.T @ hot).toarray()
    k = len(bounds) - 1
    found = np.full((k, k), np.nan)
    for i in range(k):
        for j in range(i, k):
            found[i, j] = found[j, i] = cramers_v(
                tables[bounds[i] : bounds[i + 1], bounds[j] : bounds[j + 1]],
            )
    return found


def cramers_v(table: Any) -> float:
    """Return Cramér's V of a table of counts, corrected for what chance alone gives.

    Examples
    --------
    >>> cramers_v(np.array([[50.0, 0.0], [0.0, 50.0]])), cramers_v(np.array([[25.0, 25.0], [25.0, 25.0]]))
    (1.0, 0.0)
    """
    table = table[table.sum(axis=1) > 0][:, table.sum(axis=0) > 0]
    n = table.sum()
    r, c = table.shape
    if n < FEWEST or min(r, c) < 2:
        return float("nan")
    expected = table.sum(axis=1)[:, None] * table.sum(axis=0)[None, :] / n
    phi2 = float(((table - expected) ** 2 / expected).sum()) / n
    phi2 = max(0.0, phi2 - (r - 1) * (c - 1) / (n - 1))
    rows, columns = r - (r - 1) ** 2 / (n - 1), c - (c - 1) ** 2 / (n - 1)
    most = min(rows, columns) - 1
    return min(1.0, float(np.sqrt(phi2 / most))) if most > 0 else float("nan")


def _ratios(hot: Any, bounds: Any, numbers: Any) -> Any:
    """Return correlation ratios of shape (n_columns of levels, n_columns of numbers)."""
    there = ~np.isnan(numbers)
    n_there = np.maximum(there.sum(axis=1), 1)
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        centre = np.where(there, numbers, 0.0).sum(axis=1) / n_there
        centred = np.where(there, numbers - centre[:, None], 0.0)
        scale = np.abs(centred).max(axis=1)
        centred = centred / np.where(scale > 0, scale, 1.0)[:, None]
        n = hot.T @ there.T.astype(np.float64)
        sums = hot.T @ centred.T
        squares = hot.T @ (centred * centred).T
        found = np.full((len(bounds) - 1, len(numbers)), np.nan)
        for i in range(len(bounds) - 1):
            part = slice(bounds[i], bounds[i + 1])
            total_n, total = n[part].sum(axis=0), sums[part].sum(axis=0)
            between = (sums[part] ** 2 / np.maximum(n[part], 1)).sum(axis=0) - total**2 / np.maximum(total_n, 1)
            spread = squares[part].sum(axis=0) - total**2 / np.maximum(total_n, 1)
            levels = (n[part] > 0).sum(axis=0)
            # What chance alone would lay between so many levels is taken off, as epsilon squared does.
            left = total_n - levels
            within = (spread - between) / np.maximum(left, 1)
            share = (between - (levels - 1) * within) / spread
            found[i] = np.where((spread > 1e-12) & (left >= FEWEST) & (levels > 1), np.sqrt(share.clip(0, 1)), np.nan)
    return found


def _clustered(strengths: Any) -> list[int]:
    """Return an order of the columns that puts related ones beside each other."""
    if len(strengths) < 3:
        return list(range(len(strengths)))
    from scipy.cluster.hierarchy import leaves_list, linkage

    apart = 1.0 - np.abs(np.nan_to_num(strengths))
    at = np.triu_indices(len(apart), 1)
    return [int(i) for i in leaves_list(linkage(apart[at], "average"))]


def _pearson(matrix: Matrix, place: dict[str, int], one: str, two: str) -> float | None:
    return matrix.correlation[place[one]][place[two]] if one in place and two in place else None


def _cloud(one: Seen, two: Seen) -> Cloud | None:
    """Count all rows in the cells of a grid over the middle 98 % of two columns."""
    x, y = one.floats(), two.floats()
    spans = [_span(column) for column in (one, two)]
    if spans[0] is None or spans[1] is None:
        return None
    cells = np.zeros(len(x), np.int32)
    inside = ~(np.isnan(x) | np.isnan(y))
    n_there = int(inside.sum())
    for values, span, step in ((x, spans[0], 1), (y, spans[1], GRID)):
        with np.errstate(invalid="ignore", over="ignore"):
            place = (values - span[0]) * (GRID / (span[1] - span[0]))
            inside &= (place >= 0) & (place <= GRID)
            cells += np.where(inside, np.minimum(place, GRID - 1), 0).astype(np.int32) * step
    counts = np.bincount(cells[inside], minlength=GRID * GRID)
    return Cloud(
        one=one.name,
        two=two.name,
        x=spans[0],
        y=spans[1],
        width=GRID,
        counts=tuple(counts.tolist()),
        outside=n_there - int(inside.sum()),
    )


def _span(column: Seen) -> tuple[float, float] | None:
    if column.look.histogram is None:
        return None
    edges = column.look.histogram.edges
    return (edges[0], edges[-1]) if edges[-1] > edges[0] else None


def _twins(columns: Sequence[Seen], rows: Any) -> tuple[Twin, ...]:
    """Return the columns that say again what an earlier one says, looked for in the sample, and proved on all rows."""
    first: dict[tuple[bytes, int], Seen] = {}
    found: list[Twin] = []
    if len(rows) < FEWEST:
        return ()
    for column in columns:
        codes, levels = pd.factorize(column.values[rows])
        if len(levels) < 2 or len(levels) > max(2, MOST_DISTINCT * len(rows)):
            continue
        other = first.setdefault((codes.astype(np.int32).tobytes(), column.look.profile.distinct), column)
        if other is column:
            continue
        if _is_copy(other, column):
            found.append(Twin(column=column.name, other=other.name, sort="copy"))
        elif np.array_equal(pd.factorize(other.values)[0], pd.factorize(column.values)[0]):
            found.append(Twin(column=column.name, other=other.name, sort="recoding"))
    return tuple(found)


def _is_copy(one: Seen, two: Seen) -> bool:
    if one.values.dtype != two.values.dtype or one.mark != two.mark or one.look.kind != two.look.kind:
        return False
    return np.array_equal(one.values, two.values, equal_nan=one.values.dtype == np.float64)
