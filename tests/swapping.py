"""A service that is asked all the while its model is replaced again and again, and what its answers were."""

from __future__ import annotations

import asyncio
import json
import sys
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from penstock.bundle.bundle import Bundle
from penstock.bundle.keys import Signer
from penstock.bundle.layout import ModelHome, Pointer, version_name
from penstock.bundle.manifest import MANIFEST, SIGNATURE
from penstock.bundle.seal import build_files
from penstock.receipts import Published, Verdict
from tests.resealing import sign
from tests.unit.service.making import SHIP, fitted_on, put

Answers = dict[str, list[dict[str, Any]]]
CONNECTIONS = 8


def rows(n: int = 16) -> list[dict[str, Any]]:
    """Return rows that no two models answer alike."""
    cargo = ("grain", "ore", "boxes")
    return [
        {**SHIP, "length": 60.0 + 9 * i, "crew": 8 + i, "cargo": cargo[i % 3], "berth": 1 + i % 8} for i in range(n)
    ]


def expected(folder: Path, seeds: Iterable[int], asked: Sequence[dict[str, Any]]) -> Answers:
    """Return what each seed's model says of some rows, by the digits of its digest; asked beside any service."""
    told: Answers = {}
    for seed in seeds:
        published = put(folder, f"model-{seed}", seed)
        bundle = Bundle.load(Path(folder) / "models" / f"model-{seed}")
        # One row at a time, as the service is asked.
        told[published.digest[:12]] = [bundle.predict([row]).rows()[0] for row in asked]
    return told


@dataclass(slots=True)
class Asked:
    """One request: which row, when it was due, when it was answered (seconds since 1970), and how."""

    row: int
    due: float
    done: float = 0.0
    status: int = 0
    body: bytes = b""


@dataclass(slots=True)
class Load:
    """Requests at a steady rate, sent when they are due whether or not earlier ones have been answered.

    Waiting for answers would leave out the very requests that a pause would have kept waiting; a request's time counts
    from when it was due.
    """

    port: int
    rate: float
    asked: Sequence[dict[str, Any]]
    path: str = "/models/ships/predict"
    done: list[Asked] = field(default_factory=list)

    async def run(self, stop: Callable[[], bool]) -> None:
        """Ask until told to stop, and wait for what is on its way."""
        bodies = [self._request(row) for row in self.asked]
        queue: asyncio.Queue[Asked | None] = asyncio.Queue()
        crew = [asyncio.create_task(self._ask(queue, bodies)) for _ in range(CONNECTIONS)]
        began, n = time.time(), 0
        while not stop():
            due = began + n / self.rate
            if (wait := due - time.time()) > 0:
                await asyncio.sleep(wait)
            queue.put_nowait(Asked(n % len(bodies), due))
            n += 1
        for _ in crew:
            queue.put_nowait(None)
        await asyncio.gather(*crew)

    def _request(self, row: dict[str, Any]) -> bytes:
        body = json.dumps(row).encode()
        head = f"POST {self.path} HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n"
        return f"{head}content-length: {len(body)}\r\n\r\n".encode() + body

    async def _ask(self, queue: asyncio.Queue[Asked | None], bodies: list[bytes]) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        while (one := await queue.get()) is not None:
            writer.write(bodies[one.row])
            head = await reader.readuntil(b"\r\n\r\n")
            length = int(head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0])
            one.body = await reader.readexactly(length)
            one.status, one.done = int(head[9:12]), time.time()
            self.done.append(one)
        writer.close()


def under_load(load: Load, work: Callable[[], object]) -> None:
    """Do some work while a service is asked, and go on asking until it is done."""
    over = threading.Event()
    asking = threading.Thread(target=lambda: asyncio.run(load.run(over.is_set)))
    asking.start()
    try:
        work()
    finally:
        over.set()
        asking.join()


@dataclass(frozen=True, slots=True)
class Found:
    """What a load's answers were: how many in all, other than 200, and with another version's values."""

    answers: int
    failed: int
    mixed: int
    versions: frozenset[str]


def looked_at(done: Sequence[Asked], told: Answers) -> Found:
    """Compare every answer with what the version that it names says of that row."""
    failed = mixed = 0
    versions = set()
    for one in done:
        if one.status != 200:
            failed += 1
            continue
        answer = json.loads(one.body)
        version = answer.pop("version")
        del answer["model"]
        versions.add(version)
        mixed += answer != told[version.partition("-")[2]][one.row]
    return Found(len(done), failed, mixed, frozenset(versions))


def first_answers(done: Sequence[Asked]) -> dict[str, float]:
    """Return when each version answered first."""
    first: dict[str, float] = {}
    for one in sorted(done, key=lambda asked: asked.done):
        if one.status == 200:
            first.setdefault(json.loads(one.body)["version"], one.done)
    return first


def publish_all(artifacts: Path, seeds: Sequence[int], n: int, pause: float, told: Callable[[str], object]) -> None:
    """Publish n versions one after another, and tell of each its name and when its pointer was written."""
    for i in range(n):
        made: Published = put(artifacts, "ships", seeds[i % len(seeds)])
        written = (artifacts / "models" / "ships" / "CURRENT.json").stat().st_mtime
        told(f"{made.version} {written}")
        time.sleep(pause)


def lay_down(artifacts: Path, names: Sequence[str]) -> None:
    """Put one and the same small model down under many names, with none of a publisher's care for crashes."""
    parts, signer = fitted_on(0).parts(), Signer.own()
    version = version_name(1, parts.digest)
    files = build_files(names[0], 1, parts, Verdict(passed=True, reasons=()), "", signer)
    first = ModelHome(artifacts, names[0]).version_folder(version)
    for name in names:
        home = ModelHome(artifacts, name)
        folder = home.version_folder(version)
        folder.mkdir(parents=True)
        for path, data in files.items():
            # The same bytes are on the disk once; what names the model is its own.
            if name == names[0] or path in (MANIFEST, SIGNATURE):
                (folder / path).write_bytes(data)
            else:
                (folder / path).hardlink_to(first / path)
        sign(folder, signer, model=name)
        pointer = Pointer(generation=1, model=name, version=version, digest=parts.digest, sequence=1)
        home.pointer_path.write_bytes(pointer.to_bytes(signer))


def main(words: Sequence[str]) -> None:
    """Publish as the words say, and write a line about each version: what a process of its own does."""
    artifacts, seeds, n, pause = words

    def tell(line: str) -> None:
        sys.stdout.write(f"{line}\n")
        sys.stdout.flush()

    publish_all(Path(artifacts), json.loads(seeds), int(n), float(pause), tell)


if __name__ == "__main__":
    main(sys.argv[1:])
