"""Many rows in, one answer for each out, in order: JSON, CSV, Parquet or an Arrow stream, the same kind back."""

from __future__ import annotations

import asyncio
import time
from functools import partial

import orjson
from fastapi import APIRouter, Request, Response

from deploy.service.answer import named, predict, refuse_absent, stamped, told
from deploy.service.body import ARROW, CSV, JSON, PARQUET, many_rows, media_type, read_body
from deploy.service.canaries import chosen
from deploy.service.explained import explained_rows, explained_table, wants_reasons
from deploy.service.holder import Held
from deploy.service.served import Served, model, served, version_of
from deploy.service.tables import check_columns, read_table, write_answers

router = APIRouter(tags=["predict"])

# A body of this size is read and answered in a few milliseconds; a longer one would keep the event loop from others.
INLINE_BYTES = 16_384


@router.post("/models/{name}/predict/batch", summary="Predict many rows")
async def predict_batch(request: Request, name: str) -> Response:
    """Take many rows and answer each, in order; headers name the model and its version."""
    parts = served(request)
    return await _batch(request, parts, chosen(request, await model(parts, name)))


@router.post("/models/{name}/versions/{version}/predict/batch", summary="Predict many rows with one version")
async def predict_batch_pinned(request: Request, name: str, version: str) -> Response:
    """Take many rows and answer each by a version that need not be the live one."""
    parts = served(request)
    return await _batch(request, parts, await version_of(parts, name, version))


async def _batch(request: Request, parts: Served, held: Held) -> Response:
    reasons = wants_reasons(request)
    media = media_type(request, (JSON, CSV, PARQUET, ARROW))
    body = await read_body(request, parts.settings.max_batch_bytes, parts.settings.body_seconds)
    if media != JSON:
        work = partial(_table, parts, held, media, body, reasons)
    elif reasons:
        work = partial(_explained, parts, held, body)
    else:
        work = partial(_json, parts, held, body, request.state.request_id)
        if len(body) <= INLINE_BYTES:
            return work()
    pool = parts.json_pool if media == JSON else parts.pool
    return await asyncio.get_running_loop().run_in_executor(pool, work)


def _json(parts: Served, held: Held, body: bytes, request_id: str) -> Response:
    began = time.perf_counter()
    rows, history = many_rows(body, parts.settings.max_rows)
    answers = predict(held, rows, parts.meters, history)
    parts.doors.known(held.bundle).demands.refuse(answers, single=False)
    texts = told(answers)
    # The rows were read from this very text, unless something else stands in it.
    text = body if history is None else None
    parts.doors.keep(held, rows, texts, time.perf_counter() - began, request_id, text)
    head = orjson.dumps(named(answers))
    content = b'%b,"rows":[%b]}' % (head[:-1], b",".join(texts))
    return stamped(Response(content, media_type=JSON), answers)


def _explained(parts: Served, held: Held, body: bytes) -> Response:
    content, answers = explained_rows(parts, held, body)
    return stamped(Response(content, media_type=JSON), answers)


def _table(parts: Served, held: Held, media: str, body: bytes, reasons: bool) -> Response:
    table = read_table(media, body, parts.settings.max_rows)
    check_columns(table, held.bundle.fields)
    refuse_absent(table, held.bundle)
    answers = predict(held, table, parts.meters)
    why = explained_table(held, table) if reasons else None
    return stamped(Response(write_answers(media, answers, why), media_type=media), answers)
