"""Bars of category levels: how often each occurs, by group."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from penstock.plots.groups import Groups
from penstock.plots.histogram import nothing
from penstock.plots.sheet import GREY, MUTED, legend, sheet
from penstock.plots.words import word

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Ints = npt.NDArray[np.int64]

MOST_LEVELS = 8
# A step may have made `(missing)` a level.
MISSING = "(no value)"


@dataclass(frozen=True)
class Levels:
    """How often the levels of one column occur.

    Attributes
    ----------
    name : str
        The column's.
    labels : tuple of str
        The most frequent levels, the most frequent first, as they are.
    counts : ndarray of int64, shape (n_labels, n_groups + 1)
        Rows of each; the last column counts those of no group.
    others, missing : ndarray of int64, shape (n_groups + 1,)
        Rows of the `n_others` further levels taken together, and rows without a value.
    """

    name: str
    labels: tuple[str, ...]
    counts: Ints
    others: Ints
    missing: Ints
    n_others: int

    @classmethod
    def of(
        cls, name: str, codes: Ints, levels: Sequence[str], of_rows: Ints, n_groups: int, most: int = MOST_LEVELS
    ) -> Levels:
        """Count codes into levels, of shape (n_rows,), -1 for missing, by the rows' groups, -1 for none."""
        n = len(levels)
        across = n_groups + 1
        place = np.where(codes >= 0, codes, n) * across + np.where(of_rows >= 0, of_rows, n_groups)
        table = np.bincount(place, minlength=(n + 1) * across).reshape(n + 1, across).astype(np.int64)
        known, missing = table[:n], table[n]
        there = known.sum(axis=1)
        order = np.argsort(-there, kind="stable")[: int(np.count_nonzero(there))]
        top, rest = order[:most], order[most:]
        if len(rest) == 1:
            top, rest = order, rest[:0]
        labels = tuple(str(levels[i]) for i in top)
        return cls(name, labels, known[top], known[rest].sum(axis=0), missing, len(rest))

    @property
    def bars(self) -> list[tuple[str, bool, Ints]]:
        """The bars to draw: what stands beside each, whether it is a level itself, and its rows by group."""
        bars = [(word(label, 20), True, counts) for label, counts in zip(self.labels, self.counts, strict=True)]
        if self.n_others:
            bars.append((f"({self.n_others:,} others)", False, self.others))
        if self.missing.any():
            bars.append((MISSING, False, self.missing))
        return bars


def level_bars(columns: Sequence[Levels], groups: Groups) -> Figure:
    """Draw the most frequent levels of each category as bars stacked by group, the rest of them summed.

    Parameters
    ----------
    columns : sequence of Levels
        The columns to draw, at least one.
    groups : Groups
        The colours.
    """
    tallest = max(len(column.bars) for column in columns)
    figure, axes = sheet(len(columns), across=3, height=0.9 + 0.16 * max(tallest, 5))
    for ax, column in zip(axes, columns, strict=True):
        _stack(ax, column, groups)
        ax.set_title(word(column.name, 34))
    if len(groups) > 1:
        legend(figure, groups.names, groups.colours, groups.title)
    return figure


def _stack(ax: Axes, column: Levels, groups: Groups) -> None:
    bars = column.bars
    if not bars:
        nothing(ax)
        return
    places = np.arange(len(bars))
    left = np.zeros(len(bars))
    for code, colour in enumerate((*groups.colours, GREY)):
        width = np.array([counts[code] for _, _, counts in bars], dtype=np.float64)
        if code < len(groups) or width.any():
            ax.barh(places, width, left=left, color=colour, height=0.72)
        left += width
    label_bars(ax, [(text, is_level) for text, is_level, _ in bars])
    ax.set_xlabel("rows")
    ax.grid(axis="x")
    ax.locator_params(axis="x", nbins=4)


def label_bars(ax: Axes, bars: Sequence[tuple[str, bool]]) -> None:
    """Write beside lying bars what they are, what is no level in grey, the first on top."""
    ax.set_yticks(np.arange(len(bars)), [text for text, _ in bars])
    for tick, (_, is_level) in zip(ax.get_yticklabels(), bars, strict=True):
        if not is_level:
            tick.set_color(MUTED)
    ax.set_ylim(len(bars) - 0.4, -0.6)
