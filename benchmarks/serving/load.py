"""One client for all: a few kept-alive connections in a process of its own, each asking again when it is answered."""

from __future__ import annotations

import asyncio
import json
import re
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import cast
from urllib.parse import urlsplit

import numpy as np

CONNECTIONS = 8
WARM_SECONDS = 1.0
_status = re.compile(rb"HTTP/1\.[01] (\d{3})")
_length = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)


@dataclass(frozen=True)
class Ask:
    """One request, over and over."""

    url: str
    body: bytes = b""
    media: str = "application/json"
    rows: int = 1

    @property
    def raw(self) -> bytes:
        """The bytes that go over the wire."""
        where = urlsplit(self.url)
        head = f"{'POST' if self.body else 'GET'} {where.path} HTTP/1.1\r\nhost: {where.netloc}\r\n"
        if self.body:
            head += f"content-type: {self.media}\r\ncontent-length: {len(self.body)}\r\n"
        return f"{head}\r\n".encode() + self.body


@dataclass(frozen=True)
class Load:
    """What came of it: requests a second, and milliseconds."""

    rate: float
    p50: float
    p99: float
    wrong: int


def load(ask: Ask, seconds: float, folder: Path) -> Load:
    """Ask for some seconds from another process, and return what it measured."""
    path = folder / "request.bin"
    path.write_bytes(ask.raw)
    where = urlsplit(ask.url)
    words = [sys.executable, "-m", "benchmarks.serving.load", str(where.hostname), str(where.port), str(path)]
    done = subprocess.run([*words, str(seconds)], capture_output=True, text=True, check=True, timeout=seconds + 120)
    return Load(**json.loads(done.stdout))


class _Connection(asyncio.Protocol):
    def __init__(self, request: bytes, taken: list[float], wrong: list[int]) -> None:
        self.request, self.taken, self.wrong = request, taken, wrong
        self.got = b""
        self.needed = -1
        self.began = 0.0
        self.is_open = True

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transports are none of asyncio's class.
        self.transport = cast("asyncio.Transport", transport)
        self._ask()

    def connection_lost(self, exc: Exception | None) -> None:
        if self.is_open:
            raise ConnectionError("the server ended a connection")

    def data_received(self, data: bytes) -> None:
        self.got = self.got + data if self.got else data
        if self.needed < 0 and not self._read_head():
            return
        if len(self.got) < self.needed or (self.needed == 0 and not self.got.endswith(b"0\r\n\r\n")):
            return
        self.taken.append(time.perf_counter() - self.began)
        self._ask()

    def _read_head(self) -> bool:
        """Find how long the answer is: 0 stands for one in chunks."""
        end = self.got.find(b"\r\n\r\n")
        if end < 0:
            return False
        head = self.got[:end]
        status = _status.match(head)
        if status is None or status.group(1) != b"200":
            self.wrong[0] += 1
        length = _length.search(head)
        self.needed = end + 4 + int(length.group(1)) if length else 0
        return True

    def _ask(self) -> None:
        self.got, self.needed = b"", -1
        self.began = time.perf_counter()
        self.transport.write(self.request)


async def _measure(host: str, port: int, request: bytes, seconds: float) -> Load:
    loop = asyncio.get_running_loop()
    taken: list[float] = []
    wrong = [0]
    made = [
        (await loop.create_connection(lambda: _Connection(request, taken, wrong), host, port))[1]
        for _ in range(CONNECTIONS)
    ]
    await asyncio.sleep(WARM_SECONDS)
    taken.clear()
    wrong[0] = 0
    began = time.perf_counter()
    await asyncio.sleep(seconds)
    # Slow servers: at least an answer for each connection.
    while len(taken) < CONNECTIONS:
        await asyncio.sleep(0.1)
    passed = time.perf_counter() - began
    milliseconds = np.array(taken) * 1e3
    for connection in made:
        connection.is_open = False
        connection.transport.abort()
    p50, p99 = np.percentile(milliseconds, [50, 99])
    return Load(rate=len(milliseconds) / passed, p50=float(p50), p99=float(p99), wrong=wrong[0])


def main() -> None:
    """Measure as the command line says, and print what came of it as JSON."""
    import uvloop

    host, port, path, seconds = sys.argv[1:]
    done = uvloop.run(_measure(host, int(port), Path(path).read_bytes(), float(seconds)))
    print(json.dumps(done.__dict__))


if __name__ == "__main__":
    main()
