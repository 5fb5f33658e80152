"""The target along a feature: shares of a class with intervals, or means of a number, by level or tenth."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from penstock.plots.groups import Groups
from penstock.plots.histogram import nothing
from penstock.plots.levels import label_bars
from penstock.plots.sheet import GREY, legend, sheet
from penstock.plots.words import axis, word

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

# The 97.5th percentile of the normal distribution.
Z = 1.959964


@dataclass(frozen=True)
class Rates:
    """The target in bins of one feature.

    Attributes
    ----------
    name, unit : str
        The feature's.
    labels : tuple of (str, bool)
        What each bin is and whether it is a level itself; empty where `at` says where they lie.
    at : ndarray of float64, shape (n_bins,)
        Where bins of numbers lie; empty for levels.
    values, low, high : ndarray of float64, shape (n_series, n_bins)
        The target and the ends of its 95 % interval, NaN where a bin is empty.
    n : ndarray of int64, shape (n_bins,)
        Rows of each bin.
    """

    name: str
    unit: str
    labels: tuple[tuple[str, bool], ...]
    at: Floats
    values: Floats
    low: Floats
    high: Floats
    n: Ints


def wilson(hits: Floats, n: Floats) -> tuple[Floats, Floats, Floats]:
    """Return shares and the ends of their 95 % intervals, NaN where there is no row.

    References
    ----------
    Wilson, E. B. (1927). Probable inference, the law of succession, and statistical inference. JASA 22, 209-212.

    Examples
    --------
    >>> [round(float(end), 3) for end in wilson(np.array(0.0), np.array(10.0))]
    [0.0, 0.0, 0.278]
    """
    with np.errstate(invalid="ignore", divide="ignore"):
        share = hits / n
        middle = share + Z**2 / (2 * n)
        half = Z * np.sqrt(share * (1 - share) / n + Z**2 / (4 * n**2))
        whole = 1 + Z**2 / n
        return share, np.clip((middle - half) / whole, 0.0, 1.0), np.clip((middle + half) / whole, 0.0, 1.0)


def target_rates(rates: Sequence[Rates], what: str, overall: Sequence[float], groups: Groups) -> Figure:
    """Draw one panel a feature, the target against it with 95 % intervals, and the target of all rows dashed.

    Parameters
    ----------
    rates : sequence of Rates
        At least one.
    what : str
        What is drawn of the target.
    overall : sequence of float
        The target of all rows, one a series.
    groups : Groups
        Names and colours of the series.
    """
    figure, axes = sheet(len(rates), across=3, height=2.4)
    for ax, rate in zip(axes, rates, strict=True):
        if not np.isfinite(rate.values).any():
            nothing(ax)
        elif rate.labels:
            _levels(ax, rate, overall, groups.colours)
            ax.set_xlabel(word(what, 34))
            ax.set_title(axis(rate.name, rate.unit, 34))
        else:
            _along(ax, rate, overall, groups.colours)
            ax.set_ylabel(word(what, 26))
            ax.set_xlabel(axis(rate.name, rate.unit))
        ax.grid(visible=True)
    if len(groups) > 1:
        legend(figure, groups.names, groups.colours, groups.title)
    return figure


def _along(ax: Axes, rate: Rates, overall: Sequence[float], colours: Sequence[str]) -> None:
    for i, colour in enumerate(colours):
        there = np.isfinite(rate.values[i])
        ax.axhline(overall[i], color=GREY if len(colours) == 1 else colour, linestyle="--", linewidth=0.9, alpha=0.7)
        at, low, high = rate.at[there], rate.low[i][there], rate.high[i][there]
        ax.fill_between(at, low, high, color=colour, alpha=0.2, linewidth=0)
        ax.plot(at, rate.values[i][there], "o-", color=colour, markersize=3.5, linewidth=1.3)
    ax.locator_params(axis="x", nbins=4, integer=bool(np.all(rate.at == np.round(rate.at))))
    ax.locator_params(axis="y", nbins=4)


def _levels(ax: Axes, rate: Rates, overall: Sequence[float], colours: Sequence[str]) -> None:
    places = np.arange(len(rate.labels))
    for i, colour in enumerate(colours):
        ax.axvline(overall[i], color=GREY if len(colours) == 1 else colour, linestyle="--", linewidth=0.9, alpha=0.7)
        there = np.isfinite(rate.values[i])
        at = places[there] + (i - (len(colours) - 1) / 2) * 0.6 / len(colours)
        ax.hlines(at, rate.low[i][there], rate.high[i][there], color=colour, linewidth=1.6, alpha=0.6)
        ax.plot(rate.values[i][there], at, "o", color=colour, markersize=4.5 if len(colours) == 1 else 3.5)
    label_bars(ax, [(word(text, 20), is_level) for text, is_level in rate.labels])
    ax.locator_params(axis="x", nbins=4)
