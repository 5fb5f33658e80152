"""What every answer is wrapped in: a request id, safe headers, a count, and one shape for what went wrong."""

from __future__ import annotations

import logging
import os
import re
import time
import traceback
from collections.abc import Iterable, Iterator
from typing import TypeAlias

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from deploy.service.access import AccessLog
from deploy.service.meters import Meters
from deploy.service.problems import failure

Header: TypeAlias = tuple[bytes, bytes]
log = logging.getLogger("penstock.service")

REQUEST_ID = "x-request-id"
_ID = REQUEST_ID.encode()
_valid_id = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:\-]{0,127}")
_BLOCK = 4096  # bytes of chance that are asked of the system at once
SAFE_HEADERS = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"x-frame-options", b"DENY"),
    (b"cross-origin-resource-policy", b"same-origin"),
    # Pages and the report bring their own, wider one.
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
    (b"cache-control", b"no-store"),
)
_NAMES = frozenset((_ID, *(name for name, _ in SAFE_HEADERS)))


class Envelope:
    """The outermost layer of the app.

    It answers a fault of our own itself, and never hands it on: the server's log would print the error's text, which
    may hold a value of the request.
    """

    def __init__(self, app: ASGIApp, meters: Meters, access: AccessLog | None = None) -> None:
        self.app = app
        self.meters = meters
        self.access = access

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        request_id = valid_or_new(_given_id(scope))
        method: str = scope["method"]
        if method == "HEAD":
            # Health checkers ask so. The server leaves the body of the answer out by itself.
            scope = {**scope, "method": "GET"}
        scope.setdefault("state", {})["request_id"] = request_id
        status = 0
        began = time.perf_counter()

        async def send_wrapped(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = wrapped(message.get("headers", ()), request_id.encode())
            await send(message)

        try:
            await self.app(scope, receive, send_wrapped)
        except Exception as error:
            # Not log.exception: the error's text may quote the request.
            log.error("request %s failed: %s", request_id, told_without_values(error))
            if status:
                # The head is out: only a broken connection can tell the caller now.
                raise ConnectionAbortedError(request_id) from None
            await failure().response(request_id)(scope, receive, send_wrapped)
        finally:
            route = scope["state"].get("route") or getattr(scope.get("route"), "path", "unmatched")
            self.note(method, route, request_id, status, time.perf_counter() - began)

    def note(self, method: str, route: str, request_id: str, status: int, seconds: float) -> None:
        """Count and log one answered request."""
        self.meters.observe(method, route, status, seconds)
        if self.access is not None:
            self.access.note(method, route, status, seconds, request_id)
        level = logging.ERROR if status >= 500 and status != 503 else logging.INFO if status >= 400 else logging.DEBUG
        if not log.isEnabledFor(level):
            return
        # The route's pattern, not the address: an address may carry what the caller would rather keep.
        log.log(level, "%s %s %d %.1f ms %s", method, route, status, seconds * 1e3, request_id)


def wrapped(headers: Iterable[Header], request_id: bytes) -> list[Header]:
    """Return an answer's headers with its request id, and with each safe header that it does not bring itself.

    Examples
    --------
    >>> dict(wrapped([(b"cache-control", b"max-age=60")], b"order-17"))[b"cache-control"]
    b'max-age=60'
    """
    made = list(headers)
    brought = {name.lower() for name, _ in made}
    if _NAMES.isdisjoint(brought):
        made += SAFE_HEADERS
    else:
        made = [header for header in made if header[0].lower() != _ID]
        made += [header for header in SAFE_HEADERS if header[0] not in brought]
    made.append((_ID, request_id))
    return made


def _given_id(scope: Scope) -> str | None:
    for name, value in scope["headers"]:
        if name == _ID:
            return str(value, "latin-1")
    return None


def _chance() -> Iterator[str]:
    while True:
        # In hexadecimal, 32 digits an id. One call of the system for many of them, and still nobody can guess one.
        digits = os.urandom(_BLOCK).hex()
        for at in range(0, len(digits), 32):
            yield digits[at : at + 32]


_new_id = _chance().__next__


def valid_or_new(given: str | None) -> str:
    """Return the caller's request id when it is a plain one, else a new one.

    Examples
    --------
    >>> valid_or_new("order-17")
    'order-17'
    >>> len(valid_or_new("no spaces, please"))
    32
    """
    return given if given is not None and _valid_id.fullmatch(given) else _new_id()


def told_without_values(error: BaseException) -> str:
    """Return an error's type and the lines it came through, without its text: that may quote the caller's data."""
    frames = traceback.extract_tb(error.__traceback__)[-12:]
    places = " < ".join(f"{f.name} ({f.filename.rsplit('/', 1)[-1]}:{f.lineno})" for f in reversed(frames))
    return f"{type(error).__name__} in {places}"
