"""Each kind of figure: what is in it, and that odd data can be drawn."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from penstock.plots.boxes import MOST_FLIERS, box_plots
from penstock.plots.cleaning import before_after
from penstock.plots.confusion import MOST_LABELS, confusion_matrix
from penstock.plots.curves import Line, calibration, precision_recall, roc
from penstock.plots.errors import error_spread, predicted_against_true, residuals
from penstock.plots.groups import groups_of, no_groups
from penstock.plots.heatmap import heatmap
from penstock.plots.histogram import bins_of, histograms
from penstock.plots.intervals import score_intervals
from penstock.plots.leaderboard import leaderboard_bars
from penstock.plots.levels import level_bars
from penstock.plots.missing import missingness
from penstock.plots.png import png_bytes
from penstock.plots.scatter import MOST_POINTS, scatter_pairs
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


def _texts(figure):
    from matplotlib.text import Text

    return {text.get_text() for text in figure.findobj(Text)}


def test_histograms_have_names_units_and_a_legend(frame, groups):
    """A reader sees what is drawn, in which unit, and whose colour is whose."""
    figure = histograms(frame, ["x", "few"], groups, {"x": "mm"})
    png_bytes(figure)
    assert {"x [mm]", "few", "rows", "no", "yes", "y"} <= _texts(figure)


def test_odd_columns_have_histograms_too(frame, groups):
    """Constant, empty, skewed and date columns are drawn, the empty one says so."""
    figure = histograms(frame, ["one", "gone", "z", "when"], groups, {})
    assert png_bytes(figure)
    assert {"no values", "tails in the outer bars"} <= _texts(figure)


@pytest.mark.parametrize("years", [0, 3, 30_000])
def test_any_span_of_dates_can_be_drawn(years):
    """From one moment to beyond the year 9999, where other plots of dates end."""
    start = np.datetime64("2020-01-01", "us")
    moments = start + np.linspace(0, years * 365.25 * 86_400e6, N).astype("timedelta64[us]")
    assert png_bytes(histograms(pd.DataFrame({"t": moments}), ["t"], no_groups(N), {}))


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


def test_levels_beyond_the_most_frequent_are_counted_together():
    """Ten thousand categories make nine bars."""
    frame = pd.DataFrame({"c": [f"level {i}" for i in range(10_000)] + ["often"] * 50 + [None]})
    figure = level_bars(frame, ["c"], no_groups(len(frame)))
    png_bytes(figure)
    assert {"often", "9,993 others", "missing"} <= _texts(figure)


def test_boxes_draw_the_farthest_values_only():
    """A heavy tail does not make a heavy picture."""
    frame = pd.DataFrame({"x": np.concatenate([np.random.default_rng(0).normal(size=2000), np.linspace(50, 90, 500)])})
    figure = box_plots(frame, ["x"], no_groups(len(frame)), {})
    fliers = [line for line in figure.axes[0].lines if line.get_marker() == "."]
    assert 0 < len(fliers[0].get_xdata()) <= 2 * MOST_FLIERS


def test_a_column_without_values_leaves_its_box_out(frame, groups):
    """Nothing is drawn, and nothing fails."""
    assert png_bytes(box_plots(frame, ["gone", "one", "x"], groups, {}))


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
    """The bar's end carries the share."""
    missing = np.zeros((200, 2), dtype=bool)
    missing[:50, 0] = True
    figure = missingness(missing, ["a", "b"])
    png_bytes(figure)
    assert {
        "25.0 %",
        "0.0 %",
        "missing [% of rows]",
        "50 rows with something missing, alike ones side by side",
    } <= _texts(figure)


def test_before_and_after_count_what_was_filled_altered_and_emptied():
    """The title of each panel says what cleaning did."""
    before = pd.DataFrame({"x": [1.0, np.nan, 99.0, 4.0, 5.0], "c": pd.Series(["a", "A", None, "b", "b"], dtype="str")})
    after = pd.DataFrame({"x": [1.0, 3.0, 9.0, np.nan, 5.0], "c": pd.Series(["a", "a", "m", "b", "b"], dtype="str")})
    figure = before_after(before, after, ["x", "c"], {})
    png_bytes(figure)
    assert {"1 filled, 1 altered, 1 emptied", "1 filled, 1 altered"} <= _texts(figure)


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
