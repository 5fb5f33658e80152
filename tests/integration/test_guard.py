"""What a service bears: long bodies, slow ones, many at once, broken ones, and signals; over real sockets."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import re
import signal
import socket
import threading
import time

import psutil
import pytest

from benchmarks.fuzz import fuzz, throw
from tests.integration.serving import running
from tests.unit.service.making import SHIP, put, wait_for

BATCH = "/models/ships/predict/batch"
MEGABYTE = 1_000_000


@pytest.fixture(scope="module")
def artifacts(tmp_path_factory):
    """Publish one model."""
    folder = tmp_path_factory.mktemp("artifacts")
    put(folder)
    return folder


@pytest.fixture(scope="module")
def service(artifacts, root):
    """Run one service with narrow limits for all tests that leave it as it was."""
    with running(
        artifacts,
        root,
        PENSTOCK_HEAD_SECONDS="1",
        PENSTOCK_BODY_SECONDS="2",
        PENSTOCK_MAX_CONCURRENT="6",
        PENSTOCK_MAX_LONG="2",
    ) as made:
        wait_for(lambda: made.answers("/readyz"))
        made.version()
        yield made


@contextlib.contextmanager
def connected(service):
    """Open a socket to a service."""
    with socket.create_connection(("127.0.0.1", service.port), 20) as raw:
        raw.settimeout(20)
        yield raw


def said(raw):
    """Return all that a connection says until it ends, or for a moment."""
    parts = []
    with contextlib.suppress(ConnectionError, TimeoutError):
        while part := raw.recv(65_536):
            parts.append(part)
    return b"".join(parts)


def problem_of(answer):
    """Return the problem in raw bytes."""
    head, _, body = answer.partition(b"\r\n\r\n")
    assert b"application/problem+json" in head, answer[:500]
    return json.loads(body)


def head(path, *lines):
    """Return the head of a POST."""
    return f"POST {path} HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n".encode() + b"".join(
        line + b"\r\n" for line in lines
    )


class Peak:
    """The most memory that a process has had resident while something was done to it."""

    def __init__(self, pid):
        self.process = psutil.Process(pid)
        self.before = self.most = self.process.memory_info().rss
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def _watch(self):
        while not self._done.wait(0.005):
            self.most = max(self.most, self.process.memory_info().rss)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._done.set()
        self._thread.join()

    @property
    def extra(self):
        """Return the bytes beyond those that it had before."""
        return self.most - self.before


def flood(service, path, n_bytes):
    """Send a chunked body without caring for the answer until it has come; return it."""
    piece = b"%x\r\n%s\r\n" % (MEGABYTE, b" " * MEGABYTE)
    with connected(service) as raw:
        raw.sendall(head(path, b"transfer-encoding: chunked") + b"\r\n")
        for _ in range(n_bytes // MEGABYTE):
            raw.sendall(piece)
        raw.sendall(b"0\r\n\r\n")
        return raw.recv(65_536)


@pytest.mark.parametrize("path", [BATCH, "/predict"])
def test_a_hundred_megabytes_in_chunks_are_refused_in_little_memory(service, path):
    """Nobody said how much would come: it is counted as it comes, and let go."""
    with Peak(service.process.pid) as peak:
        answer = flood(service, path, 100 * MEGABYTE)
    assert answer.startswith(b"HTTP/1.1 413 ")
    assert problem_of(answer)["type"].endswith("body-too-long")
    assert peak.extra < 20 * MEGABYTE
    assert service.version()


@pytest.mark.long
def test_two_gigabytes_in_chunks_are_refused_in_little_memory(service):
    """The same, of any length."""
    with Peak(service.process.pid) as peak:
        answer = flood(service, BATCH, 2_000 * MEGABYTE)
    assert answer.startswith(b"HTTP/1.1 413 ")
    assert peak.extra < 20 * MEGABYTE


@pytest.mark.parametrize("start", ["a header", "a line", "a trailer", "an extension"])
def test_a_head_without_end_is_refused_in_little_memory(service, start):
    """The server's parser bounds none of these by itself."""
    begun = {
        "a header": b"GET /livez HTTP/1.1\r\nhost: x\r\nx-long: ",
        "a line": b"GET /",
        "a trailer": head("/predict", b"transfer-encoding: chunked") + b"\r\n1\r\n \r\n0\r\nx-long: ",
        "an extension": head("/predict", b"transfer-encoding: chunked") + b"\r\n1;x=",
    }[start]
    with Peak(service.process.pid) as peak, connected(service) as raw:
        raw.sendall(begun)
        with contextlib.suppress(ConnectionError, TimeoutError):
            for _ in range(40):
                raw.sendall(b"a" * MEGABYTE)
        said(raw)
    assert peak.extra < 20 * MEGABYTE
    assert service.version()


def test_a_head_that_is_too_long_is_told_so(service):
    """431, in the one shape."""
    with connected(service) as raw:
        raw.sendall(b"GET /livez HTTP/1.1\r\nhost: x\r\nx-long: " + b"a" * 70_000)
        answer = said(raw)
    assert answer.startswith(b"HTTP/1.1 431 ")
    assert problem_of(answer)["status"] == 431


def test_a_head_that_comes_too_slowly_is_refused(service):
    """Bytes that come one by one keep no connection, and neither do blank lines between requests."""
    with connected(service) as raw:
        raw.sendall(b"GET /livez HT")
        began = time.monotonic()
        assert said(raw).startswith(b"HTTP/1.1 408 ")
        assert time.monotonic() - began < 5
    with connected(service) as raw:
        raw.sendall(b"GET /livez HTTP/1.1\r\nhost: x\r\n\r\n")
        raw.recv(65_536)
        began = time.monotonic()
        with contextlib.suppress(OSError):
            while time.monotonic() - began < 10:
                raw.sendall(b"\r\n")
                time.sleep(0.1)
        assert time.monotonic() - began < 6


def test_a_caller_who_says_nothing_is_let_go(service):
    """A connection costs a place as long as it is open."""
    with connected(service) as raw:
        began = time.monotonic()
        assert said(raw) == b""
        assert time.monotonic() - began < 5


def test_a_body_that_comes_too_slowly_is_refused(service):
    """Byte by byte, below every other limit."""
    with connected(service) as raw:
        raw.sendall(head("/predict", b"content-length: 1000") + b"\r\n")
        began = time.monotonic()
        raw.settimeout(0.2)
        answer = b""
        while not answer and time.monotonic() - began < 10:
            raw.sendall(b" ")
            with contextlib.suppress(TimeoutError):
                answer = raw.recv(65_536)
    assert answer.startswith(b"HTTP/1.1 408 ")


def test_more_requests_than_are_taken_at_once_are_told_to_come_again(service):
    """503 with Retry-After, whatever is asked; health is told all the same, and a place that is left is free."""
    with contextlib.ExitStack() as stack:
        slow = [stack.enter_context(connected(service)) for _ in range(6)]
        for raw in slow:
            raw.sendall(head("/predict", b"content-length: 1000") + b"\r\n")
        time.sleep(0.3)
        answer = service.http.post("/predict", json=SHIP)
        assert answer.status_code == 503
        assert int(answer.headers["retry-after"]) > 0
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.headers["x-request-id"]
        assert service.answers("/livez")
        assert service.answers("/readyz")
    wait_for(lambda: service.http.post("/predict", json=SHIP).status_code == 200)


def test_long_bodies_leave_room_for_rows(service):
    """Two bodies of unknown length are all that are taken here; a single row is answered meanwhile."""
    with contextlib.ExitStack() as stack:
        for _ in range(2):
            raw = stack.enter_context(connected(service))
            raw.sendall(head(BATCH, b"transfer-encoding: chunked") + b"\r\n")
        time.sleep(0.3)
        assert flood(service, BATCH, 0).startswith(b"HTTP/1.1 503 ")
        assert service.version()
    wait_for(lambda: not flood(service, BATCH, 0).startswith(b"HTTP/1.1 503 "))


def test_rows_that_are_too_wide_are_refused(service):
    """Every field that is unknown costs a warning, a dozen times as long as itself."""
    wide = SHIP | {f"c{i}": i for i in range(1_100)}
    for path, body in (("/predict", wide), (BATCH, {"rows": [SHIP, wide]})):
        answer = service.http.post(path, json=body)
        assert answer.status_code == 413
        assert answer.json()["type"].endswith("too-many-columns")
    csv = ",".join(wide) + "\n" + ",".join(str(v) for v in wide.values()) + "\n"
    answer = service.http.post(BATCH, content=csv, headers={"content-type": "text/csv"})
    assert answer.status_code == 413


@pytest.mark.parametrize(
    "name",
    [
        "..%2f..%2fetc%2fpasswd",
        "..",
        "%2e%2e",
        "ships%00",
        "ships%2f..%2fships",
        "ships%5c..%5cships",
        "%F0%9F%9A%A2",
        "%ff%fe",
        "a" * 8_000,
        "SHIPS",
        "ships%20",
        "%e2%80%aeships",
        "%d1%95hips",
    ],
)
@pytest.mark.parametrize("rest", ["/predict", "/predict/batch", "", "/versions", "/report", "/try"])
def test_a_model_is_found_by_its_very_name_alone(service, name, rest):
    """Names are looked up, never joined to a path, folded or mended; and none is repeated."""
    with connected(service) as raw:
        method = b"POST" if "predict" in rest or rest == "/try" else b"GET"
        body = json.dumps(SHIP).encode()
        raw.sendall(
            method
            + f" /models/{name}{rest} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n".encode()
            + b"content-type: application/json\r\ncontent-length: %d\r\n\r\n" % len(body)
            + body
        )
        answer = said(raw)
    assert answer.startswith((b"HTTP/1.1 404 ", b"HTTP/1.1 405 ")), answer[:300]
    assert name.encode() not in answer


def once(service, path, row=None):
    """Ask over a connection of its own; return status, headers and body."""
    connection = http.client.HTTPConnection("127.0.0.1", service.port, timeout=20)
    try:
        if row is None:
            connection.request("GET", path)
        else:
            connection.request("POST", path, json.dumps(row), {"content-type": "application/json"})
        answer = connection.getresponse()
        return answer.status, answer.headers, answer.read().decode()
    finally:
        connection.close()


def test_a_signal_fails_no_request(artifacts, root):
    """Unready at once, still answering for a while, then closed; what was begun is answered, and the process ends."""
    with running(artifacts, root, PENSTOCK_DRAIN_SECONDS="2") as service:
        wait_for(lambda: service.answers("/readyz"))
        body = json.dumps(SHIP).encode()
        with connected(service) as slow:
            slow.sendall(head("/predict", b"content-length: %d" % len(body)) + b"\r\n" + body[:20])
            time.sleep(0.2)
            began = time.monotonic()
            service.process.send_signal(signal.SIGTERM)
            wait_for(lambda: once(service, "/readyz")[0] == 503, 1.5)
            assert json.loads(once(service, "/readyz")[2])["status"] == "leaving"
            status, headers, _ = once(service, "/predict", SHIP)
            assert (status, headers["connection"]) == (200, "close")
            assert once(service, "/livez")[0] == 200
            wait_for(lambda: _refused(service))
            assert time.monotonic() - began > 1.9
            slow.sendall(body[20:])
            assert slow.recv(65_536).startswith(b"HTTP/1.1 200 ")
        assert service.process.wait(30) == 0
        assert time.monotonic() - began < 30


def _refused(service):
    try:
        socket.create_connection(("127.0.0.1", service.port), 5).close()
    except ConnectionRefusedError:
        return True
    return False


def test_the_numbers_of_two_workers_are_those_of_all_requests(artifacts, root, tmp_path):
    """By model and version, none lost and none counted twice; what an earlier process has left counts for nothing."""
    left = tmp_path / "counter_1.db"
    left.write_bytes(b"rubbish of another process")
    with running(artifacts, root, workers=2, PROMETHEUS_MULTIPROC_DIR=str(tmp_path)) as service:
        assert not left.exists()
        wait_for(lambda: all(once(service, "/predict", SHIP)[0] == 200 for _ in range(12)), 60)
        version = service.version()

        def counted(start):
            lines = once(service, "/metrics")[2].splitlines()
            return sum(float(line.rpartition(" ")[2]) for line in lines if line.startswith(start))

        rows = f'penstock_rows_total{{model="ships",version="{version}"}}'
        requests = 'penstock_http_requests_total{method="POST",route="/predict",status="200"}'
        before = counted(rows), counted(requests)
        # A connection of its own for each, so that both workers are met.
        for _ in range(60):
            assert once(service, "/predict", SHIP)[0] == 200
        assert (counted(rows), counted(requests)) == (before[0] + 60, before[1] + 60)
        assert counted("penstock_ready") == 1
        files = {p.name for p in tmp_path.glob("counter_*.db")}
        assert len(files) == 2
        # The numbers of a worker that dies stay, and what it was at the moment goes.
        victim = int(re.findall(r"\d+", min(files))[0])
        os.kill(victim, signal.SIGKILL)
        # It is gone when the process that started it has noticed.
        wait_for(lambda: counted("penstock_ready") == 1 and not list(tmp_path.glob(f"gauge_live*_{victim}.db")), 20)
        assert counted(requests) >= before[1] + 60
        assert service.stop() == 0


@pytest.mark.parametrize(("cases", "broken"), [(80, 66), pytest.param(1_200, 660, marks=pytest.mark.long)])
def test_no_request_that_a_machine_thinks_up_is_a_failure_of_ours(service, cases, broken):
    """Made from the service's own document, well-formed and broken, and bytes that are no HTTP: no 5xx, no hang."""
    answered = fuzz(f"http://127.0.0.1:{service.port}", cases, seed=cases)
    assert sum(answered.values()) >= cases
    assert {200, 404, 422} <= answered.keys()
    thrown = throw(service.port, broken, seed=broken)
    assert sum(thrown.values()) == broken
    assert {400, 404, 415} <= thrown.keys()
    assert service.version()
    assert not [line for line in service.lines if "Traceback" in line or " 500 " in line]
