"""A forecast along its horizon: errors by how far ahead, and single origins."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from penstock.plots.sheet import BLUE, GREY, INK, ORANGE, sheet
from penstock.plots.words import axis, word
from penstock.receipts import Interval

if TYPE_CHECKING:
    from matplotlib.figure import Figure


class Origin(NamedTuple):
    """What was forecast from one moment: by step ahead what came true, what was said, and the ends of intervals."""

    title: str
    steps: Sequence[int]
    true: Sequence[float]
    predicted: Sequence[float]
    naive: Sequence[float] = ()
    low: Sequence[float] = ()
    high: Sequence[float] = ()


def horizon_errors(steps: Sequence[str], own: Sequence[Interval], naive: Sequence[Interval], metric: str) -> Figure:
    """Draw the error by how far ahead a row lies, of the model beside the seasonal naive forecast.

    Parameters
    ----------
    steps : sequence of str
        How far ahead, such as `3-5`.
    own, naive : sequence of Interval
        Of the model and of the seasonal naive forecast, one for each of `steps`.
    metric : str
        What the errors are.
    """
    figure, (ax,) = sheet(1, across=1, width=6.4, height=3.2)
    for spans, colour, label, shift in ((naive, GREY, "seasonal naive", 0.1), (own, BLUE, "model", -0.1)):
        places = [place + shift for place in range(len(steps))]
        for place, span in zip(places, spans, strict=True):
            ax.plot([place, place], [span.low, span.high], color=colour, linewidth=3, solid_capstyle="round", alpha=0.7)
        ax.plot(
            places, [s.value for s in spans], "o-", color=colour, markersize=6, markeredgecolor="white", label=label
        )
    ax.set_xticks(range(len(steps)), [word(step, 12) for step in steps])
    ax.set_xlim(-0.5, len(steps) - 0.5)
    ax.set_ylim(bottom=0.0)
    ax.set_xlabel("steps ahead")
    ax.set_ylabel(word(metric))
    ax.grid(axis="y")
    ax.legend(loc="best")
    return figure


def forecast_examples(origins: Sequence[Origin], name: str, unit: str = "") -> Figure:
    """Draw one panel an origin: truth, forecast and, where there is one, its band.

    Parameters
    ----------
    origins : sequence of Origin
        At least one.
    name, unit : str
        The target's.
    """
    from matplotlib.ticker import MaxNLocator

    figure, axes = sheet(len(origins), across=2, width=10.0, height=2.4)
    for place, (ax, origin) in enumerate(zip(axes, origins, strict=True)):
        mark = "o" if len(origin.steps) < 3 else ""
        if origin.low and origin.high:
            ax.fill_between(origin.steps, origin.low, origin.high, color=BLUE, alpha=0.16, linewidth=0, label="band")
        if origin.naive:
            ax.plot(
                origin.steps,
                origin.naive,
                marker=mark,
                color=GREY,
                linewidth=1.1,
                linestyle="--",
                label="seasonal naive",
            )
        ax.plot(origin.steps, origin.true, marker=mark, color=INK, linewidth=1.3, label="true")
        ax.plot(origin.steps, origin.predicted, marker=mark, color=ORANGE, linewidth=1.6, label="forecast")
        ax.set_title(word(origin.title, 44))
        ax.xaxis.set_major_locator(MaxNLocator(6, integer=True))
        ax.set_xlabel("steps ahead")
        ax.grid(visible=True)
        if place % 2 == 0:
            ax.set_ylabel(axis(name, unit))
    handles, labels = axes[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper left", ncols=len(labels))
    return figure
