"""Each kind of figure, dot by dot, beside the picture of it that somebody has looked at.

`pytest tests/unit/plots/test_pictures.py --mpl-generate-path=tests/unit/plots/baseline` draws them anew; look at them.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from penstock.plots.boxes import Box, Boxes, box_plots
from penstock.plots.cleaning import Changed, LevelPair, before_after
from penstock.plots.copies import copies
from penstock.plots.groups import groups_of, no_groups
from penstock.plots.heatmap import heatmap
from penstock.plots.histogram import Spread, histograms
from penstock.plots.levels import Levels, level_bars
from penstock.plots.missing import Absence, missingness
from penstock.plots.rates import Rates, target_rates
from penstock.plots.relations import rank_correlation
from penstock.plots.scatter import Hexes, hexagons, pair_plot, scatter_pairs
from penstock.plots.series import Course, autocorrelation, course
from penstock.plots.sheet import styled
from penstock.plots.target import target_spread
from penstock.table import Target

N = 120
TARGET = Target(name="y", task="binary", labels=("no", "yes"), positive="yes")
NUMBER = Target(name="price", task="regression")
GROUPS = groups_of(TARGET, np.tile([0, 1], N // 2))
# Letters come from the font that matplotlib brings along, and dots from the locked version of it; what is left are the
# last bits of sums, which processors round in their own way. A bar, a line or a label that moves makes ten and more.
pinned = pytest.mark.mpl_image_compare(tolerance=3, baseline_dir="baseline")


class Drawn:
    """A figure that is drawn in the house's style when pytest-mpl asks for the file."""

    def __init__(self, draw, *given):
        self.draw, self.given = draw, given

    def savefig(self, path, **_):
        """Write a small PNG without a word of who wrote it."""
        with styled():
            self.draw(*self.given).savefig(path, dpi=50, metadata={"Software": None})


def waves(shift=0.0, scale=1.0):
    """Return numbers that no generator has to give again in the next version."""
    return scale * np.sin(np.arange(N) * 0.7 + shift) + 0.01 * np.arange(N)


FRAME = pd.DataFrame({"a": waves(), "b": waves(1.0, 3.0), "c": waves() ** 2, "d": np.arange(N) % 4.0})


@pinned
def test_histograms():
    """Shares of two groups with densities, whole numbers, dates, and a column without values."""
    when = np.datetime64("1890-01-01", "us") + np.arange(N).astype("timedelta64[D]") * 30
    columns = {"a": waves(), "whole": np.arange(N) % 5.0, "when": when, "gone": np.full(N, np.nan)}
    return Drawn(histograms, [Spread.of(n, v, GROUPS.codes, 2, "mm" * (n == "a")) for n, v in columns.items()], GROUPS)


@pinned
def test_stacked_histograms():
    """More than three groups are stacked."""
    five = Target(name="class", task="multiclass", labels=tuple("vwxyz"))
    groups = groups_of(five, np.arange(N) % 5)
    return Drawn(histograms, [Spread.of("b", waves(1.0), groups.codes, 5)], groups)


@pinned
def test_boxes():
    """Boxes by group with fences where something lies beyond them."""
    far = waves()
    far[::30] += 8
    columns = [Boxes(n, "", tuple(map(Box.of, GROUPS.split(v)))) for n, v in {"a": waves(), "far": far}.items()]
    return Drawn(box_plots, columns, GROUPS)


@pinned
def test_levels():
    """The commonest levels, the rest summed, and rows without a value."""
    codes = np.concatenate([np.repeat(np.arange(12), np.arange(12, 0, -1)), np.full(42, -1)])
    return Drawn(level_bars, [Levels.of("site", codes, [f"level {i}" for i in range(12)], GROUPS.codes, 2)], GROUPS)


@pinned
def test_target_of_classes():
    """Counts with their shares."""
    return Drawn(target_spread, TARGET, np.repeat([0, 1], [90, 30]))


@pinned
def test_target_of_numbers():
    """One histogram with its density."""
    return Drawn(target_spread, NUMBER, waves(), "EUR")


@pinned
def test_heat_map():
    """Two halves, numbers in the fields."""
    return Drawn(heatmap, rank_correlation(FRAME), list("abcd"), "association")


@pinned
def test_points():
    """Few rows are points in the colour of their group."""
    return Drawn(scatter_pairs, FRAME, [("a", "b", 0.5), ("a", "c", -0.2)], GROUPS, {"a": "mm"})


@pinned
def test_hexagons():
    """Many rows are hexagons that touch."""
    at = np.arange(700)
    x, y = np.sin(at * 0.1) * (at % 97) ** 0.5, np.cos(at * 0.1) * (at % 7)
    return Drawn(hexagons, [Hexes.of("x", "y", x, y, 0.01)], {})


@pinned
def test_pairs():
    """A triangle of panels."""
    few = FRAME[["a", "d"]]
    return Drawn(pair_plot, few, rank_correlation(few), GROUPS, {})


@pinned
def test_rates():
    """Levels with intervals beside tenths with a band."""
    value = np.array([[0.2, 0.5, 0.7]])
    rows = np.array([10, 20, 30])
    labels = (("north", True), ("south", True), ("(3 others)", False))
    levels = Rates("site", "", labels, np.zeros(0), value, value - 0.1, value + 0.2, rows)
    along = Rates("x", "mm", (), np.array([1.0, 2.0, 4.0]), value, value - 0.1, value + 0.2, rows)
    return Drawn(target_rates, [levels, along], "share of yes", [0.4], no_groups(0))


@pinned
def test_course():
    """The target along time, with a gap."""
    values = waves()[None, :].copy()
    values[0, 40:55] = np.nan
    counts = np.where(np.isnan(values[0]), 0, 20 + np.arange(N) % 7)
    drawn = Course(18_000.0 + 7.0 * np.arange(N + 1), counts, values, ((18_280.0, 18_385.0),))
    return Drawn(course, drawn, "mean price", "when", no_groups(0))


@pinned
def test_autocorrelation():
    """Lags within and beyond the band of noise."""
    return Drawn(autocorrelation, np.cos(np.arange(1, 40) * 0.52) * 0.98 ** np.arange(39), 0.2, "1h", "load")


@pinned
def test_missing():
    """Shares beside patterns."""
    patterns = np.array([[True, True, False], [True, False, False], [True, True, True]])
    return Drawn(missingness, Absence(("a", "b", "c"), (60, 40, 5), 200, patterns, (35, 20, 5), 3))


@pinned
def test_copies():
    """Rows by how often they occur."""
    return Drawn(copies, ["once", "twice", "taken out"], [900, 12, 0], [900, 24, 30])


@pinned
def test_before_and_after():
    """Numbers, levels and a new column, below the counts of the table."""
    codes = np.zeros(N, dtype=np.int64)
    old = Spread.of("a", waves(), codes, 1)
    new = Spread.of("a", np.clip(waves(), -0.5, 1.0), codes, 1, edges=old.edges)
    columns = [
        Changed("a", "mm", old, new, None, ("44 of these cells changed", "beyond fences 2.0 % \u2192 0.0 %")),
        Changed("site", "", levels=LevelPair("site", ("north", "North"), (60, 20), (80, 0))),
        Changed("a_missing", "", None, new, None, ("is new",)),
    ]
    return Drawn(before_after, columns, [("rows", 120, 110), ("columns", 2, 3), ("missing cells", 9, 0)])
