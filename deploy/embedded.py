"""A Prefect API for one run, where none is configured: started beside our own imports, deaf to Ctrl-C, gone with us.

Prefect starts such a server by itself. That one begins only when the first flow does, so that its seconds come on top
of everybody else's; and it is in our process group, so that Ctrl-C, which is to end a search and keep the best so far,
ends the server under the run.
"""

from __future__ import annotations

import atexit
import contextlib
import functools
import os
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from http.client import HTTPResponse

from penstock.errors import PenstockError

START_SECONDS = 120.0
_PARENT = "PENSTOCK_EMBEDDED_PARENT"


class Embedded:
    """A Prefect API that lives as long as this process.

    It begins to start at once; `address` waits for it. It is stopped when the interpreter ends, after Prefect's own
    threads have sent their last log lines, which would otherwise wait for a server that is gone.
    """

    def __init__(self) -> None:
        self._port = _free_port()
        self._process = subprocess.Popen(  # noqa: S603 - our own command
            [sys.executable, "-m", "deploy.embedded", str(self._port)],
            env=os.environ | {_PARENT: str(os.getpid())},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        atexit.register(self._stop)

    def address(self) -> str:
        """Wait until it answers, and return its address.

        Raises
        ------
        PenstockError
            It ended by itself, or never answered.
        """
        return _answering(self._process, f"http://127.0.0.1:{self._port}/api")

    def _stop(self) -> None:
        self._process.terminate()
        try:
            self._process.wait(5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


@functools.cache
def _the_one() -> Embedded:
    return Embedded()


def prefect_api() -> Embedded | None:
    """Return this process's own Prefect API, started at the first call; None where another one is configured."""
    return None if _is_configured() else _the_one()


def _is_configured() -> bool:
    if os.environ.get("PREFECT_API_URL"):
        return True
    # A profile of Prefect's own may name one.
    from prefect.settings import PREFECT_API_URL

    return bool(PREFECT_API_URL.value())


def _free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


def _answering(process: subprocess.Popen[bytes], api: str) -> str:
    until = time.monotonic() + START_SECONDS
    while time.monotonic() < until:
        if process.poll() is not None:
            raise PenstockError(
                "Prefect's embedded API ended as it began",
                got=f"exit status {process.returncode}",
                todo="See why: prefect server start; or name one that runs: PREFECT_API_URL.",
            )
        with contextlib.suppress(OSError), _health(api) as answer:
            if answer.status == 200:
                return api
        time.sleep(0.05)
    raise PenstockError(
        "Prefect's embedded API never answered",
        where=api,
        expected=f"an answer within {START_SECONDS:.0f} s",
        todo="Start one, `prefect server start`, and name it: PREFECT_API_URL=http://127.0.0.1:4200/api",
    )


def _health(api: str) -> HTTPResponse:
    answer: HTTPResponse = urllib.request.urlopen(f"{api}/health", timeout=5)  # noqa: S310 - a loopback address
    return answer


def _leave_with(parent: int) -> None:
    """End this process when its parent is gone, however it went."""
    while os.getppid() == parent:
        time.sleep(1)
    os._exit(0)


def main(port: int) -> None:
    """Serve the API, without the pages, as Prefect does for itself."""
    from tasks.outward import keep_in

    keep_in()
    parent = int(os.environ[_PARENT])
    threading.Thread(target=_leave_with, args=(parent,), daemon=True).start()
    os.environ |= {"PREFECT_SERVER_UI_ENABLED": "false", "PREFECT__SERVER_EPHEMERAL": "1", "PREFECT__SERVER_FINAL": "1"}
    import uvicorn
    from prefect.server.api.server import create_app

    uvicorn.run(create_app, factory=True, host="127.0.0.1", port=port, log_level="error", lifespan="on")


if __name__ == "__main__":
    main(int(sys.argv[1]))
