"""The access log: a line a request, off the loop, without an address or a value, and bounded."""

from __future__ import annotations

import orjson
from fastapi.testclient import TestClient

from deploy.service.access import AccessLog
from deploy.service.app import create_app
from deploy.service.settings import Settings
from tests.unit.service.making import SHIP, wait_for


def lines(path):
    return [orjson.loads(line) for line in path.read_bytes().splitlines()]


def test_every_request_has_a_line_and_no_line_has_a_value(artifacts, tmp_path):
    """Its id, its route's pattern, its status and its time; never the address, nor anything of the body."""
    path = tmp_path / "access.log"
    with TestClient(create_app(Settings(artifacts=artifacts, access_log=str(path)))) as client:
        wait_for(lambda: client.get("/readyz").status_code == 200)
        client.post("/models/ships/predict", json=SHIP | {"cargo": "s3cr3t"}, headers={"x-request-id": "order-17"})
        client.get("/nowhere/s3cr3t?s3cr3t")
    told = lines(path)
    (answered,) = [line for line in told if line["request_id"] == "order-17"]
    assert (answered["method"], answered["route"], answered["status"]) == ("POST", "/models/{name}/predict", 200)
    assert answered["ms"] > 0
    assert [line["status"] for line in told if line["route"] == "unmatched"] == [404]
    assert b"s3cr3t" not in path.read_bytes()


def test_a_full_queue_leaves_out_and_says_so(tmp_path):
    """A disk that is slow costs lines, never answers or memory."""
    path = tmp_path / "access.log"
    log = AccessLog(str(path), most_waiting=3)
    for i in range(5):
        log.note("GET", "/livez", 200, 0.001, f"r{i}")
    log.close()
    told = lines(path)
    assert [line["request_id"] for line in told if "request_id" in line] == ["r0", "r1", "r2"]
    assert [line["dropped"] for line in told if "dropped" in line] == [2]


def test_a_log_that_cannot_be_written_stops_nothing(tmp_path, caplog):
    """It is told once for each attempt."""
    log = AccessLog(str(tmp_path / "nowhere" / "access.log"))
    log.note("GET", "/livez", 200, 0.001, "r")
    log.close()
    assert "cannot be written" in caplog.text


def test_a_log_that_is_moved_away_begins_anew(tmp_path):
    """As whoever rotates logs expects."""
    path = tmp_path / "access.log"
    log = AccessLog(str(path))
    log.note("GET", "/livez", 200, 0.001, "before")
    wait_for(path.exists)
    path.rename(tmp_path / "old.log")
    log.note("GET", "/livez", 200, 0.001, "after")
    log.close()
    assert [line["request_id"] for line in lines(path)] == ["after"]
