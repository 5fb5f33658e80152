"""The form on a model's page, sent as browsers send forms, with or without a script: the same page with the answer."""

from __future__ import annotations

import asyncio

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse

from deploy.service.body import media_type, read_body
from deploy.service.forms import FORM, read_form
from deploy.service.pages import fields_for, model_page
from deploy.service.served import model, served
from deploy.service.tried import tried

router = APIRouter(include_in_schema=False)


@router.post("/models/{name}/try")
async def try_model(request: Request, name: str) -> Response:
    """Predict the row in a form and return the model's page, filled as it was sent; programs use `predict`."""
    parts = served(request)
    held = await model(parts, name)
    media_type(request, (FORM,))
    # A letter that is no letter of ASCII takes up to nine bytes in a form.
    body = await read_body(request, 3 * parts.settings.max_row_bytes, parts.settings.body_seconds)
    fields = fields_for(held)
    read_form(body, fields)
    # Reasons take longer than answers: not on the event loop.
    answer = await asyncio.get_running_loop().run_in_executor(parts.pool, tried, held, fields, parts.meters)
    return await model_page(parts, name, request.scope.get("root_path", ""), fields, answer)


@router.get("/models/{name}/try")
async def tried_before(request: Request, name: str) -> Response:
    """Lead back to the model's page whoever asks again for an answer that was one moment's."""
    parts = served(request)
    await model(parts, name)
    return RedirectResponse(f"{request.scope.get('root_path', '')}/models/{name}", status_code=303)
