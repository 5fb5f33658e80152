"""Permutation importance of what a caller sends."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st

from penstock.arrays.stage import make_arrays
from penstock.explain.asking import PAST, Asking, Clock
from penstock.explain.importance import importance
from penstock.explain.screening import MOST_FEATURES, association, rows_to_ask
from penstock.explain.stage import explained
from penstock.judging import judge
from penstock.metrics.metric import metric_for
from penstock.models.stage import train
from penstock.receipts import Collected
from penstock.sources import snapshot
from penstock.spec.pipeline import spec_from
from penstock.store import Store
from penstock.wrangle import wrangle
from tests.unit.explain.making import QUICK, Fitted, fitted, judged, told_of
from tests.unit.models.making import Run, run_until_trained, ships
from tests.unit.series.demand import demand, sales
from tests.unit.series.demand import run as series_run


def test_what_the_target_hangs_on_matters_and_noise_does_not(of_any_task: Fitted) -> None:
    """Two of the columns make the target and one is noise: the figure must say so for every task."""
    told = told_of(*of_any_task)["importance"]
    found = {row["feature"]: row for row in told["features"]}
    assert set(found) == {"size", "colour", "weight", "place"}
    assert told["asked"] == told["of"] == 4
    assert found["size"]["low"] > 0
    assert found["weight"]["low"] > 0
    assert found["place"]["mean"] < 0.2 * found["weight"]["mean"]
    assert all(row["low"] <= row["mean"] <= row["high"] for row in found.values())
    assert [row["mean"] for row in told["features"]] == sorted((row["mean"] for row in told["features"]), reverse=True)


def test_the_same_run_tells_the_same(binary: Fitted) -> None:
    """The stage is cached by its receipts: bytes may hang on nothing else."""
    assert told_of(*binary) == told_of(*binary)


def test_a_key_matters_by_what_is_looked_up(tmp_path: Path) -> None:
    """A caller sends the port, and the model goes by the port's depth: exchanging ports exchanges depths."""
    random = np.random.default_rng(0)
    ports = pd.DataFrame({"port": [f"P{i:02}" for i in range(40)], "depth": random.normal(0, 1, 40).round(3)})
    visits = pd.DataFrame({"port": random.choice(ports["port"], 500), "wind": random.normal(0, 1, 500).round(3)})
    depth = visits.merge(ports, on="port")["depth"]
    visits["late"] = np.where(depth + random.normal(0, 0.2, 500) > 0, "yes", "no")
    visits.to_csv(tmp_path / "visits.csv", index=False)
    ports.to_csv(tmp_path / "ports.csv", index=False)
    declared = {
        "name": "visits",
        "sources": {"visits": "visits.csv", "ports": "ports.csv"},
        "base": "visits",
        "target": "late",
        "joins": [{"table": "ports", "on": "port"}],
        "columns": {"port": {"role": "id"}},
    }
    spec = spec_from(declared, tmp_path)
    store = Store(tmp_path / "artifacts")
    collected = Collected(snapshots=tuple(snapshot(source, store) for source in spec.sources))
    arrays = make_arrays(collected, spec.typing, None, store)
    run = Run(spec, store, arrays, wrangle(arrays, spec.typing, spec.wrangling, store))
    told = told_of(run, train(run.wrangled, QUICK, spec.typing, 5, store))["importance"]
    assert [row["feature"] for row in told["features"]] == ["port", "wind"]
    assert told["features"][0]["low"] > 0.2


def test_of_a_forecast_the_past_matters_as_one_thing(tmp_path: Path) -> None:
    """Nobody sends a lag: what a caller sends is rows, a promotion that is known ahead, and the past."""
    run, trained = demand(tmp_path)
    found = judge(run.wrangled, trained, run.sides(), run.store)
    told = explained(run.wrangled, trained, found, metric_for("forecast"), 3, run.store)["importance"]
    means = {row["feature"]: row["mean"] for row in told["features"]}
    assert set(means) == {PAST, "promo"}
    assert means[PAST] > means["promo"] > 0


def test_a_past_in_which_a_number_stands_for_none_is_asked_about(tmp_path: Path) -> None:
    """The last value that is known stays the last one, whatever the raw cell after it says."""
    table = sales(900, ("north",))
    table.loc[np.random.default_rng(0).random(len(table)) < 0.85, "units"] = -200
    made = series_run(table, tmp_path, columns={"units": {"missing": ["-200.0"]}})
    found = judge(made.wrangled, made.trained(), made.sides(), made.store)
    told = explained(made.wrangled, made.trained(), found, metric_for("forecast"), 3, made.store)["importance"]
    assert PAST in {row["feature"] for row in told["features"]}


def test_a_baseline_goes_by_nothing_and_that_is_said(tmp_path: Path) -> None:
    """All predictions are equal: each fall is exactly nothing, and a sentence stands for the figure."""
    run = run_until_trained(ships(300), tmp_path)
    dummy = train(run.wrangled, QUICK.model_copy(update={"budget": 1e-6}), run.spec.typing, 5, run.store)
    assert dummy.family == "dummy"
    told = told_of(run, dummy)
    assert {row["mean"] for row in told["importance"]["features"]} == {0.0}
    assert "changes the predictions" in told["importance"]["note"]
    assert told["effects"]["features"] == []
    assert "baseline" in told["learning"]["note"]


def test_one_feature_and_a_constant_one_are_asked_about(tmp_path: Path) -> None:
    """A table of one telling column; a column that is constant on held-out rows falls by nothing."""
    table = ships(300)[["size", "late"]].assign(flag="on")
    table.loc[0, "flag"] = "off"
    told = told_of(*fitted(table, tmp_path, columns={"flag": {"role": "feature"}}))["importance"]
    falls = {row["feature"]: row["mean"] for row in told["features"]}
    assert falls["size"] > 0
    assert falls.get("flag", 0.0) == 0.0


def test_a_held_out_side_of_one_class_gets_a_sentence(binary: Fitted) -> None:
    """ROC AUC is not defined there, so nothing can fall."""
    asking = Asking.of(judged(*binary), 100, 0)
    lone = replace(asking, y=np.zeros_like(asking.y))
    told = importance(lone, ["size"], metric_for("binary"), 0, Clock(10))
    assert told["features"] == []
    assert "not defined" in told["note"]


def test_predictions_that_are_not_finite_get_a_sentence(binary: Fitted) -> None:
    """No score can be taken of them."""
    asking = Asking.of(judged(*binary), 100, 0)
    blank = replace(asking, own=asking.own * np.nan)
    assert "finite" in importance(blank, ["size"], metric_for("binary"), 0, Clock(10))["note"]


def test_of_a_wide_table_the_most_telling_columns_are_asked_about(tmp_path: Path) -> None:
    """Noise must not hide what tells, nor take all day; how much was passed over is said. Names are anybody's."""
    table = ships(400)
    random = np.random.default_rng(1)
    noise = pd.DataFrame(random.normal(0, 1, (400, 60)).round(2), columns=[f"<b>${i}$</b>" for i in range(60)])
    told = told_of(*fitted(pd.concat([table, noise], axis=1), tmp_path))["importance"]
    assert told["asked"] == MOST_FEATURES < told["of"] == 64
    assert "size" in [row["feature"] for row in told["features"][:5]]
    assert "not asked about" in told["note"]


def test_a_clock_ends_it_and_that_is_said(binary: Fitted) -> None:
    """Steps that are slow by themselves must not hold up a run."""
    asking = Asking.of(judged(*binary), 100, 0)
    told = importance(asking, ["size", "weight"], metric_for("binary"), 0, Clock(-1.0))
    assert told["asked"] == 0
    assert "2 took too long" in told["note"]


@settings(max_examples=30)
@given(
    values=st.lists(st.one_of(st.none(), st.floats(allow_infinity=True)), min_size=1, max_size=40),
    kind=st.sampled_from(["float64", "str"]),
)
def test_any_column_has_an_association_between_0_and_1(values: list[float | None], kind: Any) -> None:
    """All missing, infinite, constant: the screen must not fall over the odd column among five hundred."""
    column = pd.Series([None if v is None else v for v in values], dtype="float64")
    if kind == "str":
        column = column.astype("str")
    found = association(column, np.linspace(0, 1, len(values)))
    assert -1e-9 <= found <= 1 + 1e-9


def test_fewer_rows_are_asked_of_wider_tables() -> None:
    """What is asked hangs on the table's size alone."""
    rows = [rows_to_ask(n, 1.0) for n in (5, 20, 100, 500)]
    assert rows == sorted(rows, reverse=True)
    assert rows[0] == 2_000
    assert rows[-1] == 200
