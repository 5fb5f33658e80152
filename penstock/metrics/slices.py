"""The main metric within groups of rows: where a model that is good on the whole is not."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd

from penstock.frozen import Frozen
from penstock.metrics.scores import score
from penstock.metrics.weighted import Context, Floats, defined_metrics
from penstock.table import TableSchema, Target

FEWEST_ROWS = 30
MOST_LEVELS = 12
MOST_COLUMNS = 12


class Slice(Frozen):
    """The metric on the rows in which a column has one level."""

    column: str
    level: str
    n: int
    value: float


def slices(
    target: Target,
    metric: str,
    y: npt.NDArray[np.generic],
    predicted: Floats,
    frame: pd.DataFrame,
    schema: TableSchema,
    context: Context | None = None,
) -> list[Slice]:
    """Return the metric for every frequent level of the categories, booleans and few-valued columns.

    A column counts when it has at most twelve levels, a level when it has at least thirty rows and the metric is
    defined there.

    Parameters
    ----------
    target, metric, y, predicted, context
        As for `penstock.metrics.scores.paired`.
    frame : pandas.DataFrame
        Typed features of the same rows.
    schema : TableSchema
        The columns of `frame`; private ones are left out.
    """
    done: list[Slice] = []
    for column in _sliceable(frame, schema):
        values = frame[column]
        for level in values.dropna().unique().tolist():
            rows = np.flatnonzero((values == level).to_numpy(dtype=bool))
            if len(rows) < FEWEST_ROWS or metric not in defined_metrics(target, y[rows]):
                continue
            part = context.take(rows) if context is not None else None
            value = score(target, metric, y[rows], predicted[rows], part)
            done.append(Slice(column=column, level=_spelling(level), n=len(rows), value=value))
    return sorted(done, key=lambda s: (s.column, -s.n, s.level))


def _sliceable(frame: pd.DataFrame, schema: TableSchema) -> list[str]:
    few = []
    for column in schema.features:
        if column.name in frame and column.kind in ("category", "boolean", "integer") and not column.private:
            levels = frame[column.name].nunique()
            if 2 <= levels <= MOST_LEVELS:
                few.append(column.name)
    return few[:MOST_COLUMNS]


def _spelling(level: object) -> str:
    return str(int(level)) if isinstance(level, float) and level.is_integer() else str(level)
