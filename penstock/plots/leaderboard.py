"""The leaderboard: each candidate's cross-validated score."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from penstock.plots.sheet import BLUE, GREY, INK, MUTED, sheet
from penstock.plots.words import number, word
from penstock.receipts import LeaderboardRow

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MOST_ROWS = 20


def leaderboard_bars(rows: Sequence[LeaderboardRow], metric: str) -> Figure:
    """Draw each scored candidate's mean over the folds, its standard deviation, and the folds as dots.

    Parameters
    ----------
    rows : sequence of LeaderboardRow
        In drawing order; those without a score are left out, and at most twenty are drawn.
    metric : str
        What the scores are.
    """
    scored = [row for row in rows if row.mean is not None][:MOST_ROWS]
    figure, (ax,) = sheet(1, across=1, width=7.4, height=0.6 + 0.34 * max(len(scored), 1))
    low, high = _window(scored)
    for place, row in enumerate(scored):
        colour = BLUE if row.chosen else GREY
        mean, sd = float(row.mean or 0.0), float(row.sd or 0.0)
        if not low <= mean <= high:
            edge, sign = (low, "<") if mean < low else (high, ">")
            ax.plot([edge], [place], sign, color=colour, markersize=8, clip_on=False)
        else:
            ax.errorbar(mean, place, xerr=sd, fmt="o", color=colour, markersize=8, elinewidth=3, capsize=0, zorder=3)
        if row.folds:
            below = np.full(len(row.folds), place + 0.27)
            ax.plot(row.folds, below, "o", color=INK, markersize=3.2, alpha=0.6, mew=0, zorder=4)
        told = f"{number(mean)} \u00b1 {number(sd, 2)}"
        ax.annotate(
            told,
            (1.03, place),
            xycoords=("axes fraction", "data"),
            va="center",
            fontsize=8.5,
            color=INK if row.chosen else MUTED,
            fontweight="bold" if row.chosen else "normal",
        )
    ax.set_xlim(low, high)
    ax.set_yticks(range(len(scored)), [word(row.words, 26) for row in scored])
    ax.set_ylim(len(scored) - 0.4, -0.6)
    ax.set_xlabel(f"{word(metric)}, mean \u00b1 sd over the folds (dots: single folds)")
    ax.grid(axis="x")
    return figure


def _window(rows: Sequence[LeaderboardRow]) -> tuple[float, float]:
    """Return the range to draw. A baseline far off, drawn to scale, would press all others into one spot."""
    own = [row for row in rows if row.family != "dummy"] or list(rows)
    low, high = _ends(own)
    every_low, every_high = _ends(rows)
    if every_high - every_low <= 2.5 * (high - low):
        low, high = every_low, every_high
    margin = 0.08 * (high - low) or 0.05 * abs(high) or 1.0
    return low - margin, high + margin


def _ends(rows: Sequence[LeaderboardRow]) -> tuple[float, float]:
    reach = [
        v
        for r in rows
        for v in (*r.folds, float(r.mean or 0) - float(r.sd or 0), float(r.mean or 0) + float(r.sd or 0))
    ]
    return (min(reach), max(reach)) if reach else (0.0, 1.0)
