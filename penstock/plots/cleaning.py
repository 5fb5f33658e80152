"""Before and after: what cleaning, or one step of it, made of columns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from penstock.plots.histogram import Spread, nothing
from penstock.plots.levels import label_bars
from penstock.plots.moments import date_ticks
from penstock.plots.sheet import BLUE, INK, MUTED, sheet
from penstock.plots.words import axis, word

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

BEFORE = "#9aa0a9"


@dataclass(frozen=True)
class LevelPair:
    """The levels of one column before and after: what stands beside each pair of bars, and the rows of both."""

    name: str
    labels: tuple[str, ...]
    before: tuple[int, ...]
    after: tuple[int, ...]


@dataclass(frozen=True)
class Changed:
    """One column before and after.

    Attributes
    ----------
    name, unit : str
        The column's.
    before, after : Spread or None
        Of a column of numbers or moments, in the same bins; None where the column was not there, or is gone.
    levels : LevelPair or None
        Of a column of texts.
    told : tuple of str
        At most three lines on it.
    """

    name: str
    unit: str
    before: Spread | None = None
    after: Spread | None = None
    levels: LevelPair | None = None
    told: tuple[str, ...] = ()


def before_after(
    columns: Sequence[Changed],
    counts: Sequence[tuple[str, int, int]] = (),
    words: tuple[str, str] = ("before", "after"),
) -> Figure:
    """Draw each column before and after, below the counts of the whole table.

    Parameters
    ----------
    columns : sequence of Changed
        At least one.
    counts : sequence of (str, int, int)
        What is counted, before and after.
    words : tuple of str
        What the two are called.
    """
    figure, axes = sheet(len(columns), across=3, height=2.1)
    for ax, column in zip(axes, columns, strict=True):
        if column.levels is not None:
            _levels(ax, column.levels)
        else:
            _spreads(ax, column)
        ax.set_xlabel(axis(column.name, column.unit, 24))
        ax.set_title("\n".join(word(line, 44) for line in column.told), color=MUTED, fontsize=7.5)
    told = ",  ".join(
        f"{what} {before:,} \u2192 {after:,}" if before != after else f"{what} {before:,}"
        for what, before, after in counts
    )
    _legend(figure, words, told)
    return figure


def _spreads(ax: Axes, column: Changed) -> None:
    there = [(s, c) for s, c in ((column.before, BEFORE), (column.after, BLUE)) if s is not None and s.counts.sum()]
    if not there:
        nothing(ax)
        return
    for spread, colour in there:
        heights = spread.counts.sum(axis=0)
        if colour == BLUE:
            ax.stairs(heights, spread.edges, color=BLUE, linewidth=1.5)
            ax.stairs(heights, spread.edges, color=BLUE, fill=True, alpha=0.15)
        else:
            ax.stairs(heights, spread.edges, color=BEFORE, fill=True, alpha=0.75)
    edges = there[0][0].edges
    if there[0][0].moments:
        date_ticks(ax, edges[0], edges[-1], most=2)
    else:
        ax.locator_params(axis="x", nbins=4)
    ax.locator_params(axis="y", nbins=4)
    ax.set_ylim(bottom=0)
    ax.grid(axis="y")


def _levels(ax: Axes, pair: LevelPair) -> None:
    if not pair.labels:
        nothing(ax)
        return
    places = np.arange(len(pair.labels))
    ax.barh(places - 0.19, pair.before, height=0.36, color=BEFORE)
    ax.barh(places + 0.19, pair.after, height=0.36, color=BLUE)
    label_bars(ax, [(word(label, 16), True) for label in pair.labels])
    ax.locator_params(axis="x", nbins=3)
    ax.grid(axis="x")


def _legend(figure: Figure, words: tuple[str, str], told: str) -> None:
    from matplotlib.patches import Patch

    handles = [Patch(facecolor=colour, label=text) for colour, text in zip((BEFORE, BLUE), words, strict=True)]
    figure.legend(
        handles=handles, loc="outside upper left", ncols=2, labelcolor=INK, title=told or None, alignment="left"
    )
