"""What every answer is wrapped in: a request id, safe headers, a count, and one shape for what went wrong."""

from __future__ import annotations

import logging
import re
import time
import traceback
import uuid

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from deploy.service.meters import Meters
from deploy.service.problems import failure

log = logging.getLogger("penstock.service")

REQUEST_ID = "x-request-id"
_valid_id = re.compile(r"^[A-Za-z0-9][A-Za-z0-9._:\-]{0,127}$")
_HEADERS = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "x-frame-options": "DENY",
    "cross-origin-resource-policy": "same-origin",
    # Pages and the report bring their own, wider one.
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
    "cache-control": "no-store",
}


class Envelope:
    """The outermost layer of the app.

    It answers a fault of our own itself, and never hands it on: the server's log would print the error's text, which
    may hold a value of the request.
    """

    def __init__(self, app: ASGIApp, meters: Meters) -> None:
        self.app = app
        self.meters = meters

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        request_id = valid_or_new(Headers(scope=scope).get(REQUEST_ID))
        method = str(scope["method"])
        if method == "HEAD":
            # Health checkers ask so. The server leaves the body of the answer out by itself.
            scope = {**scope, "method": "GET"}
        scope.setdefault("state", {})["request_id"] = request_id
        status = 0
        began = time.perf_counter()

        async def send_wrapped(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = int(message["status"])
                headers = MutableHeaders(scope=message)
                headers[REQUEST_ID] = request_id
                for name, value in _HEADERS.items():
                    headers.setdefault(name, value)
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
            route = getattr(scope.get("route"), "path", "unmatched")
            self._note(method, route, request_id, status, time.perf_counter() - began)

    def _note(self, method: str, route: str, request_id: str, status: int, seconds: float) -> None:
        self.meters.observe(method, route, status, seconds)
        level = logging.ERROR if status >= 500 and status != 503 else logging.INFO if status >= 400 else logging.DEBUG
        # The route's pattern, not the address: an address may carry what the caller would rather keep.
        log.log(level, "%s %s %d %.1f ms %s", method, route, status, seconds * 1e3, request_id)


def valid_or_new(given: str | None) -> str:
    """Return the caller's request id when it is a plain one, else a new one.

    Examples
    --------
    >>> valid_or_new("order-17")
    'order-17'
    >>> len(valid_or_new("no spaces, please"))
    32
    """
    return given if given is not None and _valid_id.match(given) else uuid.uuid4().hex


def told_without_values(error: BaseException) -> str:
    """Return an error's type and the lines it came through, without its text: that may quote the caller's data."""
    frames = traceback.extract_tb(error.__traceback__)[-12:]
    places = " < ".join(f"{f.name} ({f.filename.rsplit('/', 1)[-1]}:{f.lineno})" for f in reversed(frames))
    return f"{type(error).__name__} in {places}"
