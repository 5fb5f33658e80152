"""A check's expression over a table as expectations look at it."""

from __future__ import annotations

import numpy as np

from penstock.blocks import Blocks, Texts
from penstock.expect.cells import Looked, Mask
from penstock.expressions.evaluation import evaluated
from penstock.expressions.language import Node


def broken(node: Node, table: Looked, columns: tuple[str, ...]) -> Mask:
    """Return the rows for which an expression is false; where it cannot be known, it is not false."""
    found = evaluated(node, _blocks_of(table, columns))
    assert not isinstance(found, Texts)
    return np.asarray(found == 0.0, dtype=bool)


def _blocks_of(table: Looked, columns: tuple[str, ...]) -> Blocks:
    """Return some of a table's columns; a cell that does not read has no value."""
    made: dict[str, np.ndarray | Texts] = {}
    for name in columns:
        cells = table.cells(name)
        if cells.column.kind == "datetime":
            made[name] = np.where(cells.present, np.asarray(cells.values), np.datetime64("NaT", "us"))
        elif cells.column.is_numeric:
            made[name] = np.where(cells.present, np.asarray(cells.values, dtype=np.float64), np.nan)
        else:
            made[name] = Texts.of(cells.values.array)
    return Blocks(table.n_rows, (), np.empty((table.n_rows, 0)), {}, {}).with_columns(made)
