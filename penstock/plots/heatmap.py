"""The heat map of a correlation matrix."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from penstock.plots.sheet import DIVERGING, INK, sheet
from penstock.plots.words import word

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# Beyond this the names of columns are too small to read, and the numbers in the fields long before.
MOST_COLUMNS = 30
MOST_NUMBERS = 14


def heatmap(matrix: npt.NDArray[np.float64], names: Sequence[str], told: str = "rank correlation") -> Figure:
    """Draw a matrix of associations, blue where columns go against each other and red where they go together.

    Parameters
    ----------
    matrix : ndarray of float64, shape (n_columns, n_columns)
        From -1 to 1, in the order in which they are drawn; the two halves may hold two measures.
    names : sequence of str
        One a column.
    told : str
        What stands beside the scale.
    """
    n = len(names)
    side = min(3.6 + 0.2 * n, 8.4)
    figure, (ax,) = sheet(1, across=1, width=side + 1.2, height=side)
    edges = np.arange(n + 1) - 0.5
    image = ax.pcolormesh(edges, edges, matrix, cmap=DIVERGING, vmin=-1.0, vmax=1.0, edgecolors="white", linewidth=0.8)
    ax.set_ylim(n - 0.5, -0.5)
    ax.set_aspect("equal")
    labels = [word(name, 22) for name in names]
    ax.set_xticks(range(n), labels, rotation=60, ha="right", rotation_mode="anchor")
    ax.set_yticks(range(n), labels)
    ax.tick_params(length=0, labelsize=8.0 if n <= 20 else 7.0)
    ax.spines[:].set_visible(False)
    if n <= MOST_NUMBERS:
        for (row, column), value in np.ndenumerate(matrix):
            ink = "white" if abs(value) > 0.6 else INK
            # The figure beside a minus of rounding would say that nothing goes against nothing.
            text = f"{value if abs(value) >= 0.005 else 0.0:.2f}"
            ax.text(column, row, text, ha="center", va="center", fontsize=7.5, color=ink)
    bar = figure.colorbar(image, ax=ax, shrink=0.6, aspect=24, label=told)
    bar.outline.set_visible(False)
    return figure
