"""Answers with their reasons, over every door."""

from __future__ import annotations

import io

import pandas as pd
import pytest

from tests.unit.service.making import SHIP
from tests.unit.service.test_predict import BATCH, URL, check_problem


def test_reasons_come_with_the_answer_that_they_are_of(client):
    """What the columns add sums to the probability that is answered, one row or many, JSON or a file."""
    told = client.post(f"{URL}?explain=true", json=SHIP).json()
    why = told["explanation"]
    assert why["method"] == "exact"
    assert why["score"] == told["probabilities"][why["label"]]
    assert why["base"] + sum(why["contributions"].values()) == pytest.approx(why["score"], abs=1e-12)
    assert {name: told[name] for name in told if name != "explanation"} == client.post(URL, json=SHIP).json()
    rows = client.post(f"{BATCH}?explain=true", json={"rows": [SHIP, SHIP]}).json()["rows"]
    assert [row["explanation"] for row in rows] == [why, why]
    sent = pd.DataFrame([SHIP]).to_csv(index=False)
    file = client.post(f"{BATCH}?explain=true", content=sent, headers={"content-type": "text/csv"})
    columns = pd.read_csv(io.StringIO(file.text)).iloc[0]
    assert columns["contributions_are"] == "exact"
    for name, value in why["contributions"].items():
        assert columns[f"contribution_{name}"] == pytest.approx(value, abs=1e-12)


def test_whether_reasons_are_wanted_is_not_guessed(client):
    """A word that is neither yes nor no is refused, and no is no."""
    check_problem(client.post(f"{URL}?explain=perhaps", json=SHIP), 422)
    assert "explanation" not in client.post(f"{URL}?explain=false", json=SHIP).json()
