"""Box plots: medians, quartiles and far values of numeric columns, by group."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from penstock.plots.groups import Groups
from penstock.plots.sheet import INK, MUTED, sheet
from penstock.plots.words import axis

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Floats = npt.NDArray[np.float64]

# The farthest values on each side that are drawn as points; more lie on top of each other.
MOST_FLIERS = 40


@dataclass(frozen=True)
class Box:
    """What a box shows: quartiles, whisker ends, Tukey's fences, and the farthest of `n_far` values beyond them.

    References
    ----------
    Tukey, J. W. (1977). Exploratory Data Analysis, section 2C: fences lie 1.5 interquartile ranges beyond quartiles.
    """

    first: float
    median: float
    third: float
    low: float
    high: float
    fences: tuple[float, float]
    far: tuple[float, ...]
    n_far: int
    n: int

    @classmethod
    def of(cls, values: Floats) -> Box | None:
        """Return the box of the finite values, of shape (n_rows,); None where there is none."""
        finite = np.isfinite(values)
        ordered = np.sort(values if finite.all() else values[finite])
        if not len(ordered):
            return None
        first, median, third = (_quantile(ordered, q) for q in (0.25, 0.5, 0.75))
        reach = 1.5 * (third - first)
        start, end = np.searchsorted(ordered, first - reach, "left"), np.searchsorted(ordered, third + reach, "right")
        far = np.concatenate([ordered[:start][:MOST_FLIERS], ordered[end:][-MOST_FLIERS:]])
        low, high = (float(ordered[start]), float(ordered[end - 1])) if start < end else (first, third)
        return cls(
            first,
            median,
            third,
            min(low, first),
            max(high, third),
            (first - reach, third + reach),
            tuple(far.tolist()),
            int(start + len(ordered) - end),
            len(ordered),
        )


@dataclass(frozen=True)
class Boxes:
    """The boxes of one column, one a group, None where a group has no value."""

    name: str
    unit: str
    boxes: tuple[Box | None, ...]

    @property
    def share_far(self) -> float:
        """The share of values beyond the fences of their group."""
        there = [box for box in self.boxes if box is not None]
        return sum(box.n_far for box in there) / max(sum(box.n for box in there), 1)


def _quantile(ordered: Floats, q: float) -> float:
    place = q * (len(ordered) - 1)
    below = int(place)
    above = min(below + 1, len(ordered) - 1)
    return float(ordered[below] + (place - below) * (ordered[above] - ordered[below]))


def box_plots(columns: Sequence[Boxes], groups: Groups) -> Figure:
    """Draw one panel a column, one box a group.

    Boxes end at the quartiles, whiskers at the last value within the fences, which are dotted.

    Parameters
    ----------
    columns : sequence of Boxes
        The columns to draw, at least one.
    groups : Groups
        Names and colours of the boxes.
    """
    height = 1.0 + 0.24 * max(len(groups), 3)
    figure, axes = sheet(len(columns), across=4, height=height)
    for ax, column in zip(axes, columns, strict=True):
        draw_summaries(ax, column.boxes, groups.names, groups.colours)
        ax.set_xlabel(axis(column.name, column.unit))
        ax.set_title(f"{100 * column.share_far:.1f} % beyond fences", color=MUTED, fontsize=7.5, loc="right")
        place = ax.get_subplotspec()
        if len(groups) == 1 or (place is not None and not place.is_first_col()):
            ax.set_yticklabels([])
    return figure


def draw_boxes(
    ax: Axes, samples: Sequence[Floats], names: Sequence[str], colours: Sequence[str], dot: float = 3.0
) -> None:
    """Draw lying boxes on given axes, the first on top; a sample without values leaves its line empty."""
    draw_summaries(ax, [Box.of(np.asarray(sample, dtype=np.float64)) for sample in samples], names, colours, dot)


def draw_summaries(
    ax: Axes, boxes: Sequence[Box | None], names: Sequence[str], colours: Sequence[str], dot: float = 3.0
) -> None:
    """Draw boxes that are known on given axes, the first on top, with their fences."""
    there = [(i, box) for i, box in enumerate(boxes) if box is not None]
    if there:
        drawn = ax.bxp(
            [
                {
                    "q1": box.first,
                    "med": box.median,
                    "q3": box.third,
                    "whislo": box.low,
                    "whishi": box.high,
                    "fliers": np.array(box.far),
                }
                for _, box in there
            ],
            positions=[i for i, _ in there],
            widths=0.62,
            orientation="horizontal",
            patch_artist=True,
            medianprops={"color": INK, "linewidth": 1.6},
            flierprops={"marker": ".", "markersize": dot, "markeredgewidth": 0, "alpha": 0.6, "markerfacecolor": INK},
            whiskerprops={"color": INK, "linewidth": 0.9},
            capprops={"color": INK, "linewidth": 0.9},
            boxprops={"linewidth": 0.9},
        )
        for patch, (i, _) in zip(drawn["boxes"], there, strict=True):
            patch.set_facecolor(colours[i])
            patch.set_alpha(0.75)
        _fences(ax, there)
    ax.set_yticks(range(len(boxes)), list(names))
    ax.set_ylim(len(boxes) - 0.4, -0.6)
    ax.grid(axis="x")
    ax.locator_params(axis="x", nbins=5)


def _fences(ax: Axes, boxes: Sequence[tuple[int, Box]]) -> None:
    # Only where something lies beyond: else they would stretch the axis for nothing.
    places = [(at, i) for i, box in boxes for at in _crossed(box)]
    if places:
        at, rows = np.array(places).T
        ax.vlines(at, rows - 0.42, rows + 0.42, colors=MUTED, linestyles=":", linewidth=1.0)


def _crossed(box: Box) -> list[float]:
    low, high = box.fences
    crossed = [low] if any(value < low for value in box.far) else []
    return [*crossed, high] if any(value > high for value in box.far) else crossed
