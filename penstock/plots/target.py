"""The target: how often each class occurs, or how its values are spread."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from penstock.plots.groups import groups_of, no_groups
from penstock.plots.histogram import Spread, histograms
from penstock.plots.sheet import sheet
from penstock.plots.words import axis
from penstock.table import Target

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def target_spread(target: Target, values: npt.NDArray[Any], unit: str = "") -> Figure:
    """Draw the target of some rows.

    Parameters
    ----------
    target : Target
        What is predicted.
    values : ndarray, shape (n_rows,)
        Indices into its labels, or numbers.
    unit : str
        Of a numeric target.
    """
    if not target.is_classification:
        numbers = np.asarray(values, dtype=np.float64)
        return histograms([Spread.of(target.name, numbers, np.zeros(len(numbers), np.int64), 1, unit)], no_groups(0))
    groups = groups_of(target, values)
    counts = np.bincount(groups.codes[groups.codes >= 0], minlength=len(groups))
    figure, (ax,) = sheet(1, across=1, width=7.0, height=0.7 + 0.3 * len(groups))
    places = np.arange(len(groups))
    ax.barh(places, counts, color=list(groups.colours), height=0.7)
    total = max(int(counts.sum()), 1)
    for place, count in zip(places, counts, strict=True):
        told = f"{count:,}  ({100 * count / total:.1f} %)"
        ax.annotate(told, (float(count), place), (4, 0), textcoords="offset points", va="center", fontsize=8)
    ax.set_yticks(places, list(groups.names))
    ax.set_ylim(len(groups) - 0.4, -0.6)
    ax.set_xlim(0, float(counts.max(initial=1)) * 1.2)
    ax.set_xlabel("training rows")
    ax.set_ylabel(axis(target.name))
    ax.grid(axis="x")
    return figure
