"""The learning curve: the score by how many rows were learned from."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from penstock.plots.sheet import BLUE, MUTED, ORANGE, sheet
from penstock.plots.words import word

if TYPE_CHECKING:
    from matplotlib.figure import Figure


class Learned(NamedTuple):
    """One size: the score on held-out rows with its interval, and that on the rows learned from where it is known."""

    n: int
    value: float
    low: float
    high: float
    learned: float | None = None


def learning_curve(points: Sequence[Learned], metric: str) -> Figure:
    """Draw the score on held-out rows, with a band, and on learned rows along the number of training rows.

    Parameters
    ----------
    points : sequence of Learned
        From few rows to many, at least one.
    metric : str
        What the scores are.
    """
    figure, (ax,) = sheet(1, across=1, width=5.6, height=3.2)
    sizes = [point.n for point in points]
    ax.fill_between(sizes, [p.low for p in points], [p.high for p in points], color=BLUE, alpha=0.18, linewidth=0)
    ax.plot(sizes, [p.value for p in points], "o-", color=BLUE, markersize=5, label="held-out rows")
    seen = [(p.n, p.learned) for p in points if p.learned is not None]
    if seen:
        ax.plot(*zip(*seen, strict=True), "s--", color=ORANGE, markersize=4, linewidth=1.3, label="rows learned from")
    if sizes[-1] > 15 * sizes[0]:
        ax.set_xscale("log")
    ax.minorticks_off()
    ax.set_xticks(sizes, _spaced(sizes, log=sizes[-1] > 15 * sizes[0]))
    ax.set_xlabel("training rows")
    ax.set_ylabel(word(metric))
    ax.grid(visible=True)
    ax.tick_params(axis="x", length=3, color=MUTED)
    ax.legend(loc="best")
    return figure


def _spaced(sizes: Sequence[int], *, log: bool) -> list[str]:
    """Return a label for each size; none where it would touch its neighbour on the right."""
    reach = [size**0.1 if log else float(size) for size in sizes]
    least = 0.11 * (reach[-1] - reach[0])
    names, limit = [f"{sizes[-1]:,}"], reach[-1] - least
    for size, place in zip(sizes[-2::-1], reach[-2::-1], strict=True):
        names.append(f"{size:,}" if place <= limit else "")
        limit = place - least if place <= limit else limit
    return names[::-1]
