"""Runs the service until it is told to stop; asks nothing of Prefect."""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import socket
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType
from typing import Any

from penstock.errors import EXIT_OK, EXIT_OTHER, UserError

# In-flight requests have this long; SageMaker and Kubernetes kill after 30 seconds.
DRAIN_SECONDS = 25
# One row is too little work to share among threads: waking them costs more than they save, and workers would fight.
_ONE_THREAD = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")


def serve(artifacts: Path, host: str, port: int, workers: int) -> int:
    """Serve the models below a directory until SIGTERM or SIGINT, then finish what is in flight.

    Parameters
    ----------
    artifacts : pathlib.Path
        The directory that runs publish to. It may be empty or absent yet: models are served as they come.
    host, port : str, int
        Where to listen; port 0 takes a free one and prints it.
    workers : int
        Processes. Each loads every model for itself.

    Returns
    -------
    int
        The exit status.

    Raises
    ------
    UserError
        The address cannot be listened on.
    """
    os.environ["PENSTOCK_ARTIFACTS"] = str(Path(artifacts).absolute())
    for name in _ONE_THREAD:
        os.environ.setdefault(name, "1")
    with _shared_numbers(workers):
        return _one(host, port) if workers <= 1 else _many(host, port, workers)


def _one(host: str, port: int) -> int:
    import uvicorn

    with _listening(host, port) as listener:
        config = uvicorn.Config("deploy.service.app:from_environment", **_options(host, listener.getsockname()[1]))
        server = uvicorn.Server(config)
        _announce(host, listener)
        with _stopped_by_signal(lambda: server.should_exit):
            server.run(sockets=[listener])
        return EXIT_OK if server.started else EXIT_OTHER


def _many(host: str, port: int, workers: int) -> int:
    import uvicorn

    # uvicorn opens the socket that its workers share; asking first gives a clear error instead of its exit.
    with _listening(host, port) as listener:
        chosen = int(listener.getsockname()[1])
        _announce(host, listener)
    try:
        with _stopped_by_signal(lambda: False):
            uvicorn.run("deploy.service.app:from_environment", workers=workers, **_options(host, chosen))
    except SystemExit as error:
        return error.code if isinstance(error.code, int) else EXIT_OTHER
    return EXIT_OK


def _options(host: str, port: int) -> dict[str, Any]:
    return {
        "factory": True,
        "host": host,
        "port": port,
        "loop": "uvloop",
        "http": "deploy.service.wire:QuickProtocol",
        "ws": "none",
        "lifespan": "on",
        # Its lines hold whole addresses; the service writes its own, without them.
        "access_log": False,
        "server_header": False,
        "date_header": True,
        "timeout_graceful_shutdown": DRAIN_SECONDS,
        "log_config": log_config(os.environ.get("PENSTOCK_LOG_LEVEL", "INFO").upper()),
    }


def log_config(level: str) -> dict[str, Any]:
    """Return the logging set-up of a serving process: one line an event, on stderr."""
    known = level if level in logging.getLevelNamesMapping() else "INFO"
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"line": {"format": "%(asctime)s %(levelname)s %(name)s %(message)s"}},
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line", "stream": "ext://sys.stderr"}},
        "loggers": {
            "penstock": {"handlers": ["stderr"], "level": known, "propagate": False},
            "uvicorn": {"handlers": ["stderr"], "level": "WARNING", "propagate": False},
        },
    }


def _announce(host: str, listener: socket.socket) -> None:
    shown = f"[{host}]" if ":" in host else host
    print(f"penstock serves on http://{shown}:{listener.getsockname()[1]}", file=sys.stderr, flush=True)


def _listening(host: str, port: int) -> socket.socket:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
        listener = socket.create_server(found[4][:2], family=found[0], backlog=2048)
    except (OSError, OverflowError) as error:
        raise UserError(
            f"The service cannot listen on {host} port {port}",
            got=getattr(error, "strerror", None) or str(error),
            todo="Choose another with --host and --port, or stop what listens there.",
        ) from error
    listener.set_inheritable(True)
    return listener


@contextlib.contextmanager
def _stopped_by_signal(finished: Callable[[], bool]) -> Iterator[None]:
    """Let SIGTERM and SIGINT end the process with a status of ours.

    uvicorn handles them while it runs and raises them once more when it has shut down, which would kill us; before it
    runs there is nothing to finish, so the process ends at once.
    """

    def stop(_number: int, _frame: FrameType | None) -> None:
        if not finished():
            raise SystemExit(EXIT_OK)

    before = {number: signal.signal(number, stop) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextlib.contextmanager
def _shared_numbers(workers: int) -> Iterator[None]:
    """Give several workers a directory in which each leaves its metrics for the others."""
    if workers <= 1 or os.environ.get("PROMETHEUS_MULTIPROC_DIR"):
        yield
        return
    with tempfile.TemporaryDirectory(prefix="penstock-metrics-") as folder:
        os.environ["PROMETHEUS_MULTIPROC_DIR"] = folder
        try:
            yield
        finally:
            del os.environ["PROMETHEUS_MULTIPROC_DIR"]
