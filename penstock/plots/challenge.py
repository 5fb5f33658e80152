"""Champion against challenger: two scores on the same rows, and their difference."""

from __future__ import annotations

from typing import TYPE_CHECKING

from penstock.plots.sheet import BLUE, GREY, MUTED, ORANGE, sheet
from penstock.plots.words import number, word
from penstock.receipts import Interval

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def challenge_scores(champion: tuple[str, float], challenger: float, difference: Interval, metric: str) -> Figure:
    """Draw both scores, and the paired difference with its interval.

    Parameters
    ----------
    champion : tuple of str and float
        Its version and its score.
    challenger : float
        The candidate's score on the same rows.
    difference : Interval
        How much better the candidate is; above 0 speaks for it, whichever way the metric runs.
    metric : str
        What the scores are.
    """
    figure, (scores, gap) = sheet(2, across=2, width=9.0, height=1.3)
    for place, (value, colour) in enumerate(((champion[1], GREY), (challenger, BLUE))):
        scores.plot([value], [place], "o", color=colour, markersize=10)
        scores.annotate(number(value), (value, place), (0, 9), textcoords="offset points", ha="center", fontsize=8.5)
    scores.set_yticks([0, 1], [f"champion {word(champion[0], 18)}", "this candidate"])
    scores.set_ylim(1.5, -0.9)
    scores.margins(x=0.25)
    scores.set_title(word(metric))
    colour = BLUE if difference.low > 0 else ORANGE if difference.high < 0 else MUTED
    gap.axvline(0.0, color=GREY, linestyle=":", linewidth=1.4)
    gap.plot([difference.low, difference.high], [0, 0], color=colour, linewidth=4, alpha=0.6, solid_capstyle="round")
    gap.plot([difference.value], [0], "o", color=colour, markersize=9, markeredgecolor="white")
    reach = max(abs(difference.low), abs(difference.high), abs(difference.value)) or 1.0
    gap.set_xlim(-1.25 * reach, 1.25 * reach)
    gap.set_yticks([])
    gap.set_ylim(0.8, -0.8)
    gap.set_title("paired difference: right of 0 the candidate is better")
    for ax in (scores, gap):
        ax.grid(axis="x")
        ax.locator_params(axis="x", nbins=5)
    return figure
