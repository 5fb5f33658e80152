"""Box plots: medians, quartiles and far values of numeric columns, by group."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from penstock.plots.groups import Groups
from penstock.plots.sheet import INK, sheet
from penstock.plots.words import axis

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# The farthest values on each side that are drawn as points; more lie on top of each other.
MOST_FLIERS = 40


def box_plots(frame: pd.DataFrame, names: Sequence[str], groups: Groups, units: Mapping[str, str]) -> Figure:
    """Draw one panel a column, one box a group.

    Boxes end at the quartiles, whiskers at the last value within 1.5 interquartile ranges (Tukey's fences).

    Parameters
    ----------
    frame : pandas.DataFrame, shape (n_rows, n_columns)
        Columns of float64.
    names : sequence of str
        The columns to draw, at least one.
    groups : Groups
        Which rows make a box.
    units : mapping of str to str
        Units of columns that have one.
    """
    height = 0.9 + 0.24 * max(len(groups), 3)
    figure, axes = sheet(len(names), across=4, height=height)
    for ax, name in zip(axes, names, strict=True):
        values = frame[name].to_numpy(dtype=np.float64)
        draw_boxes(ax, groups.split(values), groups.names, groups.colours)
        ax.set_xlabel(axis(name, units.get(name, "")))
        place = ax.get_subplotspec()
        if place is not None and not place.is_first_col():
            ax.set_yticklabels([])
    return figure


def draw_boxes(
    ax: Axes,
    samples: Sequence[npt.NDArray[np.float64]],
    names: Sequence[str],
    colours: Sequence[str],
    dot: float = 3.0,
) -> None:
    """Draw lying boxes on given axes, the first on top; a sample without values leaves its line empty."""
    boxes = [(i, _box(sample[np.isfinite(sample)])) for i, sample in enumerate(samples) if np.isfinite(sample).any()]
    if boxes:
        drawn = ax.bxp(
            [box for _, box in boxes],
            positions=[i for i, _ in boxes],
            widths=0.62,
            orientation="horizontal",
            patch_artist=True,
            medianprops={"color": INK, "linewidth": 1.6},
            flierprops={"marker": ".", "markersize": dot, "markeredgewidth": 0, "alpha": 0.6, "markerfacecolor": INK},
            whiskerprops={"color": INK, "linewidth": 0.9},
            capprops={"color": INK, "linewidth": 0.9},
            boxprops={"linewidth": 0.9},
        )
        for patch, (i, _) in zip(drawn["boxes"], boxes, strict=True):
            patch.set_facecolor(colours[i])
            patch.set_alpha(0.75)
    ax.set_yticks(range(len(samples)), list(names))
    ax.set_ylim(len(samples) - 0.4, -0.6)
    ax.grid(axis="x")
    ax.locator_params(axis="x", nbins=5)


def _box(values: npt.NDArray[np.float64]) -> dict[str, Any]:
    first, median, third = (float(q) for q in np.quantile(values, [0.25, 0.5, 0.75]))
    reach = 1.5 * (third - first)
    inside = values[(values >= first - reach) & (values <= third + reach)]
    outside = np.sort(values[(values < first - reach) | (values > third + reach)])
    if len(outside) > 2 * MOST_FLIERS:
        outside = np.concatenate([outside[:MOST_FLIERS], outside[-MOST_FLIERS:]])
    low = min(float(inside.min()), first) if len(inside) else first
    high = max(float(inside.max()), third) if len(inside) else third
    return {"q1": first, "med": median, "q3": third, "whislo": low, "whishi": high, "fliers": outside}
