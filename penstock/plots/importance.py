"""Permutation importance as bars with intervals."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from penstock.plots.sheet import BLUE, GREY, INK, sheet
from penstock.plots.words import word
from penstock.receipts import Interval

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MOST_BARS = 20


def importance_bars(names: Sequence[str], falls: Sequence[Interval], metric: str) -> Figure:
    """Draw by how much the metric worsens where a feature's cells are exchanged between rows.

    Parameters
    ----------
    names : sequence of str
        The features, the most important first; at most twenty are drawn.
    falls : sequence of Interval
        One a feature.
    metric : str
        What worsens.
    """
    names, falls = names[:MOST_BARS], falls[:MOST_BARS]
    figure, (ax,) = sheet(1, across=1, width=7.4, height=0.5 + 0.26 * max(len(names), 2))
    ax.axvline(0.0, color=GREY, linewidth=1.2)
    for place, fall in enumerate(falls):
        # One whose interval holds nothing may matter not at all.
        colour = BLUE if fall.low > 0 else GREY
        ax.barh(place, fall.value, color=colour, height=0.62, alpha=0.85)
        ax.plot([fall.low, fall.high], [place, place], color=INK, linewidth=1.4, solid_capstyle="butt")
    ax.set_yticks(range(len(names)), [word(name, 30) for name in names])
    ax.set_ylim(len(names) - 0.4, -0.6)
    ax.set_xlabel(f"how much worse {word(metric)} gets")
    ax.tick_params(axis="y", length=0)
    ax.grid(axis="x")
    return figure
