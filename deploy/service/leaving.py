"""How a process goes: it says that it is not ready, goes on answering for a while, and only then closes its doors."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal
import threading
from collections.abc import Iterator
from types import FrameType

log = logging.getLogger("penstock.service")


class Leaving:
    """Whether this process has been told to go."""

    __slots__ = ("begun",)

    def __init__(self) -> None:
        self.begun = False


@contextlib.contextmanager
def told_by_signal(leaving: Leaving, seconds: float) -> Iterator[None]:
    """Let SIGTERM be noted first, and reach the server some seconds later.

    The server closes its door at once when it is told to go, while whoever sends it requests learns of it later: those
    requests would be refused. Until then `/readyz` says 503, and every answer asks for the connection to be closed. A
    second signal, and Ctrl-C, are not kept waiting.

    Parameters
    ----------
    leaving : Leaving
        What the rest of the process looks at.
    seconds : float
        How long to wait.
    """
    before = signal.getsignal(signal.SIGTERM)
    # In a thread there are no signals, and without a handler nobody serves: an app under test, or inside another.
    if threading.current_thread() is not threading.main_thread() or not callable(before):
        yield
        return
    loop = asyncio.get_running_loop()
    handler = before

    def go() -> None:
        handler(signal.SIGTERM, None)

    def wait() -> None:
        log.info("told to go: not ready from now on, and closed in %g seconds", seconds)
        loop.call_later(seconds, go)

    def told(_number: int, _frame: FrameType | None) -> None:
        if leaving.begun or not seconds:
            leaving.begun = True
            go()
            return
        leaving.begun = True
        loop.call_soon_threadsafe(wait)

    signal.signal(signal.SIGTERM, told)
    try:
        yield
    finally:
        leaving.begun = True
        signal.signal(signal.SIGTERM, before)
