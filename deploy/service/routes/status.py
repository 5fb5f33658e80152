"""How the service itself stands: alive, ready, counted."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response
from fastapi.responses import PlainTextResponse

from deploy.service.about import summary
from deploy.service.meters import CONTENT_TYPE
from deploy.service.negotiate import wants_html
from deploy.service.pages import index_page, model_page
from deploy.service.problems import Problem
from deploy.service.served import Served, as_json, served
from penstock import __version__

router = APIRouter(tags=["service"])


@router.get(
    "/", summary="What is served: JSON, or a page for a browser", responses={200: {"content": {"text/html": {}}}}
)
async def home(request: Request) -> Response:
    """Name the models, their versions and how they stand."""
    parts = served(request)
    if wants_html(request.headers.get("accept", "")):
        root = request.scope.get("root_path", "")
        names = parts.holder.names()
        return await model_page(parts, names[0], root) if len(names) == 1 else index_page(parts, root)
    return as_json({"service": "penstock", "release": __version__, **standing(parts)})


def standing(parts: Served) -> dict[str, object]:
    """Return how the service stands, and each model."""
    holder = parts.holder
    status = "not ready" if not holder.ready else "degraded" if holder.degraded else "ready"
    return {
        "status": status,
        "default_model": holder.default(),
        "models": [summary(holder, name) for name in holder.names()],
    }


@router.get("/livez", summary="Whether the process answers at all")
async def livez() -> Response:
    """Answer as long as the event loop turns; a missing model is no reason to be restarted."""
    return as_json({"status": "alive"})


@router.get("/readyz", summary="Whether predictions can be asked for")
async def readyz(request: Request) -> Response:
    """Answer 200 when a proven model is warm, degraded or not; 503 until then, and when the process is told to go."""
    parts = served(request)
    told = standing(parts)
    if parts.leaving.begun:
        told["status"] = "leaving"
    if request.scope["state"].get("caller", "") is None:
        # Health is open to everybody; which models there are is for those with a key.
        told = {"status": told["status"]}
    return as_json(told, 200 if parts.holder.ready and not parts.leaving.begun else 503)


@router.get("/metrics", summary="Numbers for Prometheus", response_class=PlainTextResponse)
async def metrics(request: Request) -> Response:
    """Return counters, timings, and which versions are served."""
    parts = served(request)
    if parts.settings.metrics_access == "off":
        raise Problem(404, "no-such-page", "This service gives no numbers")
    return Response(parts.meters.text(), headers={"content-type": CONTENT_TYPE})
