"""Rows of the past that are sent to an ordinary model: its steps that look back see them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from penstock.bundle.bundle import Bundle
from penstock.errors import RequestError
from penstock.judging import candidate_twin
from tests.unit.series.demand import run


def visits(n: int = 400) -> pd.DataFrame:
    """Return visits whose bill follows the weight at the visit before."""
    random = np.random.default_rng(0)
    weight = random.normal(70, 10, n).round(1)
    day = pd.date_range("2025-01-01", periods=n)
    before = np.concatenate([[70.0], weight[:-1]])
    return pd.DataFrame({"day": day, "weight": weight, "bill": (before * 2 + random.normal(0, 0.1, n)).round(2)})


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    """Return a regression with a lag."""
    steps: list[dict[str, Any]] = [
        {"kind": "lag", "order": "day", "of": "weight"},
        {"kind": "calendar", "parts": ["month"]},
        {"kind": "fill"},
    ]
    plain = {"task": "regression", "target": "bill", "steps": steps, "time": "day", "split": {"by": "time"}}
    gone: dict[str, Any] = dict.fromkeys(("group", "horizon", "known_ahead", "intervals"))
    folder: Path = tmp_path_factory.mktemp("visits")
    made = run(visits(), folder, **plain, **gone)
    return candidate_twin(made.trained(), made.store)[0]


def test_history_is_what_a_step_that_looks_back_finds(bundle: Bundle) -> None:
    """The bill follows the weight that was sent as the visit before."""
    row = {"day": "2027-01-02", "weight": 50.0}
    bills = [bundle.predict([row], [{"day": "2027-01-01", "weight": weight}]).estimates[0] for weight in (60.0, 80.0)]
    assert bills == pytest.approx([120, 160], abs=3)
    assert bundle.predict([row]).estimates[0] != bills[0]


def test_history_that_does_not_read_is_refused(bundle: Bundle) -> None:
    """By its row and column."""
    with pytest.raises(RequestError, match="Row 0 of the history does not fit: 'weight' should be"):
        bundle.predict([{"day": "2027-01-02", "weight": 50.0}], [{"day": "2027-01-01", "weight": "much"}])
