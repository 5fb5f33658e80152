"""Duplicates: how many rows occur once, twice and more often."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from penstock.plots.sheet import BLUE, GREY, sheet

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def copies(labels: Sequence[str], distinct: Sequence[int], rows: Sequence[int]) -> Figure:
    """Draw how many distinct rows occur how often, and how many rows that makes, on a logarithmic scale.

    Parameters
    ----------
    labels : sequence of str
        How often: `once`, `twice` and so on; at least one.
    distinct, rows : sequence of int
        Distinct rows that occur so often, and all rows that they make.
    """
    figure, (ax,) = sheet(1, across=1, width=7.0, height=0.9 + 0.34 * len(labels))
    places = np.arange(len(labels))
    for shift, numbers, colour, told in ((-0.19, distinct, GREY, "distinct rows"), (0.19, rows, BLUE, "rows")):
        ax.barh(places + shift, numbers, height=0.36, color=colour, label=told)
        for place, n in zip(places, numbers, strict=True):
            if n:
                ax.annotate(f"{n:,}", (n, place + shift), (4, 0), textcoords="offset points", va="center", fontsize=7.5)
    ax.set_xscale("symlog", linthresh=1.0)
    ax.set_xlim(0, 4 * max(*rows, 1))
    ax.set_yticks(places, list(labels))
    ax.invert_yaxis()
    ax.set_xlabel("training rows")
    ax.set_ylabel("occur")
    ax.grid(axis="x")
    ax.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0))
    return figure
