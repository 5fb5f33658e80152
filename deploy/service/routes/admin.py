"""Moving models for those without a shell: go back, hold, release, publish a kept candidate; by a key of its own.

These routes exist only where PENSTOCK_ADMIN_KEYS is set. What they do is signed, so the service needs the signing key
and a directory that it may write; a service that only reads says so.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from functools import partial
from typing import Annotated, Any, TypeVar

from fastapi import APIRouter, Request, Response
from pydantic import Field, ValidationError

from deploy.service.body import JSON, media_type, parse_json, read_body
from deploy.service.problems import Fault, Problem, shown_name
from deploy.service.served import Served, as_json, served
from penstock.bundle import keys
from penstock.bundle.canary import end_canary, start_canary
from penstock.bundle.candidate import publish_candidate, read_candidate
from penstock.bundle.layout import Pointer
from penstock.bundle.publish import hold, release, rollback
from penstock.errors import NotFound, PenstockError, PublishConflict, StoreError
from penstock.frozen import Frozen

router = APIRouter(prefix="/admin", tags=["admin"])

MAX_BODY = 16_384
# Anchored: a pattern of pydantic is looked for anywhere in the text.
_RUN = r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,127}$"
Reason = Annotated[str, Field(max_length=1000)]
Wish = TypeVar("Wish", bound=Frozen)
Done = TypeVar("Done")


class Back(Frozen):
    """Which version to go back to, by default the nearest that can be proven; and why."""

    to: Annotated[str, Field(max_length=100)] | None = None
    reason: Reason = ""


class Held(Frozen):
    """Why nothing new may go live."""

    reason: Annotated[str, Field(min_length=1, max_length=1000, pattern=r"\S")]


class Released(Frozen):
    """Why something new may go live again."""

    reason: Reason = ""


class Tried(Frozen):
    """Which version answers a share of the requests, by default none."""

    version: Annotated[str, Field(max_length=100)] | None = None
    share: Annotated[float, Field(gt=0, lt=1)] = 0.05
    reason: Reason = ""


class Kept(Frozen):
    """The run whose candidate goes live, and the reason where the gate is overruled."""

    run: Annotated[str, Field(pattern=_RUN)]
    force: Reason = ""
    accept_schema_change: Reason = ""


def _takes(kind: type[Frozen]) -> dict[str, Any]:
    return {"requestBody": {"required": True, "content": {JSON: {"schema": kind.model_json_schema()}}}}


@router.post("/models/{name}/rollback", summary="Serve an earlier version again", openapi_extra=_takes(Back))
async def roll_back(request: Request, name: str) -> Response:
    """Move the pointer back; the version that is left is withdrawn."""
    wish, who = await _asked(request, name, Back), _who(request)
    artifacts = served(request).settings.artifacts
    return _moved(await _done(partial(rollback, artifacts, name, wish.to, wish.reason, who)))


@router.post("/models/{name}/hold", summary="Let nothing new go live", openapi_extra=_takes(Held))
async def hold_model(request: Request, name: str) -> Response:
    """Hold a model as it is until it is released."""
    wish, who = await _asked(request, name, Held), _who(request)
    return _moved(await _done(partial(hold, served(request).settings.artifacts, name, wish.reason, who)))


@router.post("/models/{name}/release", summary="Let new versions go live again", openapi_extra=_takes(Released))
async def release_model(request: Request, name: str) -> Response:
    """End every hold."""
    wish, who = await _asked(request, name, Released), _who(request)
    return _moved(await _done(partial(release, served(request).settings.artifacts, name, wish.reason, who)))


@router.post("/models/{name}/canary", summary="Let a version answer a share", openapi_extra=_takes(Tried))
async def try_version(request: Request, name: str) -> Response:
    """Start a canary, or end it where no version is named."""
    wish, who = await _asked(request, name, Tried), _who(request)
    artifacts = served(request).settings.artifacts
    if wish.version is None:
        return _moved(await _done(partial(end_canary, artifacts, name, wish.reason, who)))
    return _moved(await _done(partial(start_canary, artifacts, name, wish.version, wish.share, wish.reason, who)))


@router.post("/models/{name}/publish", summary="Publish the candidate that a run kept", openapi_extra=_takes(Kept))
async def publish_kept(request: Request, name: str) -> Response:
    """Publish without training; 409 with the reasons where the gate, a hold or a withdrawal refuses."""
    wish, who = await _asked(request, name, Kept), _who(request)
    parts = served(request)
    folder = parts.settings.artifacts / "runs" / wish.run / "candidate"
    try:
        kept = await asyncio.to_thread(read_candidate, folder)
    except PenstockError:
        kept = None
    if kept is None or kept.name != name:
        raise Problem(404, "unknown-run", "No run of this id has kept a candidate of this model")
    publish = partial(publish_candidate, folder, parts.settings.artifacts, who=who)
    done = await _done(partial(publish, force=wish.force, accept=wish.accept_schema_change))
    if done.state == "refused":
        raise Problem(409, "refused", "Not published: " + "; ".join(done.reasons))
    return as_json({"model": done.model, "version": done.version, "state": done.state})


async def _asked(request: Request, name: str, kind: type[Wish]) -> Wish:
    """Return what is asked for, once it is clear that it may be done."""
    parts = served(request)
    if "admin" not in request.scope["state"]:
        # The guard has asked already; this stands should a way around it ever be found.
        raise Problem(401, "no-key", "This address asks for an admin's key")
    if name not in parts.holder.names():
        raise Problem(404, "unknown-model", "There is no model of this name")
    _refuse_readers(parts)
    media_type(request, (JSON,))
    value = parse_json(await read_body(request, MAX_BODY, parts.settings.body_seconds))
    try:
        return kind.model_validate(value)
    except ValidationError as error:
        faults = [_fault(told) for told in error.errors(include_input=False, include_url=False, include_context=False)]
        raise Problem(422, "not-understood", "The body does not say what is wanted", faults) from None


def _fault(told: Any) -> Fault:  # pydantic's own shape of an error
    field = ".".join(str(part) for part in told["loc"])
    return Fault(field=shown_name(field) if field else None, message=str(told["msg"]))


def _refuse_readers(parts: Served) -> None:
    """Refuse where nothing can be moved, before anything is tried: a key that is made now would be trusted nowhere."""
    if not (keys.home() / "signing.pem").is_file():
        raise Problem(409, "not-here", "This service has no signing key: move models where they are published")
    if not os.access(parts.settings.artifacts / "models", os.W_OK):
        raise Problem(409, "not-here", "This service may only read its artifacts: move models where they are published")


def _who(request: Request) -> str:
    return str(request.scope["state"]["admin"])


async def _done(move: Callable[[], Done]) -> Done:
    """Do it off the event loop, and tell what stands in its way; paths stay in the log."""
    try:
        return await asyncio.to_thread(move)
    except NotFound as error:
        # Its own sentence repeats what was asked for.
        faults = [Fault(field="to", message="There is no such version to go to", expected=error.expected or None)]
        raise Problem(404, "unknown-version", "There is no such version", faults) from None
    except PublishConflict as error:
        raise Problem(503, "conflict", error.what, headers={"Retry-After": "2"}) from None
    except StoreError as error:
        raise Problem(503, "disk", error.what, headers={"Retry-After": "10"}) from error
    except PenstockError as error:
        raise Problem(409, "not-possible", error.what) from None


def _moved(pointer: Pointer) -> Response:
    return as_json(
        {
            "model": pointer.model,
            "version": pointer.version,
            "generation": pointer.generation,
            "held": [held.reason for held in pointer.holds],
            "withdrawn": [digest[:12] for digest in pointer.withdrawn],
        }
    )
