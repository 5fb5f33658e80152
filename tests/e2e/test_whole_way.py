"""One stream through everything: init, run, serve, predict, run again, swap, rollback, and back it stays."""

from __future__ import annotations

import csv
import json
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.e2e.driving import Service, penstock, serving, summary_of

ROOT = Path(__file__).resolve().parents[2]

SHORT = "model: {families: [linear], trials: 1}\n"


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with the sample's raw data as a user would have it."""
    from data.clinic import build

    folder = tmp_path_factory.mktemp("whole-way")
    build(folder / "clinic")
    return folder


@pytest.fixture(scope="module")
def service(place: Path) -> Iterator[Service]:
    """Init, run and serve the sample; the service then lives through every test of this module."""
    done = penstock(
        "init", "clinic/visits.csv", "--target", "diagnosis", "--name", "clinic", "--out", "clinic.yaml", cwd=place
    )
    assert done.returncode == 0, done.stderr
    spec = place / "clinic.yaml"
    spec.write_text(spec.read_text() + SHORT)
    first = penstock("run", "clinic.yaml", "--json", cwd=place)
    assert first.returncode == 0, first.stderr
    (place / "first.json").write_text(json.dumps(summary_of(first)))
    with serving(place / "artifacts") as running:
        yield running


def raw_rows(place: Path, n: int) -> list[dict[str, str]]:
    """Return raw rows as the file has them."""
    with (place / "clinic" / "visits.csv").open(newline="") as file:
        return list(csv.DictReader(file))[:n]


def eventually(service: Service, row: dict[str, str], version: str) -> dict[str, object]:
    """Ask until that version answers."""
    for _ in range(100):
        answer = service.predict(row)
        if answer["version"] == version:
            return answer
        time.sleep(0.1)
    raise AssertionError(f"{version} was not served within 10 s; {answer['version']} answers")


def test_the_whole_way(place: Path, service: Service) -> None:
    """Every promise of the stream, in the order in which a user meets them."""
    row = raw_rows(place, 1)[0]
    first = json.loads((place / "first.json").read_text())
    assert [s["name"] for s in first["stages"]] == [
        "collect", "arrays", "wrangle", "explore", "train", "evaluate", "publish",
    ]  # fmt: skip
    assert first["published"]
    assert first["verdict"]["passed"]

    answer = service.predict(row)
    assert answer["version"] == first["version"]
    assert set(answer["probabilities"]) == {"benign", "malignant"}

    # The command line and the service give the same number.
    done = penstock("predict", "clinic", "--input", "clinic/visits.csv", "--output", "out.csv", cwd=place)
    assert done.returncode == 0, done.stderr
    with (place / "out.csv").open(newline="") as file:
        out = list(csv.DictReader(file))
    assert [r["patient"] for r in out] == [r["patient"] for r in raw_rows(place, len(out))]
    assert float(out[0]["probability_malignant"]) == pytest.approx(answer["probabilities"]["malignant"], abs=1e-12)

    # Nothing changed: nothing is done again, and nothing new is published.
    again = summary_of(penstock("run", "clinic.yaml", "--json", cwd=place))
    assert {s["name"]: s["state"] for s in again["stages"]} == {
        "collect": "cached", "arrays": "cached", "wrangle": "cached", "explore": "cached",
        "train": "cached", "evaluate": "cached", "publish": "unchanged",
    }  # fmt: skip
    assert again["version"] == first["version"]

    # A changed spec: a new version, served without a restart.
    spec = place / "clinic.yaml"
    spec.write_text(spec.read_text().replace(SHORT, "model: {families: [lightgbm], trials: 1}\ngate: {margin: 1.0}\n"))
    second = summary_of(penstock("run", "clinic.yaml", "--json", cwd=place))
    assert second["published"], second["verdict"]
    assert second["version"] != first["version"]
    eventually(service, row, second["version"])

    # Going back is one command, and stays.
    back = penstock("rollback", "clinic", "--reason", "a test", cwd=place)
    assert back.returncode == 0, back.stderr
    assert eventually(service, row, first["version"])["probabilities"] == answer["probabilities"]
    third = penstock("run", "clinic.yaml", "--json", cwd=place)
    assert third.returncode == 3, third.stderr
    refused = summary_of(third)
    assert not refused["published"]
    assert any("rolled back" in reason for reason in refused["verdict"]["reasons"])
    time.sleep(1)
    assert service.predict(row)["version"] == first["version"]

    # With a reason it may come back.
    forced = penstock("publish", refused["run_id"], "--force", "the test wants it", cwd=place)
    assert forced.returncode == 0, forced.stderr
    # The same content under the next number: versions are ordered by when they went live.
    assert eventually(service, row, "3-" + second["version"].partition("-")[2])["model"] == "clinic"


def test_the_service_answers_in_every_batch_format(place: Path, service: Service) -> None:
    """CSV in, CSV out; JSON rows in, JSON rows out; one answer a row."""
    rows = raw_rows(place, 5)
    answer = httpx.post(f"{service.base}/models/clinic/predict/batch", json={"rows": rows}, timeout=30)
    assert answer.status_code == 200, answer.text
    assert len(answer.json()["rows"]) == 5
    text = "\n".join([",".join(rows[0]), *(",".join(f'"{v}"' for v in r.values()) for r in rows)]) + "\n"
    answer = httpx.post(
        f"{service.base}/models/clinic/predict/batch", content=text, headers={"content-type": "text/csv"}, timeout=30
    )
    assert answer.status_code == 200, answer.text
    assert len(list(csv.DictReader(answer.text.splitlines()))) == 5
