"""A forecast from a table to answers over HTTP and from the command line."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import httpx
import pandas as pd
import pytest

from tests.e2e.driving import penstock, serving, summary_of
from tests.unit.series.demand import START, sales

SPEC = """\
name: demand
task: forecast
source: sales.csv
target: units
time: ts
group: store
horizon: 24h
known_ahead: [promo]
intervals: 0.9
model: {families: [linear], folds: 3, trials: 1}
"""
END = pd.Timestamp(START) + pd.Timedelta(hours=719)


def ahead(hours: int, store: str = "north") -> dict[str, object]:
    """Return a row to ask for."""
    return {"ts": str(END + pd.Timedelta(hours=hours)), "store": store, "promo": 0}


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with a published forecast."""
    folder = tmp_path_factory.mktemp("demand")
    sales().to_csv(folder / "sales.csv", index=False)
    (folder / "demand.yaml").write_text(SPEC)
    done = penstock("run", "demand.yaml", "--json", cwd=folder)
    assert done.returncode == 0, done.stderr
    told = summary_of(done)
    assert told["published"], told["verdict"]
    assert {"mase", "smape", "mae", "rmse"} == set(told["scores"])
    report = Path(told["report"]).read_text(encoding="utf-8")
    assert "seasonal naive forecast" in report
    return folder


def test_answers_come_with_intervals_and_history_moves_the_origin(project: Path) -> None:
    """One row, many rows, history beside both; what cannot be said is refused with the row's number."""
    history = [{**ahead(h), "units": 20 + h, "temperature": 15} for h in range(1, 7)]
    with serving(project / "artifacts") as service:
        one = service.predict(ahead(1), "demand")
        assert one["low"] < one["prediction"] < one["high"]
        assert one["warnings"][0]["code"] == "old_history"
        many = f"{service.base}/models/demand/predict/batch"
        rows = [ahead(h, store) for store in ("north", "south") for h in range(1, 25)]
        assert len(httpx.post(many, json={"rows": rows}).json()["rows"]) == 48
        assert httpx.post(many, json={"rows": [ahead(26)]}).status_code == 422
        later = httpx.post(many, json={"rows": [ahead(26)], "history": history})
        assert later.status_code == 200
        assert service.predict({**ahead(26), "history": history}, "demand")["prediction"] == pytest.approx(
            later.json()["rows"][0]["prediction"]
        )
        refused = httpx.post(many, json={"rows": [ahead(1), ahead(5, "east")]}).json()
        assert refused["status"] == 422
        assert refused["errors"][0]["message"].startswith("Row 1: nothing is known of the series")
        told = httpx.get(f"{service.base}/models/demand").json()
        assert told["task"] == "forecast"
        assert told["history"] | {"age_seconds": 0} == {
            "last_actual": "2026-01-30 23:00:00",
            "age_seconds": 0,
            "every": "1h",
            "horizon": "1d",
            "old": True,
        }
        document = httpx.get(f"{service.base}/openapi.json").json()["components"]["schemas"]
        assert set(document["demand.row"]["properties"]) == {"ts", "store", "promo", "units"}
        assert set(document["demand.history"]["properties"]) == {"ts", "store", "units", "temperature"}
        assert {"low", "high"} <= set(document["demand.answer"]["required"])


def test_a_file_is_forecast_from_a_file_of_history(project: Path) -> None:
    """The command line reads both as sources are read, and refuses what lies out of reach with status 2."""
    pd.DataFrame([ahead(h) for h in (7, 30)]).to_csv(project / "ask.csv", index=False)
    rows = [{**ahead(h), "units": 20 + h, "temperature": 15} for h in range(1, 7)]
    (project / "known.json").write_text(json.dumps(rows))
    words = ("predict", "demand", "--input", "ask.csv", "--output", "answers.csv")
    refused = penstock(*words, cwd=project)
    assert refused.returncode == 2
    assert "Row 1: the time lies more than 1d after" in refused.stderr
    assert not (project / "answers.csv").exists()
    done = penstock(*words, "--history", "known.json", "--keep", "ts", cwd=project)
    assert done.returncode == 0, done.stderr
    answers = list(csv.DictReader((project / "answers.csv").read_text().splitlines()))
    assert list(answers[0]) == ["ts", "prediction", "low", "high", "warning"]
    assert [row["ts"] for row in answers] == [str(ahead(h)["ts"]) for h in (7, 30)]


def test_check_shows_what_is_known_of_the_past_and_init_guesses_the_rest(project: Path) -> None:
    """A table and a target are enough for a spec that runs."""
    shown = penstock("check", "demand.yaml", cwd=project)
    assert "steps_ahead integer, units_naive float, units_last float" in shown.stdout.replace("\n", " ")
    done = penstock("init", "sales.csv", "--target", "units", "--task", "forecast", "--name", "guessed", cwd=project)
    assert done.returncode == 0, done.stderr
    written = (project / "guessed.yaml").read_text()
    assert "time: ts\ngroup: store\nevery: 1h\nhorizon: 2d\n" in written
