"""Heads of answers on the wire: a header that was found to be well formed once is not looked at again.

Ten headers stand before every answer, and uvicorn holds each of them to two expressions: of a row's answer that takes
longer than reading the row. Most are the same each time.
"""

from __future__ import annotations

import asyncio
from typing import Any, TypeAlias

from uvicorn.protocols.http.httptools_impl import (
    HEADER_RE,
    HEADER_VALUE_RE,
    STATUS_LINE,
    HttpToolsProtocol,
    RequestResponseCycle,
)

from deploy.service.short import SHORT, Short

Header: TypeAlias = tuple[bytes, bytes]
# Values of these differ from answer to answer: to keep their lines would fill the memory, and help nobody.
_PASSING = frozenset((b"x-request-id", b"date", b"set-cookie", b"retry-after", b"location", b"etag"))
# These say how the answer is to be sent, and are uvicorn's to read.
_MEANT_FOR_IT = frozenset((b"transfer-encoding", b"connection"))
_MOST_KEPT = 512


class QuickProtocol(HttpToolsProtocol):
    """uvicorn's connection, whose answers are quick cycles, and which asks the short way first."""

    # What is there of the body of a request that may go the short way.
    _body: bytes | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn narrows it
        """Let a connection in."""
        super().connection_made(transport)
        self._short: Short | None = self.app_state.get(SHORT)

    def on_headers_complete(self) -> None:
        """Hand a request to the app, unless its body is awaited for the short way."""
        if self._short is not None and self._is_plain() and self._short.takes(self.url, self.headers):
            self._body = b""
        else:
            super().on_headers_complete()

    def _is_plain(self) -> bool:
        """Whether nothing about a request and its connection is other than it mostly is."""
        cycle: RequestResponseCycle | None = self.cycle
        return (
            self.parser.get_method() == b"POST"
            and self.parser.get_http_version() == "1.1"
            and self.parser.should_keep_alive()
            and not self.parser.should_upgrade()
            and not self.expect_100_continue
            and not self.root_path
            and not self.access_log
            and not self.flow.write_paused
            and (cycle is None or cycle.response_complete)
        )

    def on_body(self, body: bytes) -> None:
        """Take a piece of a body."""
        if self._body is None:
            super().on_body(body)
        else:
            self._body += body

    def on_message_complete(self) -> None:
        """Answer a request that is whole the short way, or note that it is whole."""
        if self._body is not None and self._short is not None:
            answer = self._short.answer(self.url, self.headers, self._body, self.server_state.default_headers)
            if answer is not None:
                self._body = None
                self.transport.write(answer)
                self.on_response_complete()
                return
            self._go_the_long_way()
        super().on_message_complete()

    def data_received(self, data: bytes) -> None:
        """Take bytes; a request whose body is still to come goes the long way, which knows how to wait."""
        super().data_received(data)
        if self._body is not None:
            self._go_the_long_way()

    def _go_the_long_way(self) -> None:
        body, self._body = self._body, None
        super().on_headers_complete()
        if body:
            super().on_body(body)

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:  # an app is whatever uvicorn calls
        # The very cycle, with one method more: uvicorn offers no place to name another kind.
        cycle.__class__ = QuickCycle
        super()._start_asgi_task(cycle, app)


class QuickCycle(RequestResponseCycle):
    """One request and its answer, whose head is sent together with its body."""

    _kept: dict[Header, bytes] = {}
    _head: bytes | None = None

    async def send(self, message: Any) -> None:  # as uvicorn's own types have it
        """Send a part of an answer."""
        if self._head is not None:
            if self._is_whole(message):
                self._finish(self._head + message["body"])
                return
            self.transport.write(self._head)
            self._head = None
        if self.response_started or self.disconnected or message["type"] != "http.response.start":
            await super().send(message)
            return
        headers = message.get("headers", ())
        lines = self._lines([*self.default_headers, *headers])
        if lines is None or not self.keep_alive or self.access_log or self.flow.write_paused:
            await super().send(message)
            return
        self.response_started = True
        self.waiting_for_100_continue = False
        self.chunked_encoding = False
        self._head = b"".join((STATUS_LINE[message["status"]], *lines, b"\r\n"))

    def _is_whole(self, message: Any) -> bool:
        """Whether a message is all of the body that the head promised, and may be written now."""
        return (
            message["type"] == "http.response.body"
            and len(message.get("body", b"")) == self.expected_content_length > 0
            and not message.get("more_body", False)
            and self.scope["method"] != "HEAD"
            and self.keep_alive
            and not self.flow.write_paused
            and not self.disconnected
        )

    def _finish(self, answer: bytes) -> None:
        self._head = None
        self.transport.write(answer)
        self.response_complete = True
        self.message_event.set()
        self.on_response()

    def _lines(self, headers: list[Header]) -> list[bytes] | None:
        """Return the lines of a head, None where it is uvicorn's to make: it has no length, or says how it is sent."""
        kept = self._kept
        lines = []
        length = -1
        for header in headers:
            line = kept.get(header)
            if line is None:
                name, value = header
                name = name.lower()
                if name in _MEANT_FOR_IT or HEADER_RE.search(name) or HEADER_VALUE_RE.search(value):
                    return None
                if name == b"content-length":
                    if length >= 0 or not value.isdigit():
                        return None
                    length = int(value)
                line = b"%b: %b\r\n" % (name, value)
                if name not in _PASSING and name != b"content-length" and len(kept) < _MOST_KEPT:
                    kept[header] = line
            lines.append(line)
        if length < 0:
            return None
        self.expected_content_length = length
        return lines
