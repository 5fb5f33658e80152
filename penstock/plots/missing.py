"""Missing values: how many in each column, and which are missing together."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from penstock.plots.histogram import nothing
from penstock.plots.sheet import BLUE, sheet
from penstock.plots.words import word

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MOST_COLUMNS = 40
MOST_PATTERNS = 16


@dataclass(frozen=True)
class Absence:
    """What is missing in some rows.

    Attributes
    ----------
    names : tuple of str
        Columns, at least one, those with most missing first.
    missing : tuple of int
        Rows in which each is missing.
    n_rows : int
        All rows.
    patterns : ndarray of bool, shape (n_patterns, n_names)
        Which columns are missing together, the commonest pattern first.
    counts : tuple of int
        Rows with each pattern.
    more : int
        Rows with other patterns.
    """

    names: tuple[str, ...]
    missing: tuple[int, ...]
    n_rows: int
    patterns: npt.NDArray[np.bool_]
    counts: tuple[int, ...]
    more: int = 0


def missingness(absence: Absence) -> Figure:
    """Draw the share of missing values of each column beside the patterns in which they are missing together."""
    names = absence.names
    share = np.array(absence.missing, dtype=np.float64) / max(absence.n_rows, 1)
    figure, (bars, pattern) = sheet(
        2, across=2, height=max(1.8, 0.9 + (0.22 if len(names) <= 20 else 0.17) * len(names))
    )
    places = np.arange(len(names))
    bars.barh(places, 100 * share, color=BLUE, height=0.7)
    for place, value in zip(places, share, strict=True):
        told = f"{100 * value:.1f} %" if value >= 0.0005 or not value else "< 0.1 %"
        bars.annotate(told, (100 * value, place), (3, 0), textcoords="offset points", va="center", fontsize=7.5)
    bars.set_yticks(places, [word(name, 26) for name in names])
    bars.set_ylim(len(names) - 0.4, -0.6)
    bars.set_xlim(0, max(100 * float(share.max(initial=0.0)) * 1.18, 1.0))
    bars.set_xlabel("missing [% of rows]")
    bars.grid(axis="x")
    if not len(absence.counts):
        nothing(pattern, "nothing is missing")
        return figure
    across = np.arange(len(absence.counts))
    row, column = np.nonzero(np.ones_like(absence.patterns.T))
    filled = absence.patterns.T[row, column]
    size = min(60.0, 900.0 / max(len(names), 1) + 8)
    pattern.scatter(column[~filled], row[~filled], s=size, color="#e6e8ec", linewidths=0)
    pattern.scatter(column[filled], row[filled], s=size, color=BLUE, linewidths=0)
    for at, gone in zip(across, absence.patterns, strict=True):
        ends = np.flatnonzero(gone)
        pattern.plot([at, at], [ends[0], ends[-1]], color=BLUE, linewidth=1.2)
    pattern.set_xticks(across, [f"{n:,}" for n in absence.counts], rotation=60, ha="right", rotation_mode="anchor")
    pattern.set_yticks([])
    pattern.set_ylim(len(names) - 0.4, -0.6)
    pattern.set_xlim(-0.7, max(len(across), 6) - 0.3)
    rest = f"; {absence.more:,} rows with other patterns" if absence.more else ""
    pattern.set_xlabel(f"rows in which just these are missing{rest}")
    pattern.spines[:].set_visible(False)
    pattern.tick_params(length=0)
    return figure
