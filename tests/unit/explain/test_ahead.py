"""A forecast along its horizon."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from penstock.explain.ahead import MOST_EXAMPLES, along_horizon, examples
from penstock.judging import Judged, judge
from penstock.metrics.metric import metric_for
from tests.unit.explain.making import Fitted, judged
from tests.unit.series.demand import demand, run, sales


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Judged:
    """Return the held-out rows of the shared forecast."""
    made, trained = demand(tmp_path_factory.mktemp("demand"))
    return judge(made.wrangled, trained, made.sides(), made.store)


def test_every_row_counts_in_one_part_of_the_horizon(found: Judged) -> None:
    """Parts follow each other up to the horizon, each with an interval about its score."""
    told = along_horizon(found, metric_for("forecast"), 1)
    assert [part["first"] for part in told] == [1, *(part["last"] + 1 for part in told[:-1])]
    assert told[-1]["last"] == 24
    assert sum(part["n"] for part in told) == len(found.y)
    for part in told:
        assert part["own"]["low"] <= part["own"]["value"] <= part["own"]["high"]
        assert part["own"]["value"] < part["naive"]["value"]


def test_examples_are_what_was_said_and_what_came_true(found: Judged) -> None:
    """Of a few origins, of both series, in the order of steps, with bands about them; and bounded."""
    told = examples(found)
    assert 2 <= len(told) <= MOST_EXAMPLES
    assert {example["series"] for example in told} == {"north", "south"}
    assert found.test is not None
    truth = dict.fromkeys(found.y.round(9).tolist())
    for example in told:
        assert example["steps"] == sorted(example["steps"])
        assert set(np.round(example["true"], 9).tolist()) <= set(truth)
        assert all(
            low <= p <= high for low, p, high in zip(example["low"], example["predicted"], example["high"], strict=True)
        )
    assert len(json.dumps(told, allow_nan=False)) < 30_000


def test_a_private_target_has_no_examples_and_a_private_series_no_name(tmp_path: Path) -> None:
    """Single rows would be its values."""
    for column, left in (("units", 0), ("store", 2)):
        made = run(sales(480), tmp_path / column, columns={column: {"private": True}})
        trained = made.trained()
        told = examples(judge(made.wrangled, trained, made.sides(), made.store))
        assert len(told) >= left
        assert not told or left
        assert {example["series"] for example in told} <= {""}


def test_other_tasks_have_no_horizon(binary: Fitted) -> None:
    """There is nothing ahead."""
    other = judged(*binary)
    assert along_horizon(other, metric_for("binary"), 1) == []
    assert examples(other) == []
