"""How much each row counts, by a column of the base."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from penstock.errors import DataError
from penstock.steps.relations.source import SourceTable

Floats = npt.NDArray[np.float64]


def row_weights(base: SourceTable, name: str, rows: npt.NDArray[np.integer], train: npt.NDArray[np.bool_]) -> Floats:
    """Return the weights of some rows, float64 of shape (n_rows,).

    Parameters
    ----------
    base : SourceTable
        The table that has the column.
    name : str
        The column.
    rows : numpy.ndarray
        Positions of rows in the base, shape (n_rows,).
    train : numpy.ndarray
        Which of them are training rows, bool, shape (n_rows,).

    Raises
    ------
    DataError
        The column holds no numbers, one of these rows has none or one below 0, or all rows of a side have 0.
    """
    where = f"column {name!r} of {base.name}"
    todo = "Correct the source, or drop these rows: steps: [{reject: …}]"
    column = base.table_schema.column(name)
    if column.kind not in ("integer", "float") or name not in base.typed.columns:
        raise DataError(
            "The weights of rows are no numbers",
            where=where,
            got=f"a column of the kind {column.kind}",
            expected="numbers from 0 on",
            todo="Name another column: weight: COLUMN",
        )
    weights: Floats = base.typed[name].to_numpy(dtype=np.float64)[rows]
    for bad, what in ((~np.isfinite(weights), "without a weight"), (weights < 0, "with a weight below 0")):
        if bad.any():
            n, first = int(np.count_nonzero(bad)), int(rows[bad].min()) + 1
            raise DataError(
                f"Some rows are {what}",
                where=where,
                got=f"{n:,} of {len(rows):,} rows (first at row {first:,})",
                expected="a number from 0 on in every row",
                todo=todo,
            )
    for side, called in ((train, "training"), (~train, "held-out")):
        if side.any() and not weights[side].sum() > 0:
            raise DataError(
                f"All {called} rows weigh nothing",
                where=where,
                got=f"a sum of 0 over {int(side.sum()):,} rows",
                expected="a sum above 0",
                todo="Correct the source, or leave `weight` out.",
            )
    return weights
