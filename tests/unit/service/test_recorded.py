"""The prediction log: what was asked and answered, without private fields, off the loop and bounded."""

from __future__ import annotations

import orjson
import pytest
from fastapi.testclient import TestClient
from pyarrow import dataset

from deploy.service.app import create_app
from deploy.service.meters import Meters
from deploy.service.recorded import PredictionLog, Record, public_fields
from deploy.service.settings import Settings
from penstock.bundle.bundle import Bundle
from tests.unit.service.making import SHIP, wait_for

URL = "/models/ships/predict"


def rows_in(folder):
    return dataset.dataset(folder, partitioning="hive").to_table().to_pylist()


def record(at=0.0, request_id="r", public=("age",)):
    return Record(at, request_id, "m", "1-ab", {"age": 41, "name": "s3cr3t"}, frozenset(public), b"{}", 0.002)


def test_a_row_stands_beside_its_answer(artifacts, tmp_path):
    """Whichever way it went: its id, its model and version, its known fields, the bytes that were sent back."""
    with TestClient(create_app(Settings(artifacts=artifacts, prediction_log=tmp_path))) as client:
        wait_for(lambda: client.get("/readyz").status_code == 200)
        sent = {i: client.post(u, json=SHIP | {"x": 1}, headers={"x-request-id": i}) for i, u in WAYS.items()}
        client.post(URL, json={}, headers={"x-request-id": "refused"})
    told = {row["request_id"]: row for row in rows_in(tmp_path)}
    assert set(told) == set(WAYS)
    for name, answer in sent.items():
        assert orjson.loads(told[name]["answer"]) == answer.json()
        assert orjson.loads(told[name]["row"]) == SHIP
        assert told[name]["version"] == answer.json()["version"]
        assert told[name]["ms"] > 0


WAYS = {"short": URL, "long": f"{URL}?x=1", "default": "/predict"}


def test_a_private_field_is_never_written(tmp_path):
    """Of a row, only fields that may be told are kept."""
    log = PredictionLog(tmp_path, Meters())
    log.note(record())
    log.close()
    (row,) = rows_in(tmp_path)
    assert orjson.loads(row["row"]) == {"age": 41}
    assert not [f for f in tmp_path.rglob("*.parquet") if b"s3cr3t" in f.read_bytes()]


def test_private_columns_are_not_public_under_any_name(artifacts):
    """Nor is what the model does not know."""
    bundle = Bundle.load(artifacts / "models" / "ships")
    assert "crew" in public_fields(bundle)
    columns = tuple(c.model_copy(update={"private": c.name == "crew"}) for c in bundle.schema.columns)
    schema = bundle.schema.model_copy(update={"columns": columns})
    hidden = Bundle.assemble("ships", schema, bundle.plan, {}, bundle.estimator, bundle.profile)
    assert "crew" not in public_fields(hidden)
    assert "captain" not in public_fields(hidden)


@pytest.mark.parametrize("breaks", [False, True])
def test_rows_that_are_left_out_are_counted(tmp_path, breaks):
    """A full queue, or a disk that cannot be written, costs rows of the log and never an answer."""
    meters = Meters()
    folder = tmp_path / "log"
    if breaks:
        folder.write_text("a file")
    log = PredictionLog(folder, meters, most_waiting=3)
    for i in range(5):
        log.note(record(request_id=str(i)))
    log.close()
    kept = 0 if breaks else len(rows_in(folder))
    assert kept == (0 if breaks else 3)
    assert f'penstock_log_dropped_total{{log="predictions"}} {5.0 - kept}' in meters.text().decode()
