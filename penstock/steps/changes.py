"""What a step changed: counts by column, and a few cells before and after.

Columns that a step left alone are the same arrays before and after, so that they cost nothing to compare.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from penstock.blocks import Blocks, Texts
from penstock.steps.audit import MOST_EXAMPLES, NO_COLUMN, Example, as_text


def compare(
    before: Blocks, after: Blocks, rows: np.ndarray, private: frozenset[str]
) -> tuple[dict[str, int], tuple[Example, ...]]:
    """Return how many cells changed in each column, and a few of them.

    Parameters
    ----------
    before, after : Blocks
        The same rows in the same order; columns that only one of them has are not compared.
    rows : numpy.ndarray
        Positions of the rows in the base source, int64 of shape (n_rows,).
    private : frozenset of str
        Columns whose values are not shown.

    Returns
    -------
    tuple
        Counts by column, only of columns that changed; and at most five examples, from different columns first.
    """
    changed = {name: where for name in before.names if (where := _changes(before, after, name)) is not None}
    counts = {name: n for name, where in changed.items() if (n := int(np.count_nonzero(where)))}
    shown = {name: np.flatnonzero(changed[name])[:MOST_EXAMPLES] for name in counts if name not in private}
    picked = [(name, int(at[i])) for i in range(MOST_EXAMPLES) for name, at in shown.items() if i < len(at)]
    return counts, tuple(
        Example(
            row=int(rows[at]),
            column=name,
            before=as_text(value_at(before, name, at)),
            after=as_text(value_at(after, name, at)),
        )
        for name, at in picked[:MOST_EXAMPLES]
    )


def emptied(before: Blocks, after: Blocks) -> int:
    """Return how many cells had a value before a step and have none after it: what did not read, above all."""
    n = 0
    for name in before.names:
        if name not in after:
            continue
        old, new = before.column(name), after.column(name)
        left_alone = old is new or (
            isinstance(old, np.ndarray) and isinstance(new, np.ndarray) and _is_same_memory(old, new)
        )
        if not left_alone:
            n += int(np.count_nonzero(_missing(new) & ~_missing(old)))
    return n


def filled(
    before: Blocks, after: Blocks, rows: np.ndarray, private: frozenset[str]
) -> tuple[dict[str, int], tuple[Example, ...]]:
    """Return how many cells have a value in each column that only the later blocks have, and the first of some.

    Parameters
    ----------
    before, after : Blocks
        The same rows in the same order.
    rows : numpy.ndarray
        Positions of the rows in the base source, int64 of shape (n_rows,).
    private : frozenset of str
        Columns whose values are not shown, nor those of columns named after them.
    """
    known = set(before.names)
    there = {name: ~_missing(after.column(name)) for name in after.names if name not in known}
    counts = {name: int(np.count_nonzero(where)) for name, where in there.items()}
    told = [name for name, n in counts.items() if n and not name.startswith(tuple(private))]
    first = [(name, int(np.argmax(there[name]))) for name in told[:MOST_EXAMPLES]]
    return counts, tuple(
        Example(row=int(rows[at]), column=name, before=NO_COLUMN, after=as_text(value_at(after, name, at)))
        for name, at in first
    )


def value_at(blocks: Blocks, name: str, row: int) -> Any:
    """Return one cell: a float, a text, a pandas.Timestamp, or None where it is missing."""
    column = blocks.column(name)
    if isinstance(column, Texts):
        code = int(column.codes[row])
        return column.levels[code] if code >= 0 else None
    value = column[row]
    if column.dtype.kind == "M":
        return None if np.isnat(value) else pd.Timestamp(value)
    return None if np.isnan(value) else float(value)


def _changes(before: Blocks, after: Blocks, name: str) -> np.ndarray | None:
    """Return which cells of a column changed; None where it is not there any more, or plainly the same."""
    new = after.column(name) if name in after else None
    if new is None:
        return None
    old = before.column(name)
    if isinstance(old, Texts) and isinstance(new, Texts):
        return None if old is new else _texts_changed(old, new)
    if isinstance(old, np.ndarray) and isinstance(new, np.ndarray) and old.dtype == new.dtype:
        if _is_same_memory(old, new):
            return None
        if old.dtype.kind == "M":
            return np.asarray(old.view(np.int64) != new.view(np.int64))
        return np.asarray((old != new) & ((old == old) | (new == new)))  # noqa: PLR0124 - NaN is not itself
    # Of another kind than before: whatever is there has changed.
    return np.asarray(~(_missing(old) & _missing(new)))


def _texts_changed(old: Texts, new: Texts) -> np.ndarray:
    place = {level: i for i, level in enumerate(new.levels)}
    # The last entry is that of missing, which is the code -1; -2 stands for a text that is not there any more.
    expected = np.array([*(place.get(level, -2) for level in old.levels), -1], dtype=np.intp)
    return np.asarray(expected[old.codes] != new.codes)


def _is_same_memory(old: np.ndarray, new: np.ndarray) -> bool:
    return old is new or bool(old.__array_interface__["data"] == new.__array_interface__["data"])


def _missing(column: np.ndarray | Texts) -> np.ndarray:
    if isinstance(column, Texts):
        return np.asarray(column.codes < 0)
    return np.asarray(np.isnat(column) if column.dtype.kind == "M" else np.isnan(column))
