"""Heads of answers on the wire: a header that was found to be well formed once is not looked at again.

Ten headers stand before every answer, and uvicorn holds each of them to two expressions: of a row's answer that takes
longer than reading the row. Most are the same each time.
"""

from __future__ import annotations

from collections.abc import Coroutine
from typing import Any, TypeAlias, cast

from uvicorn.protocols.http.httptools_impl import (
    HEADER_RE,
    HEADER_VALUE_RE,
    STATUS_LINE,
    HttpToolsProtocol,
    RequestResponseCycle,
)

from deploy.service.resuming import resumed

Header: TypeAlias = tuple[bytes, bytes]
# In the state that the app's lifespan hands to the server: which requests are answered without any waiting.
AT_ONCE = "at_once"
# What the app found out about such a request, for as long as it is answered at once.
ASKED = "penstock.asked"
# Values of these differ from answer to answer: to keep their lines would fill the memory, and help nobody.
_PASSING = frozenset((b"x-request-id", b"date", b"set-cookie", b"retry-after", b"location", b"etag"))
# These say how the answer is to be sent, and are uvicorn's to read.
_MEANT_FOR_IT = frozenset((b"transfer-encoding", b"connection"))
_MOST_KEPT = 512


class QuickProtocol(HttpToolsProtocol):
    """uvicorn's connection, whose answers are quick cycles.

    A request of which the app says that it answers without waiting is answered as soon as its last byte is there: a
    task of its own would cost it a turn of the event loop.
    """

    _soon: tuple[RequestResponseCycle, Any] | None = None

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:  # an app is whatever uvicorn calls
        # The very cycle, with one method more: uvicorn offers no place to name another kind.
        cycle.__class__ = QuickCycle
        at_once = self.app_state.get(AT_ONCE)
        if at_once is not None and cycle.more_body and at_once(cycle.scope):
            self._soon = cycle, app
        else:
            super()._start_asgi_task(cycle, app)

    def on_message_complete(self) -> None:
        """Note that a request is whole, and answer it if that takes no waiting."""
        super().on_message_complete()
        if self._soon is not None:
            (cycle, app), self._soon = self._soon, None
            self._run(cycle.run_asgi(app))

    def data_received(self, data: bytes) -> None:
        """Take bytes; a request whose body is still to come gets a task that waits for it."""
        super().data_received(data)
        if self._soon is not None:
            (cycle, app), self._soon = self._soon, None
            # By the time that the body is there another version may be live.
            cast("dict[str, Any]", cycle.scope).pop(ASKED, None)
            super()._start_asgi_task(cycle, app)

    def _run(self, steps: Coroutine[Any, Any, None]) -> None:
        try:
            waited_for = steps.send(None)
        except StopIteration:
            return
        # Whoever reads too slowly has to be waited for after all.
        task = self.loop.create_task(_rest(steps, waited_for))
        task.add_done_callback(self.tasks.discard)
        self.tasks.add(task)


async def _rest(steps: Coroutine[Any, Any, None], waited_for: object) -> None:
    await resumed(steps, waited_for)


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
