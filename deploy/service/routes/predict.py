"""One flat JSON row in, one answer out. A plain request is answered before it comes here: see `deploy.service.hot`."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response

from deploy.service.body import JSON, media_type, read_body
from deploy.service.holder import Held
from deploy.service.problems import request_id_of
from deploy.service.served import Served, default_model, model, refuse_explain, served

router = APIRouter(tags=["predict"])


@router.post("/predict", summary="Predict one row with the only, or the default, model")
async def predict_default(request: Request) -> Response:
    """Take one flat row and answer with prediction, model, version and warnings."""
    parts = served(request)
    return await _answer(request, parts, default_model(parts))


@router.post("/models/{name}/predict", summary="Predict one row")
async def predict_named(request: Request, name: str) -> Response:
    """Take one flat row and answer with prediction, model, version and warnings."""
    parts = served(request)
    return await _answer(request, parts, model(parts, name))


async def _answer(request: Request, parts: Served, held: Held) -> Response:
    refuse_explain(request)
    media_type(request, (JSON,))
    body = await read_body(request, parts.settings.max_row_bytes, parts.settings.body_seconds)
    # On the event loop: with the interpreter's one lock a thread makes a row slower and 30 % fewer of them a second.
    content = parts.doors.answer(held, body, parts.settings.max_rows, request_id_of(request))
    return Response(content, media_type=JSON)
