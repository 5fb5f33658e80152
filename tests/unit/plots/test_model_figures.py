"""The figures of a model: they look as they did, say what is drawn, and take odd names and numbers."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.text import Text

from penstock.plots.ahead import Origin, forecast_examples, horizon_errors
from penstock.plots.challenge import challenge_scores
from penstock.plots.curves import Line, calibration
from penstock.plots.effects import Effect, Moved, effect_panels
from penstock.plots.importance import MOST_BARS, importance_bars
from penstock.plots.leaderboard import leaderboard_bars
from penstock.plots.learning import Learned, learning_curve
from penstock.plots.lift import gain_and_lift
from penstock.plots.png import png_bytes
from penstock.plots.sheet import styled
from penstock.plots.slices import Group, worst_slices
from penstock.plots.tenths import error_tenths
from penstock.receipts import Interval, LeaderboardRow

if TYPE_CHECKING:
    from matplotlib.figure import Figure

EVIL = "<script>$\\alpha$</script> 🦊 漢字 " + "long " * 40


def spans(*values: float, half: float = 0.5) -> list[Interval]:
    """Return intervals about values."""
    return [Interval(value=v, low=v - half, high=v + half, n=40) for v in values]


def learning(name: str = "ROC AUC") -> Figure:
    """Draw a curve that rises, of sizes that ask for a logarithm."""
    points = [Learned(100, 0.7, 0.6, 0.8, 0.99), Learned(400, 0.8, 0.75, 0.86, 0.95), Learned(5_000, 0.85, 0.8, 0.9)]
    return learning_curve(points, name)


def gain(name: str = "yes") -> Figure:
    """Draw two labels."""
    x = np.linspace(0, 1, 30)
    return gain_and_lift([Line(name, x.tolist(), np.sqrt(x).tolist()), Line("no", x.tolist(), (x**0.8).tolist())])


def calibrated(name: str = "yes") -> Figure:
    """Draw a curve with a histogram of two humps."""
    x = np.linspace(0.05, 0.95, 10)
    return calibration([Line(name, x.tolist(), (x**1.3).tolist())], [[40, 20, 10, 5, 2, 2, 5, 10, 30, 60]])


def tenths(name: str = "price") -> Figure:
    """Draw errors that grow along the prediction."""
    bias = spans(*np.linspace(-1, 1, 10).tolist())
    return error_tenths(np.linspace(10, 500, 10).tolist(), bias, spans(*range(1, 11)), name, "EUR")


def horizon(name: str = "MASE") -> Figure:
    """Draw a model that stays below the naive forecast."""
    return horizon_errors(["1", "2\u20133", "4\u20138"], spans(1, 2, 3), spans(2, 3, 4), name)


def forecasts(name: str = "units") -> Figure:
    """Draw two origins, one with a band."""
    steps = list(range(1, 25))
    true = [float(np.sin(s / 4)) for s in steps]
    said = [0.9 * v for v in true]
    low, high = [v - 0.3 for v in said], [v + 0.3 for v in said]
    return forecast_examples(
        [Origin("from 2026-01-01", steps, true, said, true, low, high), Origin("b", steps, true, said)], name
    )


def important(name: str = "size") -> Figure:
    """Draw one feature that matters and one that does not."""
    return importance_bars([name, "place"], spans(2.0, 0.1), "RMSE")


def moving(name: str = "size") -> Figure:
    """Draw a number, a date and levels, for two labels."""
    y = [-1.0, 0.0, 0.5]

    def lines(*labels: str) -> list[Moved]:
        return [
            Moved(label, [v * s for v in y], [v * s - 0.2 for v in y], [v * s + 0.2 for v in y])
            for s, label in zip((1, -1), labels, strict=True)
        ]

    x = [1.0, 2.0, 5.0]
    days = [1.6e9, 1.65e9, 1.7e9]
    effects = [
        Effect(name, "number", x, (), (9, 9), lines("a", "b"), "mm"),
        Effect("sailed", "time", days, (), (9, 9), lines("a", "b")),
        Effect("colour", "levels", (), ("red", name, "blue"), (9, 9, 9), lines("a", "b")),
    ]
    return effect_panels(effects, "change of probability")


def worst(name: str = "place: north") -> Figure:
    """Draw a group that is worse by its whole interval and one that is not."""
    (bad, fair), (overall,) = spans(2.0, 1.2, half=0.3), spans(1.0, half=0.1)
    return worst_slices([Group(name, bad, worse=True), Group("place: south", fair, worse=False)], overall, "RMSE")


def challenged(name: str = "3-0a1b2c3d4e5f") -> Figure:
    """Draw a challenger that is better."""
    return challenge_scores((name, 0.81), 0.84, Interval(value=0.03, low=0.01, high=0.05, n=200), "ROC AUC")


def leading(name: str = "linear") -> Figure:
    """Draw two candidates with their folds."""
    folds = (0.8, 0.84, 0.9)
    rows = [
        LeaderboardRow(family=name, metric="roc_auc", mean=0.85, sd=0.05, folds=folds, chosen=True),
        LeaderboardRow(family="forest", metric="roc_auc", mean=0.83, sd=0.04, folds=tuple(f - 0.02 for f in folds)),
    ]
    return leaderboard_bars(rows, "ROC AUC")


FIGURES: dict[str, Callable[..., Figure]] = {
    "learning": learning,
    "gain": gain,
    "calibration": calibrated,
    "tenths": tenths,
    "horizon": horizon,
    "forecasts": forecasts,
    "importance": important,
    "effects": moving,
    "slices": worst,
    "challenge": challenged,
    "leaderboard": leading,
}


def texts(figure: Figure) -> set[str]:
    """Return all that is written in a figure."""
    return {text.get_text() for text in figure.findobj(Text)}


@pytest.mark.mpl_image_compare(
    baseline_dir="baseline", remove_text=True, style="default", tolerance=8, savefig_kwargs={"dpi": 50}
)
@pytest.mark.parametrize("name", FIGURES)
def test_a_model_figure_looks_as_it_did(name: str) -> Figure:
    """Lines, bars, bands and colours; words are tested apart, since fonts differ between machines."""
    with styled():
        return FIGURES[name]()


@pytest.mark.parametrize("name", FIGURES)
def test_any_name_can_stand_in_a_model_figure(name: str) -> None:
    """A name of HTML, a formula, signs without a glyph or of great length makes no warning and no heavy picture."""
    with warnings.catch_warnings(), styled():
        warnings.simplefilter("error")
        assert 0 < len(png_bytes(FIGURES[name](EVIL))) < 100_000


def test_figures_say_what_they_draw() -> None:
    """Axes, units and legends are in words."""
    with styled():
        assert {"training rows", "ROC AUC", "held-out rows", "rows learned from"} <= texts(learning())
        assert {"share of rows taken, highest score first", "share of the label found", "yes"} <= texts(gain())
        assert {"predicted probability", "rows", "observed share"} <= texts(calibrated())
        assert {"predicted price [EUR], mean of each tenth", "mean size of the error [EUR]"} <= texts(tenths())
        assert {"steps ahead", "seasonal naive", "model"} <= texts(horizon())
        assert {"band", "true", "forecast", "from 2026-01-01", "units"} <= texts(forecasts())
        assert {"how much worse RMSE gets", "size", "place"} <= texts(important())
        assert {"size [mm]", "change of probability", "red", "a", "b"} <= texts(moving())
        assert {"RMSE; dotted: all held-out rows", "place: north", "40 rows"} <= texts(worst())
        assert {"champion 3-0a1b2c3d4e5f", "this candidate"} <= texts(challenged())


def test_tenths_of_a_private_number_are_counted_and_not_valued() -> None:
    """Where the mean prediction is not told, the axis has the numbers of the tenths."""
    with styled():
        figure = error_tenths([None] * 3, spans(1, 2, 3), spans(1, 2, 3), "income")
        png_bytes(figure)
        assert "tenth of the rows by prediction, lowest first" in texts(figure)
        assert [label.get_text() for label in figure.axes[0].get_xticklabels()] == ["1", "2", "3"]


def test_five_hundred_features_make_twenty_bars() -> None:
    """The figure does not grow with the table."""
    with styled():
        figure = importance_bars([f"c{i}" for i in range(500)], spans(*range(500, 0, -1)), "RMSE")
    assert len(figure.axes[0].get_yticks()) == MOST_BARS


ODD: tuple[Callable[[list[Interval]], Figure], ...] = (
    lambda drawn: importance_bars([str(s.value) for s in drawn], drawn, "RMSE"),
    lambda drawn: worst_slices([Group(str(s.value), s, worse=False) for s in drawn], drawn[0], "RMSE"),
    lambda drawn: challenge_scores(("1-a", drawn[0].value), drawn[-1].value, drawn[0], "RMSE"),
    lambda drawn: learning_curve([Learned(100 * (k + 1), s.value, s.low, s.high) for k, s in enumerate(drawn)], "RMSE"),
    lambda drawn: error_tenths([s.value for s in drawn], drawn, drawn, "price"),
)


@settings(max_examples=25)
@given(st.sampled_from(ODD), st.lists(st.floats(-1e12, 1e12), min_size=1, max_size=4), st.floats(0, 1e9))
def test_intervals_of_any_size_can_be_drawn(
    draw: Callable[[list[Interval]], Figure], values: list[float], half: float
) -> None:
    """Nothing, one thing, all alike, or of a size beyond all reason: never a warning."""
    with warnings.catch_warnings(), styled():
        warnings.simplefilter("error")
        draw(spans(*values, half=half)).canvas.draw()  # type: ignore[no-untyped-call]  # matplotlib types it in part
