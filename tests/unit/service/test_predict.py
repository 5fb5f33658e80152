"""The predict addresses: answers, warnings and refusals, and never a value of the request in what is told."""

from __future__ import annotations

import io
import logging
import math

import orjson
import pandas as pd
import pyarrow as pa
import pytest
from fastapi.testclient import TestClient
from hypothesis import given, settings
from hypothesis import strategies as st
from pyarrow import parquet

from deploy.service.app import create_app
from deploy.service.body import ARROW, CSV, PARQUET
from deploy.service.holder import Held
from deploy.service.settings import Settings
from penstock.bundle.bundle import Bundle
from tests.unit.service.making import SHIP, put, raw_rows, wait_for

URL = "/models/ships/predict"
BATCH = "/models/ships/predict/batch"


@pytest.fixture(scope="module")
def bundle(artifacts):
    return Bundle.load(artifacts / "models" / "ships")


def without(*names):
    return {k: v for k, v in SHIP.items() if k not in names}


def codes(answer):
    return [(w["code"], w["field"]) for w in answer.json()["warnings"]]


def check_problem(answer, status):
    """Every refusal has one shape."""
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()
    assert {"type", "title", "status", "detail", "request_id"} <= set(problem)
    assert problem["status"] == status
    assert problem["request_id"] == answer.headers["x-request-id"]
    return problem


def test_a_strict_model_refuses_fields_that_it_does_not_know(tmp_path):
    """As its spec says; a lenient one warns, and ids and target are known to both."""
    put(tmp_path, serve={"extra": "refuse"})
    with TestClient(create_app(Settings(artifacts=tmp_path))) as strict:
        wait_for(lambda: strict.get("/readyz").status_code == 200)
        assert strict.post(URL, json=SHIP).status_code == 200
        for url, body in ((URL, {**SHIP, "captain": "secret"}), (BATCH, {"rows": [{**SHIP, "captain": "secret"}]})):
            problem = check_problem(strict.post(url, json=body), 422)
            assert [fault["field"] for fault in problem["errors"]] == ["captain"]
            assert "secret" not in orjson.dumps(problem).decode()


@pytest.mark.parametrize("url", ["/predict", URL])
def test_a_row_is_answered_with_model_and_version(client, bundle, url):
    """The answer is the bundle's own, its label typed as in the source."""
    answer = client.post(url, json=SHIP)
    assert answer.status_code == 200
    (told,) = bundle.predict([SHIP]).rows()
    assert answer.json() == {**told, "model": "ships", "version": bundle.version}
    assert answer.json()["prediction"] in (0, 1)
    assert sum(answer.json()["probabilities"].values()) == pytest.approx(1)


def test_ids_and_the_target_are_ignored_in_silence(client):
    """Rows as they lie in the source may be sent as they are."""
    assert client.post(URL, json={**SHIP, "ship": "S1", "late": 1}).json() == client.post(URL, json=SHIP).json()


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"cargo": "uranium"}, ("unseen_category", "cargo")),
        ({"length": 4000.0}, ("out_of_range", "length")),
        ({"captain": "x"}, ("unknown_field", "captain")),
    ],
)
def test_what_training_did_not_see_is_a_warning(client, change, expected):
    """It is answered all the same."""
    answer = client.post(URL, json=SHIP | change)
    assert answer.status_code == 200
    assert codes(answer) == [expected]


def test_an_absent_nullable_field_is_null(client):
    """Leaving out and sending null mean the same."""
    absent = client.post(URL, json=without("crew", "cargo"))
    assert absent.status_code == 200
    assert absent.json() == client.post(URL, json=SHIP | {"crew": None, "cargo": None}).json()


@pytest.mark.parametrize("row", [without("berth"), SHIP | {"berth": None}, {}])
def test_a_needed_field_that_is_lacking_is_refused_by_name(client, row):
    """A field that training never lacked is needed."""
    problem = check_problem(client.post(URL, json=row), 422)
    assert [e["field"] for e in problem["errors"]] == ["berth"]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("crew", "s3cr3t"),
        ("crew", 1.5),
        ("crew", True),
        ("tanker", "s3cr3t"),
        ("left", "s3cr3t"),
        ("length", -7.25),
        ("length", "-7.25 m"),
        ("cargo", ["s3cr3t"]),
        ("cargo", {"s3cr3t": 1}),
    ],
)
def test_a_value_that_does_not_fit_is_refused_by_name_and_never_repeated(client, caplog, field, value):
    """A value of the wrong kind, or outside the declared domain: 422, and no trace of it in answer or log."""
    with caplog.at_level(logging.DEBUG):
        answer = client.post(URL, json=SHIP | {field: value})
    problem = check_problem(answer, 422)
    assert [e["field"] for e in problem["errors"]] == [field]
    assert problem["errors"][0]["expected"]
    for told in (answer.text, caplog.text):
        assert "s3cr3t" not in told
        assert "7.25" not in told


@pytest.mark.parametrize("text", ["NaN", "Infinity", "-Infinity", "1e999"])
def test_numbers_that_are_none_are_refused(client, text):
    """NaN and infinity do not come in."""
    body = orjson.dumps(SHIP).replace(b"120.5", text.encode())
    check_problem(client.post(URL, content=body, headers={"content-type": "application/json"}), 400)


def test_a_batch_is_answered_row_by_row_in_order(client):
    """Each row's answer is what it would have been alone."""
    rows = [SHIP, SHIP | {"cargo": "ore"}, SHIP | {"cargo": "uranium"}]
    answer = client.post(BATCH, json={"rows": rows})
    assert answer.status_code == 200
    alone = [client.post(URL, json=row).json() for row in rows]
    named = {"model": answer.json()["model"], "version": answer.json()["version"]}
    assert [{**row, **named} for row in answer.json()["rows"]] == alone
    assert (answer.headers["x-model"], answer.headers["x-model-version"]) == tuple(named.values())


def test_a_batch_names_row_and_field_of_every_fault(client):
    """Rows are counted from 0; nothing is answered in part."""
    rows = [SHIP, SHIP | {"crew": "s3cr3t"}, without("berth")]
    problem = check_problem(client.post(BATCH, json={"rows": rows}), 422)
    assert {(e["field"], e["row"]) for e in problem["errors"]} == {("crew", 1), ("berth", 2)}
    assert "s3cr3t" not in str(problem)


def test_an_empty_batch_has_an_empty_answer(client):
    """No rows, no answers."""
    assert client.post(BATCH, json={"rows": []}).json()["rows"] == []


def test_a_large_batch_is_worked_on_beside_the_event_loop(client):
    """A long body gives the same answers as a short one."""
    rows = [SHIP | {"crew": i % 40} for i in range(500)]
    answers = client.post(BATCH, json={"rows": rows}).json()["rows"]
    assert answers[:7] == client.post(BATCH, json={"rows": rows[:7]}).json()["rows"]
    assert len(answers) == 500


def as_csv(table):
    return table.to_pandas().to_csv(index=False).encode()


def as_parquet(table):
    sink = io.BytesIO()
    parquet.write_table(table, sink)
    return sink.getvalue()


def as_stream(table):
    sink = io.BytesIO()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return sink.getvalue()


def from_stream(body):
    return pa.ipc.open_stream(body).read_all().to_pandas()


TABLES = [
    (CSV, as_csv, lambda body: pd.read_csv(io.BytesIO(body))),
    (PARQUET, as_parquet, lambda body: parquet.read_table(io.BytesIO(body)).to_pandas()),
    (ARROW, as_stream, from_stream),
]


@pytest.mark.parametrize(("media", "write", "read"), TABLES)
def test_a_table_is_answered_in_its_own_kind(client, bundle, media, write, read):
    """CSV, Parquet and Arrow give the very numbers that JSON gives."""
    table = raw_rows(5, 40)
    answer = client.post(BATCH, content=write(table), headers={"content-type": media})
    assert answer.status_code == 200
    assert answer.headers["content-type"].split(";")[0] == media
    assert answer.headers["x-model-version"] == bundle.version
    told = read(answer.content)
    expected = bundle.predict(table).to_frame()
    assert list(told) == list(expected) == ["prediction", "probability_0", "probability_1", "warning"]
    assert told["probability_1"].tolist() == expected["probability_1"].tolist()
    assert told["prediction"].tolist() == expected["prediction"].tolist()


@pytest.mark.parametrize(("media", "write", "read"), TABLES)
def test_a_cell_that_does_not_fit_costs_a_table_one_prediction(client, media, write, read):
    """The row has a null prediction and a warning; the others are answered."""
    table = raw_rows(5, 3).set_column(2, "crew", pa.array(["4", "s3cr3t", "5"]))
    told = read(client.post(BATCH, content=write(table), headers={"content-type": media}).content)
    assert told["prediction"].isna().tolist() == [False, True, False]
    assert "crew" in told["warning"][1]
    assert "s3cr3t" not in str(told["warning"][1])


@pytest.mark.parametrize(("media", "write", "read"), TABLES)
def test_a_needed_column_that_a_table_lacks_is_refused_and_a_gap_in_it_is_answered(client, media, write, read):
    """Without the column no row is what the model knows; a gap is one row's, and told in its warning."""
    table = raw_rows(5, 3)
    refused = client.post(BATCH, content=write(table.drop_columns("berth")), headers={"content-type": media})
    assert [e["field"] for e in check_problem(refused, 422)["errors"]] == ["berth"]
    gap = pa.array([table["berth"][0].as_py(), None, table["berth"][2].as_py()], table["berth"].type)
    holed = table.set_column(table.column_names.index("berth"), "berth", gap)
    told = read(client.post(BATCH, content=write(holed), headers={"content-type": media}).content)
    assert told["prediction"].notna().all()
    assert ["berth" in str(words) for words in told["warning"]] == [False, True, False]


def test_a_table_of_typed_columns_is_read_too(client, bundle):
    """Numbers, booleans, dates, dictionaries and nulls of Arrow's own kinds."""
    table = pa.table(
        {
            "length": pa.array([100, None], pa.float32()),
            "crew": pa.array([4, 7], pa.uint8()),
            "tanker": pa.array([True, None]),
            "cargo": pa.array(["ore", "grain"]).dictionary_encode(),
            "left": pa.array([0, None], pa.timestamp("ns", "UTC")),
            "berth": pa.array([1, 2], pa.decimal128(3, 0)),
            "note": pa.nulls(2),
        }
    )
    answer = client.post(BATCH, content=as_stream(table), headers={"content-type": ARROW})
    assert answer.status_code == 200
    told = from_stream(answer.content)
    assert told["probability_1"].tolist() == bundle.predict(table).to_frame()["probability_1"].tolist()
    assert told["prediction"].notna().all()


anything = (
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=10)
)


@settings(max_examples=150)
@given(row=st.fixed_dictionaries({}, optional=dict.fromkeys([*SHIP, "ship", "late", "more"], anything)))
def test_any_row_is_answered_or_refused(client, row):
    """No value of any kind in any field makes the service fail, and what it answers is finite."""
    answer = client.post(URL, content=orjson.dumps(_fits(row)), headers={"content-type": "application/json"})
    assert answer.status_code in (200, 422)
    if answer.status_code == 200:
        assert all(math.isfinite(p) for p in answer.json()["probabilities"].values())


def _fits(row):
    # JSON on the wire holds 64 bits; what is longer is tried with bodies of their own.
    return {k: v % 2**63 if isinstance(v, int) and not isinstance(v, bool) else v for k, v in row.items()}


@pytest.mark.parametrize(
    ("method", "url", "status"),
    [
        ("POST", "/models/nobody/predict", 404),
        ("POST", "/models/%2e%2e%2fships/predict", 404),
        ("GET", "/models/nobody", 404),
        ("GET", "/models/nobody/versions", 404),
        ("GET", "/models/nobody/report", 404),
        ("GET", "/nowhere", 404),
        ("GET", "/static/nothing.js", 404),
        ("GET", "/static/%2e%2e/app.py", 404),
        ("GET", "/predict", 405),
        ("PUT", URL, 405),
        ("DELETE", "/", 405),
    ],
)
def test_what_is_not_there_is_a_problem_too(client, method, url, status):
    """The framework's own refusals come in the one shape."""
    body = {"json": SHIP} if method == "POST" else {}
    answer = client.request(method, url, **body)
    check_problem(answer, status)
    assert status != 405 or answer.headers["allow"]


@pytest.mark.parametrize("media", ["application/xml", "text/plain", "application/x-www-form-urlencoded", None])
def test_another_media_type_is_refused(client, media):
    """415, and what would be taken."""
    headers = {"content-type": media} if media else {}
    answer = client.post(URL, content=orjson.dumps(SHIP), headers=headers)
    check_problem(answer, 415)
    assert answer.headers["accept"] == "application/json"


def test_a_row_that_is_too_long_is_refused(client):
    """A bound on a row's bytes, far below that of a batch."""
    check_problem(client.post(URL, json=SHIP | {"cargo": "x" * 5000}), 413)


def test_a_health_checker_may_ask_for_the_head_alone(client):
    """HEAD is answered wherever GET is."""
    assert client.head("/livez").status_code == 200
    assert client.head("/nowhere").status_code == 404


def test_a_request_id_comes_back(client):
    """One's own if it is a plain one, on answers and refusals alike."""
    for url, body in ((URL, SHIP), (URL, {}), ("/nowhere", {})):
        assert client.post(url, json=body, headers={"x-request-id": "order-17"}).headers["x-request-id"] == "order-17"
    assert client.get("/livez", headers={"x-request-id": "no good"}).headers["x-request-id"] != "no good"


class Leaking:
    """A model that fails, and quotes what it was given."""

    def predict_proba(self, frame):
        """Fail."""
        raise ValueError(f"could not convert {frame.to_numpy().tolist()}")


def test_a_failure_of_our_own_tells_nothing(client, caplog):
    """500 in the one shape; the log has the type and the place, and no value."""
    holder = client.app.state.served.holder
    held = holder.get("ships")
    bundle = held.bundle
    broken = Bundle.assemble("ships", bundle.schema, bundle.plan, {}, Leaking(), bundle.profile)
    holder.put("ships", Held(broken, held.generation, held.since))
    try:
        with caplog.at_level(logging.DEBUG):
            answer = client.post(URL, json=SHIP | {"cargo": "s3cr3t"})
    finally:
        holder.put("ships", held)
    check_problem(answer, 500)
    assert "ValueError" in caplog.text
    assert answer.headers["x-request-id"] in caplog.text
    assert "s3cr3t" not in caplog.text + answer.text


def test_answers_are_counted(client):
    """Requests by route and status, rows, warnings, and the version that is served."""
    before = client.get("/metrics").text
    client.post(URL, json=SHIP | {"cargo": "uranium"})
    after = client.get("/metrics").text

    def value(text, start):
        return sum(float(line.rsplit(" ", 1)[1]) for line in text.splitlines() if line.startswith(start))

    for start in (
        'penstock_http_requests_total{method="POST",route="/models/{name}/predict",status="200"}',
        "penstock_rows_total",
        'penstock_warnings_total{code="unseen_category"',
        "penstock_predict_seconds_count",
    ):
        assert value(after, start) == value(before, start) + 1, start
    assert value(after, "penstock_model_info") == 1
    assert value(after, "penstock_ready") == 1
    assert "s3cr3t" not in after


@pytest.mark.parametrize(("default", "status"), [(None, 404), ("boats", 200)])
def test_with_several_models_a_row_must_name_its_own(tmp_path, default, status):
    """Nothing is guessed; a default may be set."""
    put(tmp_path, "ships")
    put(tmp_path, "boats", seed=1)
    with TestClient(create_app(Settings(artifacts=tmp_path, default_model=default))) as client:
        wait_for(lambda: [m["state"] for m in client.get("/models").json()["models"]] == ["ready", "ready"])
        answer = client.post("/predict", json=SHIP)
        assert answer.status_code == status
        assert default is None or answer.json()["model"] == default
        assert client.post("/models/ships/predict", json=SHIP).json()["model"] == "ships"
        listing = client.get("/", headers={"accept": "text/html"}).text
        assert default is not None or ("boats" in listing and "ships" in listing)
