"""Pairs of columns: points where there are few, cells of rows where there are many."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pandas as pd

from penstock.plots.groups import Groups
from penstock.plots.histogram import LAYERS, Spread, draw_spread
from penstock.plots.sheet import MUTED, SEQUENTIAL, legend, sheet
from penstock.plots.words import axis, word

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Floats = npt.NDArray[np.float64]

# More points would hide each other and make the picture heavy.
MOST_POINTS = 1500
# Hexagons across a panel.
ACROSS = 30
DOWN = 17
# The corners of a hexagon that stands on one of them, in halves of its width and quarters of its height.
CORNERS = np.array([(1.0, -1.0), (1.0, 1.0), (0.0, 2.0), (-1.0, 1.0), (-1.0, -1.0), (0.0, -2.0)])


@dataclass(frozen=True)
class Hexes:
    """How many rows lie in each hexagon of a plane.

    Attributes
    ----------
    across, up : str
        The columns.
    x, y : ndarray of float64, shape (n_cells,)
        Centres of the hexagons that hold a row.
    counts : ndarray of int64, shape (n_cells,)
        Rows.
    extent : tuple of float
        Left, right, lower and upper end.
    correlation : float
        Of the two columns' ranks.
    """

    across: str
    up: str
    x: Floats
    y: Floats
    counts: npt.NDArray[np.int64]
    extent: tuple[float, float, float, float]
    correlation: float

    @classmethod
    def of(cls, across: str, up: str, x: Floats, y: Floats, correlation: float) -> Hexes | None:
        """Count rows; what lies beyond the middle 99 % of either column is counted at its edge.

        Of the two lattices of centres the nearer one takes a row, as in Carr et al. (1987), JASA 82, 424-436.
        """
        known = np.isfinite(x) & np.isfinite(y)
        x, y = x[known], y[known]
        if not len(x):
            return None
        (left, right), (low, high) = _ends(x), _ends(y)
        with np.errstate(over="ignore"):
            sx = np.clip((x - left) / (right - left), 0, 1) * ACROSS
            sy = np.clip((y - low) / (high - low), 0, 1) * DOWN
        near_x, near_y = np.round(sx), np.round(sy)
        other_x, other_y = np.floor(sx) + 0.5, np.floor(sy) + 0.5
        first = (sx - near_x) ** 2 + 3 * (sy - near_y) ** 2 < (sx - other_x) ** 2 + 3 * (sy - other_y) ** 2
        column = np.where(first, 2 * near_x, 2 * other_x).astype(np.int64)
        row = np.where(first, 2 * near_y, 2 * other_y).astype(np.int64)
        width = 2 * DOWN + 2
        counts = np.bincount(column * width + row)
        cells = np.flatnonzero(counts)
        return cls(
            across,
            up,
            left + (cells // width) / 2 / ACROSS * (right - left),
            low + (cells % width) / 2 / DOWN * (high - low),
            counts[cells].astype(np.int64),
            (left, right, low, high),
            correlation,
        )


def _ends(values: Floats) -> tuple[float, float]:
    low, high = (float(q) for q in np.quantile(values, [0.005, 0.995]))
    if not low < high:
        low, high = float(values.min()), float(values.max())
    half = 0.0 if low < high else abs(low) * 0.05 or 0.5
    return low - half, high + half


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
    kept = even_part(len(frame), MOST_POINTS)
    figure, axes = sheet(len(pairs), across=3, height=2.8)
    for ax, (across, up, correlation) in zip(axes, pairs, strict=True):
        points(ax, frame[across].to_numpy()[kept], frame[up].to_numpy()[kept], groups, groups.codes[kept])
        _label(ax, across, up, correlation, units)
    if len(groups) > 1:
        legend(figure, groups.names, groups.colours, groups.title)
    return figure


def hexagons(pairs: Sequence[Hexes], units: Mapping[str, str]) -> Figure:
    """Draw one panel a pair of columns, each hexagon coloured by how many rows it holds, on a logarithmic scale.

    Parameters
    ----------
    pairs : sequence of Hexes
        At least one.
    units : mapping of str to str
        Units of columns that have one.
    """
    from matplotlib.collections import PolyCollection
    from matplotlib.colors import LogNorm
    from matplotlib.transforms import AffineDeltaTransform

    figure, axes = sheet(len(pairs), across=3, height=2.8)
    scale = LogNorm(1, max(2, *(int(pair.counts.max()) for pair in pairs)))
    for ax, pair in zip(axes, pairs, strict=True):
        left, right, low, high = pair.extent
        # Half a step to the side, a third of one up and down: neighbours of both lattices touch.
        size = np.array([(right - left) / ACROSS / 2, (high - low) / DOWN / 6])
        cells = PolyCollection(
            [CORNERS * size],
            offsets=np.column_stack([pair.x, pair.y]),
            # matplotlib's hexbin does the same; linear axes are affine as a whole, whatever their type says.
            offset_transform=AffineDeltaTransform(ax.transData),  # type: ignore[arg-type]
            array=pair.counts,
            cmap=SEQUENTIAL,
            norm=scale,
            linewidths=0.1,
            edgecolors="face",
        )
        ax.add_collection(cells, autolim=False)
        ax.set_xlim(left - 2 * size[0], right + 2 * size[0])
        ax.set_ylim(low - 4 * size[1], high + 4 * size[1])
        ax.locator_params(nbins=4)
        _label(ax, pair.across, pair.up, pair.correlation, units)
    bar = figure.colorbar(cells, ax=axes, shrink=0.6, aspect=30, label="rows")
    bar.outline.set_visible(False)
    return figure


def even_part(n_rows: int, most: int) -> npt.NDArray[np.int64]:
    """Return positions of at most so many rows, evenly spread."""
    part: npt.NDArray[np.int64] = np.unique(np.linspace(0, max(n_rows - 1, 0), min(n_rows, most)).astype(np.int64))
    return part


def points(ax: Axes, x: Floats, y: Floats, groups: Groups, codes: npt.NDArray[np.int64]) -> None:
    """Draw rows as points in the colour of their group; rows of no group are left out."""
    size = 14 if len(x) < 400 else 8
    shown = codes >= 0
    colours = np.array([*groups.colours, ""])[codes[shown]]
    ax.scatter(x[shown], y[shown], c=colours.tolist(), s=size, alpha=0.6, linewidths=0)
    ax.grid(visible=True)
    ax.locator_params(nbins=5)


def _label(ax: Axes, across: str, up: str, correlation: float, units: Mapping[str, str]) -> None:
    ax.set_xlabel(axis(across, units.get(across, "")))
    ax.set_ylabel(axis(up, units.get(up, "")))
    ax.set_title(word(f"rank correlation {correlation:+.2f}".replace("-", "\u2212"), 40))


def pair_plot(frame: pd.DataFrame, matrix: Floats, groups: Groups, units: Mapping[str, str]) -> Figure:
    """Draw every pair of a few columns: points with their rank correlation, and spreads along the diagonal.

    Parameters
    ----------
    frame : pandas.DataFrame, shape (n_rows, n_columns)
        Columns of float64, two at least; of more than 1,500 rows an even part is drawn.
    matrix : ndarray of float64, shape (n_columns, n_columns)
        Their rank correlations.
    groups : Groups
        The colours of the rows.
    units : mapping of str to str
        Units of columns that have one.
    """
    names = [str(name) for name in frame.columns]
    n = len(names)
    kept = even_part(len(frame), MOST_POINTS)
    figure, axes = sheet(n * n, across=n, height=7.6 / n)
    for place, ax in enumerate(axes):
        row, column = divmod(place, n)
        if row < column:
            ax.remove()
            continue
        x, y = frame[names[column]].to_numpy(dtype=np.float64), frame[names[row]].to_numpy(dtype=np.float64)
        if row == column:
            spread = Spread.of(names[row], y, groups.codes, len(groups))
            draw_spread(ax, spread, groups.colours, shares=1 < len(groups) <= LAYERS)
            ax.set_title("", loc="right")
            ax.set_yticks([])
        else:
            points(ax, x[kept], y[kept], groups, groups.codes[kept])
            strength = f"{float(matrix[row, column]):+.2f}".replace("-", "\u2212")
            ax.set_title(strength, fontsize=8.0, color=MUTED, loc="right")
        ax.tick_params(labelbottom=row == n - 1, labelleft=column == 0)
        if row == n - 1:
            ax.set_xlabel(axis(names[column], units.get(names[column], ""), 24))
        if column == 0:
            ax.set_ylabel(axis(names[row], units.get(names[row], ""), 24))
    if len(groups) > 1:
        legend(figure, groups.names, groups.colours, groups.title)
    return figure
