"""Bars of category levels: how often each occurs, by group."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from penstock.plots.groups import Groups
from penstock.plots.sheet import GREY, MUTED, legend, sheet
from penstock.plots.words import word

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MOST_LEVELS = 8


def level_bars(frame: pd.DataFrame, names: Sequence[str], groups: Groups) -> Figure:
    """Draw the most frequent levels of each category as bars stacked by group.

    Parameters
    ----------
    frame : pandas.DataFrame, shape (n_rows, n_columns)
        Columns of text.
    names : sequence of str
        The columns to draw, at least one.
    groups : Groups
        The colours of the rows.
    """
    figure, axes = sheet(len(names), across=3, height=2.5)
    for ax, name in zip(axes, names, strict=True):
        _stack(ax, frame[name].astype(object), groups)
        ax.set_title(word(name, 34))
        ax.set_xlabel("rows")
    if len(groups) > 1:
        legend(figure, groups.names, groups.colours, groups.title)
    return figure


def _stack(ax: Axes, column: pd.Series, groups: Groups) -> None:
    codes, levels = pd.factorize(column.to_numpy(dtype=object), use_na_sentinel=True)
    counts = np.bincount(codes[codes >= 0], minlength=len(levels)) if len(levels) else np.zeros(0, dtype=np.int64)
    order = np.argsort(-counts, kind="stable")
    top, rest = order[:MOST_LEVELS], order[MOST_LEVELS:]
    bars = [(word(levels[i], 20), codes == i) for i in top]
    if len(rest):
        bars.append((f"{len(rest):,} others", np.isin(codes, rest)))
    if (codes < 0).any():
        bars.append(("missing", codes < 0))
    if not bars:
        return
    places = np.arange(len(bars))
    left = np.zeros(len(bars))
    for code, colour in enumerate(groups.colours):
        width = np.array([np.sum(rows & (groups.codes == code)) for _, rows in bars], dtype=np.float64)
        ax.barh(places, width, left=left, color=colour, height=0.72)
        left += width
    if (groups.codes < 0).any():
        width = np.array([np.sum(rows & (groups.codes < 0)) for _, rows in bars], dtype=np.float64)
        ax.barh(places, width, left=left, color=GREY, height=0.72)
    ax.set_yticks(places, [text for text, _ in bars])
    for tick, (text, _) in zip(ax.get_yticklabels(), bars, strict=True):
        if text == "missing" or text.endswith(" others"):
            tick.set_color(MUTED)
    ax.invert_yaxis()
    ax.grid(axis="x")
    ax.locator_params(axis="x", nbins=4)
