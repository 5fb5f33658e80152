"""Numbers cut at edges: bin i holds what is at least edge i-1 and less than edge i."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Literal

import numpy as np

from penstock.blocks import Texts

Give = Literal["category", "number"]


def labels_of(edges: Sequence[float]) -> tuple[str, ...]:
    """Return what bins are called, one more than there are edges.

    Examples
    --------
    >>> labels_of((0.0, 12.5))
    ('< 0', '0 to 12.5', '>= 12.5')
    """
    if not len(edges):
        return ("any",)
    shown = [f"{edge:.6g}" for edge in edges]
    if len(set(shown)) < len(shown):
        shown = [repr(float(edge)) for edge in edges]
    between = [f"{low} to {high}" for low, high in pairwise(shown)]
    return (f"< {shown[0]}", *between, f">= {shown[-1]}")


def binned(values: np.ndarray, edges: np.ndarray, labels: Sequence[str], give: Give) -> np.ndarray | Texts:
    """Return each number's bin, by its label or as 0, 1, 2 and so on; missing where the number is.

    Parameters
    ----------
    values : numpy.ndarray
        float64 of shape (n_rows,), NaN where missing.
    edges : numpy.ndarray
        float64, rising.
    labels : sequence of str
        What the bins are called, one more than there are edges.
    give : {"category", "number"}
        Whether labels or places are wanted.
    """
    places = np.searchsorted(edges, values, side="right")
    if give == "number":
        return np.where(np.isnan(values), np.nan, places)
    return Texts(np.where(np.isnan(values), -1, places), tuple(labels))
