"""Heads of answers on the wire: a header that was found to be well formed once is not looked at again.

Ten headers stand before every answer, and uvicorn holds each of them to two expressions: of a row's answer that takes
longer than reading the row. Most are the same each time.
"""

from __future__ import annotations

from typing import Any, TypeAlias

from uvicorn.protocols.http.httptools_impl import (
    HEADER_RE,
    HEADER_VALUE_RE,
    STATUS_LINE,
    HttpToolsProtocol,
    RequestResponseCycle,
)

Header: TypeAlias = tuple[bytes, bytes]
# Values of these differ from answer to answer: to keep their lines would fill the memory, and help nobody.
_PASSING = frozenset((b"x-request-id", b"date", b"set-cookie", b"retry-after", b"location", b"etag"))
# These say how the answer is to be sent, and are uvicorn's to read.
_MEANT_FOR_IT = frozenset((b"transfer-encoding", b"connection"))
_MOST_KEPT = 512


class QuickProtocol(HttpToolsProtocol):
    """uvicorn's connection, whose answers are quick cycles."""

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:  # an app is whatever uvicorn calls
        # The very cycle, with one method more: uvicorn offers no place to name another kind.
        cycle.__class__ = QuickCycle
        super()._start_asgi_task(cycle, app)


class QuickCycle(RequestResponseCycle):
    """One request and its answer."""

    _kept: dict[Header, bytes] = {}

    async def send(self, message: Any) -> None:  # as uvicorn's own types have it
        """Send a part of an answer."""
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
        self.transport.write(b"".join((STATUS_LINE[message["status"]], *lines, b"\r\n")))

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
