"""The form on a model's page: the same answer as the JSON address gives, drawn, with each remark beside its field."""

from __future__ import annotations

import re

import pyarrow as pa
import pytest
from fastapi.testclient import TestClient
from hypothesis import given
from hypothesis import settings as property_settings
from hypothesis import strategies as st

from deploy.service.app import create_app
from deploy.service.forms import MAX_SHOWN, Field, fields_of, read_form
from deploy.service.problems import Problem
from deploy.service.settings import Settings
from deploy.service.tried import Span, Tried, _draw
from penstock.arrays.profile import profile_frame
from penstock.table import Column, TableSchema
from tests.unit.service.making import SHIP, put, wait_for

SENT = {**{name: str(value) for name, value in SHIP.items()}, "tanker": "false"}


def said_of(page: str, name: str) -> str:
    """Return what stands beside a field."""
    number = re.search(rf'<(?:input|select) id="f(\d+)" name="{re.escape(name)}"', page)
    assert number
    return re.search(rf'<div class="said" id="s{number[1]}">(.*?)</div>', page)[1]


def answer_of(page: str) -> str:
    """Return the panel with the answer."""
    return re.search(r'<div id="answer"[^>]*>(.*?)<summary>The same', page, re.DOTALL)[1]


def test_a_form_is_answered_as_the_same_row_of_json_is(client):
    """Nobody gets another prediction for having no script."""
    answer = client.post("/models/ships/predict", json=SHIP).json()
    page = client.post("/models/ships/try", data=SENT)
    assert page.status_code == 200
    assert page.headers["content-type"].startswith("text/html")
    panel = answer_of(page.text)
    assert f'<p class="prediction">{answer["prediction"]}</p>' in panel
    for label, share in answer["probabilities"].items():
        assert f'value="{share:.6f}" aria-label="probability of {label}"' in panel
    assert answer["version"] in panel


def test_what_was_sent_stands_in_the_form_and_as_json(client):
    """A page that forgets what was typed is no help in mending it."""
    page = client.post("/models/ships/try", data={**SENT, "length": "133.25", "cargo": "ore"}).text
    assert 'name="length" value="133.25"' in page
    assert re.search(r"<option selected>ore</option>", page)
    assert "&#34;length&#34;: 133.25" in page


def test_a_value_that_cannot_be_read_is_told_beside_its_field(client):
    """The field is marked, for eyes and for screen readers, and no other is."""
    page = client.post("/models/ships/try", data={**SENT, "crew": "many"})
    assert page.status_code == 200
    assert "note bad" in said_of(page.text, "crew")
    assert said_of(page.text, "length") == ""
    assert page.text.count('aria-invalid="true"') == 1
    assert "prediction" not in answer_of(page.text).replace("Prediction", "")


def test_a_warning_stands_beside_its_field_and_the_answer_is_given(client):
    """A cargo never seen is answered."""
    page = client.post("/models/ships/try", data={**SENT, "cargo": "<i>wool</i>"}).text
    assert '<p class="note">' in said_of(page, "cargo")
    assert 'class="prediction"' in answer_of(page)
    assert "<i>wool" not in page


def test_a_field_that_is_needed_and_empty_is_told(client):
    """As JSON's null would be."""
    page = client.post("/models/ships/try", data={**SENT, "berth": ""}).text
    assert "The field is needed" in said_of(page, "berth")


def test_markup_that_is_sent_comes_back_as_text(client):
    """In the form, in the JSON, in what is said of it."""
    page = client.post("/models/ships/try", data={**SENT, "length": '"><script>alert(1)</script>'}).text
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert" in page


def test_asking_again_leads_back_to_the_page(client):
    """Somebody reloads, or shares the address."""
    answer = client.get("/models/ships/try", follow_redirects=False)
    assert (answer.status_code, answer.headers["location"]) == (303, "/models/ships")


@pytest.mark.parametrize(
    ("content", "media", "status"),
    [
        (b"\xff=1", "application/x-www-form-urlencoded", 400),
        (b"&".join(b"a%d=1" % i for i in range(200)), "application/x-www-form-urlencoded", 400),
        (b"length=" + b"1" * 20_000, "application/x-www-form-urlencoded", 413),
        (b"{}", "application/json", 415),
    ],
)
def test_what_is_no_form_of_ours_is_refused(client, content, media, status):
    """Bounded, and typed, as every other body is."""
    assert client.post("/models/ships/try", content=content, headers={"content-type": media}).status_code == status


def test_the_form_of_no_model_is_no_page(client):
    """404, as for every other address of a model that there is not."""
    assert client.post("/models/none/try", data={}).status_code == 404


def test_the_address_of_the_form_is_not_part_of_the_contract(client):
    """Programs use the JSON address: this one may change."""
    assert not [path for path in client.get("/openapi.json").json()["paths"] if path.endswith("/try")]


@pytest.mark.parametrize(
    ("kind", "text", "typed"),
    [
        ("number", "18", 18),
        ("number", " -1.5e3 ", -1500.0),
        ("number", ".5", 0.5),
        ("number", "1_000", "1_000"),
        ("number", "nan", "nan"),
        ("number", "120 m", "120 m"),
        ("number", "9" * 40, float("9" * 40)),
        ("boolean", "true", True),
        ("boolean", "false", False),
        ("boolean", "maybe", "maybe"),
        ("text", "18", "18"),
        ("text", "", None),
        ("number", "", None),
    ],
)
def test_texts_become_the_values_of_a_row(kind, text, typed):
    """What is no number as JSON writes it is left to the model, which knows units and decimal commas."""
    found = Field("x", kind, text, "", needed=False, nullable=True, choices=[]).typed()
    assert found == typed
    assert type(found) is type(typed)


@property_settings(max_examples=40)
@given(st.dictionaries(st.sampled_from(["a", "b b", "ü&=+"]), st.text(st.characters(codec="utf-8"), max_size=20)))
def test_a_form_is_read_as_browsers_write_it(values):
    """Any text in any field; a field that is absent is empty."""
    from urllib.parse import urlencode

    fields = [Field(n, "text", "before", "", needed=False, nullable=True, choices=[]) for n in ("a", "b b", "ü&=+")]
    read_form(urlencode(values).encode(), fields)
    assert {f.name: f.value for f in fields} == {
        n: values.get(n, "").replace("\r\n", "\n") for n in ("a", "b b", "ü&=+")
    }


def test_a_form_of_another_page_is_refused():
    """Too many fields, at once."""
    with pytest.raises(Problem):
        read_form(b"&".join(b"x=1" for _ in range(100)), [])


def test_fields_of_a_wide_table_are_folded_and_those_that_are_needed_come_first():
    """Nobody reads five hundred fields; what cannot be left empty is among those that are seen."""
    columns = [Column(name=f"c{i}", kind="float", nullable=i != 90) for i in range(100)]
    schema = TableSchema(columns=tuple(columns))
    frame = schema.cast(pa.table({c.name: ["1.5"] for c in columns})).frame
    found = fields_of(schema, profile_frame(frame, schema), {c.name: 1.5 for c in columns})
    assert len(found) == 100 > MAX_SHOWN
    assert [f.name for f in found[:3]] == ["c90", "c0", "c1"]


def test_levels_of_private_columns_and_identifiers_are_no_choices():
    """They are the data of somebody."""
    schema = TableSchema(
        columns=(
            Column(name="illness", kind="category", private=True),
            Column(name="ticket", kind="category", role="id"),
            Column(name="town", kind="category"),
        )
    )
    frame = schema.cast({"illness": ["rare one"], "ticket": ["T1"], "town": ["Ulm"]}).frame
    fields = fields_of(schema, profile_frame(frame, schema), {"illness": None, "ticket": None, "town": "Ulm"})
    assert [f.choices for f in fields] == [[], [], ["Ulm"]]
    assert "rare one" not in str(fields)
    assert "T1" not in str(fields)


@pytest.mark.parametrize(("low", "high", "place"), [(1.0, 3.0, 0.5), (2.0, 2.0, 0.5), (0.0, 1.0, 1.0)])
def test_an_interval_is_drawn_with_the_prediction_in_it(low, high, place):
    """Where it lies between the ends, and never beyond them."""
    made = Tried(sent="")
    _draw(made, {"prediction": 2.0, "low": low, "high": high})
    assert made.span == Span(f"{low:.7g}", f"{high:.7g}", place)


def test_of_many_classes_the_likeliest_are_drawn():
    """A thousand bars tell nothing."""
    made = Tried(sent="")
    _draw(made, {"prediction": "c7", "probabilities": {f"c{i}": 1 / (1 + abs(i - 7)) for i in range(40)}})
    assert (made.bars[0].label, len(made.bars), made.more_bars) == ("c7", 12, 28)


def test_several_models_are_listed_with_their_figures(tmp_path):
    """And each links to its own page, also where one of them is the default."""
    put(tmp_path, "ships")
    put(tmp_path, "boats", seed=1)
    settings = Settings(artifacts=tmp_path, poll_seconds=0.02, default_model="boats")
    with TestClient(create_app(settings)) as client:
        wait_for(lambda: [m["state"] for m in client.get("/models").json()["models"]] == ["ready", "ready"])
        page = client.get("/", headers={"accept": "text/html"}).text
        assert {"/models/ships", "/models/boats"} <= set(re.findall(r'href="([^"]+)"', page))
        assert page.count("0.871 to 0.948") == 2
        assert page.count("240") == 2
        assert "the default" in page
        assert "just now" in page
        assert 'href="/">All models' in client.get("/models/ships", headers={"accept": "text/html"}).text
