"""Which way features move the prediction."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from penstock.explain.asking import Asking, Clock
from penstock.explain.effects import effects
from penstock.models.stage import train
from penstock.slices import Modelling
from tests.unit.explain.making import Fitted, fitted, judged, told_of
from tests.unit.models.making import run_until_trained, ships

SECRETS = ("Ottokar", "Wilhelmine", "Friedlinde")


def by_name(told: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Return the effects by feature."""
    return {f["feature"]: f for f in told["features"]}


def test_the_effect_of_a_linear_model_is_its_slope(tmp_path: Path) -> None:
    """Accumulated local effects of a line are that line, whatever else the rows hold; centred on the rows."""
    random = np.random.default_rng(0)
    a = random.normal(0, 1, 600)
    b = 0.8 * a + 0.6 * random.normal(0, 1, 600)
    table = pd.DataFrame({"a": a.round(4), "b": b.round(4), "late": 3 * a - 2 * b + random.normal(0, 0.01, 600)})
    run, trained = fitted(table, tmp_path)
    found = judged(run, trained)
    told = by_name(effects(Asking.of(found, 600, 0), ["a", "b"], 0, Clock(10)))
    for name, slope in (("a", 3.0), ("b", -2.0)):
        x, y = np.array(told[name]["x"]), np.array(told[name]["lines"][0]["y"])
        np.testing.assert_allclose(np.diff(y) / np.diff(x), slope, rtol=0.05)
        middles = (y[1:] + y[:-1]) / 2
        assert np.average(middles, weights=told[name]["n"]) == pytest.approx(0, abs=1e-6)


def test_levels_move_as_the_target_does(binary: Fitted) -> None:
    """Red ships are late more often: the probability of the declared label rises there."""
    told = by_name(told_of(*binary)["effects"])["colour"]
    (line,) = told["lines"]
    moved = dict(zip(told["levels"], line["y"], strict=True))
    assert line["label"] == "yes"
    assert moved["red"] > 0 > moved["blue"]
    assert np.dot(told["n"], line["y"]) == pytest.approx(0, abs=1e-6)


def test_three_classes_have_a_line_each(multiclass: Fitted) -> None:
    """What one label gains the others lose."""
    told = by_name(told_of(*multiclass)["effects"])
    lines = told["size"]["lines"]
    assert [line["label"] for line in lines] == ["a", "b", "c"]
    np.testing.assert_allclose(np.sum([line["y"] for line in lines], axis=0), 0, atol=1e-6)


def test_a_date_is_followed_along_time(tmp_path: Path) -> None:
    """Cells are those of held-out rows, so a date is read as a caller's is."""
    random = np.random.default_rng(0)
    day = random.integers(0, 700, 500)
    table = pd.DataFrame(
        {
            "sailed": (pd.Timestamp("2020-01-01") + pd.to_timedelta(day, "D")).strftime("%d.%m.%Y"),
            "size": random.normal(0, 1, 500),
            "late": day / 100 + random.normal(0, 0.1, 500),
        }
    )
    run = run_until_trained(table, tmp_path, split={"by": "content"})
    trained = train(run.wrangled, Modelling(families=("lightgbm",), folds=2, trials=1), run.spec.typing, 5, run.store)
    told = by_name(told_of(run, trained)["effects"])["sailed"]
    assert told["kind"] == "time"
    assert np.datetime64("2020-01-01") <= np.array(told["x"]).astype("datetime64[s]").min()
    assert told["lines"][0]["y"][-1] - told["lines"][0]["y"][0] == pytest.approx(7, abs=1)


def test_of_private_columns_nothing_is_told_but_the_name(tmp_path: Path) -> None:
    """They are asked about, and neither a level nor a place along them is stored."""
    random = np.random.default_rng(0)
    nick = random.choice(SECRETS, 500)
    income = 7_654_000 + random.integers(0, 999, 500)
    late = np.where((nick == SECRETS[0]) ^ (random.random(500) < 0.1), "yes", "no")
    table = pd.DataFrame({"nick": nick, "income": income, "size": random.normal(0, 1, 500).round(3), "late": late})
    private = {"nick": {"private": True}, "income": {"private": True}}
    told = told_of(*fitted(table, tmp_path, columns=private))
    assert told["importance"]["features"][0]["feature"] == "nick"
    assert "private" in told["effects"]["note"]
    whole = json.dumps(told)
    assert not [secret for secret in SECRETS if secret in whole]
    assert "7654" not in whole
    assert set(by_name(told["effects"])) <= {"size"}


def test_of_a_private_target_no_effect_is_told(tmp_path: Path) -> None:
    """How its prediction moves is a value of it."""
    table = ships(400, task="regression")
    told = told_of(*fitted(table, tmp_path, columns={"late": {"private": True}}))
    assert told["effects"]["features"] == []
    assert "private" in told["effects"]["note"]
    assert told["importance"]["features"]


def test_a_feature_of_one_value_or_of_few_rows_has_no_effect(binary: Fitted) -> None:
    """There is nothing to move along; a text that each row has anew is no level either."""
    asking = Asking.of(judged(*binary), 100, 0)
    still = asking.frame.assign(size=1.0, weight=np.nan, place=[f"n{i}" for i in range(len(asking))])
    told = effects(replace(asking, frame=still), ["size", "weight", "place", "colour"], 0, Clock(10))
    assert list(by_name(told)) == ["colour"]
