"""The floor under every model, and what a model costs."""

from __future__ import annotations

import io
import time

import joblib
import numpy as np
import pandas as pd
import pytest

from penstock.floor import floor_predictions
from penstock.limits import memory_of, row_milliseconds
from penstock.metrics.scores import score
from tests.unit.models.making import TARGETS, frame, outcome


@pytest.mark.parametrize("task", ["binary", "multiclass", "regression"])
def test_the_floor_learns_from_numbers_and_categories_and_is_the_same_in_every_run(task: str) -> None:
    """It is what any model should reach, so it must reach something itself."""
    features = frame(500)
    y, target = outcome(features, task), TARGETS[task]
    train, held = features.iloc[:350], features.iloc[350:]
    said = floor_predictions(train, y[:350], held, target, seed=1)
    assert said is not None
    metric = "r2" if task == "regression" else "roc_auc"
    assert score(target, metric, y[350:], said) > (0.4 if task == "regression" else 0.75)
    again = floor_predictions(train, y[:350], held, target, seed=1)
    np.testing.assert_array_equal(said, again)


def test_the_floor_takes_moments_unseen_levels_and_infinite_numbers() -> None:
    """Held-out rows hold what training rows did not."""
    n = 200
    random = np.random.default_rng(0)
    table = pd.DataFrame(
        {
            "at": np.datetime64("2026-01-01") + np.arange(n).astype("timedelta64[D]"),
            "size": np.where(np.arange(n) == 190, np.inf, random.normal(0, 1, n)),
            "name": pd.array([f"L{i % 7}" if i < 150 else f"N{i}" for i in range(n)], dtype="str"),
        }
    )
    said = floor_predictions(table[:150], random.normal(0, 1, 150), table[150:], TARGETS["regression"], seed=1)
    assert said is not None
    assert np.isfinite(said).all()
    assert floor_predictions(table[[]], np.zeros(n), table[[]], TARGETS["regression"], seed=1) is None


def test_a_row_is_timed_by_the_work_of_its_own_thread() -> None:
    """A machine that is busy with others must not make a model slow: waiting is no work."""
    assert row_milliseconds(lambda _: time.sleep(0.003), [{}]) < 2
    assert row_milliseconds(lambda _: sum(range(200_000)), [{}]) > 0.5


def test_memory_counts_what_is_open_and_what_travels_with_it() -> None:
    """In megabytes of a million bytes."""
    sink = io.BytesIO()
    joblib.dump(np.zeros(2_000_000), sink)
    assert 16 <= memory_of(sink.getvalue(), [1_000_000]) <= 18.5


def test_the_floor_weighs_rows_as_the_candidate_does() -> None:
    """A row that counts nothing teaches it nothing."""
    features = frame(400)
    y, target = outcome(features, "regression"), TARGETS["regression"]
    train, held = features.iloc[:300], features.iloc[300:]
    spoilt = np.where(np.arange(300) < 100, 1e6, y[:300])
    weights = (np.arange(300) >= 100).astype(np.float64)
    said = floor_predictions(train, spoilt, held, target, seed=1, weights=weights)
    assert said is not None
    assert score(target, "r2", y[300:], said) > 0.4
