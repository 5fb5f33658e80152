"""What the app carries from start to end, and how a route gets at it."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import orjson
from fastapi import Request, Response

from deploy.service.door import Doors
from deploy.service.holder import Held, Holder
from deploy.service.leaving import Leaving
from deploy.service.meters import Meters
from deploy.service.problems import Problem, not_ready, unknown_model
from deploy.service.settings import Settings
from deploy.service.watch import Watcher


@dataclass(frozen=True, slots=True)
class Served:
    """The app's parts."""

    settings: Settings
    holder: Holder
    meters: Meters
    # Long bodies are worked on here; two at a time bound the memory that they take.
    pool: ThreadPoolExecutor
    # JSON needs the interpreter all along: two threads would only take it from each other, for a fifth fewer rows.
    json_pool: ThreadPoolExecutor
    doors: Doors
    watcher: Watcher
    leaving: Leaving = field(default_factory=Leaving)


def served(request: Request) -> Served:
    """Return the parts of the app that a request came to."""
    parts = request.app.state.served
    assert isinstance(parts, Served)
    return parts


async def model(parts: Served, name: str) -> Held:
    """Return a model's record, loaded now where it waits for its first call; a request asks once, and keeps it.

    Raises
    ------
    Problem
        404 when no model has this name, 503 when it is not ready.
    """
    held = parts.holder.get(name)
    if held is not None:
        return held
    # Names are looked up in a table of those that lie on disk, never joined to a path.
    known = parts.holder.names()
    if name not in known:
        raise unknown_model(known) if known else not_ready()
    held = await parts.watcher.want(name)
    if held is None:
        raise not_ready(name)
    return held


async def version_of(parts: Served, name: str, version: str) -> Held:
    """Return the record of one version of a model, loaded now where it is not the live one.

    Raises
    ------
    Problem
        404 when there is no such model or version, 503 when it cannot be proven.
    """
    known = parts.holder.names()
    if name not in known:
        raise unknown_model(known) if known else not_ready()
    return await parts.watcher.pins.want(name, version)


async def default_model(parts: Served) -> Held:
    """Return the only model, or the one that the settings name.

    Raises
    ------
    Problem
        404 when several could be meant, 503 when none is ready.
    """
    name = parts.holder.default()
    if name is not None:
        return await model(parts, name)
    names = parts.holder.names()
    if not names:
        raise not_ready()
    raise Problem(
        404,
        "which-model",
        f"There are several models ({', '.join(names[:20])}{', …' if len(names) > 20 else ''}): "
        "POST to /models/NAME/predict, or set PENSTOCK_DEFAULT_MODEL",
    )


def as_json(value: Any, status: int = 200) -> Response:
    """Return a value as a JSON answer; NaN and infinity become null."""
    return Response(
        orjson.dumps(value, option=orjson.OPT_SERIALIZE_NUMPY), status_code=status, media_type="application/json"
    )
