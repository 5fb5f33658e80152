"""The learning curve."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from penstock.evaluate import evaluate
from penstock.explain.asking import Clock
from penstock.explain.learning import FEWEST_ROWS, SHARES, learning_curve, would_more_help
from penstock.judging import judge
from penstock.metrics.metric import metric_for
from penstock.receipts import Interval
from penstock.slices import Gate
from tests.unit.explain.making import Fitted, fitted, judged, told_of
from tests.unit.models.making import ships
from tests.unit.series import demand


def test_the_curve_ends_at_the_score_of_the_twin(of_any_task: Fitted) -> None:
    """The last point is the model that is judged; the others learned from fewer rows."""
    run, trained = of_any_task
    told = told_of(run, trained)["learning"]
    found = evaluate(run.wrangled, trained, None, Gate(replicates=100), run.spec.typing, 3, run.store)
    points = told["points"]
    assert points[-1]["value"] == pytest.approx(found.scores[trained.metric].value)
    assert points[-1]["n"] == run.wrangled.n_train
    assert [p["n"] for p in points] == [round(s * run.wrangled.n_train) for s in SHARES] + [run.wrangled.n_train]
    assert all(p["low"] <= p["value"] <= p["high"] and np.isfinite(p["learned"]) for p in points)


def test_more_rows_make_a_better_model(regression: Fitted) -> None:
    """What a learning curve is for."""
    points = told_of(*regression)["learning"]["points"]
    assert points[-1]["value"] < points[0]["value"]
    assert points[0]["learned"] < points[0]["value"]


def test_a_small_table_has_only_its_end(tmp_path: Path) -> None:
    """Below forty rows nothing is fitted."""
    run, trained = fitted(ships(52), tmp_path)
    points = told_of(run, trained)["learning"]["points"]
    assert all(p["n"] >= FEWEST_ROWS or p["n"] == run.wrangled.n_train for p in points)
    assert points[-1]["n"] == run.wrangled.n_train


def test_of_a_forecast_the_latest_rows_are_learned_from(tmp_path: Path) -> None:
    """A part of a series is its end: where promotions once did the opposite, a part does better than the whole.

    What a fold learned from says little of a series that goes on, so there is no score on learned rows.
    """
    table = demand.sales(720)
    once = np.arange(len(table)) % 720 < 400
    table.loc[once, "units"] = (table["units"] - 16 * table["promo"])[once].round(2)
    made = demand.run(table, tmp_path)
    trained = made.trained()
    found = judge(made.wrangled, trained, made.sides(), made.store)
    args = (made.wrangled, trained, found.target, metric_for("forecast"), found.twin.estimator, 3, made.store)
    points = learning_curve(*args, Clock(30))["points"]
    assert len(points) == 5
    assert points[1]["value"] < 0.8 * points[-1]["value"]
    assert {p["learned"] for p in points} == {None}


def test_a_clock_leaves_the_end_and_a_note(binary: Fitted) -> None:
    """What was not fitted is not drawn, and it is said."""
    run, trained = binary
    found = judged(run, trained)
    args = (run.wrangled, trained, found.target, metric_for("binary"), found.twin.estimator, 3, run.store)
    told = learning_curve(*args, Clock(-1.0))
    assert len(told["points"]) == 1
    assert "too long" in told["note"]


@pytest.mark.parametrize(
    ("gain", "begins"),
    [
        ((0.02, 0.01, 0.03), "More data would help: from 500 to 1,000 rows RMSE got better by 0.02"),
        ((0.002, -0.01, 0.01), "More data alone would help little"),
        ((-0.02, -0.03, -0.01), "More data of this kind would not help"),
    ],
)
def test_whether_more_data_would_help_is_said_in_a_sentence(gain: tuple[float, float, float], begins: str) -> None:
    """Who reads a curve wants that answer, and only what is beyond chance counts as one."""
    value, low, high = gain
    told = would_more_help("RMSE", 500, 1000, Interval(value=value, low=low, high=high, n=300))
    assert told.startswith(begins)
    assert ("twice as many may bring up to 0.02 more" in told) == (low > 0)
