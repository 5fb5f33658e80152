"""Many rows in, one answer for each out, in order: JSON, CSV, Parquet or an Arrow stream, the same kind back."""

from __future__ import annotations

import asyncio
from functools import partial

from fastapi import APIRouter, Request, Response

from deploy.service.answer import named, predict, refuse_absent, refuse_misfits, stamped
from deploy.service.body import ARROW, CSV, JSON, PARQUET, many_rows, media_type, read_body
from deploy.service.holder import Held
from deploy.service.served import Served, as_json, model, refuse_explain, served
from deploy.service.tables import check_columns, read_table, write_table

router = APIRouter(tags=["predict"])

# A body of this size is read and answered in a few milliseconds; a longer one would keep the event loop from others.
INLINE_BYTES = 16_384


@router.post("/models/{name}/predict/batch", summary="Predict many rows")
async def predict_batch(request: Request, name: str) -> Response:
    """Take many rows and answer each, in order; headers name the model and its version."""
    parts = served(request)
    held = model(parts, name)
    refuse_explain(request)
    media = media_type(request, (JSON, CSV, PARQUET, ARROW))
    body = await read_body(request, parts.settings.max_batch_bytes, parts.settings.body_seconds)
    work = partial(_json if media == JSON else _table, parts, held, media, body)
    if media == JSON and len(body) <= INLINE_BYTES:
        return work()
    return await asyncio.get_running_loop().run_in_executor(parts.pool, work)


def _json(parts: Served, held: Held, _: str, body: bytes) -> Response:
    rows, history = many_rows(body, parts.settings.max_rows)
    answers = predict(held, rows, parts.meters, history)
    refuse_misfits(answers, held.bundle, single=False)
    return stamped(as_json({**named(answers), "rows": answers.rows()}), answers)


def _table(parts: Served, held: Held, media: str, body: bytes) -> Response:
    table = read_table(media, body, parts.settings.max_rows)
    check_columns(table, held.bundle.fields)
    refuse_absent(table, held.bundle)
    answers = predict(held, table, parts.meters)
    return stamped(Response(write_table(media, answers.to_frame()), media_type=media), answers)
