"""Scatter plots of pairs of columns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from penstock.plots.groups import Groups
from penstock.plots.sheet import legend, sheet
from penstock.plots.words import axis

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# More points would hide each other and make the picture heavy.
MOST_POINTS = 1500


def scatter_pairs(
    frame: pd.DataFrame,
    pairs: Sequence[tuple[str, str, float]],
    groups: Groups,
    units: Mapping[str, str],
) -> Figure:
    """Draw one panel a pair of columns, points coloured by group.

    Parameters
    ----------
    frame : pandas.DataFrame, shape (n_rows, n_columns)
        Columns of float64. Of more than 1,500 rows an even part is drawn.
    pairs : sequence of (str, str, float)
        The columns across and up, and their correlation; at least one pair.
    groups : Groups
        The colours of the rows.
    units : mapping of str to str
        Units of columns that have one.
    """
    import seaborn as sns

    kept = np.unique(np.linspace(0, max(len(frame) - 1, 0), min(len(frame), MOST_POINTS)).astype(np.int64))
    kept = kept[groups.codes[kept] >= 0] if len(frame) else kept[:0]
    codes = groups.codes[kept]
    size = 14 if len(kept) < 400 else 8
    figure, axes = sheet(len(pairs), across=3, height=2.8)
    for ax, (across, up, correlation) in zip(axes, pairs, strict=True):
        sns.scatterplot(
            x=frame[across].to_numpy()[kept],
            y=frame[up].to_numpy()[kept],
            hue=codes,
            hue_order=list(range(len(groups))),
            palette=list(groups.colours),
            s=size,
            alpha=0.6,
            linewidth=0,
            legend=False,
            ax=ax,
        )
        ax.set_xlabel(axis(across, units.get(across, "")))
        ax.set_ylabel(axis(up, units.get(up, "")))
        ax.set_title(f"rank correlation {correlation:+.2f}".replace("-", "\u2212"))
        ax.grid(visible=True)
        ax.locator_params(nbins=5)
    if len(groups) > 1:
        legend(figure, groups.names, groups.colours, groups.title)
    return figure
