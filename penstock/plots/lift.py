"""Gain and lift: what taking the highest-scored rows first finds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from penstock.plots.curves import Line
from penstock.plots.sheet import GREY, hues, sheet
from penstock.plots.words import word

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# A lift over a handful of rows is noise, and drawn it would press the rest to the ground.
SMALLEST_SHARE = 0.02


def gain_and_lift(lines: Sequence[Line]) -> Figure:
    """Draw which share of a label is found in which share of the rows, and how many times more often than by chance.

    Parameters
    ----------
    lines : sequence of Line
        One a label: across the share of all rows, taken from the highest score down, up the share found.
    """
    figure, (gain, lift) = sheet(2, across=2, width=8.4, height=3.4)
    gain.plot([0, 1], [0, 1], color=GREY, linestyle=":", linewidth=1.2)
    lift.axhline(1.0, color=GREY, linestyle=":", linewidth=1.2)
    for line, colour in zip(lines, hues(len(lines)), strict=True):
        across, up = np.asarray(line.x, dtype=np.float64), np.asarray(line.y, dtype=np.float64)
        gain.plot(across, up, color=colour, label=word(line.label, 20))
        told = across >= min(SMALLEST_SHARE, float(across.max(initial=0.0)))
        lift.plot(across[told], up[told] / np.maximum(across[told], 1e-12), color=colour)
    gain.set_ylabel("share of the label found")
    lift.set_ylabel("times as many as by chance")
    lift.set_ylim(bottom=0.0)
    for ax in (gain, lift):
        ax.set_xlim(-0.02, 1.02)
        ax.set_xlabel("share of rows taken, highest score first")
        ax.grid(visible=True)
    if lines:
        gain.legend(loc="lower right")
    return figure
