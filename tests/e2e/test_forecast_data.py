"""Real series, each from a short spec: they beat the seasonal naive forecast, or are refused and say so."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from penstock.bundle.bundle import Bundle
from penstock.spec.reading import write_yaml
from tests.e2e.driving import penstock, summary_of

HOURS_OF_AIR = "CO(GT) PT08.S1(CO) NMHC(GT) C6H6(GT) PT08.S2(NMHC) NOx(GT) PT08.S3(NOx) NO2(GT) PT08.S4(NO2)"


@dataclass(frozen=True)
class Case:
    """A data set and what its spec says beside source and target; `better_than` is a MASE that plain lags reach."""

    file: str
    target: str
    spec: dict[str, Any]
    better_than: float
    more: dict[str, Any] = field(default_factory=dict)


CASES = {
    "bikes": Case(
        file="bike_sharing/hour.csv",
        target="cnt",
        spec={
            "time": ["dteday", "hr"],
            "horizon": "48h",
            "known_ahead": ["season", "holiday", "weekday", "workingday"],
        },
        better_than=1.25,
    ),
    "air": Case(
        file="air_quality_uci/AirQualityUCI.xlsx",
        target="CO(GT)",
        spec={
            "time": ["Date", "Time"],
            "horizon": "24h",
            "columns": {
                name: {"missing": ["-200"]} for name in (*HOURS_OF_AIR.split(), "PT08.S5(O3)", "T", "RH", "AH")
            },
        },
        better_than=1.05,
    ),
    "oil": Case(file="etth1/ETTh1.csv", target="OT", spec={"time": "date", "horizon": "24h"}, better_than=0.7),
}


@pytest.mark.long
@pytest.mark.parametrize("name", CASES)
def test_a_real_series_is_forecast_better_than_by_its_season(shared: Path, tmp_path: Path, name: str) -> None:
    """From raw file to sealed bundle; every hour of the horizon is answered, with an interval that holds its share."""
    case = CASES[name]
    declared = {
        "name": name,
        "source": str(shared / "data" / case.file),
        "target": case.target,
        "task": "forecast",
        **case.spec,
        "intervals": 0.9,
        "model": {"families": ["linear", "lightgbm"], "folds": 3, "trials": 2, "budget": 40.0},
    }
    (tmp_path / f"{name}.yaml").write_text(write_yaml(declared))
    done = penstock("run", f"{name}.yaml", "--json", cwd=tmp_path, timeout=600)
    assert done.returncode == 0, done.stderr + done.stdout
    told = summary_of(done)
    assert told["published"]
    assert "beats the seasonal naive forecast" in told["verdict"]["reasons"][0]
    assert told["scores"]["mase"]["value"] < case.better_than
    bundle = Bundle.load(told["bundle"])
    assert 0.84 <= bundle.metrics["intervals"]["coverage"] <= 0.97
    assert json.dumps(bundle.metrics)
    assert bundle.looking is not None
    answer = bundle.predict([dict(bundle.example())])
    assert answer.low is not None
    assert not answer.null.any()
