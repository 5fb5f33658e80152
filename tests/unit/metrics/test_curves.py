from __future__ import annotations

import json
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn import metrics as sk

from penstock.metrics.curves import (
    MOST_POINTS,
    calibration_curve,
    curves,
    error_tenths,
    gain_curve,
    precision_recall_curve,
    probability_histogram,
    roc_curve,
)
from penstock.metrics.slices import slices
from penstock.table import Column, TableSchema, Target
from tests.unit.metrics.test_scores import BINARY, NUMBER, THREE, guesses


def area(x: list[float], y: list[float]) -> float:
    return float(np.sum(np.diff(x) * (np.array(y[1:]) + np.array(y[:-1])) / 2))


def test_the_area_under_the_drawn_curve_is_the_score() -> None:
    """Two hundred points are enough to draw what was measured."""
    y, p = guesses(5000, 2, digits=6)
    roc = roc_curve(y == 1, p[:, 1])
    assert len(roc["x"]) <= MOST_POINTS
    assert (roc["x"][0], roc["y"][0], roc["x"][-1], roc["y"][-1]) == (0, 0, 1, 1)
    assert area(roc["x"], roc["y"]) == pytest.approx(sk.roc_auc_score(y, p[:, 1]), abs=2e-3)
    recall = precision_recall_curve(y == 1, p[:, 1])
    assert area(recall["x"], recall["y"]) == pytest.approx(sk.average_precision_score(y, p[:, 1]), abs=5e-3)


def test_tied_scores_are_one_step() -> None:
    """No order among equal scores may be drawn as if it were one."""
    roc = roc_curve(np.array([True, False, True, False]), np.full(4, 0.5))
    assert (roc["x"], roc["y"]) == ([0.0, 1.0], [0.0, 1.0])


def test_a_calibrated_model_lies_on_the_diagonal() -> None:
    """Bins of equally many rows, at most ten, with their counts."""
    random = np.random.default_rng(0)
    p = random.random(20_000)
    found = calibration_curve(random.random(20_000) < p, p)
    assert sum(found["n"]) == 20_000
    np.testing.assert_allclose(found["x"], found["y"], atol=0.04)


@pytest.mark.parametrize("target", [BINARY, THREE], ids=lambda t: t.task)
def test_the_confusion_matrix_is_scikit_learns(target: Target) -> None:
    """Row the true label, column the predicted one."""
    y, p = guesses(300, len(target.labels))
    told: Any = curves(target, y, p)
    assert told["confusion"] == sk.confusion_matrix(y, p.argmax(axis=1)).tolist()
    assert list(told["curves"]) == (["yes"] if target is BINARY else ["a", "b", "c"])


@pytest.mark.parametrize("target", [BINARY, THREE, NUMBER], ids=lambda t: t.task)
def test_what_is_drawn_fits_into_json_and_is_small(target: Target) -> None:
    """However many rows: no NaN, no million points."""
    if target is NUMBER:
        random = np.random.default_rng(0)
        y = random.normal(0, 1, 20_000)
        told = curves(target, y, y * 0.9)
    else:
        told = curves(target, *guesses(20_000, len(target.labels), digits=8))
    assert len(json.dumps(told, allow_nan=False)) < 60_000


def test_slices_show_where_a_model_is_worse() -> None:
    """Errors are doubled in one level; rare levels, columns of many levels and private ones are left out."""
    random = np.random.default_rng(0)
    n = 900
    place = random.choice(["north", "south"], n)
    y = random.normal(0, 1, n)
    error = np.where(place == "north", 1.0, 2.0) * random.normal(0, 1, n)
    names = [f"n{i}" for i in range(n)]
    odd = np.where(np.arange(n) < 5, "odd", "usual")
    table = pd.DataFrame({"place": place, "name": names, "odd": odd, "secret": place, "floor": np.arange(n) % 3.0})
    columns = tuple(Column(name=c, kind="category", private=c == "secret") for c in ("place", "name", "odd", "secret"))
    schema = TableSchema(columns=(*columns, Column(name="floor", kind="integer")))
    found = {(s.column, s.level): s for s in slices(NUMBER, "rmse", y, y + error, table, schema)}
    assert set(found) == {
        ("place", "north"),
        ("place", "south"),
        ("odd", "usual"),
        ("floor", "0"),
        ("floor", "1"),
        ("floor", "2"),
    }
    assert found["place", "south"].value == pytest.approx(2 * found["place", "north"].value, rel=0.15)
    assert found["place", "north"].n == (place == "north").sum()


def test_the_worst_slices_have_intervals_and_numbers_are_cut_in_quarters() -> None:
    """Errors are doubled above the upper quartile of a number: it is the worst slice, by its whole interval."""
    random = np.random.default_rng(0)
    n = 1_000
    size = random.permutation(n) / 7
    y = random.normal(0, 1, n)
    error = np.where(size > np.quantile(size, 0.75), 2.0, 1.0) * random.normal(0, 1, n)
    table = pd.DataFrame({"size": size, "secret": size})
    columns = (Column(name="size", kind="float"), Column(name="secret", kind="float", private=True))
    found = slices(NUMBER, "rmse", y, y + error, table, TableSchema(columns=columns), seed=1)
    assert [s.n for s in found] == [250] * 4
    assert {s.column for s in found} == {"size"}
    worst = max(found, key=lambda s: s.value)
    others = [s for s in found if s is not worst]
    assert worst.level == "above 107"
    assert worst.low is not None
    assert all(s.high is not None and s.low is not None and s.low <= s.value <= s.high < worst.low for s in others)


def test_a_number_of_one_value_or_none_is_not_cut() -> None:
    """There are no quarters of it."""
    table = pd.DataFrame({"one": np.ones(200), "gone": np.full(200, np.nan)})
    schema = TableSchema(columns=tuple(Column(name=c, kind="float") for c in table))
    y = np.random.default_rng(0).normal(0, 1, 200)
    assert slices(NUMBER, "rmse", y, y + 1, table, schema) == []


def test_gain_finds_all_at_the_end_and_ties_are_one_step() -> None:
    """A perfect ranking finds everything first; one without an opinion is the diagonal."""
    positive = np.array([True, False, False, True])
    perfect = gain_curve(positive, positive.astype(float))
    assert (perfect["x"], perfect["y"]) == ([0.0, 0.5, 1.0], [0.0, 1.0, 1.0])
    assert gain_curve(positive, np.full(4, 0.3))["y"] == [0.0, 1.0]


def test_the_histogram_counts_every_row_once() -> None:
    """Both ends of the scale too."""
    probability = np.array([0.0, 0.049, 0.05, 0.999, 1.0])
    found = probability_histogram(np.array([True, True, False, False, True]), probability)
    assert (found["own"][0], found["others"][1], found["own"][-1], found["others"][-1]) == (2, 1, 1, 1)
    assert sum(found["own"]) + sum(found["others"]) == 5


def test_tenths_tell_where_a_model_errs_and_their_intervals_hold_the_truth() -> None:
    """High predictions are two too high; elsewhere the errors have no tendency."""
    random = np.random.default_rng(0)
    predicted = np.sort(random.normal(0, 1, 5_000))
    y = predicted - np.where(np.arange(5_000) >= 4_500, 2.0, 0.0) + random.normal(0, 1, 5_000)
    found = error_tenths(y, predicted)
    assert [tenth["n"] for tenth in found] == [500] * 10
    assert sum(tenth["bias"]["low"] <= 0 <= tenth["bias"]["high"] for tenth in found[:9]) >= 8
    assert found[9]["bias"]["low"] < 2 < found[9]["bias"]["high"]
    assert {tenth["at"] for tenth in error_tenths(y, predicted, private=True)} == {None}
    assert len(error_tenths(y[:1], predicted[:1])) == 0
