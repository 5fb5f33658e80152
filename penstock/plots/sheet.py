"""The sheet that a figure is drawn on: its size, its panels, its style and its colours.

Figures are made without pyplot, so nothing stays behind in a register of open figures. The style starts from
matplotlib's own defaults, so that the settings of a user's home cannot change a figure's bytes.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from penstock.plots.words import FAMILY, installed_families

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

INK = "#222222"
MUTED = "#6b7280"
BLUE = "#0072b2"
ORANGE = "#d55e00"
GREY = "#b8bcc4"
# Wong's eight colours, which stay apart for every common kind of colour blindness (Nature Methods 8, 441, 2011).
PALETTE = (BLUE, "#e69f00", "#009e73", "#cc79a7", "#56b4e9", ORANGE, "#a3a500", INK)
SEQUENTIAL = "cividis"
DIVERGING = "RdBu_r"

# Figures are drawn by threads too (Prefect's), and matplotlib's settings are the whole process's.
_settings = threading.RLock()


@contextmanager
def styled() -> Iterator[None]:
    """Set the style while figures are drawn and written; other threads wait."""
    import matplotlib as mpl

    with _settings, mpl.rc_context():
        mpl.rcdefaults()
        mpl.rcParams.update(
            {
                "font.family": [FAMILY, *installed_families()],
                "font.size": 9.0,
                "axes.titlesize": 9.5,
                "axes.titlelocation": "left",
                "axes.labelsize": 8.5,
                "axes.edgecolor": "#9aa0a9",
                "axes.labelcolor": INK,
                "axes.spines.top": False,
                "axes.spines.right": False,
                "axes.axisbelow": True,
                "text.color": INK,
                "xtick.labelsize": 8.0,
                "ytick.labelsize": 8.0,
                "xtick.color": "#9aa0a9",
                "ytick.color": "#9aa0a9",
                "xtick.labelcolor": INK,
                "ytick.labelcolor": INK,
                "grid.color": "#e6e8ec",
                "grid.linewidth": 0.8,
                "legend.frameon": False,
                "legend.fontsize": 8.5,
                "lines.linewidth": 1.6,
                "figure.facecolor": "white",
            }
        )
        yield


def sheet(n_panels: int, across: int, width: float = 10.0, height: float = 2.3) -> tuple[Figure, list[Axes]]:
    """Return a figure of `n_panels` axes, at most `across` beside each other.

    Parameters
    ----------
    n_panels : int
        How many axes, at least one.
    across : int
        Axes in a row.
    width : float
        Inches, of the whole figure.
    height : float
        Inches, of one row.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    down = -(-n_panels // across)
    # A lone panel stretched over the whole width would look like another kind of plot.
    wide = max(width * min(across, n_panels) / across, min(width, 4.4))
    across = min(across, n_panels)
    figure = Figure(figsize=(wide, max(height * down + 0.4, 1.6)), layout="constrained")
    FigureCanvasAgg(figure)
    axes = list(figure.subplots(down, across, squeeze=False).ravel())
    for spare in axes[n_panels:]:
        spare.remove()
    return figure, axes[:n_panels]


def hues(n: int, ordered: bool = False) -> list[str]:
    """Return `n` colours that can be told apart; `ordered` ones run from dark to light.

    Examples
    --------
    >>> hues(2)
    ['#0072b2', '#e69f00']
    >>> len(set(hues(12)))
    12
    """
    if n <= len(PALETTE) and not ordered:
        return list(PALETTE[:n])
    import matplotlib as mpl
    from matplotlib.colors import to_hex

    ramp = mpl.colormaps[SEQUENTIAL]
    # The last tenth of the ramp is a yellow too pale to be seen as a line on white.
    return [to_hex(ramp(0.9 * i / max(n - 1, 1))) for i in range(n)]


def legend(figure: Figure, names: Sequence[str], colours: Sequence[str], title: str = "") -> None:
    """Put one legend for all panels above them."""
    from matplotlib.patches import Patch

    handles = [Patch(facecolor=c, label=n) for n, c in zip(names, colours, strict=True)]
    across = max(1, int(figure.get_figwidth() // 1.6))
    figure.legend(
        handles=handles,
        loc="outside upper left",
        ncols=min(len(handles), across),
        title=title or None,
        alignment="left",
    )
