"""The app: parts put together, nothing started before the server says so."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Receive, Scope, Send

from deploy.service.access import AccessLog
from deploy.service.door import Doors
from deploy.service.envelope import Envelope
from deploy.service.guard import Guard
from deploy.service.holder import Holder
from deploy.service.hot import HotPath
from deploy.service.keys import Keys
from deploy.service.leaving import told_by_signal
from deploy.service.meters import Meters
from deploy.service.problems import Problem, on_bad_parameter, on_http_exception, on_library_error, on_problem
from deploy.service.recording import PredictionLog
from deploy.service.rehearsal import Rehearsal
from deploy.service.routes import batch, docs, forms, models, predict, status
from deploy.service.served import Served
from deploy.service.settings import Settings
from deploy.service.short import SHORT, Short
from deploy.service.watch import Watcher
from penstock.errors import PenstockError

log = logging.getLogger("penstock.service")


class Service(FastAPI):
    """The framework's app without the layers that it has outside of ours.

    They catch faults, of which the envelope lets none through, and look with every request for a provider of telemetry;
    what is counted is told under /metrics.
    """

    def build_middleware_stack(self) -> ASGIApp:
        """Return the envelope, with all that is inside of it."""
        layer: Any = super().build_middleware_stack()
        while not isinstance(layer, Envelope):
            layer = layer.app
        return layer

    def short(self, parts: Served) -> Short:
        """Return what answers plain requests without the layers, by what the layers know."""
        if self.middleware_stack is None:
            self.middleware_stack = self.build_middleware_stack()
        envelope = self.middleware_stack
        assert isinstance(envelope, Envelope)
        assert isinstance(envelope.app, Guard)
        return Short(parts, envelope.app, envelope)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or start and end."""
        if scope["type"] != "http" or self.middleware_stack is None:
            await super().__call__(scope, receive, send)
            return
        scope["app"] = self
        await self.middleware_stack(scope, receive, send)


def create_app(settings: Settings) -> FastAPI:
    """Return the service for one artifacts directory.

    The watcher starts and ends with the app's lifespan; until it has proven a model, `/readyz` answers 503.
    """
    holder, meters = Holder(settings.default_model), Meters()
    recording = None
    if settings.prediction_log is not None:
        recording = PredictionLog(settings.prediction_log, meters, settings.prediction_log_days)
    rehearsal = Rehearsal(recording, settings.replay_rows) if recording is not None and settings.replay_rows else None
    parts = Served(
        settings=settings,
        holder=holder,
        meters=meters,
        pool=ThreadPoolExecutor(2, "penstock-batch"),
        json_pool=ThreadPoolExecutor(1, "penstock-json"),
        watcher=Watcher(settings, holder, meters, rehearsal),
        doors=Doors(meters, recording),
    )
    access = AccessLog(settings.access_log) if settings.access_log else None

    @contextlib.asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[dict[str, Any]]:
        watch = asyncio.create_task(parts.watcher.run())
        try:
            with told_by_signal(parts.leaving, settings.drain_seconds):
                yield {SHORT: app.short(parts)}
        finally:
            # Python 3.11's `wait_for` loses a cancellation when what it waits for comes in the same moment.
            while not watch.done():
                watch.cancel()
                await asyncio.wait([watch], timeout=2)
            for pool in (parts.pool, parts.json_pool):
                pool.shutdown(wait=False, cancel_futures=True)
            for log_of in (access, recording):
                if log_of is not None:
                    log_of.close()

    # The framework's own documents are off: its page loads its script from another host.
    app = Service(title="penstock", lifespan=lifespan, openapi_url=None, docs_url=None, redoc_url=None)
    app.state.served = parts
    keys, admin = Keys(settings.api_keys, "PENSTOCK_API_KEYS"), Keys(settings.admin_keys, "PENSTOCK_ADMIN_KEYS")
    # The first is the innermost: what guards the app stands before the short way too, and the envelope is put around
    # the guard, so that what is refused has a request id and is counted.
    app.add_middleware(HotPath, parts=parts)
    app.add_middleware(Guard, settings=settings, keys=keys, admin=admin, leaving=parts.leaving)
    app.add_middleware(Envelope, meters=meters, access=access)
    app.add_exception_handler(Problem, on_problem)
    app.add_exception_handler(PenstockError, on_library_error)
    app.add_exception_handler(HTTPException, on_http_exception)
    app.add_exception_handler(RequestValidationError, on_bad_parameter)
    for routes in (status, models, predict, forms, batch, docs):
        app.include_router(routes.router)
    if admin:
        from deploy.service.routes import admin as admin_routes

        app.include_router(admin_routes.router)
    return app


def from_environment() -> FastAPI:
    """Return the service with settings from the environment: what each worker process calls."""
    return create_app(Settings.from_environment())
