"""Pages and documents: typed after the training schema, escaped, and asking nothing of any other host."""

from __future__ import annotations

import dataclasses
import re
import subprocess
import sys

import pytest
from fastapi.testclient import TestClient

from deploy.service.app import create_app
from deploy.service.routes import batch, docs, models, predict, status
from deploy.service.rows import row_schema
from deploy.service.settings import Settings
from penstock.arrays.profile import profile_frame
from penstock.bundle.bundle import Bundle
from penstock.bundle.publish import publish
from penstock.receipts import Verdict
from penstock.report.script import policy as page_policy
from penstock.report.script import script_source
from penstock.table import Column, Domain, TableSchema, Target
from tests.unit.service.making import SCHEMA, SHIP, fitted_on, put, wait_for

BROWSER = {"accept": "text/html,application/xhtml+xml,*/*;q=0.8"}


@pytest.fixture
def document(client):
    return client.get("/openapi.json").json()


@pytest.fixture
def row(document):
    return document["components"]["schemas"]["ships.row"]


def references(value):
    if isinstance(value, dict):
        yield from ([value["$ref"]] if isinstance(value.get("$ref"), str) else [])
        value = list(value.values())
    if isinstance(value, list):
        for item in value:
            yield from references(item)


def test_every_column_is_typed(row):
    """Types, nullability and units are those of the training schema."""
    fields = row["properties"]
    assert {n: f.get("type") for n, f in fields.items()} == {
        "ship": ["string", "null"],
        "length": ["number", "null"],
        "crew": ["integer", "null"],
        "tanker": ["boolean", "null"],
        "cargo": ["string", "null"],
        "left": ["string", "null"],
        "berth": "integer",
        "late": None,
    }
    assert all(f["description"] for f in fields.values())
    assert row["required"] == ["berth"]
    assert fields["length"]["x-unit"] == "m"


def test_what_was_declared_binds_and_what_was_seen_is_told(row):
    """A domain stands in JSON Schema's own words; observed ranges and levels under `x-observed`."""
    fields = row["properties"]
    assert fields["length"]["minimum"] == 0
    assert fields["length"]["x-observed"]["minimum"] > 0
    assert "minimum" not in fields["crew"]
    assert fields["crew"]["x-observed"] == {"minimum": 5, "maximum": 39}
    assert set(fields["cargo"]["x-observed"]["levels"]) == {"grain", "ore", "boxes", "<b>oil</b>"}
    assert fields["left"]["x-observed"]["minimum"].startswith("2024-03-0")
    assert "x-observed" not in fields["ship"]


def test_a_private_column_shows_nothing_that_was_seen():
    """Its values are somebody's."""
    schema = TableSchema(
        columns=(
            Column(name="illness", kind="category", private=True),
            Column(name="grade", kind="category", domain=Domain(values=("a", "b"))),
        )
    )
    frame = schema.cast({"illness": ["rare one", "other"], "grade": ["a", None]}).frame
    made = row_schema("m", schema, profile_frame(frame, schema))
    assert "rare one" not in str(made)
    assert made["properties"]["grade"]["enum"] == ["a", "b", None]


def test_the_example_is_answered_without_a_warning(client, row):
    """It is a row of its own schema, and nobody's record."""
    answer = client.post("/predict", json=row["example"])
    assert answer.status_code == 200
    assert answer.json()["warnings"] == []


def test_the_document_holds_every_address_and_every_reference(client, document):
    """What is routed is documented, and nothing points to nowhere."""
    routed = [route for module in (status, models, predict, batch, docs) for route in module.router.routes]
    asked = {(r.path, m.lower()) for r in routed for m in r.methods - {"HEAD"} if r.include_in_schema}
    assert len(asked) > 10
    told = {(path, method) for path, item in document["paths"].items() for method in item}
    assert asked <= told
    assert ("/models/ships/predict", "post") in told
    assert {ref.rsplit("/", 1)[-1] for ref in references(document)} <= set(document["components"]["schemas"])
    refusals = document["paths"]["/models/ships/predict"]["post"]["responses"]
    assert {"200", "400", "404", "413", "415", "422", "503"} <= set(refusals)


def test_the_answer_s_labels_are_in_the_document(document):
    """A client generated from it knows what a prediction can be."""
    answer = document["components"]["schemas"]["ships.answer"]
    assert answer["properties"]["prediction"] == {"enum": [0, 1]}
    assert answer["properties"]["probabilities"]["required"] == ["0", "1"]


def test_labels_of_a_private_target_are_in_answers_alone(tmp_path):
    """Neither the document nor a page nor the list of models tells them; who asks for a prediction is told."""
    target = Target(name="late", task="binary", labels=("HUSH", "TELL"), positive="TELL")
    late = Column(name="late", kind="category", role="target", private=True)
    hidden = TableSchema(columns=(*SCHEMA.columns, late), target=target)
    parts = dataclasses.replace(
        fitted_on(0).parts(), schema=hidden, metrics={"curves": {"TELL": [1.0]}, "labels": ["HUSH"]}
    )
    publish(tmp_path, "ships", parts, Verdict(passed=True, reasons=("better",)), "tests")
    with TestClient(create_app(Settings(artifacts=tmp_path, poll_seconds=0.02))) as client:
        for path in ("/openapi.json", "/models", "/models/ships", "/", "/docs"):
            for headers in (BROWSER, {"accept": "application/json"}):
                text = client.get(path, headers=headers).text
                assert not re.search("HUSH|TELL", text), path
        schema = client.get("/openapi.json").json()["components"]["schemas"]["ships.answer"]["properties"]
        assert schema["prediction"] == {"type": "string"}
        assert schema["probabilities"]["minProperties"] == 2
        answer = client.post("/models/ships/predict", json=SHIP).json()
        assert set(answer["probabilities"]) == {"HUSH", "TELL"}


def test_the_document_follows_what_is_served(tmp_path):
    """A model that comes later is documented without a restart."""
    with TestClient(create_app(Settings(artifacts=tmp_path, poll_seconds=0.02))) as client:
        assert "/models/ships/predict" not in client.get("/openapi.json").json()["paths"]
        assert client.get("/docs").status_code == 200
        put(tmp_path)
        wait_for(lambda: "/models/ships/predict" in client.get("/openapi.json").json()["paths"])


@pytest.mark.parametrize("url", ["/", "/models/ships", "/docs"])
def test_a_page_asks_nothing_of_any_other_host(client, url):
    """No address of another host in it or in what it loads, and a policy that would not let it."""
    page = client.get(url, headers=BROWSER)
    assert page.headers["content-type"].startswith("text/html")
    policy = page.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "http" not in policy
    loaded = re.findall(r"""(?:src|href)="([^"]+)\"""", page.text)
    assert loaded
    for address in loaded:
        assert address.startswith(("/", "#"))
    assert not re.search(r"<script[^>]*>[^<]", page.text), "scripts come from files: the policy allows no others"
    assert " style=" not in page.text
    for name in re.findall(r"/static/([\w.]+)", page.text):
        file = client.get(f"/static/{name}")
        assert file.status_code == 200
        assert not re.search(r"https?://(?!www\.w3\.org/2000/svg)", file.text)


@pytest.mark.parametrize("url", ["/", "/docs"])
def test_text_of_the_data_is_escaped(client, url):
    """A level that looks like markup is shown as it is spelt."""
    page = client.get(url, headers=BROWSER).text
    assert "<b>oil" not in page
    assert "&lt;b&gt;oil&lt;/b&gt;" in page


def test_a_model_s_page_has_a_labelled_field_for_each_that_is_sent(client):
    """Every input has its label, and the example's value."""
    page = client.get("/", headers=BROWSER).text
    assert set(re.findall(r'<(?:input|select) id="f\d+" name="(\w+)"', page)) == set(SHIP)
    ids = set(re.findall(r'<(?:input|select) id="(\w+)"', page))
    assert ids == set(re.findall(r'<label for="(\w+)"', page))
    assert 'lang="en"' in page
    assert "aria-live" in page
    assert "0.912" in page


def test_programs_get_json_at_the_same_addresses(client):
    """A page is for those who ask for one."""
    told = client.get("/").json()
    assert (told["status"], told["default_model"]) == ("ready", "ships")
    model = client.get("/models/ships").json()
    assert model["metrics"]["scores"]["roc_auc"]["value"] == 0.912
    assert model["card"].startswith("# ships")
    assert model["row"]["properties"]["crew"]


def test_versions_are_listed_newest_first(client, artifacts):
    """With what the pointer says of each."""
    listed = client.get("/models/ships/versions").json()
    bundle = Bundle.load(artifacts / "models" / "ships")
    assert listed["served"] == bundle.version
    assert [(v["version"], v["state"], v["served"]) for v in listed["versions"]] == [(bundle.version, "current", True)]


def test_the_report_stands_in_a_sandbox(client):
    """It is somebody's HTML: it may run nothing here."""
    answer = client.get("/models/ships/report")
    assert answer.status_code == 200
    assert "report" in answer.text
    policy = answer.headers["content-security-policy"]
    assert policy.startswith("sandbox;")
    assert "allow-scripts" not in policy
    assert "script-src" not in policy


def test_a_sealed_report_runs_the_script_that_it_names_by_digest_and_no_other(tmp_path):
    """The one that searches and sorts its tables, in a sandbox that is nobody's origin."""
    policy = f'<meta http-equiv="Content-Security-Policy" content="{page_policy()}">'
    put(tmp_path, report=f"<!doctype html><head>{policy}<title>r</title></head>".encode())
    with TestClient(create_app(Settings(artifacts=tmp_path, poll_seconds=0.02))) as client:
        wait_for(lambda: client.get("/readyz").status_code == 200)
        told = client.get("/models/ships/report").headers["content-security-policy"]
    assert told.startswith("sandbox allow-scripts;")
    assert f"script-src {script_source()};" in told
    assert "allow-same-origin" not in told
    assert told.count("script-src") == 1


def test_a_version_without_a_report_says_so(tmp_path):
    """404, not an empty page."""
    put(tmp_path, report=None)
    with TestClient(create_app(Settings(artifacts=tmp_path, poll_seconds=0.02))) as client:
        wait_for(lambda: client.get("/readyz").status_code == 200)
        assert client.get("/models/ships/report").status_code == 404


def test_before_any_model_there_is_a_service_all_the_same(tmp_path):
    """Alive, not ready, and every page says what is the matter."""
    with TestClient(create_app(Settings(artifacts=tmp_path / "none"))) as client:
        assert client.get("/livez").status_code == 200
        assert client.get("/readyz").status_code == 503
        assert client.get("/models").json() == {"models": []}
        assert client.get("/").json()["status"] == "not ready"
        assert "No model" in client.get("/", headers=BROWSER).text
        refused = client.post("/predict", json=SHIP)
        assert (refused.status_code, refused.headers["retry-after"]) == (503, "1")
        assert client.post("/models/ships/predict", json=SHIP).status_code == 503


@pytest.mark.parametrize("url", ["/", "/predict", "/nowhere", "/static/page.css", "/models/ships/report"])
def test_every_answer_is_guarded(client, url):
    """Headers that keep a browser from guessing, framing and telling."""
    headers = client.get(url).headers
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-frame-options"] == "DENY"
    assert headers["referrer-policy"] == "no-referrer"
    assert "content-security-policy" in headers
    assert headers["x-request-id"]


def test_serving_loads_nothing_that_training_needs():
    """The service and the way to start it import neither Prefect nor plotting, nor flows and tasks."""
    unwanted = ["prefect", "matplotlib", "seaborn", "flows", "tasks", "sqlalchemy"]
    program = (
        "import sys, deploy.serve, deploy.service.app as a; from deploy.service.settings import Settings; "
        f"a.create_app(Settings()); print(*[n for n in {unwanted} if n in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.strip() == ""
