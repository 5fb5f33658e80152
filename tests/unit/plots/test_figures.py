"""Each kind of figure: what is in it, and that odd data can be drawn."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from penstock.plots.boxes import MOST_FLIERS, Box, Boxes, box_plots
from penstock.plots.cleaning import Changed, LevelPair, before_after
from penstock.plots.confusion import MOST_LABELS, confusion_matrix
from penstock.plots.copies import copies
from penstock.plots.curves import Line, calibration, precision_recall, roc
from penstock.plots.errors import error_spread, predicted_against_true, residuals
from penstock.plots.groups import groups_of, no_groups
from penstock.plots.heatmap import heatmap
from penstock.plots.histogram import Spread, bins_of, histograms
from penstock.plots.intervals import score_intervals
from penstock.plots.leaderboard import leaderboard_bars
from penstock.plots.levels import Levels, level_bars
from penstock.plots.missing import Absence, missingness
from penstock.plots.png import png_bytes
from penstock.plots.rates import Rates, target_rates
from penstock.plots.relations import rank_correlation
from penstock.plots.scatter import ACROSS, DOWN, MOST_POINTS, Hexes, hexagons, pair_plot, scatter_pairs
from penstock.plots.series import Course, autocorrelation, course
from penstock.plots.sheet import styled
from penstock.plots.target import target_spread
from penstock.receipts import Interval, LeaderboardRow
from penstock.table import Target

TARGET = Target(name="y", task="binary", labels=("no", "yes"), positive="yes")
N = 120


@pytest.fixture(autouse=True)
def _style():
    with styled():
        yield


@pytest.fixture
def frame():
    rng = np.random.default_rng(2)
    return pd.DataFrame(
        {
            "x": rng.normal(size=N),
            "z": rng.lognormal(0, 4, size=N),
            "few": rng.integers(0, 4, N).astype(float),
            "one": np.ones(N),
            "gone": np.full(N, np.nan),
            "when": pd.date_range("2020-01-01", periods=N, freq="D").astype("datetime64[us]"),
        }
    )


@pytest.fixture
def groups():
    return groups_of(TARGET, np.tile([0, 1], N // 2))


def _spreads(frame, names, groups, units=None):
    units = units or {}
    return [Spread.of(name, frame[name].to_numpy(), groups.codes, len(groups), units.get(name, "")) for name in names]


def _boxes(frame, names, groups):
    return [Boxes(name, "", tuple(map(Box.of, groups.split(frame[name].to_numpy())))) for name in names]


def _texts(figure):
    from matplotlib.text import Text

    return {text.get_text() for text in figure.findobj(Text)}


def test_histograms_have_names_units_and_a_legend(frame, groups):
    """A reader sees what is drawn, in which unit, and whose colour is whose."""
    figure = histograms(_spreads(frame, ["x", "few"], groups, {"x": "mm"}), groups)
    png_bytes(figure)
    assert {"x [mm]", "few", "% of group", "no", "yes", "y"} <= _texts(figure)


def test_odd_columns_have_histograms_too(frame, groups):
    """Constant, empty, skewed and date columns are drawn, the empty one says so."""
    figure = histograms(_spreads(frame, ["one", "gone", "z", "when"], groups), groups)
    assert png_bytes(figure)
    assert {"no values", "tails in the outer bars"} <= _texts(figure)


@pytest.mark.parametrize("years", [0, 3, 30_000])
def test_any_span_of_dates_can_be_drawn(years):
    """From one moment to beyond the year 9999, where other plots of dates end."""
    start = np.datetime64("2020-01-01", "us")
    moments = start + np.linspace(0, years * 365.25 * 86_400e6, N).astype("timedelta64[us]")
    groups = no_groups(N)
    assert png_bytes(histograms(_spreads(pd.DataFrame({"t": moments}), ["t"], groups), groups))


def test_a_far_value_does_not_squeeze_the_bars():
    """Bins end where the bulk ends, and the tail is gathered."""
    values = np.append(np.random.default_rng(0).normal(size=999), 1e9)
    edges, gathered = bins_of(values)
    assert gathered
    assert edges[-1] < 10
    assert not bins_of(np.arange(10.0))[1]


def test_whole_numbers_get_a_bar_each():
    """Few-valued integers are not binned together."""
    edges, _ = bins_of(np.array([1.0, 2.0, 2.0, 5.0]))
    assert edges.tolist() == [0.5, 1.5, 2.5, 3.5, 4.5, 5.5]


def test_dates_long_ago_can_be_drawn():
    """Before 1900, before 1677 (where nanoseconds end) and before Christ."""
    moments = np.array(["-0044-03-15", "1492-10-12", "1815-06-18", "1899-12-31"], dtype="datetime64[us]")
    groups = no_groups(4)
    figure = histograms(_spreads(pd.DataFrame({"t": moments.astype("datetime64[us]")}), ["t"], groups), groups)
    assert png_bytes(figure)
    assert any(text.isdigit() and int(text) < 1900 for text in _texts(figure))


def test_counts_are_of_every_row_and_densities_of_the_same_size():
    """No row is lost in a bin, and what is smoothed has the area of the bars."""
    values = np.random.default_rng(1).normal(size=5000)
    codes = np.tile([0, 1], 2500)
    spread = Spread.of("x", np.where(np.arange(5000) < 100, np.nan, values), codes, 2)
    assert spread.counts.sum() == 4900
    assert spread.density is not None
    bars = spread.density.reshape(2, -1, 8).mean(axis=2).sum(axis=1)
    assert bars == pytest.approx(spread.counts.sum(axis=1), rel=0.02)


def test_levels_beyond_the_most_frequent_are_counted_together():
    """Ten thousand categories make nine bars and one of missing values."""
    codes = np.concatenate([np.arange(10_000), np.full(50, 10_000), [-1]])
    labels = [*(f"level {i}" for i in range(10_000)), "often"]
    column = Levels.of("c", codes, labels, np.zeros(len(codes), dtype=np.int64), 1)
    assert sum(int(counts.sum()) for _, _, counts in column.bars) == len(codes)
    figure = level_bars([column], no_groups(0))
    png_bytes(figure)
    assert {"often", "(9,993 others)", "(no value)"} <= _texts(figure)


def test_boxes_draw_the_farthest_values_only():
    """A heavy tail does not make a heavy picture, and all of it is counted."""
    values = np.concatenate([np.random.default_rng(0).normal(size=2000), np.linspace(50, 90, 500)])
    box = Box.of(values)
    assert box.n_far >= 500
    figure = box_plots([Boxes("x", "", (box,))], no_groups(0))
    fliers = [line for line in figure.axes[0].lines if line.get_marker() == "."]
    assert 0 < len(fliers[0].get_xdata()) <= 2 * MOST_FLIERS


def test_a_box_has_the_quartiles_of_its_values():
    """They are NumPy's, and whiskers end at values within the fences."""
    values = np.append(np.random.default_rng(2).normal(size=301), [np.nan, np.inf, 40.0])
    box = Box.of(values)
    finite = values[np.isfinite(values)]
    assert [box.first, box.median, box.third] == pytest.approx(np.quantile(finite, [0.25, 0.5, 0.75]))
    assert box.high in finite
    assert box.high < box.fences[1] < 40.0
    assert Box.of(np.array([np.nan])) is None


def test_a_column_without_values_leaves_its_box_out(frame, groups):
    """Nothing is drawn, and nothing fails."""
    assert png_bytes(box_plots(_boxes(frame, ["gone", "one", "x"], groups), groups))


def test_scatter_plots_are_bounded():
    """Of many rows an even part is drawn."""
    frame = pd.DataFrame(np.random.default_rng(0).normal(size=(5000, 2)), columns=["a", "b"])
    figure = scatter_pairs(frame, [("a", "b", -0.5)], no_groups(5000), {"b": "kg"})
    assert len(figure.axes[0].collections[0].get_offsets()) <= MOST_POINTS
    assert {"a", "b [kg]", "rank correlation \u22120.50"} <= _texts(figure)


def test_a_small_heat_map_shows_its_numbers_and_a_large_one_does_not():
    """Numbers stand where they can be read."""
    small = heatmap(np.array([[1.0, -0.25], [-0.25, 1.0]]), ["a", "b"])
    assert "-0.25" in _texts(small)
    large = heatmap(np.full((30, 30), 0.25), [f"c{i}" for i in range(30)])
    assert "0.25" not in {t.get_text() for t in large.axes[0].texts}


def test_missing_values_are_told_in_percent():
    """The bar's end carries the share, and a pattern its rows."""
    patterns = np.array([[True, True], [True, False]])
    figure = missingness(Absence(("a", "b"), (50, 10), 200, patterns, (10, 40), more=3))
    png_bytes(figure)
    told = "rows in which just these are missing; 3 rows with other patterns"
    assert {"25.0 %", "5.0 %", "missing [% of rows]", "10", "40", told} <= _texts(figure)


def test_nothing_missing_is_said():
    """An empty pattern is a sentence."""
    absence = Absence(("a",), (0,), 200, np.zeros((0, 1), dtype=bool), ())
    assert "nothing is missing" in _texts(missingness(absence))


def test_before_and_after_stand_side_by_side():
    """Distributions lie in the same bins, and the counts of the table above them."""
    values = np.random.default_rng(0).normal(size=50)
    codes = np.zeros(50, dtype=np.int64)
    first = Spread.of("x", values, codes, 1)
    second = Spread.of("x", np.clip(values, -1, 1), codes, 1, edges=first.edges)
    assert second.edges is first.edges
    columns = [
        Changed("x", "mm", first, second, None, ("9 cells changed",)),
        Changed("c", "", levels=LevelPair("c", ("a", "b"), (3, 0), (0, 3))),
        Changed("gone", "", first, None, None, ("is taken out",)),
        Changed("nothing", ""),
    ]
    figure = before_after(columns, [("rows", 60, 50), ("columns", 3, 3)])
    png_bytes(figure)
    told = {"x [mm]", "9 cells changed", "rows 60 \u2192 50,  columns 3", "before", "after", "no values"}
    assert told <= _texts(figure)


def test_the_target_shows_counts_and_shares():
    """Each class carries both."""
    figure = target_spread(TARGET, np.array([0] * 30 + [1] * 10))
    assert {"30  (75.0 %)", "10  (25.0 %)"} <= _texts(figure)
    assert png_bytes(target_spread(Target(name="p", task="regression"), np.arange(50.0), "EUR"))


def test_curves_have_both_axes_named():
    """ROC, precision and recall, and calibration say what is drawn against what."""
    lines = [Line("yes", [0.0, 0.2, 1.0], [0.0, 0.9, 1.0])]
    assert {"false positive rate", "true positive rate", "yes"} <= _texts(roc(lines))
    assert {"recall", "precision"} <= _texts(precision_recall(lines, [0.3]))
    assert {"mean predicted probability", "observed share"} <= _texts(calibration(lines))


def test_the_confusion_matrix_takes_rare_labels_together():
    """Forty labels make twelve rows, and no row is lost."""
    counts = np.diag(np.arange(40))
    figure = confusion_matrix(counts, [f"l{i}" for i in range(40)])
    shown = [int(t.get_text().replace(",", "")) for t in figure.axes[0].texts]
    assert len(shown) == MOST_LABELS**2
    assert sum(shown) == counts.sum()


def test_errors_are_drawn_with_and_without_points():
    """A private target has its means drawn, never its rows."""
    assert png_bytes(predicted_against_true([1.0, 2.0], [1.5, 1.0], "price", "EUR", ([1.0], [1.2])))
    bare = predicted_against_true([], [], "price", "EUR", ([1.0, 2.0], [1.2, 2.2]))
    assert {"predicted price [EUR]", "true price [EUR]", "mean of a tenth"} <= _texts(bare)
    assert png_bytes(residuals([1.0, 2.0], [1.5, 1.0], "price"))
    assert png_bytes(error_spread([-9.0, -2.0, -1.0, 0.0, 1.0, 2.0, 7.0], "price"))


def test_a_far_baseline_does_not_flatten_the_leaderboard():
    """The axis shows the candidates; the baseline stands at its edge."""

    def row(family, mean):
        return LeaderboardRow(family=family, metric="rmse", mean=mean, sd=0.01, folds=(mean - 0.01, mean + 0.01))

    rows = [row("linear", 1.00), row("forest", 1.05), row("dummy", 60.0)]
    rows.append(LeaderboardRow(family="late", metric="rmse", mean=None, sd=None, state="stopped"))
    ax = leaderboard_bars(rows, "RMSE").axes[0]
    low, high = ax.get_xlim()
    assert 0.9 < low < 0.99
    assert 1.06 < high < 1.2
    assert [t.get_text() for t in ax.get_yticklabels()] == ["linear", "forest", "dummy"]


def test_every_score_has_a_panel_of_its_own():
    """Metrics of different units never share an axis."""
    score, base = Interval(value=0.9, low=0.8, high=0.95, n=99), Interval(value=0.5, low=0.5, high=0.5, n=99)
    figure = score_intervals({"ROC AUC": score, "Log loss": score}, {"ROC AUC": base})
    assert [ax.get_title(loc="left") for ax in figure.axes] == ["ROC AUC", "Log loss"]
    assert png_bytes(figure)


def test_hexagons_hold_every_row():
    """However the plane is tiled, no row is lost or counted twice, and far ones lie at the edge."""
    rng = np.random.default_rng(3)
    x, y = rng.normal(size=4000), rng.normal(size=4000)
    x[:3], y[3] = 1e9, np.nan
    cells = Hexes.of("a", "b", x, y, 0.1)
    assert cells.counts.sum() == 3999
    assert cells.x.max() < 10
    figure = hexagons([cells], {"a": "kg"})
    assert png_bytes(figure)
    assert {"a [kg]", "b", "rank correlation +0.10", "rows"} <= _texts(figure)


def test_each_row_lies_in_the_nearest_hexagon():
    """As matplotlib's own bins would have it."""
    rng = np.random.default_rng(4)
    x, y = rng.random(500), rng.random(500)
    cells = Hexes.of("a", "b", x, y, 0.0)
    left, right, low, high = cells.extent
    scale = np.array([ACROSS / (right - left), np.sqrt(3) * DOWN / (high - low)])
    inside = np.column_stack([np.clip(x, left, right), np.clip(y, low, high)])
    lattice = np.array([(i, j) for i in range(ACROSS + 1) for j in range(DOWN + 1)], dtype=float)
    lattice = np.concatenate([lattice, lattice + 0.5])
    centres = np.array([left, low]) + lattice / [ACROSS, DOWN] * [right - left, high - low]
    away = np.linalg.norm((inside[:, None] - centres) * scale, axis=2).min(axis=1)
    own = np.linalg.norm((inside[:, None] - np.column_stack([cells.x, cells.y])) * scale, axis=2).min(axis=1)
    assert own == pytest.approx(away)


def test_constant_pairs_have_hexagons_too():
    """A column of one value makes a line, not an error."""
    cells = Hexes.of("a", "b", np.ones(20), np.zeros(20), 0.0)
    assert png_bytes(hexagons([cells], {}))
    assert Hexes.of("a", "b", np.full(3, np.nan), np.ones(3), 0.0) is None


def test_a_pair_plot_has_a_triangle_of_panels(frame, groups):
    """Each pair once, each column on the diagonal, names at the edges."""
    columns = frame[["x", "z", "few"]]
    figure = pair_plot(columns, rank_correlation(columns), groups, {"x": "mm"})
    assert len(figure.axes) == 6
    assert png_bytes(figure)
    assert {"x [mm]", "z", "few", "no", "yes"} <= _texts(figure)


def test_rates_carry_the_level_of_all_rows(groups):
    """The dashed line is where a feature that tells nothing would lie."""
    one = np.array([[0.2, 0.6, np.nan]])
    rows = np.array([10, 20, 0])
    levels = Rates("site", "", (("a", True), ("$b$", True), ("(2 others)", False)), np.zeros(0), one, one, one, rows)
    along = Rates("x", "mm", (), np.array([1.0, 2.0, 3.0]), one, one - 0.1, one + 0.1, rows)
    bare = Rates("none", "", (), np.zeros(0), np.zeros((1, 0)), np.zeros((1, 0)), np.zeros((1, 0)), rows[:0])
    figure = target_rates([levels, along, bare], "share of yes", [0.4], no_groups(0))
    assert png_bytes(figure)
    assert {"site", "a", r"\$b\$", "(2 others)", "x [mm]", "share of yes", "no values"} <= _texts(figure)
    dashed = [line for line in figure.axes[1].lines if line.get_linestyle() == "--"]
    assert dashed[0].get_ydata()[0] == 0.4


def test_gaps_of_a_course_are_shaded_and_not_bridged():
    """A line over a gap would tell what nobody knows."""
    edges = np.arange(7.0)
    values = np.array([[1.0, 2.0, np.nan, np.nan, 5.0, 4.0]])
    figure = course(Course(edges, np.array([3, 3, 0, 0, 3, 3]), values, ((2.0, 4.0),)), "mean y", "t", no_groups(0))
    assert png_bytes(figure)
    shaded = [patch for patch in figure.axes[0].patches if patch.get_width() == 2.0]
    assert len(shaded) == 1
    assert np.isnan(figure.axes[0].lines[0].get_ydata()).sum() == 2


def test_an_autocorrelation_names_its_step():
    """What a lag is stands below the axis."""
    figure = autocorrelation(np.array([0.9, -0.4, 0.05]), 0.1, "1h", "load")
    assert png_bytes(figure)
    assert {"steps of 1h back", "correlation of load"} <= _texts(figure)


def test_copies_carry_their_numbers():
    """One, two and a thousand can all be read from a logarithmic axis."""
    figure = copies(["once", "twice"], [1000, 7], [1000, 14])
    assert png_bytes(figure)
    assert {"1,000", "7", "14", "distinct rows", "rows"} <= _texts(figure)
