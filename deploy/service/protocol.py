"""One connection: uvicorn's protocol with the bounds that it lacks, on heads, on waiting, and on who does not read.

uvicorn bounds neither how long a head may take nor how long it may be, and reads on for ever after it has refused a
body; no layer of the app sees any of that.
"""

from __future__ import annotations

import asyncio
import functools
import uuid
from typing import Any

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, RequestResponseCycle

from deploy.service.problems import MEDIA, Problem
from deploy.service.settings import Settings
from deploy.service.wire import QuickProtocol

# A caller who still sends what was refused may read the refusal meanwhile; then the connection ends.
LINGER_SECONDS = 30.0


@functools.cache
def _settings() -> Settings:
    return Settings.from_environment()


class Guarded(QuickProtocol):
    """One connection of a caller who may mean harm."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn narrows it
        """Let a connection in, unless there are too many."""
        super().connection_made(transport)
        self._limits = _settings()
        # When the head, or the body, that is awaited was begun; None while there is nothing to wait for.
        self._head_since: float | None = self.loop.time()
        self._body_since: float | None = None
        self._silent = True
        # Bytes since the last that were of any use: heads, trailers and the rims of chunks are none until complete.
        self._useless = 0
        self._unsent = 0
        self._timer = self.loop.call_later(self._limits.head_seconds / 2, self._look)
        if len(self.connections) > self._limits.max_connections:
            transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget a connection."""
        self._timer.cancel()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Take bytes; a head, a trailer or an extension of a chunk that has no end is refused."""
        self._useless += len(data)
        self._silent = False
        super().data_received(data)
        if self._useless > self._limits.max_head_bytes and not self.transport.is_closing():
            self._refuse(
                431, "head-too-long", f"The request's head is longer than the {self._limits.max_head_bytes} bytes taken"
            )

    def on_message_begin(self) -> None:
        """Note when a head began."""
        self._head_since = self.loop.time()
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """Hand a request to the app."""
        self._head_since, self._useless = None, 0
        self._body_since = self.loop.time()
        super().on_headers_complete()

    def on_chunk_header(self) -> None:
        """Note that a chunk began."""
        self._useless = 0

    def on_body(self, body: bytes) -> None:
        """Take a piece of a body."""
        self._useless = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        """Note that a request is whole."""
        self._body_since, self._useless = None, 0
        super().on_message_complete()

    def send_400_response(self, msg: str) -> None:
        """Refuse what is no HTTP."""
        self._refuse(400, "not-http", "The request is not HTTP that can be read")

    def _look(self) -> None:
        """Look, now and then, whether anything has been waited for too long."""
        self._timer = self.loop.call_later(self._limits.head_seconds / 2, self._look)
        now = self.loop.time()
        unsent, before = self.transport.get_write_buffer_size(), self._unsent
        self._unsent = unsent
        if before and unsent >= before:
            # Nothing of the answer went out: who does not read it would keep it in memory for ever.
            self.transport.abort()
        elif self.transport.is_closing():
            return
        elif self._head_since is not None and now - self._head_since >= self._limits.head_seconds:
            if self._silent:
                self.transport.close()
            else:
                self._refuse(408, "head-slow", "The request's head did not arrive in time")
        elif self._body_since is not None and now - self._body_since >= self._patience():
            self.transport.abort()
        elif self._useless and self._head_since is None and self._body_since is None:
            # Blank lines between two requests belong to neither, and keep the connection from being an idle one.
            self._head_since = now

    def _patience(self) -> float:
        """Return how long a body may take. The route's own deadline is sooner, and answers."""
        return LINGER_SECONDS if self.cycle.response_complete else 2 * self._limits.body_seconds

    def _refuse(self, status: int, slug: str, detail: str) -> None:
        # None before the first request, whatever its type says there.
        cycle: RequestResponseCycle | None = self.cycle
        if cycle is None or not cycle.response_started or cycle.response_complete:
            self.transport.write(_answer(Problem(status, slug, detail), self.server_state.default_headers))
        self.transport.close()


def _answer(problem: Problem, headers: list[tuple[bytes, bytes]]) -> bytes:
    request_id = uuid.uuid4().hex
    body: Any = problem.response(request_id).body
    told = [
        *headers,
        (b"content-type", MEDIA.encode()),
        (b"content-length", str(len(body)).encode()),
        (b"x-content-type-options", b"nosniff"),
        (b"x-request-id", request_id.encode()),
        (b"connection", b"close"),
    ]
    return b"".join(
        (STATUS_LINE[problem.status], *(name + b": " + value + b"\r\n" for name, value in told), b"\r\n", body)
    )
