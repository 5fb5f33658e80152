"""Held-out errors in words: a flaw that is planted is named with its numbers, and a private column is not."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from penstock.explain.errors import residual_facts
from penstock.judging import Judged
from tests.unit.explain.making import Fitted, judged


def lines(rows: Judged) -> list[str]:
    found: list[str] = residual_facts(rows, 1)["residuals"]["lines"]
    return found


def off_where_heavy(rows: Judged) -> Judged:
    """Return the same rows, the true values moved by three where the weight is high."""
    frame = rows.schema.cast(rows.raw, ["weight"]).frame
    high = (frame["weight"] > frame["weight"].quantile(0.8)).to_numpy(dtype=bool)
    return replace(rows, y=rows.y.astype(np.float64) + np.where(high, 3.0, 0.0))


def test_numbers_without_a_flaw_are_said_to_have_none(regression: Fitted) -> None:
    """Each question has its answer, with the figures behind it."""
    told = lines(judged(*regression))
    assert [line.partition(":")[0] for line in told] == ["Bias", "Spread", "Shape", "By feature"]
    assert told[0].startswith("Bias: none beyond chance")
    assert "Breusch-Pagan, p = " in told[1]
    assert "Jarque-Bera, p = " in told[2]


def test_the_worst_part_of_a_feature_is_named_with_how_far_predictions_are_off_there(regression: Fitted) -> None:
    """Whoever reads it knows where to look."""
    told = lines(off_where_heavy(judged(*regression)))
    assert told[0].startswith("Bias: predictions are too low")
    assert "Worst: too low by " in told[-1]
    assert "where weight is above " in told[-1].partition("Worst: ")[2].partition(";")[0]


def test_nothing_is_said_of_the_parts_of_a_private_column(regression: Fitted) -> None:
    """Neither its edges nor its levels."""
    rows = off_where_heavy(judged(*regression))
    hidden = tuple(c.model_copy(update={"private": c.name == "weight"}) for c in rows.schema.columns)
    told = lines(replace(rows, schema=rows.schema.model_copy(update={"columns": hidden})))
    assert "weight" not in "".join(told)


@pytest.mark.parametrize("stretch", [1.0, 4.0])
def test_the_calibration_of_probabilities_is_said_with_slope_and_intercept(binary: Fitted, stretch: float) -> None:
    """Probabilities that are made four times as sure are found too extreme."""
    rows = judged(*binary)
    odds = stretch * np.log(rows.predicted[:, 1] / rows.predicted[:, 0])
    shares = 1 / (1 + np.exp(-odds))
    (told,) = lines(replace(rows, predicted=np.column_stack([1 - shares, shares])))
    assert told.startswith("Calibration of 'yes': slope ")
    assert ("too extreme" in told) is (stretch > 1)
