"""Curves of a classifier's held-out predictions: ROC, precision and recall, calibration."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from penstock.plots.sheet import GREY, MUTED, hues, sheet
from penstock.plots.words import word

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


class Line(NamedTuple):
    """Points of one label's curve, `x` and `y` from 0 to 1."""

    label: str
    x: Sequence[float]
    y: Sequence[float]


def roc(lines: Sequence[Line]) -> Figure:
    """Draw false positive rate against true positive rate, one line a label; chance is the dotted diagonal."""
    figure, (ax,) = sheet(1, across=1, width=4.6, height=3.9)
    ax.plot([0, 1], [0, 1], color=GREY, linestyle=":", linewidth=1.2)
    _draw(ax, lines, "false positive rate", "true positive rate", steps="steps-post")
    return figure


def precision_recall(lines: Sequence[Line], shares: Sequence[float] = ()) -> Figure:
    """Draw recall against precision, one line a label; a label's share of all rows is a dotted line."""
    figure, (ax,) = sheet(1, across=1, width=4.6, height=3.9)
    for share, colour in zip(shares, hues(len(lines)), strict=False):
        ax.axhline(share, color=colour, linestyle=":", linewidth=1.2)
    _draw(ax, lines, "recall", "precision")
    return figure


def calibration(lines: Sequence[Line], spreads: Sequence[Sequence[int]] = ()) -> Figure:
    """Draw mean predicted probability against observed share; a calibrated model lies on the dotted diagonal.

    Parameters
    ----------
    lines : sequence of Line
        One a label.
    spreads : sequence of sequence of int, optional
        By label how many rows have a probability in each of as many equal bins from 0 to 1; drawn below.
    """
    figure, axes = sheet(2 if spreads else 1, across=1, width=4.6, height=2.35 if spreads else 3.9)
    curve = axes[0]
    curve.plot([0, 1], [0, 1], color=GREY, linestyle=":", linewidth=1.2)
    _draw(curve, lines, "mean predicted probability", "observed share", marker="o")
    if spreads:
        # Square it would stand narrower than the histogram, and bins would not lie below their points.
        curve.set_aspect("auto")
        curve.set_xlabel("")
        grid = curve.get_gridspec()
        assert grid is not None
        grid.set_height_ratios([3.6, 1.0])
        _histograms(axes[1], spreads)
    return figure


def _histograms(ax: Axes, spreads: Sequence[Sequence[int]]) -> None:
    for counts, colour in zip(spreads, hues(len(spreads)), strict=True):
        edges = [i / len(counts) for i in range(len(counts) + 1)]
        ax.stairs(counts, edges, color=colour, fill=len(spreads) == 1, alpha=0.8, linewidth=1.3)
    ax.set_xlim(-0.02, 1.02)
    ax.set_xlabel("predicted probability")
    ax.set_ylabel("rows")
    ax.locator_params(axis="y", nbins=3)
    ax.grid(axis="y")


def _draw(ax: Axes, lines: Sequence[Line], across: str, up: str, *, steps: str = "default", marker: str = "") -> None:
    for line, colour in zip(lines, hues(len(lines)), strict=True):
        ax.plot(
            line.x,
            line.y,
            color=colour,
            label=word(line.label, 20),
            drawstyle=steps,
            marker=marker or None,
            markersize=4,
        )
    ax.set_xlim(-0.02, 1.02)
    ax.set_ylim(-0.02, 1.02)
    ax.set_aspect("equal")
    ax.set_xlabel(across)
    ax.set_ylabel(up)
    ax.grid(visible=True)
    if lines:
        ax.legend(loc="best")
    else:
        ax.text(0.5, 0.5, "one class only", transform=ax.transAxes, ha="center", va="center", color=MUTED)
