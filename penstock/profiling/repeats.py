"""Rows that stand several times, found exactly and without comparing more than has to be."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from penstock.arrays.typed import StoredColumns
from penstock.profiling.columns import Seen, shown_cell
from penstock.profiling.records import Duplicates, Repeated

EXAMPLES, EXAMPLE_COLUMNS = 5, 12
_ROOM = 2**62


def find_repeats(columns: Sequence[Seen], raw: StoredColumns) -> Duplicates:
    """Count the rows whose typed cells all equal those of an earlier row.

    Parameters
    ----------
    columns : sequence of Seen
        All columns of the table.
    raw : StoredColumns
        Their raw cells, for the examples; those of private columns are not among them.
    """
    n_rows = raw.num_rows
    if not columns or n_rows < 2:
        return Duplicates()
    rows, groups = _same(columns, n_rows)
    if not len(rows):
        return Duplicates()
    sizes = np.bincount(groups)
    firsts = np.full(len(sizes), n_rows)
    np.minimum.at(firsts, groups, rows)
    # The largest groups, of equally large ones the first.
    top = np.lexsort((firsts, -sizes))[:EXAMPLES]
    shown = [c.name for c in columns if not c.look.private][:EXAMPLE_COLUMNS]
    cells = {name: raw[name].take(firsts[top]).to_pylist() for name in shown}
    return Duplicates(
        n_rows=len(rows) - len(sizes),
        n_groups=len(sizes),
        columns=tuple(shown),
        examples=tuple(
            Repeated(
                row=int(firsts[g]), n_rows=int(sizes[g]), cells=tuple(shown_cell(cells[name][i]) for name in shown)
            )
            for i, g in enumerate(top)
        ),
    )


def _same(columns: Sequence[Seen], n_rows: int) -> tuple[Any, Any]:
    """Return the rows that have an equal, and for each the number of its group.

    Columns with many different values come first: after one or two of them few rows are left to compare, or none.
    """
    order = sorted(columns, key=lambda c: -c.look.profile.distinct if not c.look.private else 0)
    rows: Any = None
    groups, width = np.zeros(n_rows, np.int64), 1
    for column in order:
        if rows is None and column.look.is_unique:
            return np.empty(0, np.int64), np.empty(0, np.int64)
        codes, n_codes = _coded(column, rows)
        if width > _ROOM // (n_codes + 1):
            rows, groups, width = _narrowed(rows, groups)
            if not len(rows):
                return rows, groups
            codes, n_codes = _coded(column, rows)
        groups = groups * (n_codes + 1) + codes
        width *= n_codes + 1
        if width > 4 * len(groups):
            rows, groups, width = _narrowed(rows, groups)
            if not len(rows):
                return rows, groups
    rows, groups, _ = _narrowed(rows, groups)
    return rows, groups


def _coded(column: Seen, rows: Any) -> tuple[Any, int]:
    """Return codes from 0, 0 being missing, of some rows; and how many there are beside it."""
    values = column.values if rows is None else column.values[rows]
    if column.n_codes:
        return values.astype(np.int64) + 1, column.n_codes
    codes, found = pd.factorize(values)
    return codes.astype(np.int64) + 1, len(found)


def _narrowed(rows: Any, groups: Any) -> tuple[Any, Any, int]:
    """Return the rows whose group has more than one, the groups numbered anew, and how many there are."""
    order = np.argsort(groups, kind="stable")
    ordered = groups[order]
    new = np.append(True, ordered[1:] != ordered[:-1])
    alone = new & np.append(new[1:], True)
    kept = order[~alone]
    numbers = np.cumsum(new[~alone]) - 1
    back = np.argsort(kept, kind="stable")
    kept, numbers = kept[back], numbers[back]
    return (kept if rows is None else rows[kept]), numbers, int(numbers.max()) + 1 if len(numbers) else 1
