"""Columns before and after: in the same bins, with what is missing and what lies far out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from penstock.blocks import Texts
from penstock.explore.columns import drawable
from penstock.plots.boxes import Box
from penstock.plots.cleaning import Changed, LevelPair
from penstock.plots.histogram import Spread, bins_of
from penstock.plots.levels import MISSING
from penstock.plots.moments import days_of

Column = npt.NDArray[Any] | Texts

MOST_LEVELS = 7


def changed_column(
    name: str, before: Column | None, after: Column | None, units: Mapping[str, str], told: tuple[str, ...] = ()
) -> Changed:
    """Return one column before and after a step, None where it was not there yet, or is gone.

    Parameters
    ----------
    name : str
        The column's.
    before, after : numpy.ndarray or Texts or None
        Its values, shape (n_rows,) each; there may be fewer after.
    units : mapping of str to str
        Units of columns that have one.
    told : tuple of str
        What to say of it first.
    """
    unit = units.get(name, "")
    lines = (*told, *_told(before, after))[:3]
    there = [column for column in (before, after) if column is not None]
    if all(isinstance(column, Texts) for column in there):
        counts = [_levels(column) for column in (before, after)]
        return Changed(name, unit, levels=pair_of(name, *counts), told=lines)
    if any(isinstance(column, Texts) for column in there):
        # A text that became a number is drawn as what it became.
        was = "text" if isinstance(before, Texts) else "number"
        return changed_column(name, None, after, units, (*told, f"was a {was}")[:2])
    numbers = [
        None if column is None or isinstance(column, Texts) else _days_or_numbers(column) for column in (before, after)
    ]
    known = np.concatenate([part[np.isfinite(part)] for part in numbers if part is not None])
    edges = bins_of(known)[0] if len(known) else np.linspace(0.0, 1.0, 3)
    moments = any(column.dtype.kind == "M" for column in there if not isinstance(column, Texts))
    spreads = [None if part is None else _spread(name, part, edges, moments) for part in numbers]
    return Changed(name, unit, spreads[0], spreads[1], None, lines)


def pair_of(name: str, before: Mapping[str, int], after: Mapping[str, int]) -> LevelPair:
    """Return the levels whose counts moved most, then the commonest, before and after."""
    both = {level: (before.get(level, 0), after.get(level, 0)) for level in {**before, **after}}
    order = sorted(both, key=lambda level: (-abs(both[level][0] - both[level][1]), -sum(both[level]), level))
    shown = order[:MOST_LEVELS]
    return LevelPair(
        name, tuple(shown), tuple(both[level][0] for level in shown), tuple(both[level][1] for level in shown)
    )


def missing_of(column: Column) -> int:
    """Return how many cells are missing."""
    if isinstance(column, Texts):
        return int(np.count_nonzero(column.codes < 0))
    return int(np.count_nonzero(np.isnat(column) if column.dtype.kind == "M" else np.isnan(column)))


def far_of(column: Column) -> int:
    """Return how many numbers lie beyond the fences of their column."""
    if isinstance(column, Texts) or column.dtype.kind == "M":
        return 0
    box = Box.of(column)
    return 0 if box is None else box.n_far


def _told(before: Column | None, after: Column | None) -> tuple[str, ...]:
    if before is None:
        return ("is new",)
    if after is None:
        return ("is taken out",)
    lines = []
    for what, count in (("missing", missing_of), ("beyond fences", far_of)):
        shares = [count(column) / max(_size(column), 1) for column in (before, after)]
        if shares[0] != shares[1]:
            lines.append(f"{what} {100 * shares[0]:.1f} % \u2192 {100 * shares[1]:.1f} %")
    return tuple(lines)


def _size(column: Column) -> int:
    return len(column.codes) if isinstance(column, Texts) else len(column)


def _levels(column: Column | None) -> dict[str, int]:
    if not isinstance(column, Texts):
        return {}
    counts = column.counts()
    gone = missing_of(column)
    return {**counts, MISSING: gone} if gone else counts


def _days_or_numbers(column: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
    return days_of(column) if column.dtype.kind == "M" else drawable(np.asarray(column, dtype=np.float64))


def _spread(name: str, values: npt.NDArray[np.float64], edges: npt.NDArray[np.float64], moments: bool) -> Spread:
    spread = Spread.of(name, values, np.zeros(len(values), dtype=np.int64), 1, edges=edges)
    return Spread(name, "", spread.edges, spread.counts, None, spread.gathered, moments)


def typing_changes(raw: Counter[str], typed: Counter[str], name: str) -> Changed:
    """Return the cells of one column that typing read as something else than what stood there."""
    return Changed(name, "", levels=pair_of(name, raw, typed), told=(f"{sum(raw.values()):,} cells read anew",))
