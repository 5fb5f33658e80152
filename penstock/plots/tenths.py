"""Errors of a number by tenths of the prediction."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from penstock.plots.sheet import BLUE, GREY, ORANGE, sheet
from penstock.plots.words import axis, number, word
from penstock.receipts import Interval

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def error_tenths(
    at: Sequence[float | None], bias: Sequence[Interval], absolute: Sequence[Interval], name: str, unit: str = ""
) -> Figure:
    """Draw the mean error and the mean absolute error of each tenth of the rows, with their intervals.

    Parameters
    ----------
    at : sequence of float or None
        The mean prediction of each tenth, rising; where one is None they are numbered.
    bias, absolute : sequence of Interval
        Of the error (predicted minus true) and its size, one a tenth.
    name, unit : str
        The target's.
    """
    figure, axes = sheet(2, across=2, width=9.0, height=3.0)
    places = range(1, len(at) + 1)
    shown = [number(value, 3) for value in at if value is not None]
    of_unit = f" [{word(unit, 10)}]" if unit else ""
    for ax, spans, colour, title in (
        (axes[0], bias, BLUE, "mean error (predicted \u2212 true)"),
        (axes[1], absolute, ORANGE, "mean size of the error"),
    ):
        for place, span in zip(places, spans, strict=True):
            ax.plot([place, place], [span.low, span.high], color=colour, linewidth=3, solid_capstyle="round", alpha=0.6)
        ax.plot(places, [span.value for span in spans], "o", color=colour, markersize=6, markeredgecolor="white")
        ax.set_title(f"{title}{of_unit}")
        if len(shown) == len(at):
            crowded = max((len(text) for text in shown), default=0) > 4
            ax.set_xticks(places, shown, rotation=45 if crowded else 0, ha="right" if crowded else "center")
            ax.set_xlabel(f"predicted {axis(name, unit)}, mean of each tenth")
        else:
            ax.set_xticks(places)
            ax.set_xlabel("tenth of the rows by prediction, lowest first")
        ax.grid(axis="y")
    axes[0].axhline(0.0, color=GREY, linestyle=":", linewidth=1.2)
    axes[1].set_ylim(bottom=0.0)
    return figure
