"""The access log: one line of JSON a request, written beside the event loop.

A request costs the loop one append to a bounded queue. A thread writes what has gathered, many lines at once; what
comes while the queue is full is left out, and counted in the next line that is written.
"""

from __future__ import annotations

import logging
import sys
import threading
from collections import deque
from datetime import UTC, datetime
from pathlib import Path
from time import time

import orjson

log = logging.getLogger("penstock.service")

# Some seconds of the most that one process answers.
MOST_WAITING = 50_000
EVERY_SECONDS = 0.25
STDERR = "-"


class AccessLog:
    """Lines on their way to a file, or to stderr.

    Parameters
    ----------
    target : str
        A file, which is appended to and may be moved away while it is written, or `-` for stderr.
    most_waiting : int
        Lines that may wait.
    """

    def __init__(self, target: str, most_waiting: int = MOST_WAITING) -> None:
        self._target = target
        self._most = most_waiting
        self._waiting: deque[tuple[float, str, str, str, int, float]] = deque()
        self._dropped = 0
        self._ended = threading.Event()
        self._writer = threading.Thread(target=self._write, name="penstock-access", daemon=True)
        self._writer.start()

    def note(self, method: str, route: str, status: int, seconds: float, request_id: str) -> None:
        """Take note of one answered request: the route's pattern, never the address, which may hold a value."""
        if len(self._waiting) < self._most:
            self._waiting.append((time(), request_id, method, route, status, seconds))
        else:
            self._dropped += 1

    def close(self) -> None:
        """Write what waits, and end."""
        self._ended.set()
        self._writer.join(5.0)

    def _write(self) -> None:
        while not self._ended.wait(EVERY_SECONDS):
            self._flush()
        self._flush()

    def _flush(self) -> None:
        lines = []
        take = self._waiting.popleft
        for _ in range(len(self._waiting)):
            at, request_id, method, route, status, seconds = take()
            lines.append(_line(at, request_id, method, route, status, seconds))
        dropped, self._dropped = self._dropped, 0
        if dropped:
            lines.append(orjson.dumps({"time": _told(time()), "dropped": dropped}) + b"\n")
        if lines:
            self._put(b"".join(lines))

    def _put(self, data: bytes) -> None:
        try:
            if self._target == STDERR:
                sys.stderr.buffer.write(data)
                sys.stderr.flush()
            else:
                # Opened anew each time: whoever rotates logs moves the file away, and a new one takes its place.
                with Path(self._target).open("ab") as file:
                    file.write(data)
        except (OSError, ValueError) as error:
            log.warning("the access log cannot be written: %s", type(error).__name__)


def _line(at: float, request_id: str, method: str, route: str, status: int, seconds: float) -> bytes:
    told = {
        "time": _told(at),
        "request_id": request_id,
        "method": method,
        "route": route,
        "status": status,
        "ms": round(seconds * 1e3, 3),
    }
    return orjson.dumps(told, option=orjson.OPT_APPEND_NEWLINE)


def _told(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds")
