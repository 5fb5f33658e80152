"""The heat map of a correlation matrix."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from penstock.plots.sheet import DIVERGING, sheet
from penstock.plots.words import word

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# Beyond this the names of columns are too small to read, and the numbers in the fields long before.
MOST_COLUMNS = 30
MOST_NUMBERS = 14
SHOWN = 0.005


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
    import seaborn as sns

    n = len(names)
    side = min(3.6 + 0.2 * n, 8.4)
    figure, (ax,) = sheet(1, across=1, width=side + 1.2, height=side)
    labels = [word(name, 22) for name in names]
    # The figure beside a minus of rounding would say that nothing goes against nothing.
    shown = np.where(np.abs(matrix) < SHOWN, 0.0, matrix)
    sns.heatmap(
        matrix,
        ax=ax,
        vmin=-1.0,
        vmax=1.0,
        cmap=DIVERGING,
        square=True,
        linewidths=0.8,
        linecolor="white",
        annot=shown if n <= MOST_NUMBERS else None,
        fmt=".2f",
        annot_kws={"fontsize": 7.5},
        cbar_kws={"shrink": 0.6, "aspect": 24, "label": told},
        xticklabels=labels,
        yticklabels=labels,
    )
    ax.set_xticks(ax.get_xticks(), labels, rotation=60, ha="right", rotation_mode="anchor")
    ax.set_yticks(ax.get_yticks(), labels, rotation=0)
    ax.tick_params(length=0, labelsize=8.0 if n <= 20 else 7.0)
    return figure
