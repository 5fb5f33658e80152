"""The models: what each one is, which versions it has, and the report of the one that is served."""

from __future__ import annotations

import asyncio

from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse

from deploy.service.about import lookups_told, summary, versions
from deploy.service.negotiate import wants_html
from deploy.service.pages import model_page
from deploy.service.problems import Problem, not_ready, unknown_model
from deploy.service.rows import row_schema
from deploy.service.sealed import report_policy
from deploy.service.served import Served, as_json, model, served
from penstock.bundle.layout import ModelHome
from penstock.target import relabelled

router = APIRouter(tags=["models"])


@router.get("/models", summary="All models")
async def all_models(request: Request) -> Response:
    """List every model and how it stands."""
    holder = served(request).holder
    return as_json({"models": [summary(holder, name) for name in holder.names()]})


@router.get(
    "/models/{name}",
    summary="One model: JSON, or its page for a browser",
    responses={200: {"content": {"text/html": {}}}},
)
async def one_model(request: Request, name: str) -> Response:
    """Tell what a model predicts, from which fields, and how well."""
    parts = served(request)
    known(parts, name)
    # Whoever looks at a model that waits for its first call is one.
    await parts.watcher.want(name)
    if wants_html(request.headers.get("accept", "")):
        return await model_page(parts, name, request.scope.get("root_path", ""))
    told = summary(parts.holder, name)
    held = parts.holder.get(name)
    if held is not None:
        bundle = held.bundle
        told |= {
            "row": row_schema(
                name, bundle.schema, bundle.profile, bundle.promises.aliases, bundle.keys, shown=bundle.example()
            ),
            "lookups": lookups_told(bundle),
            "metrics": relabelled(bundle.metrics, bundle.target, bundle.schema.shown_target or bundle.target),
            "card": bundle.card,
        }
    return as_json(told)


@router.get("/models/{name}/versions", summary="A model's versions")
async def model_versions(request: Request, name: str) -> Response:
    """List the versions that lie on disk, newest first."""
    parts = served(request)
    known(parts, name)
    held = parts.holder.get(name)
    home = ModelHome(parts.settings.artifacts, name)
    serving = held.bundle.version if held is not None else None
    return as_json({"model": name, "served": serving, "versions": await asyncio.to_thread(versions, home, serving)})


@router.get("/models/{name}/report", summary="The report of the version that is served", response_class=HTMLResponse)
async def report(request: Request, name: str) -> Response:
    """Return the report that was sealed with the version, in a sandbox."""
    held = await model(served(request), name)
    page = await asyncio.to_thread(held.bundle.report)
    if page is None:
        raise Problem(404, "no-report", "This version was published without a report")
    headers = {"content-security-policy": report_policy(page), "x-model": name, "x-model-version": held.bundle.version}
    return Response(page, media_type="text/html; charset=utf-8", headers=headers)


def known(parts: Served, name: str) -> None:
    """Refuse a name that stands for no model.

    Raises
    ------
    Problem
        404, or 503 before any model has been found.
    """
    names = parts.holder.names()
    if name not in names:
        raise unknown_model(names) if names else not_ready()
