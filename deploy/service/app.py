"""The app: parts put together, nothing started before the server says so."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor

from fastapi import FastAPI
from starlette.exceptions import HTTPException

from deploy.service.envelope import Envelope
from deploy.service.guard import Guard
from deploy.service.holder import Holder
from deploy.service.keys import Keys
from deploy.service.leaving import told_by_signal
from deploy.service.meters import Meters
from deploy.service.problems import Problem, on_http_exception, on_library_error, on_problem
from deploy.service.routes import batch, docs, forms, models, predict, status
from deploy.service.served import Served
from deploy.service.settings import Settings
from deploy.service.watch import Watcher
from penstock.errors import PenstockError

log = logging.getLogger("penstock.service")


def create_app(settings: Settings) -> FastAPI:
    """Return the service for one artifacts directory.

    The watcher starts and ends with the app's lifespan; until it has proven a model, `/readyz` answers 503.
    """
    parts = Served(
        settings=settings,
        holder=Holder(settings.default_model),
        meters=Meters(),
        pool=ThreadPoolExecutor(2, "penstock-batch"),
    )

    @contextlib.asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        watch = asyncio.create_task(Watcher(settings, parts.holder, parts.meters).run())
        try:
            with told_by_signal(parts.leaving, settings.drain_seconds):
                yield
        finally:
            # Python 3.11's `wait_for` loses a cancellation when what it waits for comes in the same moment.
            while not watch.done():
                watch.cancel()
                await asyncio.wait([watch], timeout=2)
            parts.pool.shutdown(wait=False, cancel_futures=True)

    # The framework's own documents are off: its page loads its script from another host.
    app = FastAPI(title="penstock", lifespan=lifespan, openapi_url=None, docs_url=None, redoc_url=None)
    app.state.served = parts
    keys, admin = Keys(settings.api_keys, "PENSTOCK_API_KEYS"), Keys(settings.admin_keys, "PENSTOCK_ADMIN_KEYS")
    # The envelope is put around the guard: what is refused has a request id and is counted, too.
    app.add_middleware(Guard, settings=settings, keys=keys, admin=admin, leaving=parts.leaving)
    app.add_middleware(Envelope, meters=parts.meters)
    app.add_exception_handler(Problem, on_problem)
    app.add_exception_handler(PenstockError, on_library_error)
    app.add_exception_handler(HTTPException, on_http_exception)
    for routes in (status, models, predict, forms, batch, docs):
        app.include_router(routes.router)
    if admin:
        from deploy.service.routes import admin as admin_routes

        app.include_router(admin_routes.router)
    return app


def from_environment() -> FastAPI:
    """Return the service with settings from the environment: what each worker process calls."""
    return create_app(Settings.from_environment())
