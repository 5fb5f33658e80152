"""A model that carries look-ups, over HTTP: every answer names them, and says what a row did not find."""

from __future__ import annotations

import datetime as dt
import io
from dataclasses import replace

import pyarrow as pa
import pytest
from fastapi.testclient import TestClient
from pyarrow import parquet

from deploy.service.app import create_app
from deploy.service.body import ARROW, CSV, PARQUET
from deploy.service.settings import Settings
from penstock.bundle.bundle import Bundle
from penstock.bundle.publish import publish
from tests.unit.bundle.making import JOINS, PASSED, make
from tests.unit.service.making import put, wait_for

URL = "/models/churn/predict"
ROW = {"age": 41, "income": 3000, "member": True, "city": "Oslo", "since": "2021-05-05", "share": 0.5, "secret": "s1"}
KEPT = {"model", "version", "prediction", "probabilities", "warnings"}


@pytest.fixture(scope="module")
def made():
    return make(seed=1, joined=True)


def parts(made, ago):
    """Return the parts of the version, its look-up collected so long ago."""
    when = (dt.datetime.now(dt.UTC) - ago).isoformat()
    plan = {**made.parts.plan, "joins": [{**JOINS[0], "serve": "refresh", "max_age": "1h"}]}
    return replace(made.parts, plan=plan, collected={"regions": when})


@pytest.fixture
def client(tmp_path, made):
    publish(tmp_path, "churn", parts(made, dt.timedelta(hours=3)), PASSED, "tests")
    with TestClient(create_app(Settings(artifacts=tmp_path, poll_seconds=0.05))) as opened:
        wait_for(lambda: opened.get("/readyz").status_code == 200)
        yield opened


def versions(tmp_path):
    return Bundle.load(tmp_path / "models" / "churn").lookup_versions


def codes(answer):
    return [(w["code"], w["field"]) for w in answer["warnings"] if "key" in w["code"] or "lookup" in w["code"]]


def as_bytes(media, table):
    sink = io.BytesIO()
    if media == CSV:
        sink.write(table.to_pandas().to_csv(index=False).encode())
    elif media == PARQUET:
        parquet.write_table(table, sink)
    else:
        with pa.ipc.new_stream(sink, table.schema) as writer:
            writer.write_table(table)
    return sink.getvalue()


def test_an_answer_names_the_look_ups_beside_what_it_always_had(client, tmp_path):
    """One row and many: for many rows once."""
    answer = client.post(URL, json=ROW).json()
    assert set(answer) == KEPT | {"lookups"}
    assert answer["lookups"] == versions(tmp_path)
    many = client.post(f"{URL}/batch", json={"rows": [ROW, ROW]})
    assert many.json()["lookups"] == versions(tmp_path)
    assert all("lookups" not in row for row in many.json()["rows"])
    assert many.headers["x-lookups"] == f"regions={versions(tmp_path)['regions']}"


@pytest.mark.parametrize("media", [CSV, PARQUET, ARROW])
def test_a_table_s_answer_names_them_in_a_header(client, tmp_path, media):
    """There is no room for them among columns."""
    table = pa.table({name: [value] for name, value in ROW.items()})
    answer = client.post(f"{URL}/batch", content=as_bytes(media, table), headers={"content-type": media})
    assert answer.status_code == 200
    assert answer.headers["x-lookups"] == f"regions={versions(tmp_path)['regions']}"


def test_a_model_without_look_ups_answers_as_before(tmp_path):
    """Neither field nor header."""
    put(tmp_path)
    with TestClient(create_app(Settings(artifacts=tmp_path))) as opened:
        wait_for(lambda: opened.get("/readyz").status_code == 200)
        answer = opened.post("/models/ships/predict/batch", json={"rows": [{"berth": 4}]})
        assert set(answer.json()) == {"model", "version", "rows"}
        assert "x-lookups" not in answer.headers
        assert set(opened.post("/predict", json={"berth": 4}).json()) == KEPT
        assert opened.get("/models/ships").json()["lookups"] == []
        assert "Look-ups" not in opened.get("/models/ships", headers={"accept": "text/html"}).text


def test_what_a_row_does_not_find_is_a_warning_and_counted(client):
    """Too old, not there, none given; and nothing of it for a row that brings its own values."""
    old = ("stale_lookup", "regions")
    assert codes(client.post(URL, json=ROW).json()) == [old]
    assert codes(client.post(URL, json=ROW | {"regions_wealth": 1.0}).json()) == []
    rows = [ROW | {"city": "Atlantis"}, ROW | {"city": "Atlantis", "regions_wealth": 1.0}]
    told = client.post(f"{URL}/batch", json={"rows": rows}).json()
    assert [codes(row) for row in told["rows"]] == [[("orphan_key", "city"), old], []]
    assert "Atlantis" not in str(told)
    assert 'penstock_warnings_total{code="orphan_key",model="churn"} 1.0' in client.get("/metrics").text


def test_a_model_tells_of_its_look_ups(client, tmp_path):
    """Of when each is, how old that makes it, how old it may be, how many rows; for programs and for people."""
    (told,) = client.get("/models/churn").json()["lookups"]
    assert told["age"] == pytest.approx(3 * 3600, abs=60)
    known = {k: told[k] for k in ("table", "version", "max_age", "stale", "rows", "serve")}
    assert known == {
        "table": "regions",
        "version": versions(tmp_path)["regions"],
        "max_age": 3600.0,
        "stale": True,
        "rows": 3,
        "serve": "refresh",
    }
    page = client.get("/models/churn", headers={"accept": "text/html"}).text
    for text in ("Look-ups", told["version"], ">3h <", "stale", "refreshed"):
        assert text in page, text


def test_the_document_knows_them(client):
    """The answers' schema, the batch's own, the header, and the fields that are looked up unless they are sent."""
    doc = client.get("/openapi.json").json()
    answer = doc["components"]["schemas"]["churn.answer"]
    assert "lookups" in answer["required"]
    assert answer["properties"]["lookups"]["required"] == ["regions"]
    good = doc["paths"]["/models/churn/predict/batch"]["post"]["responses"]["200"]
    assert "X-Lookups" in good["headers"]
    schema = good["content"]["application/json"]["schema"]
    assert "lookups" in schema["required"]
    (row,) = [doc["components"]["schemas"][schema["properties"]["rows"]["items"]["$ref"].rpartition("/")[2]]]
    assert set(row["required"]) == {"prediction", "probabilities", "warnings"}
    fields = doc["components"]["schemas"]["churn.row"]["properties"]
    assert "unless it is sent" in fields["regions_wealth"]["description"]
    assert "'regions' is looked up" in fields["city"]["description"]


def test_look_ups_seen_unchanged_are_known_at_once_and_nothing_is_loaded(client, tmp_path, made, monkeypatch):
    """The pointer says so; the bundle in memory stays."""
    before = versions(tmp_path)
    monkeypatch.setattr(Bundle, "load", lambda *_, **__: pytest.fail("it was loaded anew"))
    done = publish(tmp_path, "churn", parts(made, dt.timedelta()), PASSED, "tests")
    assert done.state == "unchanged"
    wait_for(lambda: client.post(URL, json=ROW).json()["lookups"] != before)
    assert codes(client.post(URL, json=ROW).json()) == []
    assert client.get("/models/churn").json()["generation"] == 2
