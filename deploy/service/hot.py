"""The short way of one row: what is asked as it mostly is never meets the framework's router.

A request takes it when it is a plain one: POST to a predict address of a model that is held, JSON that is not
compressed, no query. Every other goes to the framework's routes, which answer in the same words and refuse what is to
be refused of an address, a query or a media type.
"""

from __future__ import annotations

from starlette.types import ASGIApp, Receive, Scope, Send

from deploy.service.body import JSON, collected
from deploy.service.canaries import answering
from deploy.service.holder import Held
from deploy.service.problems import Problem, from_error
from deploy.service.served import Served
from deploy.service.short import DEFAULT, NAMED, plain_length
from penstock.errors import PenstockError

_START, _END = NAMED.split("{name}")
_JSON = JSON.encode()


class HotPath:
    """The innermost layer of the app: inside of all that guards it, in front of its routes."""

    def __init__(self, app: ASGIApp, parts: Served) -> None:
        self.app = app
        self.parts = parts
        self._most_bytes = parts.settings.max_row_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a plain request for one row; hand on every other."""
        # A request takes the model's record once, and keeps it.
        held, route = _asked(scope, self.parts)
        if held is None:
            await self.app(scope, receive, send)
            return
        state = scope["state"]
        state["route"] = route
        settings = self.parts.settings
        try:
            if held.trial is not None:
                held = answering(held, state["request_id"])
            body = await collected(receive, self._most_bytes, settings.body_seconds)
            content = self.parts.doors.answer(held, body, settings.max_rows, state["request_id"])
        except Problem as problem:
            await problem.response(state["request_id"])(scope, receive, send)
        except PenstockError as error:
            await from_error(error).response(state["request_id"])(scope, receive, send)
        else:
            headers = [(b"content-length", b"%d" % len(content)), (b"content-type", _JSON)]
            await send({"type": "http.response.start", "status": 200, "headers": headers})
            await send({"type": "http.response.body", "body": content})


def _asked(scope: Scope, parts: Served) -> tuple[Held | None, str]:
    """Return the model that a plain request for one row asks, and its route; None of any other."""
    if scope["type"] != "http" or scope["method"] != "POST" or not _is_plain(scope, parts.settings.max_row_bytes):
        return None, ""
    path, holder = scope["path"], parts.holder
    if path == DEFAULT:
        name = holder.default()
        return (None if name is None else holder.get(name)), DEFAULT
    if path.startswith(_START) and path.endswith(_END):
        return holder.get(path[len(_START) : -len(_END)]), NAMED
    return None, ""


def _is_plain(scope: Scope, most_bytes: int) -> bool:
    return not scope["query_string"] and not scope.get("root_path") and plain_length(scope["headers"], most_bytes) >= 0
