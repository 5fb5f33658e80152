"""Groups of rows on which a model is worst."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from penstock.plots.sheet import BLUE, GREY, MUTED, ORANGE, sheet
from penstock.plots.words import word
from penstock.receipts import Interval

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MOST_BARS = 12


class Group(NamedTuple):
    """The rows in which a column has one level, and the score on them."""

    name: str
    score: Interval
    worse: bool


def worst_slices(groups: Sequence[Group], overall: Interval, metric: str) -> Figure:
    """Draw the score of each group with its interval, beside that of all rows.

    Parameters
    ----------
    groups : sequence of Group
        The worst first, at least one; at most twelve are drawn. Those that are worse than all rows by their whole
        interval are in another colour.
    overall : Interval
        The score of all held-out rows.
    metric : str
        What the scores are.
    """
    groups = groups[:MOST_BARS]
    figure, (ax,) = sheet(1, across=1, width=7.4, height=0.55 + 0.28 * max(len(groups), 2))
    ax.axvspan(overall.low, overall.high, color=GREY, alpha=0.25, linewidth=0)
    ax.axvline(overall.value, color=MUTED, linestyle=":", linewidth=1.4)
    for place, group in enumerate(groups):
        colour = ORANGE if group.worse else BLUE
        score = group.score
        ax.plot([score.low, score.high], [place, place], color=colour, linewidth=3.5, alpha=0.6, solid_capstyle="round")
        ax.plot([score.value], [place], "o", color=colour, markersize=7, markeredgecolor="white")
        ax.annotate(
            f"{score.n:,} rows",
            (1.02, place),
            xycoords=("axes fraction", "data"),
            va="center",
            fontsize=8,
            color=MUTED,
        )
    ax.set_yticks(range(len(groups)), [word(group.name, 40) for group in groups])
    ax.set_ylim(len(groups) - 0.4, -0.6)
    ax.tick_params(axis="y", length=0)
    ax.margins(x=0.06)
    ax.set_xlabel(f"{word(metric)}; dotted: all held-out rows")
    ax.grid(axis="x")
    return figure
