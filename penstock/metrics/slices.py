"""The main metric within groups of rows: where a model that is good on the whole is not."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from penstock.frozen import Frozen
from penstock.metrics.scores import score, sign_of, spread_of
from penstock.metrics.weighted import Context, Floats, Ints, defined_metrics
from penstock.table import TableSchema, Target

FEWEST_ROWS = 30
MOST_LEVELS = 12
MOST_COLUMNS = 12
# Of so many of the worst the interval is worked out.
MOST_INTERVALS = 20
REPLICATES = 200


class Slice(Frozen):
    """The metric on the rows in which a column has one level, and of the worst its 95 % interval."""

    column: str
    level: str
    n: int
    value: float
    low: float | None = None
    high: float | None = None


def slices(
    target: Target,
    metric: str,
    y: npt.NDArray[np.generic],
    predicted: Floats,
    frame: pd.DataFrame,
    schema: TableSchema,
    context: Context | None = None,
    *,
    seed: int = 0,
) -> list[Slice]:
    """Return the metric for every frequent level of the categories, booleans and few-valued columns, and for quarters.

    A column counts as few-valued when it has at most twelve levels; of a category that has more, the twelve most
    frequent ones count; the rows of another number are cut in quarters. A
    slice counts when it has at least thirty rows and the metric is defined there.

    Parameters
    ----------
    target, metric, y, predicted, context
        As for `penstock.metrics.scores.paired`.
    frame : pandas.DataFrame
        Typed features of the same rows.
    schema : TableSchema
        The columns of `frame`; private ones are left out.
    seed : int
        How rows are resampled for the intervals of the worst.
    """
    done: list[tuple[Slice, Ints]] = []
    for column, level, rows in _parts(frame, schema):
        part = context.take(rows) if context is not None else None
        if len(rows) < FEWEST_ROWS or metric not in defined_metrics(target, y[rows], part):
            continue
        value = score(target, metric, y[rows], predicted[rows], part)
        done.append((Slice(column=column, level=level, n=len(rows), value=value), rows))
    sign = sign_of(target, metric, context)
    done.sort(key=lambda pair: (sign * pair[0].value, pair[0].column, pair[0].level))
    told = [pair[0] for pair in done]
    for i, (found, rows) in enumerate(done[:MOST_INTERVALS]):
        part = context.take(rows) if context is not None else None
        drawn: dict[str, Any] = {"replicates": REPLICATES, "seed": seed, "context": part}
        ends = spread_of(target, metric, y[rows], predicted[rows], **drawn)
        told[i] = found.model_copy(update={"low": ends.low, "high": ends.high})
    return sorted(told, key=lambda s: (s.column, -s.n, s.level))


def _parts(frame: pd.DataFrame, schema: TableSchema) -> Iterator[tuple[str, str, Ints]]:
    few = _sliceable(frame, schema)
    for name in few:
        values = frame[name]
        # Of many levels the most frequent ones; ties in the order of their names.
        counts = values.value_counts().sort_index(kind="stable").sort_values(ascending=False, kind="stable")
        for level in counts.index[:MOST_LEVELS].tolist():
            yield name, _spelling(level), np.flatnonzero((values == level).to_numpy(dtype=bool))
    numbers = [c.name for c in schema.features if c.kind in ("integer", "float") and not c.private]
    many = [name for name in numbers if name in frame and name not in few]
    for name in many[:MOST_COLUMNS]:
        yield from _quarters(name, frame[name].to_numpy(dtype=np.float64))


def _quarters(name: str, values: Floats) -> Iterator[tuple[str, str, Ints]]:
    known = values[np.isfinite(values)]
    if not len(known):
        return
    edges = np.unique(np.quantile(known, [0.25, 0.5, 0.75]))
    edges = edges[edges < known.max()]
    place = np.where(np.isfinite(values), np.searchsorted(edges, values, side="left"), -1)
    told = [f"{edge:.4g}" for edge in edges]
    if len(edges) < 1 or len(set(told)) < len(told):
        return
    between = [f"{low} to {high}" for low, high in itertools.pairwise(told)]
    for k, level in enumerate((f"up to {told[0]}", *between, f"above {told[-1]}")):
        yield name, level, np.flatnonzero(place == k)


def _sliceable(frame: pd.DataFrame, schema: TableSchema) -> list[str]:
    few = []
    for column in schema.features:
        if column.name in frame and column.kind in ("category", "boolean", "integer") and not column.private:
            levels = frame[column.name].nunique()
            if levels >= 2 and (levels <= MOST_LEVELS or column.kind == "category"):
                few.append(column.name)
    return few[:MOST_COLUMNS]


def _spelling(level: object) -> str:
    return str(int(level)) if isinstance(level, float) and level.is_integer() else str(level)
