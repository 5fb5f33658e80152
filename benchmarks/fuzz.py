"""Requests that a machine thought up from the service's own document, and broken bytes: no 5xx, and no hang.

`make fuzz` sends twenty thousand and prints how they were answered. Schemathesis makes well-formed requests and broken
ones from the OpenAPI document; the rest is written to sockets as it is, since no client would send it.
"""

from __future__ import annotations

import contextlib
import os
import random
import socket
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.ground import PENSTOCK, environment, free_port, report, server, workplace
from deploy.service.keys import new_key

if TYPE_CHECKING:
    from requests import Session

CASES = 20_000
# Nothing that is sent takes the service longer than some milliseconds; a busy machine may take its time.
PATIENCE = 20.0
# A refusal for being busy is an answer with a way on; no other of its kind is.
ALLOWED = frozenset({503})


def main(n: int = CASES) -> None:
    """Publish small models, serve them, and send `n` cases and a tenth as many broken ones."""
    with workplace() as folder:
        key, entry = new_key("fuzz")
        env = environment(folder, PENSTOCK_HEAD_SECONDS="2", PENSTOCK_BODY_SECONDS="5", PENSTOCK_ADMIN_KEYS=entry)
        os.environ["PENSTOCK_HOME"] = env["PENSTOCK_HOME"]
        port = free_port()
        publish(folder / "artifacts")
        words = [str(PENSTOCK), "serve", "--artifacts", str(folder / "artifacts"), "--port", str(port)]
        with server(words, f"http://127.0.0.1:{port}/readyz", env):
            began = time.perf_counter()
            answered = fuzz(f"http://127.0.0.1:{port}", n, seed=1, key=key)
            broken = throw(port, n // 10, seed=1)
            seconds = time.perf_counter() - began
            alive = pause(port)
    for what, counts in (("made from the document", answered), ("broken bytes", broken)):
        told = ", ".join(f"{status or 'closed'}: {times}" for status, times in sorted(counts.items()))
        report(f"{what}: {sum(counts.values()):,} cases", "no 5xx", "none", told)
    report("alive afterwards, without a hang", "yes", "yes" if alive else "no", f"{seconds:.0f} s in all")
    if not alive:
        sys.exit(1)


def publish(artifacts: Path) -> None:
    """Publish two small models, one of which refuses unknown fields."""
    from tests.unit.service.making import put

    put(artifacts, "ships")
    put(artifacts, "boats", seed=1, serve={"extra": "refuse"})


def pause(port: int) -> bool:
    """Return whether a service still answers."""
    return b" 200 " in send(port, b"GET /livez HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")[:40]


def fuzz(base: str, n: int, seed: int, key: str = "") -> Counter[int]:
    """Send requests that are made from a service's document, as many well-formed ones as broken ones.

    Parameters
    ----------
    base : str
        Where the service is.
    n : int
        About how many; each operation has its share, those that take a body a larger one.
    seed : int
        The same requests for the same seed and document.
    key : str
        The key that each request shows.

    Returns
    -------
    Counter
        How many answers there were of each status.

    Raises
    ------
    AssertionError
        An answer that is a 5xx, late, without a request id, or other than the document says.
    """
    import requests
    import schemathesis
    from hypothesis.errors import Unsatisfiable
    from schemathesis.core.result import Ok

    schema = schemathesis.openapi.from_url(f"{base}/openapi.json")
    operations = [found.ok() for found in schema.get_all_operations() if isinstance(found, Ok)]
    weights = [12 if operation.body else 2 if operation.path_parameters else 1 for operation in operations]
    counts: Counter[int] = Counter()
    session = requests.Session()
    session.headers["X-API-Key"] = key
    for operation, weight in zip(operations, weights, strict=True):
        share = max(1, n * weight // sum(weights) // 2)
        for mode in schemathesis.GenerationMode:
            strategy = operation.as_strategy(generation_mode=mode)
            if operation.path_parameters:
                # Of the names that are made up hardly one is a model's.
                named = operation.as_strategy(generation_mode=mode, path_parameters={"name": "ships"})
                strategy = named | strategy
            with contextlib.suppress(Unsatisfiable):
                _run(strategy, share, seed, base, session, counts)
    # What could not be made broken is made up for by the one operation that takes anything.
    left = n - sum(counts.values())
    if left > 0:
        batch = next(o for o in operations if o.path == "/models/{name}/predict/batch")
        _run(
            batch.as_strategy(generation_mode=schemathesis.GenerationMode.NEGATIVE),
            left,
            seed + 1,
            base,
            session,
            counts,
        )
    session.close()
    return counts


def _run(strategy: Any, n: int, seed: int, base: str, session: Session, counts: Counter[int]) -> None:
    import hypothesis
    from schemathesis import checks

    judged = [
        getattr(checks, name)
        for name in ("not_a_server_error", "content_type_conformance", "response_schema_conformance")
        if hasattr(checks, name)
    ]

    @hypothesis.seed(seed)
    @hypothesis.settings(
        max_examples=n,
        database=None,
        deadline=None,
        phases=(hypothesis.Phase.generate,),
        suppress_health_check=list(hypothesis.HealthCheck),
        derandomize=False,
    )
    @hypothesis.given(strategy)
    def one(case: Any) -> None:
        answer = case.call(base_url=base, session=session, timeout=PATIENCE)
        counts[answer.status_code] += 1
        assert answer.status_code < 500 or answer.status_code in ALLOWED, (answer.status_code, answer.text[:500])
        assert "Traceback" not in answer.text
        assert answer.headers.get("x-request-id"), answer.headers
        case.validate_response(answer, checks=judged)

    one()


def throw(port: int, n: int, seed: int) -> Counter[int]:
    """Send bytes that are no HTTP, or no JSON, or worse.

    Returns
    -------
    Counter
        How many answers there were of each status; 0 where the connection was closed without one.

    Raises
    ------
    AssertionError
        An answer that is a 5xx.
    TimeoutError
        No answer, and no end, in good time.
    """
    random_ = random.Random(seed)  # noqa: S311 - what is thrown need not be a secret
    counts: Counter[int] = Counter()
    makers = [*_broken_bodies(), *_broken_heads()]
    for i in range(n):
        data = makers[i % len(makers)](random_)
        answer = send(port, data)
        status = int(answer[9:12]) if answer[:5] == b"HTTP/" else 0
        assert status < 500 or status in ALLOWED, (data[:300], answer[:500])
        assert b"Traceback" not in answer
        counts[status] += 1
    return counts


def send(port: int, data: bytes) -> bytes:
    """Return what comes back for some bytes, until the connection is closed."""
    parts = []
    with socket.create_connection(("127.0.0.1", port), PATIENCE) as raw:
        raw.settimeout(PATIENCE)
        # It may have been refused, and closed, before all of it was sent.
        with contextlib.suppress(OSError):
            raw.sendall(data)
            raw.shutdown(socket.SHUT_WR)
        with contextlib.suppress(ConnectionError):
            while part := raw.recv(65_536):
                parts.append(part)
    return b"".join(parts)


Maker = Callable[[random.Random], bytes]
_ROW = b'{"length": 120.5, "crew": 18, "tanker": false, "cargo": "grain", "left": "2024-03-01T06:00:00", "berth": 4}'
_PATHS = (b"/predict", b"/models/ships/predict", b"/models/ships/predict/batch", b"/models/boats/try", b"/models/ships")


def _post(random_: random.Random, body: bytes, media: bytes = b"application/json") -> bytes:
    path = random_.choice(_PATHS)
    return b"POST %s HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-type: %s\r\ncontent-length: %d\r\n\r\n%s" % (
        path,
        media,
        len(body),
        body,
    )


def _broken_bodies() -> Iterator[Maker]:
    def deep(r: random.Random) -> bytes:
        n = r.choice([10, 500, 1_500, 100_000])
        return _post(
            r, r.choice([b"[" * n + b"]" * n, b'{"a":' * n + b"1" + b"}" * n, b"[" * n, b'{"rows":' + b"[" * n])
        )

    def huge(r: random.Random) -> bytes:
        number = r.choice(
            [b"9" * 5_000, b"-" + b"9" * 400, b"1e999", b"1e-99999", b"0." + b"1" * 9_000, b"NaN", b"-0", b"0x1"]
        )
        return _post(r, b'{"crew": %s, "length": %s}' % (number, number))

    def text(r: random.Random) -> bytes:
        odd = r.choice(
            [
                b'"\xff\xfe"',
                b'"\\ud800"',
                b'"\\udc00\\ud800"',
                b'"\\u0000"',
                b'"\xed\xa0\x80"',
                b'"\xf4\x90\x80\x80"',
                b'"\xef\xbf\xbf"',
            ]
        )
        return _post(r, b'{"cargo": %s, %s: 1, "left": %s}' % (odd, odd, odd))

    def twice(r: random.Random) -> bytes:
        return _post(r, r.choice([b'{"crew": 1, "crew": 2}', b'{"rows": [], "rows": 1}', b'{"a\\u0061": 1, "aa": 2}']))

    def mutated(r: random.Random) -> bytes:
        body = bytearray(r.choice([_ROW, b'{"rows": [' + _ROW + b"," + _ROW + b"]}"]))
        for _ in range(r.randint(1, 8)):
            at = r.randrange(len(body))
            body[at : at + r.randint(0, 3)] = r.randbytes(r.randint(0, 3))
        return _post(r, bytes(body))

    def noise(r: random.Random) -> bytes:
        kinds = [
            b"text/csv",
            b"application/vnd.apache.parquet",
            b"application/vnd.apache.arrow.stream",
            b"application/json",
        ]
        start = r.choice([b"", b"PAR1", b"\xff\xff\xff\xff", b"length,crew\n", b'"', b"\x00" * 8])
        return _post(r, start + r.randbytes(r.choice([0, 5, 300, 40_000])) + r.choice([b"", b"PAR1"]), r.choice(kinds))

    def form(r: random.Random) -> bytes:
        body = r.choice([b"%", b"%ff=%00&", b"crew=" + b"9" * 5_000, b"&&&===", b"crew=1&" * 9_000, b"cargo=%ed%a0%80"])
        return _post(r, body, b"application/x-www-form-urlencoded")

    yield from (deep, huge, text, twice, mutated, noise, form)


def _broken_heads() -> Iterator[Maker]:
    def lines(r: random.Random) -> bytes:
        return r.choice(
            [
                b"GARBAGE\r\n\r\n",
                b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
                b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
                b"GET / HTTP/9.9\r\n\r\n",
                b"GET  HTTP/1.1\r\n\r\n",
                b"GET /\x00 HTTP/1.1\r\nhost: x\r\n\r\n",
                b"GET /\xff\xfe HTTP/1.1\r\nhost: x\r\n\r\n",
                b"GET http://[::1 HTTP/1.1\r\nhost: x\r\n\r\n",
                b"OPTIONS * HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n",
                b"CONNECT x:1 HTTP/1.1\r\nhost: x\r\n\r\n",
                b"BREW /predict HTTP/1.1\r\nhost: x\r\n\r\n",
                b"GET /" + b"a" * 100_000 + b" HTTP/1.1\r\nhost: x\r\n\r\n",
                b"GET / HTTP/1.1\r\n" + b"a: b\r\n" * 20_000 + b"\r\n",
                b"GET / HTTP/1.1\r\nhost: x\r\nupgrade: websocket\r\nconnection: upgrade, close\r\n\r\n",
                b"GET / HTTP/1.0\r\n\r\n",
                b"\r\n\r\n\r\n",
                b"",
            ]
        )

    def framing(r: random.Random) -> bytes:
        start = b"POST /predict HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\nconnection: close\r\n"
        return start + r.choice(
            [
                b"content-length: -4\r\n\r\n",
                b"content-length: 1e3\r\n\r\n",
                b"content-length: 5\r\ncontent-length: 6\r\n\r\n{}",
                b"content-length: 99999999999999999999999\r\n\r\n",
                b"content-length: 50\r\n\r\n{}",
                b"content-length: 2\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
                b"transfer-encoding: chunked\r\n\r\nZZ\r\n",
                b"transfer-encoding: chunked\r\n\r\nffffffffffffffffff\r\n{}",
                b"transfer-encoding: chunked\r\n\r\n2\r\n{}",
                b"transfer-encoding: gzip, chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
                b"transfer-encoding: chunked\r\ncontent-encoding: gzip\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
                b"expect: 100-continue\r\ncontent-length: 2\r\n\r\n{}",
                b"content-length: 2\r\nx: \x00\r\n\r\n{}",
                b"content-length: 2\r\nx-request-id: \xff\xfe\r\n\r\n{}",
                b"content-length: 2\r\nauthorization: Basic !!!\r\naccept: text/html;q=x\r\n\r\n{}",
            ]
        )

    def mutated(r: random.Random) -> bytes:
        data = bytearray(_post(r, _ROW))
        for _ in range(r.randint(1, 6)):
            at = r.randrange(120)
            data[at : at + r.randint(0, 2)] = r.randbytes(r.randint(0, 2))
        return bytes(data)

    def names(r: random.Random) -> bytes:
        name = r.choice(
            [
                b"%00",
                b"..%2f..%2fetc",
                b"%ff%fe",
                b"%F0%9F%9A%A2",
                b"a" * 9_000,
                b"%25%32%65",
                b"ships%0d%0ax: y",
                b"{name}",
            ]
        )
        rest = r.choice([b"", b"/predict", b"/versions", b"/report", b"/try", b"/predict?explain=%ff", b"?%00=%ff&&="])
        method = r.choice([b"GET", b"POST", b"HEAD", b"OPTIONS", b"PATCH"])
        return b"%s /models/%s%s HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: 2\r\n\r\n{}" % (
            method,
            name,
            rest,
        )

    yield from (lines, framing, mutated, names)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else CASES)
