"""What stands before every route: who may come in, how many at once, and how long a body may be."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable

from starlette.exceptions import HTTPException
from starlette.middleware.body_limit import RequestBodyLimitMiddleware
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from deploy.service.keys import Keys
from deploy.service.leaving import Leaving
from deploy.service.negotiate import wants_html
from deploy.service.pages import key_page
from deploy.service.problems import Problem, body_too_long
from deploy.service.settings import Settings

# Health is asked by machines that know no key; the pages' own files hold nothing of any model.
HEALTH = frozenset({"/livez", "/readyz"})
STATIC = "/static/"
ADMIN = "/admin/"
METRICS = "/metrics"
_BEARER = 'Bearer realm="penstock"'
# Browsers ask for a name and a password; the key is the password.
_BASIC = 'Basic realm="penstock: the key is the password", charset="UTF-8"'


class Guard:
    """The layer below the envelope; what it refuses never reaches a route.

    Parameters
    ----------
    app : ASGI application
        What comes after it.
    settings : Settings
        The limits.
    keys, admin : Keys
        Who may ask for answers, and who may move models.
    leaving : Leaving
        Whether the process is on its way out.
    """

    def __init__(self, app: ASGIApp, settings: Settings, keys: Keys, admin: Keys, leaving: Leaving) -> None:
        self.app = app
        # The longest body that any route takes: a form's, in which a letter may take nine bytes, or a batch's.
        self.most = max(settings.max_batch_bytes, 3 * settings.max_row_bytes)
        # Of a body without a length the bytes are counted as they come.
        self.counted = RequestBodyLimitMiddleware(self._in_one_shape, self.most)
        self.settings = settings
        self.keys = keys
        self.admin = admin
        self.leaving = leaving
        self.n_requests = 0
        self.n_long = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request pass, or answer it here."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        path = _path(scope)
        if self.leaving.begun:
            send = _closing(send)
        if path in HEALTH:
            if self.keys:
                scope["state"]["caller"] = self.keys.name_of(key_of(scope["headers"]))
            await self.app(scope, receive, send)
            return
        try:
            if (self.keys or self.admin) and not path.startswith(STATIC):
                self._identify(scope, path)
            length = _length(scope["headers"])
            if length is not None and length > self.most:
                raise body_too_long(self.most)
            is_long = length is None or length > self.settings.max_row_bytes
            self._enter(is_long)
        except Problem as problem:
            response = problem.response(scope["state"]["request_id"])
            if problem.status == 401 and wants_html(_header(scope["headers"], b"accept")):
                response = key_page(problem, scope.get("root_path", ""))
            await response(scope, receive, send)
            return
        try:
            await (self.counted if length is None else self.app)(scope, receive, send)
        finally:
            self.n_requests -= 1
            self.n_long -= is_long

    def admits(self, headers: Iterable[tuple[bytes, bytes]]) -> bool:
        """Whether a short request for answers may come in now; nothing is counted, since it takes no time of others."""
        if self.n_requests >= self.settings.max_concurrent:
            return False
        return not self.keys or self.keys.name_of(key_of(headers)) is not None

    async def _in_one_shape(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Call the app; a body that is found too long outside of its routes is refused as one of theirs is."""
        try:
            await self.app(scope, receive, send)
        except HTTPException as error:
            if error.status_code != 413:
                raise
            await body_too_long(self.most).response(scope["state"]["request_id"])(scope, receive, send)

    def _enter(self, is_long: bool) -> None:
        """Take a place, or refuse; a long body has fewer of them, since each holds its memory until it is answered."""
        if self.n_requests >= self.settings.max_concurrent or (is_long and self.n_long >= self.settings.max_long):
            raise Problem(
                503,
                "busy",
                "The service is answering as many requests as it takes at once",
                headers={"Retry-After": "1"},
            )
        self.n_requests += 1
        self.n_long += is_long

    def _identify(self, scope: Scope, path: str) -> None:
        if path.startswith(ADMIN) and self.admin:
            asked = self.admin
        elif not self.keys or (path == METRICS and self.settings.metrics_access == "open"):
            return
        else:
            asked = self.keys
        headers = scope["headers"]
        key = key_of(headers)
        name = asked.name_of(key) if key else None
        if name is None:
            by_browser = asked is self.keys and wants_html(_header(headers, b"accept"))
            raise Problem(
                401,
                "no-key" if not key else "wrong-key",
                "This address asks for a key: send it as `Authorization: Bearer KEY` or `X-API-Key: KEY`",
                headers={"WWW-Authenticate": _BASIC if by_browser else _BEARER},
            )
        scope["state"]["admin" if asked is self.admin else "caller"] = name


def _path(scope: Scope) -> str:
    path, root = str(scope["path"]), str(scope.get("root_path", ""))
    return path[len(root) :] if root and path.startswith(root) else path


def _closing(send: Send) -> Send:
    async def closing(message: Message) -> None:
        if message["type"] == "http.response.start":
            message = {**message, "headers": [*message.get("headers", ()), (b"connection", b"close")]}
        await send(message)

    return closing


def _header(headers: Iterable[tuple[bytes, bytes]], wanted: bytes) -> str:
    return next((value.decode("latin-1") for name, value in headers if name == wanted), "")


def _length(headers: Iterable[tuple[bytes, bytes]]) -> int | None:
    """Return how long the body says it is; 0 where there is none, None where only its end will tell."""
    length = 0
    for name, value in headers:
        if name == b"transfer-encoding":
            return None
        if name == b"content-length":
            # A number of more digits than any memory has bytes need not be made.
            length = int(value) if value.isdigit() and len(value) < 19 else 10**18
    return length


def key_of(headers: Iterable[tuple[bytes, bytes]]) -> str:
    """Return the key that a request shows, however it shows it; empty where it shows none."""
    for name, value in headers:
        if name == b"x-api-key":
            return value.decode("latin-1").strip()
        if name == b"authorization":
            scheme, _, rest = value.decode("latin-1").partition(" ")
            if scheme.lower() == "bearer":
                return rest.strip()
            if scheme.lower() == "basic":
                return _password(rest.strip())
    return ""


def _password(told: str) -> str:
    try:
        return base64.b64decode(told, validate=True).decode("latin-1").partition(":")[2]
    except (binascii.Error, ValueError):
        return ""
