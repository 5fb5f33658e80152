"""Held-out predictions of a number: predicted against true, and the errors."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from penstock.plots.sheet import BLUE, GREY, INK, ORANGE, sheet
from penstock.plots.words import axis, word

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MOST_POINTS = 1500


def predicted_against_true(
    predicted: Sequence[float],
    true: Sequence[float],
    name: str,
    unit: str = "",
    means: tuple[Sequence[float], Sequence[float]] = ((), ()),
) -> Figure:
    """Draw held-out rows as points, and the mean true value along the prediction as a line.

    Parameters
    ----------
    predicted, true : sequence of float
        One a row, possibly none; of more than 1,500 an even part is drawn.
    name, unit : str
        The target's.
    means : tuple of two sequences of float
        Mean prediction and mean true value of bins of rows.
    """
    figure, (ax,) = sheet(1, across=1, width=4.6, height=3.9)
    seen = np.concatenate([np.asarray(part, dtype=np.float64) for part in (predicted, true, *means)])
    if len(seen):
        ends = (float(seen.min()), float(seen.max()))
        ax.plot(ends, ends, color=GREY, linestyle=":", linewidth=1.2, label="perfect")
    rows = _spread(len(predicted))
    if len(rows):
        ax.plot(np.asarray(predicted)[rows], np.asarray(true)[rows], ".", color=BLUE, markersize=4, alpha=0.45, mew=0)
    if len(means[0]):
        ax.plot(means[0], means[1], "o-", color=ORANGE, markersize=4, label="mean of a tenth")
    ax.set_xlabel(f"predicted {axis(name, unit)}")
    ax.set_ylabel(f"true {axis(name, unit)}")
    ax.grid(visible=True)
    if len(seen):
        ax.legend(loc="upper left")
    return figure


def residuals(predicted: Sequence[float], true: Sequence[float], name: str, unit: str = "") -> Figure:
    """Draw the error (predicted minus true) of held-out rows along the prediction.

    Parameters
    ----------
    predicted, true : sequence of float
        One a row; of more than 1,500 an even part is drawn.
    name, unit : str
        The target's.
    """
    figure, (ax,) = sheet(1, across=1, width=4.6, height=3.9)
    rows = _spread(len(predicted))
    across = np.asarray(predicted, dtype=np.float64)[rows]
    error = across - np.asarray(true, dtype=np.float64)[rows]
    ax.axhline(0.0, color=GREY, linestyle=":", linewidth=1.2)
    ax.plot(across, error, ".", color=BLUE, markersize=4, alpha=0.45, mew=0)
    ax.set_xlabel(f"predicted {axis(name, unit)}")
    ax.set_ylabel(f"error [{word(unit, 10)}]" if unit else "error (predicted \u2212 true)")
    ax.grid(visible=True)
    return figure


def error_spread(quantiles: Sequence[float], name: str, unit: str = "") -> Figure:
    """Draw the spread of the errors (predicted minus true) as one box.

    Parameters
    ----------
    quantiles : sequence of float
        Minimum, 5 %, 25 %, 50 %, 75 %, 95 % and maximum.
    name, unit : str
        The target's.
    """
    least, low, first, median, third, high, most = quantiles
    figure, (ax,) = sheet(1, across=1, width=4.6, height=1.3)
    box = {"q1": first, "med": median, "q3": third, "whislo": low, "whishi": high, "fliers": [least, most]}
    drawn = ax.bxp(
        [box],
        widths=0.5,
        orientation="horizontal",
        patch_artist=True,
        medianprops={"color": INK, "linewidth": 1.6},
        flierprops={"marker": "|", "markeredgecolor": ORANGE, "markersize": 9},
    )
    drawn["boxes"][0].set_facecolor(BLUE)
    drawn["boxes"][0].set_alpha(0.75)
    ax.axvline(0.0, color=GREY, linestyle=":", linewidth=1.2)
    ax.set_yticks([])
    ax.set_xlabel(f"error of {axis(name, unit)}")
    ax.grid(axis="x")
    return figure


def _spread(n: int) -> np.ndarray:
    return np.unique(np.linspace(0, max(n - 1, 0), min(n, MOST_POINTS)).astype(np.int64))
