"""Before and after: the columns that cleaning changed most."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from penstock.plots.boxes import draw_boxes
from penstock.plots.relations import changed
from penstock.plots.sheet import BLUE, GREY, MUTED, sheet
from penstock.plots.words import axis, word

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MOST_LEVELS = 8


def before_after(before: pd.DataFrame, after: pd.DataFrame, names: Sequence[str], units: Mapping[str, str]) -> Figure:
    """Draw each column as it was read and as it was cleaned: boxes for numbers, bars for categories.

    Parameters
    ----------
    before, after : pandas.DataFrame, shape (n_rows, n_columns)
        The same rows in the same order, columns of float64 or text.
    names : sequence of str
        Columns of both frames, at least one.
    units : mapping of str to str
        Units of columns that have one.
    """
    figure, axes = sheet(len(names), across=3, height=2.3)
    for ax, name in zip(axes, names, strict=True):
        old, new = before[name], after[name]
        if pd.api.types.is_numeric_dtype(old) and pd.api.types.is_numeric_dtype(new):
            samples = [old.to_numpy(dtype=np.float64), new.to_numpy(dtype=np.float64)]
            draw_boxes(ax, samples, ["before", "after"], [GREY, BLUE], dot=6.0)
            ax.set_xlabel(axis(name, units.get(name, "")))
        else:
            _levels(ax, old.astype(object), new.astype(object))
            ax.set_xlabel(f"{word(name)}: rows")
        filled = int((old.isna() & new.notna()).sum())
        emptied = int((old.notna() & new.isna()).sum())
        other = int(changed(old, new).sum()) - filled - emptied
        told = [f"{n:,} {what}" for n, what in ((filled, "filled"), (other, "altered"), (emptied, "emptied")) if n]
        ax.set_title(", ".join(told) or "unchanged", color=MUTED, fontsize=8.5)
    return figure


def _levels(ax: Axes, old: pd.Series, new: pd.Series) -> None:
    counts_old, counts_new = old.value_counts(), new.value_counts()
    both = counts_old.add(counts_new, fill_value=0)
    order = np.argsort(-both.to_numpy(), kind="stable")
    # The levels that cleaning moved tell more than those it left alone.
    moved = np.abs(
        counts_new.reindex(both.index, fill_value=0).to_numpy()
        - counts_old.reindex(both.index, fill_value=0).to_numpy()
    )
    order = order[np.argsort(-moved[order], kind="stable")][:MOST_LEVELS]
    levels = [both.index[i] for i in order]
    places = np.arange(len(levels))
    ax.barh(places - 0.19, [int(counts_old.get(level, 0)) for level in levels], height=0.36, color=GREY, label="before")
    ax.barh(places + 0.19, [int(counts_new.get(level, 0)) for level in levels], height=0.36, color=BLUE, label="after")
    ax.set_yticks(places, [word(level, 18) for level in levels])
    ax.invert_yaxis()
    ax.grid(axis="x")
    ax.legend(loc="best")
