"""Which version answers a request: the live one, or its canary for the share that the pointer says."""

from __future__ import annotations

import zlib

from fastapi import Request

from deploy.service.holder import Held
from deploy.service.problems import Problem

HEADER = "x-canary"
_ALWAYS, _NEVER = "always", "never"
_WHOLE = 2**32


def answering(held: Held, request_id: str, wish: str | None = None) -> Held:
    """Return who answers a request.

    The choice hangs on the request's id, so that a request which is sent again with its id meets the same version.

    Parameters
    ----------
    held : Held
        The live version.
    request_id : str
        The request's id.
    wish : str, optional
        `always` for the canary, `never` for the live version.

    Raises
    ------
    Problem
        422 for another wish.
    """
    if wish not in (None, _ALWAYS, _NEVER):
        raise Problem(422, "canary-unclear", "The header X-Canary is `always` or `never`")
    trial = held.trial
    if trial is None or wish == _NEVER:
        return held
    if wish == _ALWAYS or zlib.crc32(request_id.encode()) < trial.share * _WHOLE:
        return trial.held
    return held


def chosen(request: Request, held: Held) -> Held:
    """Return who answers a request that came to a route."""
    return answering(held, request.state.request_id, request.headers.get(HEADER))
