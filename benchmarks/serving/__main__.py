"""Measure the service beside its yardsticks and its peers, and print a table in Markdown.

`PENSTOCK_BENCH_SECONDS` is how long each is asked (5), `PENSTOCK_BENCH_PEERS` which peers (all; `none` for none).
"""

from __future__ import annotations

import contextlib
import datetime as dt
import json
import os
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import psutil
import pyarrow as pa

from benchmarks.ground import ROOT, answers, environment, free_port, workplace
from benchmarks.serving.load import CONNECTIONS, Ask, Load, load
from benchmarks.serving.offers import TARGET, offers, publish_ours
from benchmarks.serving.peers import PEERS, Peer

SECONDS = float(os.environ.get("PENSTOCK_BENCH_SECONDS", "5"))
ROUNDS = 3
SILENT = "penstock, no prediction log"
MANY = 1_000
ARROW = "application/vnd.apache.arrow.stream"
_SERVE = (
    "import sys; from pathlib import Path; from deploy.serve import serve; "
    "serve(Path(sys.argv[1]), '127.0.0.1', int(sys.argv[2]), 1)"
)


@dataclass
class Running:
    """A server that runs: how long it took to be ready, and its processes."""

    url: str
    process: subprocess.Popen[bytes]
    start: float

    @property
    def memory(self) -> float:
        """Its resident memory in MB, all of its processes together."""
        return float(sum(p.memory_info().rss for p in self._all())) / 1e6

    @property
    def cpu(self) -> float:
        """The seconds of processor that it has used."""
        return float(sum(sum(p.cpu_times()[:2]) for p in self._all()))

    def _all(self) -> list[psutil.Process]:
        first = psutil.Process(self.process.pid)
        return [first, *first.children(recursive=True)]


@dataclass(frozen=True)
class Measured:
    """One server's figures; `cpu` are microseconds of processor a request."""

    one: Load
    cpu: float
    start: float
    memory: float
    rows: float | None = None


@contextlib.contextmanager
def running(words: list[str], port: int, health: str, env: dict[str, str], log: Path) -> Iterator[Running]:
    """Run a server until the block ends.

    Raises
    ------
    RuntimeError
        It ends, or is not ready after two minutes; the message has its last words.
    """
    began = time.perf_counter()
    with log.open("wb") as out:
        process = subprocess.Popen(words, env=env, cwd=ROOT, stdout=out, stderr=out, start_new_session=True)
    url = f"http://127.0.0.1:{port}"
    try:
        while not answers(url + health):
            if process.poll() is not None or time.perf_counter() - began > 120:
                told = log.read_text(errors="replace").strip().splitlines()
                raise RuntimeError(told[-1][:200] if told else f"it ended with {process.returncode}")
            time.sleep(0.02)
        yield Running(url, process, time.perf_counter() - began)
    finally:
        tree = [psutil.Process(process.pid), *psutil.Process(process.pid).children(recursive=True)]
        for one in tree:
            with contextlib.suppress(psutil.NoSuchProcess):
                one.terminate()
        _, alive = psutil.wait_procs(tree, 15)
        for one in alive:
            one.kill()
        process.wait(15)


def measured(server: Running, ask: Ask, folder: Path) -> tuple[Load, float]:
    """Return what one load came to, and the microseconds of processor that a request took of the server.

    Raises
    ------
    RuntimeError
        Some answers were refusals.
    """
    before = server.cpu
    done = load(ask, SECONDS, folder)
    if done.wrong:
        raise RuntimeError(f"{done.wrong} requests were refused")
    # The warm-up is asked at the same rate, and counted by the server alone.
    return done, (server.cpu - before) / (done.rate * (SECONDS + 1.0)) * 1e6


def ours(table: pd.DataFrame, folder: Path) -> dict[str, Measured]:
    """Measure the service and its yardsticks by turns, so that a busy moment is nobody's alone."""
    artifacts, log = folder / "artifacts", folder / "server.log"
    env = environment(
        folder, PENSTOCK_ACCESS_LOG=str(folder / "access.log"), PENSTOCK_PREDICTION_LOG=str(folder / "log")
    ) | {"PYTHONPATH": str(ROOT)}
    os.environ["PENSTOCK_HOME"] = env["PENSTOCK_HOME"]
    publish_ours(table, artifacts)
    in_process(table, artifacts)
    port, unlogged, echo = free_port(), free_port(), free_port()
    serve = [sys.executable, "-c", _SERVE, str(artifacts)]
    without = {name: value for name, value in env.items() if name != "PENSTOCK_PREDICTION_LOG"}
    bare = [sys.executable, "-m", "uvicorn", "benchmarks.serving.echo:app", "--port", str(echo), "--log-level", "error"]
    few = rows_of(table, MANY)
    with (
        running([*serve, str(port)], port, "/readyz", env, log) as service,
        running([*serve, str(unlogged)], unlogged, "/readyz", without, folder / "unlogged.log") as silent,
        running([*bare, "--no-access-log"], echo, "/", env, folder / "echo.log") as yardstick,
    ):
        one = json.dumps(few[0]).encode()
        asks = {
            "penstock": (service, Ask(f"{service.url}/predict", one)),
            SILENT: (silent, Ask(f"{silent.url}/predict", one)),
            "typed FastAPI echo": (yardstick, Ask(f"{yardstick.url}/predict", one)),
            "bare GET": (yardstick, Ask(f"{yardstick.url}/")),
        }
        found: dict[str, list[tuple[Load, float]]] = {name: [] for name in asks}
        for _ in range(ROUNDS):
            for name, (server, ask) in asks.items():
                found[name].append(measured(server, ask, folder))
        memory = service.memory
        batches = f"{service.url}/models/offers/predict/batch"
        in_json, _ = measured(service, Ask(batches, json.dumps({"rows": few}).encode(), rows=MANY), folder)
        in_arrow, _ = measured(service, Ask(batches, stream(table, MANY), ARROW, MANY), folder)
        in_long, _ = measured(service, Ask(batches, stream(table, 10 * MANY), ARROW, 10 * MANY), folder)
        print(f"- {MANY:,} rows of JSON a request: {in_json.rate * MANY:,.0f} rows/s (80,000 asked)")
        print(f"- {MANY:,} rows of Arrow a request: {in_arrow.rate * MANY:,.0f} rows/s (200,000 asked)")
        print(f"- {10 * MANY:,} rows of Arrow a request: {in_long.rate * 10 * MANY:,.0f} rows/s")
        print(f"- start to ready: {service.start:.2f} s (3 asked); resident memory: {memory:,.0f} MB (250 asked)")
        logged, unlogged_rate = (
            statistics.median(load.rate for load, _ in found[name]) for name in ("penstock", SILENT)
        )
        print(f"- the prediction log costs {1 - logged / unlogged_rate:.1%} of the requests (3 % asked)")
        starts = {"penstock": (service.start, memory, in_json.rate * MANY)}
        made = {}
        for name, loads in found.items():
            loads.sort(key=lambda pair: pair[0].rate)
            middle, cpu = loads[len(loads) // 2]
            other = silent if name == SILENT else yardstick
            start, resident, rows = starts.get(name, (other.start, other.memory, None))
            made[name] = Measured(middle, cpu, start, resident, rows)
        return made


def in_process(table: pd.DataFrame, artifacts: Path) -> None:
    """Tell what one row takes without HTTP."""
    from penstock.bundle.bundle import Bundle

    bundle = Bundle.load(artifacts / "models" / "offers")
    rows = rows_of(table, 500)
    taken = []
    for row in rows * 4:
        began = time.perf_counter()
        bundle.predict([row])
        taken.append((time.perf_counter() - began) * 1e6)
    print(f"- `Bundle.predict` of one row, median: {statistics.median(taken):.0f} µs (80 asked)")


def peer(one: Peer, table: Path, rows: list[dict[str, Any]], folder: Path) -> Measured:
    """Measure one peer.

    Raises
    ------
    RuntimeError
        It cannot be installed, fitted or started.
    """
    home = folder / one.name
    home.mkdir()
    if told := one.installed() or one.fitted(table, home):
        raise RuntimeError(told)
    port = free_port()
    env = environment(folder) | one.environment(port, home)
    with running(one.words(port, home), port, one.health, env, home / "server.log") as server:
        alone, cpu = measured(server, Ask(server.url + one.one, json.dumps(one.body(rows[:1], True)).encode()), home)
        many, _ = measured(server, Ask(server.url + one.many, json.dumps(one.body(rows, False)).encode()), home)
        return Measured(alone, cpu, server.start, server.memory, many.rate * len(rows))


def rows_of(table: pd.DataFrame, n: int) -> list[dict[str, Any]]:
    """Return rows without a gap: not every peer takes null for a number."""
    whole = table.drop(columns=TARGET).dropna().head(n)
    return [{str(name): value for name, value in row.items()} for row in whole.to_dict("records")]


def stream(table: pd.DataFrame, n: int) -> bytes:
    """Return rows as an Arrow stream."""
    made = pa.Table.from_pandas(table.drop(columns=TARGET).head(n), preserve_index=False)
    out = pa.BufferOutputStream()
    with pa.ipc.new_stream(out, made.schema) as writer:
        writer.write_table(made)
    data: bytes = out.getvalue().to_pybytes()
    return data


def print_table(all_: dict[str, Measured], absent: dict[str, str]) -> None:
    """Print all figures, and how they stand to the echo and to the best peer."""
    echo = all_["typed FastAPI echo"].one.rate
    best = max((m.one.rate for name, m in all_.items() if name in {p.name for p in PEERS}), default=None)
    heads = (
        "requests/s",
        "of the echo",
        "times the best peer",
        "p50 ms",
        "p99 ms",
        "µs of CPU",
        "rows/s",
        "start s",
        "MB",
    )
    print(f"\n| server | {' | '.join(heads)} |\n|---|{'--:|' * len(heads)}")
    for name, m in all_.items():
        times = f"{m.one.rate / best:.1f}" if best else ""
        rows = "" if m.rows is None else f"{m.rows:,.0f}"
        print(
            f"| {name} | {m.one.rate:,.0f} | {m.one.rate / echo:.0%} | {times} | {m.one.p50:.2f} | {m.one.p99:.2f} "
            f"| {m.cpu:,.0f} | {rows} | {m.start:.1f} | {m.memory:,.0f} |"
        )
    for name, why in absent.items():
        print(f"| {name} | could not be measured: {why} |" + " |" * 8)


def main() -> None:
    """Measure all."""
    today = dt.datetime.now(dt.UTC).date()
    print(
        f"{today}, {platform.platform()}, {os.cpu_count()} cores, Python {platform.python_version()}; "
        f"{CONNECTIONS} connections, one worker each, {SECONDS:g} s each, the middle of {ROUNDS} rounds\n"
    )
    wanted = os.environ.get("PENSTOCK_BENCH_PEERS", "all").split(",")
    table = offers()
    with workplace() as folder:
        path = folder / "offers.csv"
        table.to_csv(path, index=False)
        found, absent = ours(table, folder), dict[str, str]()
        rows = rows_of(table, MANY)
        for one in PEERS:
            if wanted != ["all"] and one.name not in wanted:
                continue
            try:
                found[one.name] = peer(one, path, rows, folder)
                print(f"- {one.name}: {found[one.name].one.rate:,.0f} requests/s", flush=True)
            except (RuntimeError, OSError, subprocess.CalledProcessError) as error:
                absent[one.name] = " ".join(str(error).split())[:200]
        print_table(found, absent)


if __name__ == "__main__":
    main()
