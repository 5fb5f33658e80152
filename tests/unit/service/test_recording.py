"""The prediction log: what was asked and answered, without what is private, and what can be done with it."""

from __future__ import annotations

import json

import orjson
import pyarrow.dataset
import pyarrow.parquet
import pytest
from fastapi.testclient import TestClient

from deploy.service.app import create_app
from deploy.service.body import many_rows
from deploy.service.chunk import Shown
from deploy.service.meters import Meters
from deploy.service.recording import PredictionLog
from deploy.service.settings import Settings
from penstock.bundle.bundle import Bundle
from penstock.bundle.publish import publish
from penstock.receipts import Verdict
from penstock.table import Domain
from tests.unit.bundle.making import PASSED, make, raw_rows
from tests.unit.service.making import SCHEMA, SHIP, Fitted, put, wait_for

URL = "/models/ships/predict"


def everything(folder):
    return pyarrow.dataset.dataset(folder, format="parquet", partitioning=None).to_table().to_pylist()


@pytest.fixture
def home(tmp_path):
    """Return artifacts of this test's own: it publishes, too."""
    put(tmp_path / "artifacts")
    return tmp_path / "artifacts"


@pytest.fixture
def logged(home, tmp_path):
    settings = Settings(artifacts=home, poll_seconds=0.05, prediction_log=tmp_path / "log", replay_rows=50)
    app = create_app(settings)
    with TestClient(app) as client:
        wait_for(lambda: client.get("/readyz").status_code == 200)
        yield client, app.state.served.doors.log


def test_every_answered_row_is_kept_with_its_answer_by_day_and_version(logged):
    """One row or many; what was refused is no prediction."""
    client, log = logged
    one = client.post(URL, json=SHIP, headers={"x-request-id": "one"})
    many = client.post(f"{URL}/batch", json={"rows": [SHIP, SHIP]}, headers={"x-request-id": "many"})
    assert client.post(URL, json={"berth": "none"}).status_code == 422
    log.flush()
    rows = sorted(everything(log.folder), key=lambda row: (row["request_id"], row["row"]))
    assert [(row["request_id"], row["row"]) for row in rows] == [("many", 0), ("many", 1), ("one", 0)]
    assert orjson.loads(rows[2]["fields"]) == SHIP
    assert orjson.loads(rows[2]["answer"]) == one.json()
    assert [orjson.loads(row["answer"]) for row in rows[:2]] == many.json()["rows"]
    assert {row["version"] for row in rows} == {one.json()["version"]}
    assert all(row["milliseconds"] > 0 for row in rows)
    file = next(log.folder.rglob("*.parquet"))
    assert file.parent.name == f"version={one.json()['version']}"
    assert 'penstock_prediction_log_rows_total{result="written"} 3.0' in client.get("/metrics").text


def test_private_and_unknown_fields_are_never_written(tmp_path):
    """Whatever a caller sends along."""
    publish(tmp_path, "churn", make("binary", n=60, report=None).parts, PASSED)
    shown = Shown(Bundle.load(tmp_path / "models" / "churn"))
    log = PredictionLog(tmp_path / "log", Meters())
    row = {**raw_rows(1).to_pylist()[0], "secret": "s-private", "note": "s-unknown"}
    body = orjson.dumps({"rows": [row, row]})
    log.note(shown, "r", shown.told(row, orjson.dumps(row)), b"{}", 0.001)
    log.note_many(shown, "s", shown.told_many([row, row], body), [b"{}", b"{}"], 0.001)
    log.close()
    for told in everything(log.folder):
        assert set(orjson.loads(told["fields"])) == set(row) - {"secret", "note"}
    assert not any(b"s-private" in f.read_bytes() for f in log.folder.rglob("*.parquet"))


@pytest.mark.parametrize("space", ["", " ", "\n  "])
@pytest.mark.parametrize("odd", ["plain", "a } b", "a { b", 'a "} b', "Ã¼"])
def test_rows_of_a_batch_are_kept_as_they_were_sent_however_they_were_written(tmp_path, space, odd):
    """Pieces of the body stand for rows only where brackets can belong to nothing else."""
    publish(tmp_path, "churn", make("binary", n=60, report=None).parts, PASSED)
    bundle = Bundle.load(tmp_path / "models" / "churn")
    fields = Shown(bundle).fields
    rows = [{n: odd if n == "city" else v for n, v in r.items() if n in fields} for r in raw_rows(3).to_pylist()]
    text = json.dumps({"rows": rows}, indent=1 if space else None, default=str).replace(": ", f":{space}").encode()
    read, _ = many_rows(text, 10)
    assert [orjson.loads(told) for told in Shown(bundle).told_many(read, text)] == read


def test_what_does_not_fit_the_queue_is_counted_not_waited_for(tmp_path):
    """A disk that is slow must not make answers slow."""
    publish(tmp_path, "churn", make("binary", n=60, report=None).parts, PASSED)
    shown = Shown(Bundle.load(tmp_path / "models" / "churn"))
    meters = Meters()
    log = PredictionLog(tmp_path / "log", meters, most_waiting=2)
    for i in range(5):
        log.note(shown, f"r{i}", b'{"age": "1"}', b"{}", 0.001)
    log.note_many(shown, "many", [b'{"age": "1"}'] * 3, [b"{}"] * 3, 0.001)
    log.close()
    assert len(everything(log.folder)) == 2
    assert b'penstock_prediction_log_rows_total{result="dropped"} 6.0' in meters.text()


def test_rows_of_requests_that_came_together_are_kept_in_one_file_and_in_order(tmp_path):
    """A batch keeps its id and the places of its rows, whatever was asked before and after it."""
    publish(tmp_path, "churn", make("binary", n=60, report=None).parts, PASSED)
    shown = Shown(Bundle.load(tmp_path / "models" / "churn"))
    log = PredictionLog(tmp_path / "log", Meters())
    log.note(shown, "a", b'{"age": "1"}', b'{"prediction": "x"}', 0.001, at=5.0)
    log.note_many(shown, "b", [b'{"age": "2"}', b'{"age": "3"}'], [b'{"p":2}', b'{"p":3}'], 0.002, at=6.0)
    log.note(shown, "c", b'{"age": "4"}', b"{}", 0.003, at=7.5)
    log.close()
    (file,) = log.folder.rglob("*.parquet")
    assert file.parts[-4:-1] == ("date=1970-01-01", "model=churn", f"version={shown.version}")
    rows = pyarrow.parquet.read_table(file, partitioning=None).to_pylist()
    assert [(row["request_id"], row["row"]) for row in rows] == [("a", 0), ("b", 0), ("b", 1), ("c", 0)]
    assert [orjson.loads(row["fields"])["age"] for row in rows] == ["1", "2", "3", "4"]
    assert [row["answer"] for row in rows] == ['{"prediction": "x"}', '{"p":2}', '{"p":3}', "{}"]
    assert [row["time"].timestamp() for row in rows] == [5.0, 6.0, 6.0, 7.5]
    assert [round(row["milliseconds"], 6) for row in rows] == [1.0, 2.0, 2.0, 3.0]


def test_answers_of_a_private_target_are_never_written(tmp_path):
    """They are what the caller gets, and nobody else."""
    publish(tmp_path, "churn", make("binary", n=60, report=None).parts, PASSED)
    shown = Shown(Bundle.load(tmp_path / "models" / "churn"))
    shown.answer = False
    log = PredictionLog(tmp_path / "log", Meters())
    log.note(shown, "a", b'{"age": "1"}', b'{"prediction": "s-private"}', 0.001)
    log.note_many(shown, "b", [b'{"age": "2"}'] * 2, [b'{"prediction": "s-private"}'] * 2, 0.001)
    log.close()
    assert [(row["fields"], row["answer"]) for row in everything(log.folder)] == [
        ('{"age": "1"}', None),
        ('{"age": "2"}', None),
        ('{"age": "2"}', None),
    ]
    assert not any(b"s-private" in f.read_bytes() for f in log.folder.rglob("*.parquet"))


def test_a_logged_request_is_explained_by_its_id(logged):
    """By the version that answered it, and as it was answered."""
    client, _ = logged
    one = client.post(f"{URL}?explain=true", json=SHIP).json()
    client.post(URL, json=SHIP, headers={"x-request-id": "why-17"})
    told = client.get("/models/ships/requests/why-17").json()
    assert told["explanation"] == one["explanation"]
    assert told["answer"]["prediction"] == one["prediction"]
    assert client.get("/models/ships/requests/other").status_code == 404
    assert client.get("/models/boats/requests/why-17").status_code == 404


def test_a_new_version_answers_the_last_logged_rows_before_it_is_served(logged, home, caplog):
    """One that has no answer to a row which the live one answers is refused, and the live one goes on."""
    client, _ = logged
    version = client.post(URL, json=SHIP).json()["version"]
    short = tuple(
        c.model_copy(update={"domain": Domain(low=0, high=100)}) if c.name == "length" else c for c in SCHEMA.columns
    )
    narrow = Fitted(5, SCHEMA.model_copy(update={"columns": short}))
    passed = Verdict(passed=True, reasons=("better than the baseline",))
    publish(home, "ships", narrow.parts(), passed)
    wait_for(lambda: client.get("/models/ships").json()["state"] == "degraded")
    assert client.post(URL, json=SHIP).json()["version"] == version
    assert "no answer to 1 of the last" in client.get("/models/ships").text
    with caplog.at_level("INFO", "penstock.service"):
        put(home, seed=6)
        wait_for(lambda: client.post(URL, json=SHIP).json()["version"] != version)
    assert "answers differ by at most" in caplog.text


def test_a_parameter_that_cannot_be_read_is_named_and_not_repeated(logged):
    """The framework's own refusal would quote it."""
    client, _ = logged
    answer = client.get("/models/ships/requests/why?row=s3cr3t")
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    assert [fault["field"] for fault in answer.json()["errors"]] == ["row"]
    assert "s3cr3t" not in answer.text
