"""The shortest way, on a connection: what it answers is what the routes answer, and all else goes to them."""

from __future__ import annotations

import asyncio
import contextlib
import functools

import orjson
import pytest
from uvicorn import Config
from uvicorn.lifespan.on import LifespanOn
from uvicorn.server import ServerState

from deploy.service import protocol as protocol_of
from deploy.service.app import create_app
from deploy.service.keys import digest
from deploy.service.protocol import Guarded
from deploy.service.settings import Settings
from deploy.service.short import Short
from tests.unit.service.making import SHIP
from tests.unit.service.test_wire import Transport

URL = "/models/ships/predict"
ROW = orjson.dumps(SHIP)
CHUNKS = b"%x\r\n%b\r\n0\r\n\r\n" % (len(ROW), ROW)


def in_a_loop(test):
    """Run a test in an event loop of its own."""

    @functools.wraps(test)
    def run(*args, **kwargs):
        return asyncio.run(test(*args, **kwargs))

    return run


class Counting(Short):
    """The short way, with a count of what it answered."""

    n_answered = 0

    def answer(self, url, headers, body, default_headers):
        """Answer."""
        found = super().answer(url, headers, body, default_headers)
        Counting.n_answered += found is not None
        return found


@contextlib.asynccontextmanager
async def serving(artifacts, monkeypatch, **settings):
    """Yield a function that sends pieces of bytes to a connection of a running app, and what the app is."""
    monkeypatch.setattr("deploy.service.app.Short", Counting)
    monkeypatch.setattr(protocol_of, "_settings", lambda: Settings(artifacts=artifacts))
    Counting.n_answered = 0
    app = create_app(Settings(artifacts=artifacts, poll_seconds=0.05, **settings))
    config = Config(app, log_config=None, access_log=False)
    config.load()
    lifespan = LifespanOn(config)
    await lifespan.startup()
    while not app.state.served.holder.ready:
        await asyncio.sleep(0.01)

    async def send(*pieces, prepared=lambda _: None):
        state = ServerState()
        state.default_headers = [(b"date", b"Sun, 29 Nov 2026 15:00:00 GMT")]
        connection = Guarded(config, state, lifespan.state, asyncio.get_running_loop())
        transport = Transport()
        connection.connection_made(transport)
        prepared(connection)
        for piece in pieces:
            connection.data_received(piece)
            connection.resume_writing()
            while state.tasks and piece is pieces[-1]:
                await asyncio.sleep(0)
        connection.connection_lost(None)
        return transport.written

    try:
        yield send, app
    finally:
        await lifespan.shutdown()


def request(body=ROW, url=URL, method="POST", version="1.1", **headers):
    """Return a request's bytes."""
    told = {"host": "x", "content_type": "application/json", "content_length": str(len(body)), **headers}
    lines = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in told.items() if value is not None)
    return f"{method} {url} HTTP/{version}\r\n{lines}\r\n".encode() + body


def read(written):
    """Return status, headers and body of an answer, without what differs each time."""
    head, _, body = written.partition(b"\r\n\r\n")
    status, *lines = head.split(b"\r\n")
    headers = dict(line.split(b": ", 1) for line in lines)
    request_id = headers.pop(b"x-request-id")
    return status, headers, body.replace(request_id, b"ID")


@pytest.mark.parametrize("url", [URL, "/predict"])
@pytest.mark.parametrize("row", [SHIP, SHIP | {"cargo": "uranium"}, SHIP | {"length": 7, "captain": "x"}])
@in_a_loop
async def test_a_plain_request_is_answered_in_the_bytes_of_the_routes(artifacts, monkeypatch, url, row):
    """With the same headers, whichever way it comes; and counted once."""
    body = orjson.dumps(row)
    async with serving(artifacts, monkeypatch) as (send, app):
        short = read(await send(request(body, url)))
        assert Counting.n_answered == 1
        routed = read(await send(request(body, f"{url}?long=1")))
        in_pieces = read(await send(request(body, url)[:-9], body[-9:]))
        assert Counting.n_answered == 1
        text = app.state.served.meters.text().decode()
    assert short == routed == in_pieces
    assert short[0] == b"HTTP/1.1 200 OK"
    route = URL.replace("ships", "{name}") if url == URL else url
    assert f'penstock_http_requests_total{{method="POST",route="{route}",status="200"}} 3.0' in text
    assert 'penstock_rows_total{model="ships",version="' in text
    assert text.partition('penstock_rows_total{model="ships",version="')[2].split()[1] == "3.0"


@pytest.mark.parametrize(
    ("asked", "status"),
    [
        (request(orjson.dumps(SHIP | {"crew": "s3cr3t"})), 422),
        (request(b"{"), 400),
        (request(b"[]"), 422),
        (request(ROW[:-1] + b',"crew":7}'), 400),
        (request(url="/models/boats/predict"), 404),
        (request(url="/models/sh%69ps/predict"), 200),
        (request(method="PUT"), 405),
        (request(content_type="text/csv"), 415),
        (request(content_type="application/json; charset=utf-8"), 200),
        (request(content_encoding="gzip"), 415),
        (request(x_canary="maybe"), 422),
        (request(version="1.0"), 200),
        (request(connection="close"), 200),
        (request(transfer_encoding="chunked", content_length=None).replace(ROW, CHUNKS), 200),
        (request(b"", content_length="99999999"), 413),
    ],
)
@in_a_loop
async def test_all_else_goes_to_the_routes(artifacts, monkeypatch, asked, status):
    """Whatever is refused, has more to say or asks for something special."""
    async with serving(artifacts, monkeypatch) as (send, _):
        assert int((await send(asked)).split()[1]) == status
        assert Counting.n_answered == 0


@in_a_loop
async def test_requests_that_come_together_are_answered_in_order(artifacts, monkeypatch):
    """Short ways between long ones wait for their turn."""
    ids = [f"order-{i}" for i in range(6)]
    asked = [request(url=URL if i % 3 else f"{URL}?long=1", x_request_id=ids[i]) for i in range(6)]
    async with serving(artifacts, monkeypatch) as (send, _):
        written = await send(b"".join(asked))
    assert [
        line.partition(b": ")[2].decode() for line in written.split(b"\r\n") if line.startswith(b"x-request-id")
    ] == ids
    assert written.count(b"HTTP/1.1 200 OK") == 6


@in_a_loop
async def test_a_caller_who_does_not_read_is_waited_for(artifacts, monkeypatch):
    """Answers would gather in memory."""
    async with serving(artifacts, monkeypatch) as (send, _):
        written = await send(request(), prepared=lambda connection: connection.pause_writing())
        assert written.startswith(b"HTTP/1.1 200 OK")
        assert Counting.n_answered == 0


@in_a_loop
async def test_a_key_is_asked_for_here_too(artifacts, monkeypatch):
    """The right one goes the short way, any other is refused by the guard."""
    async with serving(artifacts, monkeypatch, api_keys=f"me:{digest('k' * 32)}") as (send, _):
        for shown, status in (({}, 401), ({"x_api_key": "z" * 32}, 401), ({"x_api_key": "k" * 32}, 200)):
            assert int((await send(request(**shown))).split()[1]) == status
        assert Counting.n_answered == 1


@in_a_loop
async def test_a_model_that_fails_is_counted_once(artifacts, monkeypatch):
    """The long way finds the same failure, tells it and counts it."""
    async with serving(artifacts, monkeypatch) as (send, app):
        held = app.state.served.holder.get("ships")

        def fails(*_):
            raise ZeroDivisionError

        monkeypatch.setattr(type(held.bundle), "predict_row", fails)
        monkeypatch.setattr(type(held.bundle), "predict", fails)
        calls, failures = held.pulse.calls, held.pulse.failures
        assert int((await send(request())).split()[1]) == 500
        assert Counting.n_answered == 0
        assert (held.pulse.calls, held.pulse.failures) == (calls + 1, failures + 1)


@in_a_loop
async def test_who_is_leaving_says_so(artifacts, monkeypatch):
    """The connection is closed after the answer, which the short way does not know how to say."""
    async with serving(artifacts, monkeypatch) as (send, app):
        app.state.served.leaving.begun = True
        assert b"connection: close" in await send(request())
