"""Missing values: how many in each column, and which are missing together."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from penstock.plots.sheet import BLUE, MUTED, sheet
from penstock.plots.words import word

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MOST_COLUMNS = 20
MOST_ROWS = 300


def missingness(missing: npt.NDArray[np.bool_], names: Sequence[str]) -> Figure:
    """Draw the share of missing values of each column beside the rows in which they are missing.

    Parameters
    ----------
    missing : ndarray of bool, shape (n_rows, n_columns)
        Where a value is missing; columns in drawing order.
    names : sequence of str
        One a column, at least one.
    """
    from matplotlib.colors import ListedColormap

    share = missing.mean(axis=0) if len(missing) else np.zeros(len(names))
    figure, (bars, pattern) = sheet(2, across=2, height=max(1.4, 0.4 + 0.22 * len(names)))
    places = np.arange(len(names))
    bars.barh(places, 100 * share, color=BLUE, height=0.7)
    for place, value in zip(places, share, strict=True):
        bars.annotate(
            f"{100 * value:.1f} %", (100 * value, place), (3, 0), textcoords="offset points", va="center", fontsize=7.5
        )
    bars.set_yticks(places, [word(name, 26) for name in names])
    bars.set_ylim(len(names) - 0.4, -0.6)
    bars.set_xlim(0, max(100 * float(share.max(initial=0.0)) * 1.18, 1.0))
    bars.set_xlabel("missing [% of rows]")
    bars.grid(axis="x")
    rows = _rows(missing)
    pattern.imshow(
        rows.T, aspect="auto", cmap=ListedColormap(["#eef0f3", BLUE]), vmin=0, vmax=1, interpolation="nearest"
    )
    pattern.set_yticks([])
    pattern.set_xticks([])
    pattern.set_xlabel(f"{len(rows):,} rows with something missing, alike ones side by side" if len(rows) else "")
    pattern.spines[:].set_visible(False)
    if not len(rows):
        pattern.text(0.5, 0.5, "nothing is missing", transform=pattern.transAxes, ha="center", va="center", color=MUTED)
    return figure


def _rows(missing: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    rows = missing[missing.any(axis=1)]
    # Sorted by the commonest missing column, then the next: alike patterns become blocks.
    rows = rows[np.lexsort(tuple(~rows[:, i] for i in reversed(range(rows.shape[1]))))]
    if len(rows) > MOST_ROWS:
        rows = rows[np.linspace(0, len(rows) - 1, MOST_ROWS).astype(np.int64)]
    return rows
