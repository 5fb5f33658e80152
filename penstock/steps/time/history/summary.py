"""What a stretch of earlier rows is summed up by: its mean, sum, least, greatest, spread, number or middle."""

from __future__ import annotations

import numpy as np

from penstock.blocks import FloatMatrix
from penstock.steps.time.history.medians import medians
from penstock.steps.time.history.past import View, side_by_side
from penstock.steps.time.history.settings import Take
from penstock.steps.time.history.tree import Family, Nodes
from penstock.table import Kind

_FAMILIES: dict[Take, Family] = {
    "mean": "total",
    "sum": "total",
    "count": "total",
    "min": "low",
    "max": "high",
    "std": "spread",
}


def families_of(takes: tuple[Take, ...]) -> tuple[Family, ...]:
    """Return the trees that are needed, each once."""
    return tuple(dict.fromkeys(_FAMILIES[take] for take in takes if take in _FAMILIES))


def kind_of(take: Take, kind: Kind) -> Kind:
    """Return the kind of what a column of a kind is summed up by."""
    return "integer" if take == "count" else kind if take in ("min", "max") else "float"


def summed_up(view: View, low: np.ndarray, takes: tuple[Take, ...]) -> FloatMatrix:
    """Return what rows see from `low` on, summed up column by column.

    Parameters
    ----------
    view : View
        What n rows see of a past with n_columns.
    low : numpy.ndarray
        Where the stretch of each row begins, counted from the first row of its group, int64 of shape (n,).
    takes : tuple of str
        What it is summed up by.

    Returns
    -------
    numpy.ndarray
        Shape (n, n_columns * n_takes), the takes of the first column first. Missing values are left out; where there
        are none (for `std`, fewer than two), it is missing, and `count` is 0.
    """
    past, start = view.past, view.start
    found = {f: past.trees[f].over(past.values, start, low, view.upto) for f in families_of(takes)}
    each = [_medians(view, low) if take == "median" else _finished(take, found[_FAMILIES[take]]) for take in takes]
    return side_by_side(each)


def _finished(take: Take, nodes: Nodes) -> FloatMatrix:
    if take in ("min", "max"):
        return nodes[0]
    count = nodes[0]
    if take == "count":
        return count
    if take == "std":
        return np.where(count > 1, np.sqrt(nodes[2] / (count - 1)), np.nan)
    return np.where(count > 0, nodes[1] if take == "sum" else nodes[1] / count, np.nan)


def _medians(view: View, low: np.ndarray) -> FloatMatrix:
    found = [medians(column, view.start + low, view.start + view.upto) for column in view.past.values.T]
    return np.stack(found, axis=1)
