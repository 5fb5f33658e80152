"""Scores with their intervals, beside those of the baseline."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from penstock.plots.sheet import BLUE, GREY, sheet
from penstock.plots.words import word
from penstock.receipts import Interval

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def score_intervals(scores: Mapping[str, Interval], baseline: Mapping[str, Interval]) -> Figure:
    """Draw one panel a metric, as metrics have different units: the model's interval above the baseline's.

    Parameters
    ----------
    scores, baseline : mapping of str to Interval
        By metric; the baseline may lack some. At least one score.
    """
    figure, axes = sheet(len(scores), across=3, height=0.95)
    for ax, (name, score) in zip(axes, scores.items(), strict=True):
        for place, (interval, colour) in enumerate(((score, BLUE), (baseline.get(name), GREY))):
            if interval is None:
                continue
            ax.plot([interval.low, interval.high], [place, place], color=colour, linewidth=4, solid_capstyle="round")
            ax.plot([interval.value], [place], "o", color=colour, markersize=8, markeredgecolor="white")
        ax.set_yticks([0, 1], ["model", "baseline"])
        ax.set_ylim(1.6, -0.6)
        ax.margins(x=0.08)
        ax.set_title(word(name))
        ax.grid(axis="x")
        ax.locator_params(axis="x", nbins=4)
    return figure
