"""The access log: one line of JSON a request, written beside the event loop.

A request's line is put together on the loop, mostly of parts that are kept, for less than handing its facts to another
thread would cost. A thread writes what has gathered, many lines at once; what comes while too much waits is left out,
and counted in the next line that is written.
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
MOST_PARTS = 512
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
        self._waiting: deque[bytes] = deque()
        self._parts: dict[tuple[str, str, int], bytes] = {}
        self._second, self._told = 0, b""
        self._dropped = 0
        self._ended = threading.Event()
        self._writer = threading.Thread(target=self._write, name="penstock-access", daemon=True)
        self._writer.start()

    def note(self, method: str, route: str, status: int, seconds: float, request_id: str) -> None:
        """Take note of one answered request: the route's pattern, never the address, which may hold a value."""
        if len(self._waiting) >= self._most:
            self._dropped += 1
            return
        now = time()
        second = int(now)
        if second != self._second:
            self._second, self._told = second, _second_told(second)
        part = self._parts.get((method, route, status)) or self._part(method, route, status)
        # A request id is plain letters: see `envelope.valid_or_new`.
        line = b'{"time":"%b.%03d+00:00","request_id":"%b",%b%.3f}\n'
        self._waiting.append(line % (self._told, int((now - second) * 1e3), request_id.encode(), part, seconds * 1e3))

    def _part(self, method: str, route: str, status: int) -> bytes:
        part = orjson.dumps({"method": method, "route": route, "status": status})[1:-1] + b',"ms":'
        # A caller may think up methods without end.
        if len(self._parts) < MOST_PARTS:
            self._parts[method, route, status] = part
        return part

    def close(self) -> None:
        """Write what waits, and end."""
        self._ended.set()
        self._writer.join(5.0)

    def _write(self) -> None:
        while not self._ended.wait(EVERY_SECONDS):
            self._flush()
        self._flush()

    def _flush(self) -> None:
        lines = [self._waiting.popleft() for _ in range(len(self._waiting))]
        dropped, self._dropped = self._dropped, 0
        if dropped:
            lines.append(
                orjson.dumps({"time": f"{_second_told(time()).decode()}.000+00:00", "dropped": dropped}) + b"\n"
            )
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


def _second_told(at: float) -> bytes:
    return datetime.fromtimestamp(int(at), UTC).strftime("%Y-%m-%dT%H:%M:%S").encode()
