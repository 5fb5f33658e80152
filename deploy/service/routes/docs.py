"""The API told to people and to programs, and the files that pages need; nothing comes from another host."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, FastAPI, Request, Response
from fastapi.responses import HTMLResponse

from deploy.service.guard import ADMIN, HEALTH, METRICS
from deploy.service.openapi import document
from deploy.service.pages import docs_page, static_file
from deploy.service.problems import Problem
from deploy.service.served import Served, as_json, served
from deploy.service.settings import Settings

router = APIRouter(tags=["service"])


@router.get("/openapi.json", summary="This API as an OpenAPI document")
async def openapi(request: Request) -> Response:
    """Return the document, each model's row typed after its training schema."""
    return as_json(current(request.app, served(request)))


@router.get("/docs", summary="This API as a page", response_class=HTMLResponse)
async def docs(request: Request) -> Response:
    """Return the same document for people."""
    return docs_page(current(request.app, served(request)), request.scope.get("root_path", ""))


@router.get("/static/{name}", include_in_schema=False)
async def static(name: str) -> Response:
    """Return one of the files that pages need."""
    found = static_file(name)
    if found is None:
        raise Problem(404, "no-such-page", "There is no such file")
    return found


def with_keys(doc: dict[str, Any], settings: Settings) -> dict[str, Any]:
    """Return the document with what it says of keys, as far as any are asked for."""
    if settings.api_keys or settings.admin_keys:
        doc["components"]["securitySchemes"] = {
            "bearer": {"type": "http", "scheme": "bearer"},
            "key": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
        }
    for path, item in doc["paths"].items():
        is_open = path in HEALTH or (path == METRICS and settings.metrics_access == "open")
        asks = settings.admin_keys if path.startswith(ADMIN) else settings.api_keys and not is_open
        for operation in item.values() if asks else ():
            operation["security"] = [{"bearer": []}, {"key": []}]
    return doc


def current(app: FastAPI, parts: Served) -> dict[str, Any]:
    """Return the document of this moment; it is made once for each change of what is served."""
    made: tuple[int, dict[str, Any]] | None = getattr(app.state, "document", None)
    if made is None or made[0] != parts.holder.revision:
        made = (parts.holder.revision, with_keys(document(app, parts.holder), parts.settings))
        app.state.document = made
    return made[1]
