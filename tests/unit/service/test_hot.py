"""The short way of one row: taken by plain requests alone, and told from the long one by nothing but its speed."""

from __future__ import annotations

import asyncio
import gc
import weakref

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deploy.service.door import Doors
from deploy.service.holder import Held
from deploy.service.hot import HotPath
from deploy.service.meters import Meters
from penstock.bundle.bundle import Bundle
from tests.unit.service.making import SHIP

JSON = {"content-type": "application/json"}
URL = "/models/ships/predict"
ROW = orjson.dumps(SHIP)
BODIES = [
    ROW,
    orjson.dumps(SHIP | {"cargo": "uranium", "length": 4000.0, "captain": "x", "late": 1}),
    orjson.dumps(SHIP | {"cargo": 'a: "b" {c} [d]', "left": "2024-03-01 06:00"}),
    orjson.dumps({k: v for k, v in SHIP.items() if k != "berth"}),
    orjson.dumps(SHIP | {"crew": "s3cr3t", "length": -1}),
    orjson.dumps(SHIP | {"cargo": ["ore"]}),
    orjson.dumps(SHIP | {"history": [SHIP]}),
    ROW[:-1] + b',"crew":7}',
    ROW[:-1] + b',"cr\\u0065w":7}',
    b"{}",
    b"[]",
    b"7",
    b"",
    b"{",
    b"\xff",
    ROW.replace(b"120.5", b"NaN"),
    b"[" * 2000,
]


def told(answer):
    """Everything that a caller sees of an answer but its request id."""
    headers = {k: v for k, v in answer.headers.items() if k != "x-request-id"}
    return answer.status_code, headers, answer.content.replace(answer.headers["x-request-id"].encode(), b"ID")


@pytest.mark.parametrize("body", BODIES)
@pytest.mark.parametrize("url", [URL, "/predict"])
def test_the_short_way_says_what_the_long_one_says(client, url, body):
    """Byte for byte and header for header, answers and refusals alike; a query leads the long way."""
    assert told(client.post(url, content=body, headers=JSON)) == told(
        client.post(f"{url}?long=1", content=body, headers=JSON)
    )


cells = st.none() | st.booleans() | st.integers(-9, 99) | st.text(max_size=5)
anything = cells | st.lists(st.integers(-9, 99), max_size=1)


@settings(max_examples=25)
@given(row=st.fixed_dictionaries({}, optional=dict.fromkeys([*SHIP, "ship", "more: {"], anything)))
def test_any_row_is_told_alike_on_both_ways(client, row):
    """Whatever names and values it has."""
    body = orjson.dumps({**SHIP, **row})
    assert told(client.post(URL, content=body, headers=JSON)) == told(
        client.post(f"{URL}?long=1", content=body, headers=JSON)
    )


def asked(client, headers=(), parts=(ROW,), path=URL, query=b"", method="POST"):
    """Return what the short way sends, or that it hands on."""
    messages = [{"type": "http.request", "body": p, "more_body": i < len(parts) - 1} for i, p in enumerate(parts)]
    sent = []

    async def receive():
        return messages.pop(0)

    async def send(message):
        sent.append(message)

    async def handed_on(*_):
        sent.append("handed on")

    scope = {"type": "http", "method": method, "path": path, "query_string": query, "state": {"request_id": "r"}}
    scope["headers"] = [(b"content-type", b"application/json"), *headers] if headers is not None else []
    asyncio.run(HotPath(handed_on, client.app.state.served)(scope, receive, send))
    return sent


@pytest.mark.parametrize("parts", [(ROW,), (ROW[:9], ROW[9:]), (b"", ROW)])
@pytest.mark.parametrize("path", [URL, "/predict"])
def test_a_plain_row_never_meets_the_router(client, path, parts):
    """However its body comes in."""
    head, body = asked(client, parts=parts, path=path)
    assert head["status"] == 200
    assert orjson.loads(body["body"])["model"] == "ships"


@pytest.mark.parametrize(
    "unusual",
    [
        {"headers": None},
        {"headers": [(b"content-type", b"text/plain")]},
        {"headers": [(b"content-encoding", b"gzip")]},
        {"headers": [(b"content-length", b"999999")]},
        {"headers": [(b"content-length", b"x")]},
        {"query": b"explain=true"},
        {"path": "/models/nobody/predict"},
        {"path": "/models//predict"},
        {"path": "/models/predict"},
        {"path": "/models/ships/predict/batch"},
        {"path": "/predict/"},
        {"method": "PUT"},
    ],
)
def test_what_is_not_plain_is_left_to_the_routes(client, unusual):
    """There alone it is told what is wrong with an address, a media type or a length."""
    assert asked(client, **unusual) == ["handed on"]


def test_a_body_that_is_longer_than_its_word_is_cut_short(client):
    """The bytes are counted as they come, whatever the header says."""
    head, _ = asked(client, headers=[(b"content-length", b"10")], parts=(b"x" * 3000, b"x" * 3000, ROW))
    assert head["status"] == 413


def test_what_guards_the_app_stands_before_the_short_way(client):
    """It is the innermost layer: the envelope, and whatever is put between, see each of its requests."""
    assert client.app.user_middleware[-1].cls is HotPath


def test_a_version_that_is_let_go_is_freed(artifacts):
    """What was worked out for a bundle does not hold it."""
    bundle = Bundle.load(artifacts / "models" / "ships")
    gone = weakref.ref(bundle)
    doors = Doors(Meters())
    assert doors.answer(Held(bundle, 1, ""), ROW, 10, "r")
    del bundle
    gc.collect()
    assert gone() is None
