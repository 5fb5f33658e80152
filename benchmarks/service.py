"""One row over HTTP with one connection, beside a FastAPI echo of the same body."""

from __future__ import annotations

import http.client
import json
import statistics
import sys
import time
from urllib.parse import urlsplit

from benchmarks.ground import PENSTOCK, ROOT, SPEC, environment, free_port, report, server, timed, workplace

REQUESTS = 1500
WARM_UP = 200


def main() -> None:
    """Measure and report."""
    with workplace() as folder:
        env = environment(folder)
        artifacts = str(folder / "artifacts")
        timed([str(PENSTOCK), "run", str(SPEC), "--artifacts", artifacts], env, ROOT)
        port, echo = free_port(), free_port()
        serve = [str(PENSTOCK), "serve", "--artifacts", artifacts, "--port", str(port)]
        bare = [sys.executable, "-m", "uvicorn", "benchmarks.echo:app", "--port", str(echo), "--log-level", "error"]
        with (
            server(serve, f"http://127.0.0.1:{port}/readyz", env),
            server(bare, f"http://127.0.0.1:{echo}/", env),
        ):
            row = example(f"http://127.0.0.1:{port}")
            ours = latencies(f"http://127.0.0.1:{port}/predict", row)
            theirs = latencies(f"http://127.0.0.1:{echo}/predict", row)
    p50, p99 = percentiles(ours)
    echo50, _ = percentiles(theirs)
    report(
        "one-row /predict, one connection, p50",
        "10 ms",
        f"{p50:.2f} ms",
        f"p99 {p99:.2f} ms; a bare echo: {echo50:.2f} ms",
    )


def example(base: str) -> bytes:
    """Return the example row of the service's own OpenAPI document."""
    where = urlsplit(base)
    connection = http.client.HTTPConnection(where.hostname or "", where.port)
    connection.request("GET", "/openapi.json")
    document = json.loads(connection.getresponse().read())
    connection.close()
    body = document["paths"]["/models/clinic/predict"]["post"]["requestBody"]["content"]["application/json"]
    schema = body["schema"]
    while "$ref" in schema:
        schema = document["components"]["schemas"][schema["$ref"].rsplit("/", 1)[-1]]
    return json.dumps(body.get("example") or schema.get("example") or schema["examples"][0]).encode()


def latencies(url: str, body: bytes) -> list[float]:
    """Return the milliseconds of each of `REQUESTS` sequential posts over one kept-alive connection."""
    where = urlsplit(url)
    connection = http.client.HTTPConnection(where.hostname or "", where.port)
    taken = []
    for i in range(REQUESTS + WARM_UP):
        began = time.perf_counter()
        connection.request("POST", where.path, body, {"content-type": "application/json"})
        answer = connection.getresponse()
        answer.read()
        if answer.status != 200:
            raise RuntimeError(f"{url} answered {answer.status}")
        if i >= WARM_UP:
            taken.append((time.perf_counter() - began) * 1e3)
    connection.close()
    return taken


def percentiles(taken: list[float]) -> tuple[float, float]:
    """Return the median and the 99th percentile."""
    cuts = statistics.quantiles(taken, n=100)
    return cuts[49], cuts[98]
