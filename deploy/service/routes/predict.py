"""One flat JSON row in, one answer out. A plain request is answered before it comes here: see `deploy.service.hot`."""

from __future__ import annotations

import asyncio

from fastapi import APIRouter, Request, Response

from deploy.service.body import JSON, media_type, read_body
from deploy.service.explained import explained_row, wants_reasons
from deploy.service.holder import Held
from deploy.service.served import Served, default_model, model, served, version_of

router = APIRouter(tags=["predict"])


@router.post("/predict", summary="Predict one row with the only, or the default, model")
async def predict_default(request: Request) -> Response:
    """Take one flat row and answer with prediction, model, version and warnings."""
    parts = served(request)
    return await _answer(request, parts, await default_model(parts))


@router.post("/models/{name}/predict", summary="Predict one row")
async def predict_named(request: Request, name: str) -> Response:
    """Take one flat row and answer with prediction, model, version and warnings."""
    parts = served(request)
    return await _answer(request, parts, await model(parts, name))


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
    content = parts.doors.answer(held, body, parts.settings.max_rows)
    return Response(content, media_type=JSON)
