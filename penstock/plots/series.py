"""The target along time: its course with gaps, and how it goes with its own past."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from penstock.plots.groups import Groups
from penstock.plots.moments import date_ticks
from penstock.plots.sheet import BLUE, GREY, MUTED, ORANGE, legend, sheet
from penstock.plots.words import axis, word

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Course:
    """The target along time, in even bins.

    Attributes
    ----------
    edges : ndarray of float64, shape (n_bins + 1,)
        Days since the start of 1970.
    counts : ndarray of int64, shape (n_bins,)
        Rows.
    values : ndarray of float64, shape (n_series, n_bins)
        The target, NaN where a bin has no row.
    gaps : tuple of (float, float)
        Ends of the spans without a row.
    """

    edges: Floats
    counts: npt.NDArray[np.int64]
    values: Floats
    gaps: tuple[tuple[float, float], ...]


def course(course: Course, what: str, time: str, groups: Groups) -> Figure:
    """Draw the target along time above the rows along time, spans without a row shaded.

    Parameters
    ----------
    course : Course
        What is drawn.
    what, time : str
        What is drawn of the target, and the column of the time.
    groups : Groups
        Names and colours of the series.
    """
    figure, (above, below) = sheet(2, across=1, height=1.9)
    middles = (course.edges[:-1] + course.edges[1:]) / 2
    for values, colour in zip(course.values, groups.colours, strict=True):
        # A line over a gap would tell what nobody knows, and a bin between two gaps has no line.
        lone = np.isfinite(values) & ~np.isfinite(np.r_[np.nan, values[:-1]]) & ~np.isfinite(np.r_[values[1:], np.nan])
        above.plot(middles, values, color=colour, linewidth=1.1)
        above.plot(middles[lone], values[lone], ".", color=colour, markersize=4)
    below.stairs(course.counts, course.edges, fill=True, color=BLUE, alpha=0.6)
    for ax in (above, below):
        for start, end in course.gaps:
            ax.axvspan(start, end, color=ORANGE, alpha=0.18, linewidth=0)
        ax.set_xlim(course.edges[0], course.edges[-1])
        ax.grid(axis="y")
        date_ticks(ax, course.edges[0], course.edges[-1], most=6)
    above.tick_params(labelbottom=False)
    above.set_ylabel(word(what, 26))
    below.set_ylabel("rows")
    below.set_xlabel(axis(time))
    if len(groups) > 1:
        legend(figure, groups.names, groups.colours, groups.title)
    return figure


def autocorrelation(values: Floats, bound: float, step: str, name: str) -> Figure:
    """Draw how a series goes with itself some steps before.

    Parameters
    ----------
    values : ndarray of float64, shape (n_lags,)
        Autocorrelations from lag 1 on, at least one.
    bound : float
        Within plus and minus this 95 % of the values of noise lie.
    step : str
        How long a step is.
    name : str
        The series.
    """
    figure, (ax,) = sheet(1, across=1, height=2.6)
    lags = np.arange(1, len(values) + 1)
    strong = np.abs(values) > bound
    ax.axhspan(-bound, bound, color=GREY, alpha=0.35, linewidth=0)
    for where, colour in ((strong, BLUE), (~strong, MUTED)):
        ax.vlines(lags[where], 0, values[where], color=colour, linewidth=1.6)
        ax.plot(lags[where], values[where], "o", color=colour, markersize=3)
    ax.axhline(0.0, color=MUTED, linewidth=0.8)
    ax.set_xlim(0, len(values) + 1)
    ax.set_ylim(min(-0.25, float(values.min()) - 0.05), 1.02)
    ax.set_xlabel(f"steps of {step} back")
    ax.set_ylabel(f"correlation of {word(name, 20)}")
    ax.grid(axis="y")
    return figure
