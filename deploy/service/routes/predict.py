"""One flat JSON row in, one answer out. A plain request is answered before it comes here: see `deploy.service.hot`."""

from __future__ import annotations

import asyncio

from fastapi import APIRouter, Request, Response

from deploy.service.body import JSON, media_type, read_body
from deploy.service.canaries import chosen
from deploy.service.explained import explained_row, reasons_of, wants_reasons
from deploy.service.holder import Held
from deploy.service.problems import Problem, request_id_of, unknown_model
from deploy.service.served import Served, as_json, default_model, model, served, version_of

router = APIRouter(tags=["predict"])


@router.post("/predict", summary="Predict one row with the only, or the default, model")
async def predict_default(request: Request) -> Response:
    """Take one flat row and answer with prediction, model, version and warnings."""
    parts = served(request)
    return await _answer(request, parts, chosen(request, await default_model(parts)))


@router.post("/models/{name}/predict", summary="Predict one row")
async def predict_named(request: Request, name: str) -> Response:
    """Take one flat row and answer with prediction, model, version and warnings."""
    parts = served(request)
    return await _answer(request, parts, chosen(request, await model(parts, name)))


@router.post("/models/{name}/versions/{version}/predict", summary="Predict one row with one version")
async def predict_pinned(request: Request, name: str, version: str) -> Response:
    """Take one flat row and answer with a version that need not be the live one."""
    parts = served(request)
    return await _answer(request, parts, await version_of(parts, name, version))


async def _answer(request: Request, parts: Served, held: Held) -> Response:
    reasons = wants_reasons(request)
    media_type(request, (JSON,))
    body = await read_body(request, parts.settings.max_row_bytes, parts.settings.body_seconds)
    if reasons:
        content = await asyncio.get_running_loop().run_in_executor(parts.pool, explained_row, parts, held, body)
        return Response(content, media_type=JSON)
    # On the event loop: with the interpreter's one lock a thread makes a row slower and 30 % fewer of them a second.
    content = parts.doors.answer(held, body, parts.settings.max_rows, request_id_of(request))
    return Response(content, media_type=JSON)


@router.get("/models/{name}/requests/{request_id}", summary="Why a request was answered as it was")
async def explain_logged(request: Request, name: str, request_id: str, row: int = 0) -> Response:
    """Return the answer that a logged request got, and its reasons, by the version that gave it."""
    parts = served(request)
    known = parts.holder.names()
    recording = parts.doors.log
    if name not in known:
        raise unknown_model(known)
    if recording is None:
        raise Problem(404, "no-prediction-log", "This service keeps no log of predictions")
    loop = asyncio.get_running_loop()
    found = await loop.run_in_executor(parts.pool, recording.find, request_id, row)
    if found is None or found.model != name:
        raise Problem(404, "unknown-request", "No request of this id is in the prediction log of this model")
    held = await version_of(parts, name, found.version)
    told = await loop.run_in_executor(parts.pool, reasons_of, held, [found.row])
    return as_json(
        {
            "request_id": found.request_id,
            "time": found.time,
            "model": found.model,
            "version": found.version,
            "answer": found.answer,
            "explanation": told[0],
        }
    )
