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

from deploy.service.settings import Settings
from penstock.errors import EXIT_OK, EXIT_OTHER, UserError

# From the signal on, with the wait in which the service says that it goes; orchestrators kill after 30 seconds.
DRAIN_SECONDS = 20
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
    _allow_connections()
    with _shared_numbers(workers):
        return _one(host, port) if workers <= 1 else _many(host, port, workers)


def _allow_connections() -> None:
    """Ask the system for as many open files as there may be connections; shells often give a thousand."""
    try:
        import resource
    except ImportError:  # not on Windows
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = Settings.from_environment().max_connections + 1024
    if soft != resource.RLIM_INFINITY and soft < wanted:
        most = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        with contextlib.suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))


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
    from uvicorn.supervisors import Multiprocess

    class Workers(Multiprocess):
        def terminate_all(self) -> None:
            super().terminate_all()
            # While this process held the door open, callers would wait before it when the workers have gone.
            for shared in self.sockets:
                shared.close()

    with _listening(host, port) as listener, _stopped_by_signal(lambda: False):
        options = _options(host, listener.getsockname()[1])
        config = uvicorn.Config("deploy.service.app:from_environment", workers=workers, **options)
        _announce(host, listener)
        Workers(config, sockets=[listener]).run()
    return EXIT_OK


def _options(host: str, port: int) -> dict[str, Any]:
    return {
        "factory": True,
        "host": host,
        "port": port,
        "loop": "uvloop",
        "http": "deploy.service.protocol:Guarded",
        "ws": "none",
        "lifespan": "on",
        # Its lines hold whole addresses; the service writes its own, without them.
        "access_log": False,
        "server_header": False,
        "date_header": True,
        "timeout_graceful_shutdown": int(DRAIN_SECONDS - Settings.from_environment().drain_seconds),
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
    if given := os.environ.get("PROMETHEUS_MULTIPROC_DIR"):
        # What a process before this one has counted is not ours to tell.
        for left in Path(given).glob("*.db"):
            left.unlink(missing_ok=True)
        yield
        return
    if workers <= 1:
        yield
        return
    with tempfile.TemporaryDirectory(prefix="penstock-metrics-") as folder:
        os.environ["PROMETHEUS_MULTIPROC_DIR"] = folder
        try:
            yield
        finally:
            del os.environ["PROMETHEUS_MULTIPROC_DIR"]
