"""The shortest way: from the bytes of a plain request for one row to those of its answer, within one call.

A framework's way to a route costs as much as the model does several times over. So a request that is as requests
mostly are, and that can be answered, meets neither framework nor task nor server: the connection itself asks here. All
else (whatever is refused, fails, has to wait or asks for more than an answer) is none of its business, and goes the
long way from its beginning, which answers plain requests in the same bytes.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence

from deploy.service.body import JSON
from deploy.service.canaries import HEADER, answering
from deploy.service.envelope import SAFE_HEADERS, Envelope, valid_or_new
from deploy.service.guard import Guard
from deploy.service.holder import Held
from deploy.service.served import Served

Header = tuple[bytes, bytes]

# In the state that the app's lifespan hands to the server: where a connection asks.
SHORT = "short"
DEFAULT = "/predict"
NAMED = "/models/{name}/predict"
_DEFAULT = DEFAULT.encode()
_START, _END = (part.encode() for part in NAMED.split("{name}"))
_JSON = JSON.encode()
_ID = b"x-request-id"
# What these ask for is the routes' business.
_SPECIAL = frozenset((b"content-encoding", HEADER.encode()))
_MOST_DIGITS = 9
_SAFE = b"".join(b"%b: %b\r\n" % header for header in (*SAFE_HEADERS, (b"content-type", _JSON)))


def plain_length(headers: Iterable[Header], most_bytes: int) -> int:
    """Return the length that a plain request's body is said to have, 0 where none is said; -1 of any other request."""
    length, n_types = -1, 0
    for name, value in headers:
        if name == b"content-type":
            n_types += 1
            if value != _JSON:
                return -1
        elif name == b"content-length":
            if length >= 0 or len(value) > _MOST_DIGITS or not value.isdigit():
                return -1
            length = int(value)
        elif name in _SPECIAL:
            return -1
    return max(0, length) if n_types == 1 and length <= most_bytes else -1


class Short:
    """What answers plain requests.

    Parameters
    ----------
    parts : Served
        The app's parts.
    guard : Guard
        Which keys there are, and how many requests are being answered.
    envelope : Envelope
        What counts answers, and logs them.
    """

    def __init__(self, parts: Served, guard: Guard, envelope: Envelope) -> None:
        self._parts = parts
        self._guard = guard
        self._envelope = envelope
        self._most_bytes = parts.settings.max_row_bytes
        # The server makes its headers anew each second.
        self._given: Sequence[Header] = ()
        self._head = b""

    def takes(self, url: bytes, headers: Sequence[Header]) -> bool:
        """Whether a POST is a plain request for one row, whose body may be waited for."""
        if url != _DEFAULT and not (url.startswith(_START) and url.endswith(_END)):
            return False
        return plain_length(headers, self._most_bytes) > 0 and not self._parts.leaving.begun

    def answer(
        self, url: bytes, headers: Sequence[Header], body: bytes, default_headers: Sequence[Header]
    ) -> bytes | None:
        """Return the whole answer to a request that is taken; None where it has to go the long way.

        Parameters
        ----------
        url : bytes
            As it was sent.
        headers : sequence of (bytes, bytes)
            With names in lower case.
        body : bytes
            All of it.
        default_headers : sequence of (bytes, bytes)
            What the server puts before every answer.
        """
        began = time.perf_counter()
        held, route = self._asked(url)
        if held is None or not self._guard.admits(headers):
            return None
        request_id = valid_or_new(next((value.decode("latin-1") for name, value in headers if name == _ID), None))
        try:
            if held.trial is not None:
                held = answering(held, request_id)
            content = self._parts.doors.plain(held, body, request_id)
        except Exception:
            # Whatever it is happens again on the long way, which tells the caller, counts it and logs it.
            return None
        if content is None:
            return None
        if default_headers is not self._given:
            self._given = default_headers
            self._head = b"HTTP/1.1 200 OK\r\n" + b"".join(b"%b: %b\r\n" % one for one in default_headers) + _SAFE
        self._envelope.note("POST", route, request_id, 200, time.perf_counter() - began)
        return b"%bcontent-length: %d\r\nx-request-id: %b\r\n\r\n%b" % (
            *(self._head, len(content), request_id.encode(), content),
        )

    def _asked(self, url: bytes) -> tuple[Held | None, str]:
        holder = self._parts.holder
        if url == _DEFAULT:
            name = holder.default()
            return (None if name is None else holder.get(name)), DEFAULT
        # A name with an escape in it is none that is looked up here.
        return holder.get(url[len(_START) : -len(_END)].decode("latin-1")), NAMED
