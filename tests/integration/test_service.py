"""The service as it is run: a process of its own, real bundles, real sockets, signals."""

from __future__ import annotations

import http.client
import json
import signal
import socket
import threading
import time

import httpx
import pytest
from playwright.sync_api import sync_playwright

from deploy.serve import serve
from penstock.bundle.layout import ModelHome
from penstock.bundle.rollback import rollback
from penstock.errors import UserError
from tests.integration.serving import running
from tests.unit.service.making import SHIP, put, wait_for


@pytest.fixture(scope="module")
def service(tmp_path_factory, root):
    """Run one service for all tests that leave it as it was."""
    artifacts = tmp_path_factory.mktemp("artifacts")
    put(artifacts)
    with running(artifacts, root, PENSTOCK_MAX_BATCH_BYTES="200000") as made:
        wait_for(lambda: made.answers("/readyz"))
        yield made


def test_a_row_is_answered_over_a_socket(service):
    """The whole way: server, app, bundle."""
    answer = service.http.post("/predict", json=SHIP)
    assert answer.status_code == 200
    assert answer.json()["model"] == "ships"
    assert answer.headers["x-request-id"]
    assert "server" not in answer.headers


def test_a_chunked_body_without_end_is_refused_when_it_is_too_long(service):
    """No length is told in advance, and the bytes are counted as they come."""
    sent = 0

    def body():
        nonlocal sent
        yield b'{"rows": ['
        for _ in range(200):
            sent += 50_000
            yield b" " * 50_000

    answer = service.http.post(
        "/models/ships/predict/batch", content=body(), headers={"content-type": "application/json"}
    )
    assert "content-length" not in answer.request.headers
    assert sent == 10_000_000
    assert answer.status_code == 413
    assert answer.headers["content-type"] == "application/problem+json"
    assert service.version()


def test_a_length_that_is_too_long_is_refused_before_a_byte_of_it(service):
    """The word of the caller is enough."""
    with socket.create_connection(("127.0.0.1", service.port), 10) as raw:
        raw.sendall(
            b"POST /predict HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 5000000000\r\n\r\n"
        )
        assert raw.recv(100).startswith(b"HTTP/1.1 413 ")


@pytest.mark.parametrize(
    "raw",
    [
        b"GARBAGE\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"POST /predict HTTP/1.1\r\nhost: x\r\ncontent-length: -4\r\n\r\n",
        b"GET /\x00 HTTP/1.1\r\nhost: x\r\n\r\n",
        b"POST /predict HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\nZZ\r\n",
    ],
)
def test_broken_http_harms_nobody(service, raw):
    """The connection may end; the service goes on."""
    with socket.create_connection(("127.0.0.1", service.port), 10) as connection:
        connection.settimeout(2)
        connection.sendall(raw)
        try:
            told = connection.recv(200)
        except TimeoutError:
            told = b""
    assert b" 500 " not in told
    assert service.version()


def test_a_browser_shows_the_page_and_its_form_answers(service, need):
    """In a real browser, under the page's own policy, and with no request to any other host."""
    chromium = need("chromium", "chromium-browser", "google-chrome")
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        page = browser.new_page()
        asked, complaints = [], []
        page.on("request", lambda r: asked.append(r.url))
        page.on("console", lambda m: complaints.append(m.text) if m.type == "error" else None)
        page.on("pageerror", lambda e: complaints.append(str(e)))
        page.goto(f"http://127.0.0.1:{service.port}/")
        page.get_by_role("button", name="Predict").click()
        page.locator("#answer .prediction").wait_for()
        assert page.locator("#answer .prediction").inner_text() in ("0", "1")
        assert page.locator("#answer > .bars > .bar").count() == 2
        page.get_by_label("crew").fill("many")
        page.get_by_role("button", name="Predict").click()
        page.locator("#answer .note.bad").first.wait_for()
        assert page.get_by_label("crew").get_attribute("aria-invalid") == "true"
        page.goto(f"http://127.0.0.1:{service.port}/docs")
        assert page.get_by_text("/models/ships/predict", exact=True).is_visible()
        browser.close()
    assert all(url.startswith(f"http://127.0.0.1:{service.port}/") for url in asked)
    # A refused row is a 422, which a browser notes by itself.
    assert [c for c in complaints if "422" not in c] == []


def test_models_come_change_and_go_back_without_a_restart_or_a_failed_request(tmp_path, root):
    """From nothing to a first version, swaps under load, a bad one, and a rollback."""
    artifacts = tmp_path / "artifacts"
    with running(artifacts, root) as service:
        assert service.http.get("/readyz").status_code == 503
        assert service.http.post("/predict", json=SHIP).status_code == 503
        first = put(artifacts)
        wait_for(lambda: service.answers("/readyz"))
        assert service.version() == first.version
        seen, failures = set(), []
        done = threading.Event()

        def ask():
            with httpx.Client(base_url=service.http.base_url, timeout=20) as http:
                while not done.is_set():
                    answer = http.post("/predict", json=SHIP)
                    if answer.status_code != 200:
                        failures.append(answer.text)
                        return
                    told = answer.json()
                    seen.add((told["version"], told["probabilities"]["1"]))

        askers = [threading.Thread(target=ask) for _ in range(3)]
        for asker in askers:
            asker.start()
        versions = [first]
        for seed in range(1, 5):
            versions.append(put(artifacts, seed=seed))
            began = time.monotonic()
            wait_for(lambda: service.version() == versions[-1].version)
            assert time.monotonic() - began < 5
        done.set()
        for asker in askers:
            asker.join()
        assert failures == []
        # One version, one answer to this row: none was put together from two.
        assert len({version for version, _ in seen}) == len(seen) == len(versions)
        # Stopped meanwhile, so that it cannot have read the version before it was spoilt.
        service.process.send_signal(signal.SIGSTOP)
        bad = put(artifacts, seed=5)
        estimator = ModelHome(artifacts, "ships").version_folder(bad.version) / "estimator.joblib"
        estimator.write_bytes(b"!" + estimator.read_bytes()[1:])
        service.process.send_signal(signal.SIGCONT)
        wait_for(lambda: service.http.get("/readyz").json()["status"] == "degraded")
        assert service.version() == versions[-1].version
        assert 'penstock_model_quarantined{model="ships"} 1.0' in service.http.get("/metrics").text
        moved = rollback(artifacts, "ships", versions[1].version, reason="worse", who="tests")
        wait_for(lambda: service.version() == moved.version)
        assert service.stop(signal.SIGINT) == 0


def test_a_spoilt_start_serves_the_version_before_and_a_signal_lets_a_request_end(tmp_path, root):
    """Degraded, and says so; and what was begun before the signal is answered after it."""
    first, second = put(tmp_path), put(tmp_path, seed=1)
    (ModelHome(tmp_path, "ships").version_folder(second.version) / "schema.json").write_bytes(b"{}")
    with running(tmp_path, root) as service:
        wait_for(lambda: service.answers("/readyz"))
        ready = service.http.get("/readyz").json()
        assert ready["status"] == service.http.get("/").json()["status"] == "degraded"
        assert ready["models"][0]["version"] == first.version
        assert second.version in ready["models"][0]["problem"]
        body = json.dumps(SHIP | {"cargo": "s3cr3t"}).encode()
        connection = http.client.HTTPConnection("127.0.0.1", service.port, timeout=20)
        connection.putrequest("POST", "/predict?note=s3cr3t")
        connection.putheader("content-type", "application/json")
        connection.putheader("content-length", str(len(body)))
        connection.endheaders()
        connection.send(body[:10])
        time.sleep(0.3)
        service.process.send_signal(signal.SIGTERM)
        time.sleep(0.3)
        connection.send(body[10:])
        answer = connection.getresponse()
        assert answer.status == 200
        assert json.loads(answer.read())["version"] == first.version
        connection.close()
        assert service.process.wait(30) == 0
    written = "".join(service.lines)
    assert "POST /predict 200" in written
    assert "s3cr3t" not in written


def test_a_port_that_is_taken_is_a_clear_error(tmp_path):
    """It names the address and what to do."""
    with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(UserError) as caught:
        serve(tmp_path, "127.0.0.1", taken.getsockname()[1], 1)
    assert "--port" in str(caught.value)
