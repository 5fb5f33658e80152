"""Histograms: how the values of numeric columns are spread, by group."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

from penstock.plots.groups import Groups
from penstock.plots.sheet import MUTED, legend, sheet
from penstock.plots.words import axis

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

BINS = 28
US_PER_DAY = 86_400e6
# From how many days on ticks are years, months, days or minutes.
SPANS: tuple[tuple[float, Literal["Y", "M", "D", "m"]], ...] = ((3650.0, "Y"), (365.0, "M"), (5.0, "D"), (0.01, "m"))
# More overlaid outlines than this cannot be followed by eye.
LAYERS = 3


def histograms(frame: pd.DataFrame, names: Sequence[str], groups: Groups, units: Mapping[str, str]) -> Figure:
    """Draw one histogram a column.

    Parameters
    ----------
    frame : pandas.DataFrame, shape (n_rows, n_columns)
        Columns of float64 or datetime64.
    names : sequence of str
        The columns to draw, at least one.
    groups : Groups
        The colours of the rows; up to three groups lie over each other, more are stacked.
    units : mapping of str to str
        Units of columns that have one.
    """
    figure, axes = sheet(len(names), across=4)
    for ax, name in zip(axes, names, strict=True):
        column = frame[name]
        if pd.api.types.is_datetime64_any_dtype(column):
            _moments(ax, column, groups)
        else:
            _numbers(ax, column.to_numpy(dtype=np.float64), groups)
        ax.set_xlabel(axis(name, units.get(name, "")))
        ax.set_ylabel("rows" if _is_leftmost(ax) else "")
    if len(groups) > 1:
        legend(figure, groups.names, groups.colours, groups.title)
    return figure


def bins_of(values: npt.NDArray[np.float64]) -> tuple[npt.NDArray[np.float64], bool]:
    """Return bin edges for finite values, and whether tails must be gathered into the outer bins.

    A single far value would squeeze all others into one bar, so the edges end where 99 % of the values do, unless the
    whole range is at most half as wide again.
    """
    low, high = float(values.min()), float(values.max())
    if low == high:
        half = abs(low) * 0.05 or 0.5
        return np.linspace(low - half, high + half, 4), False
    distinct = np.unique(values)
    steps = high - low
    if len(distinct) <= BINS and steps <= 2 * BINS and bool(np.all(distinct == np.round(distinct))):
        return np.arange(low - 0.5, high + 1.0), False
    inner_low, inner_high = (float(q) for q in np.quantile(values, [0.005, 0.995]))
    if inner_low < inner_high and steps > 1.5 * (inner_high - inner_low):
        return np.linspace(inner_low, inner_high, BINS + 1), True
    return np.linspace(low, high, BINS + 1), False


def _numbers(ax: Axes, values: npt.NDArray[np.float64], groups: Groups) -> None:
    finite = np.isfinite(values)
    if not finite.any():
        _nothing(ax)
        return
    edges, gathered = bins_of(values[finite])
    _bars(ax, np.clip(values, edges[0], edges[-1]), edges, groups)
    if edges[1] - edges[0] == 1.0 and len(edges) <= 10:
        ax.set_xticks(np.round(edges[:-1] + 0.5))
    if gathered:
        ax.set_title("tails in the outer bars", color=MUTED, fontsize=7.5, loc="right")


def _moments(ax: Axes, column: pd.Series[Any], groups: Groups) -> None:
    moments = column.to_numpy(dtype="datetime64[us]")
    known = ~np.isnat(moments)
    if not known.any():
        _nothing(ax)
        return
    days = np.full(len(moments), np.nan)
    days[known] = moments[known].astype(np.int64) / US_PER_DAY
    edges, _ = bins_of(days[known])
    _bars(ax, np.clip(days, edges[0], edges[-1]), edges, groups)
    # Own ticks: matplotlib's locators of dates end at year 9999, and data do not.
    ticks = np.linspace(edges[0], edges[-1], 4)[[0, 1, 2]] + (edges[-1] - edges[0]) / 12
    unit: Literal["Y", "M", "D", "m", "s"] = next((unit for span, unit in SPANS if edges[-1] - edges[0] > span), "s")
    at = (ticks * US_PER_DAY).astype(np.int64).astype("datetime64[us]")
    ax.set_xticks(ticks, [str(text).replace("T", " ") for text in np.datetime_as_string(at, unit=unit)])


def _bars(ax: Axes, values: npt.NDArray[np.float64], edges: npt.NDArray[np.float64], groups: Groups) -> None:
    import seaborn as sns

    layered = len(groups) <= LAYERS
    shown = np.isfinite(values) & (groups.codes >= 0)
    if not shown.any():
        _nothing(ax)
        return
    sns.histplot(
        x=values[shown],
        hue=groups.codes[shown],
        hue_order=list(range(len(groups))),
        palette=list(groups.colours),
        bins=edges.tolist(),
        multiple="layer" if layered else "stack",
        element="step",
        alpha=0.35 if layered else 0.95,
        linewidth=1.1 if layered else 0.3,
        legend=False,
        ax=ax,
    )
    ax.grid(axis="y")


def _nothing(ax: Axes) -> None:
    ax.text(0.5, 0.5, "no values", transform=ax.transAxes, ha="center", va="center", color=MUTED)
    ax.set_xticks([])
    ax.set_yticks([])


def _is_leftmost(ax: Axes) -> bool:
    place = ax.get_subplotspec()
    return place is not None and place.is_first_col()
