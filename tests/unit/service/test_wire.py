"""Heads of answers: written quickly, and to the byte as uvicorn writes them."""

from __future__ import annotations

import asyncio
import contextlib

import pytest
from uvicorn import Config
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import ServerState

from deploy.service.wire import QuickCycle, QuickProtocol

PLAIN = [(b"content-length", b"2"), (b"content-type", b"application/json"), (b"x-request-id", b"order-17")]


class Transport(asyncio.Transport):
    """Keeps what is written."""

    def __init__(self):
        super().__init__()
        self.written = b""
        self.is_closed = False

    def write(self, data):
        """Keep it."""
        self.written += data

    def close(self):
        """End."""
        self.is_closed = True

    def is_closing(self):
        """Whether it has ended."""
        return self.is_closed

    def pause_reading(self):
        """Nothing is read here."""

    def resume_reading(self):
        """Nothing is read here."""


@contextlib.contextmanager
def connected(protocol, app):
    """Yield a connection of a kind, what the server knows, and its transport; within a running loop."""
    server = ServerState()
    server.default_headers = [(b"date", b"Sun, 29 Nov 2026 15:00:00 GMT")]
    config = Config(app, log_config=None, access_log=False, proxy_headers=False)
    config.load()
    connection = protocol(config, server, {}, asyncio.get_running_loop())
    transport = Transport()
    connection.connection_made(transport)
    yield connection, server, transport
    connection.connection_lost(None)


def spoken(protocol, request, status, headers, parts):
    """Return what a connection of a kind writes, and whether it ends."""

    async def app(scope, receive, send):
        await send({"type": "http.response.start", "status": status, "headers": headers})
        for i, part in enumerate(parts):
            await send({"type": "http.response.body", "body": part, "more_body": i < len(parts) - 1})

    async def run():
        with connected(protocol, app) as (connection, server, transport):
            for _ in range(2):
                connection.data_received(request)
                while server.tasks:
                    await asyncio.sleep(0)
                if transport.is_closed:
                    break
        return transport.written, transport.is_closed

    return asyncio.run(run())


GET = b"GET / HTTP/1.1\r\nhost: x\r\n\r\n"


@pytest.mark.parametrize(
    ("request_", "status", "headers", "parts"),
    [
        (GET, 200, PLAIN, [b"{}"]),
        (GET, 200, PLAIN, [b"{", b"}"]),
        (GET, 404, [*PLAIN, (b"X-Thing", b"a"), (b"x-thing", b"b")], [b"{}"]),
        (GET.replace(b"GET", b"HEAD"), 200, PLAIN, [b""]),
        (GET.replace(b"1.1", b"1.0"), 200, PLAIN, [b"{}"]),
        (GET.replace(b"host", b"connection: close\r\nhost"), 200, PLAIN, [b"{}"]),
        (GET, 200, [*PLAIN, (b"connection", b"close")], [b"{}"]),
        (GET, 200, PLAIN[1:], [b"{}", b"[]"]),
        (GET, 200, [(b"transfer-encoding", b"chunked")], [b"{}"]),
        (GET, 204, [], [b""]),
        (GET, 200, [*PLAIN, (b"x-bad", b"a\r\nb: c")], [b"{}"]),
        (GET, 200, [*PLAIN, (b"x bad", b"a")], [b"{}"]),
        (GET, 200, PLAIN, [b"{}x"]),
        (GET, 200, PLAIN, [b"{"]),
    ],
)
def test_an_answer_is_what_uvicorn_would_have_sent(request_, status, headers, parts):
    """Lengths, chunks, ends of connections and refusals of headers that would break the answer."""
    assert spoken(QuickProtocol, request_, status, headers, parts) == spoken(
        HttpToolsProtocol, request_, status, headers, parts
    )


def test_what_passes_is_not_kept():
    """A million request ids leave nothing behind."""
    spoken(QuickProtocol, GET, 200, PLAIN, [b"{}"])
    assert (b"content-type", b"application/json") in QuickCycle._kept
    assert not [name for name, _ in QuickCycle._kept if name in (b"x-request-id", b"date", b"content-length")]
