"""Histograms: how the values of columns are spread, by group."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from penstock.plots.groups import Groups
from penstock.plots.moments import date_ticks, days_of
from penstock.plots.sheet import INK, MUTED, legend, sheet
from penstock.plots.words import axis

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

BINS = 28
# Parts of a bin that a density is smoothed from.
FINE = 8
# More overlaid outlines than this cannot be followed by eye.
LAYERS = 3
# Beyond this, numbers that are a step of one apart cannot be told from each other on an axis.
WHOLE = 1e9
# Of fewer values a density shows chance.
FEWEST_SMOOTHED = 30


@dataclass(frozen=True)
class Spread:
    """How the values of one column are spread.

    Attributes
    ----------
    name, unit : str
        The column's.
    edges : ndarray of float64, shape (n_bins + 1,)
        Bin edges, of moments in days since 1970; empty where no value is known.
    counts : ndarray of int64, shape (n_groups, n_bins)
        Rows.
    density : ndarray of float64, shape (n_groups, n_points), or None
        Smoothed rows a bin, at even points from the first edge to the last; None of whole numbers, moments, few values.
    gathered : bool
        Whether the outer bins hold all that lies beyond them.
    moments : bool
        Whether they are dates and times.
    """

    name: str
    unit: str
    edges: Floats
    counts: Ints
    density: Floats | None = None
    gathered: bool = False
    moments: bool = False

    @classmethod
    def of(
        cls,
        name: str,
        values: npt.NDArray[Any],
        codes: Ints,
        n_groups: int,
        unit: str = "",
        edges: Floats | None = None,
    ) -> Spread:
        """Count values, of shape (n_rows,), by bin and group; what is not finite, or in no group, is not counted.

        Parameters
        ----------
        name, unit : str
            The column's.
        values : ndarray of float64 or datetime64, shape (n_rows,)
            Numbers, or moments.
        codes : ndarray of int64, shape (n_rows,)
            Each row's group, -1 for none.
        n_groups : int
            How many groups there are.
        edges : ndarray of float64, optional
            Even bins that were found before.
        """
        moments = values.dtype.kind == "M"
        numbers = days_of(values) if moments else np.asarray(values, dtype=np.float64)
        known = np.isfinite(numbers) & (codes >= 0)
        if not known.all():
            numbers, codes = numbers[known], codes[known]
        if not len(numbers):
            nothing = np.zeros((n_groups, 0), dtype=np.int64)
            return cls(name, unit, np.zeros(0), nothing, moments=moments)
        gathered = False
        if edges is None:
            edges, gathered = bins_of(numbers)
        else:
            gathered = bool(numbers.min() < edges[0] or numbers.max() > edges[-1])
        counts = _counted(numbers, codes, n_groups, edges[0], edges[-1], len(edges) - 1)
        smooth = not moments and len(edges) > BINS and len(numbers) >= FEWEST_SMOOTHED
        density = _density(numbers, codes, n_groups, edges) if smooth else None
        return cls(name, unit, edges, counts, density, gathered, moments)


def bins_of(values: Floats) -> tuple[Floats, bool]:
    """Return bin edges for finite values, and whether tails must be gathered into the outer bins.

    A single far value would squeeze all others into one bar, so the edges end where 99 % of the values do, unless the
    whole range is at most half as wide again.
    """
    low, high = float(values.min()), float(values.max())
    if low == high:
        # A year alone is one bar among years.
        half = 1.5 if low == round(low) and abs(low) < WHOLE else abs(low) * 0.05
        return np.linspace(low - half, high + half, 4), False
    steps = high - low
    if steps <= 2 * BINS and bool(np.all(values == np.round(values))):
        there = np.bincount((values - low).astype(np.int64))
        if np.count_nonzero(there) <= BINS:
            return np.arange(low - 0.5, high + 1.0), False
    inner_low, inner_high = (float(q) for q in np.quantile(values, [0.005, 0.995]))
    if inner_low < inner_high and steps > 1.5 * (inner_high - inner_low):
        return np.linspace(inner_low, inner_high, BINS + 1), True
    return np.linspace(low, high, BINS + 1), False


def _counted(numbers: Floats, codes: Ints, n_groups: int, low: float, high: float, n_bins: int) -> Ints:
    with np.errstate(over="ignore"):
        place = np.floor((numbers - low) * (n_bins / (high - low)))
    bins = np.clip(place, 0, n_bins - 1).astype(np.int64)
    flat = np.bincount(codes * n_bins + bins, minlength=n_groups * n_bins)
    counts: Ints = flat.reshape(n_groups, n_bins).astype(np.int64)
    return counts


def _density(numbers: Floats, codes: Ints, n_groups: int, edges: Floats) -> Floats:
    """Return a Gaussian kernel density of each group, from finely binned values.

    References
    ----------
    Silverman, B. W. (1982). Kernel density estimation using the fast Fourier transform. Applied Statistics 31, 93-99.
    The bandwidth is his rule of thumb (Density Estimation, 1986, eq. 3.31).
    """
    n_points = FINE * (len(edges) - 1)
    inside = (numbers >= edges[0]) & (numbers <= edges[-1])
    fine = _counted(numbers[inside], codes[inside], n_groups, edges[0], edges[-1], n_points).astype(np.float64)
    places = np.arange(n_points)
    smooth = np.zeros_like(fine)
    for i, counts in enumerate(fine):
        if (n := counts.sum()) < FEWEST_SMOOTHED:
            continue
        below = np.cumsum(counts) / n
        first, third = np.searchsorted(below, [0.25, 0.75])
        mean = counts @ places / n
        scale = min(np.sqrt(counts @ (places - mean) ** 2 / n), max(third - first, 1) / 1.34)
        width = max(0.9 * scale * n**-0.2, 1.0)
        reach = min(int(np.ceil(4 * width)), n_points - 1)
        kernel = np.exp(-0.5 * (np.arange(-reach, reach + 1) / width) ** 2)
        # What would leak over an edge is turned back.
        padded = np.concatenate([counts[:reach][::-1], counts, counts[-reach:][::-1]])
        smooth[i] = np.convolve(padded, kernel / kernel.sum(), mode="valid")
    return FINE * smooth


def histograms(spreads: Sequence[Spread], groups: Groups) -> Figure:
    """Draw one histogram a column, with a smoothed density where there is one.

    Parameters
    ----------
    spreads : sequence of Spread
        The columns to draw, at least one.
    groups : Groups
        The colours; two or three groups lie over each other, each as shares of its own rows, more are stacked.
    """
    many = len(spreads) > 12
    figure, axes = sheet(len(spreads), across=5 if many else 4, height=1.9 if many else 2.3)
    shares = 1 < len(groups) <= LAYERS
    for ax, spread in zip(axes, spreads, strict=True):
        draw_spread(ax, spread, groups.colours, shares=shares)
        ax.set_xlabel(axis(spread.name, spread.unit, 22 if many else 28))
        if spread.counts.shape[1]:
            what = ("% of group" if shares else "rows") if _is_leftmost(ax) else ""
            ax.set_ylabel(what)
    if len(groups) > 1:
        legend(figure, groups.names, groups.colours, groups.title)
    return figure


def draw_spread(ax: Axes, spread: Spread, colours: Sequence[str], *, shares: bool) -> None:
    """Draw one histogram on given axes, its groups as shares of their rows or stacked."""
    if not spread.counts.sum():
        nothing(ax)
        return
    edges, points = spread.edges, _points(spread)
    if shares:
        sizes = np.maximum(spread.counts.sum(axis=1), 1)
        for i, colour in enumerate(colours):
            per = 100.0 / sizes[i]
            ax.stairs(per * spread.counts[i], edges, color=colour, fill=True, alpha=0.25)
            if spread.density is None:
                ax.stairs(per * spread.counts[i], edges, color=colour, linewidth=1.2)
            else:
                ax.plot(points, per * spread.density[i], color=colour, linewidth=1.5)
    else:
        base = np.zeros(spread.counts.shape[1])
        for counts, colour in zip(spread.counts, colours, strict=True):
            ax.stairs(
                base + counts, edges, baseline=base, color=colour, fill=True, alpha=0.9 if len(colours) > 1 else 0.55
            )
            base = base + counts
        if spread.density is not None:
            ax.plot(points, spread.density.sum(axis=0), color=INK, linewidth=1.2)
    _ticks(ax, spread)
    ax.set_ylim(bottom=0)
    ax.grid(axis="y")


def _points(spread: Spread) -> Floats:
    n = 0 if spread.density is None else spread.density.shape[1]
    half = (spread.edges[-1] - spread.edges[0]) / max(2 * n, 1)
    return np.linspace(spread.edges[0] + half, spread.edges[-1] - half, n)


def _ticks(ax: Axes, spread: Spread) -> None:
    edges = spread.edges
    if spread.moments:
        date_ticks(ax, edges[0], edges[-1])
    elif edges[1] - edges[0] == 1.0 and len(edges) <= 8:
        ax.set_xticks(np.round(edges[:-1] + 0.5))
    else:
        ax.locator_params(axis="x", nbins=4, integer=edges[1] - edges[0] == 1.0)
    ax.locator_params(axis="y", nbins=4)
    if spread.gathered:
        ax.set_title("tails in the outer bars", color=MUTED, fontsize=7.5, loc="right")


def nothing(ax: Axes, told: str = "no values") -> None:
    """Say on given axes that there is nothing to draw."""
    ax.text(0.5, 0.5, told, transform=ax.transAxes, ha="center", va="center", color=MUTED)
    ax.set_xticks([])
    ax.set_yticks([])


def _is_leftmost(ax: Axes) -> bool:
    place = ax.get_subplotspec()
    return place is not None and place.is_first_col()
