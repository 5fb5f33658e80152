"""What every benchmark stands on: a clean environment, servers that end, and one way to report."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PENSTOCK = Path(sys.executable).parent / "penstock"
SPEC = ROOT / "flows" / "specs" / "clinic.yaml"


def environment(home: Path, **more: str) -> dict[str, str]:
    """Return an environment with its own Prefect and penstock homes."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("PREFECT_", "PENSTOCK_"))}
    return kept | {"PREFECT_HOME": str(home / "prefect"), "PENSTOCK_HOME": str(home / "keys")} | more


@contextlib.contextmanager
def workplace() -> Iterator[Path]:
    """Yield a folder that goes afterwards."""
    with tempfile.TemporaryDirectory(prefix="penstock-bench-") as folder:
        yield Path(folder)


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return int(s.getsockname()[1])


@contextlib.contextmanager
def server(words: list[str], health: str, env: dict[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    """Run a server until the block ends, and yield its process; entered when `health` answers 200."""
    process = subprocess.Popen(
        words, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
    )
    try:
        for _ in range(1200):
            if answers(health):
                break
            if process.poll() is not None:
                raise RuntimeError(f"{words[0]} ended with {process.returncode}")
            time.sleep(0.1)
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)
        process.wait(30)


def answers(url: str) -> bool:
    """Whether a URL answers 200."""
    try:
        with urllib.request.urlopen(url, timeout=2) as answer:  # noqa: S310 - a loopback address
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False


@contextlib.contextmanager
def prefect_server(home: Path) -> Iterator[dict[str, str]]:
    """Run a Prefect server and yield the environment that uses it."""
    port = free_port()
    api = f"http://127.0.0.1:{port}/api"
    env = environment(home, PREFECT_SERVER_ANALYTICS_ENABLED="false", DO_NOT_TRACK="1")
    command = [str(PENSTOCK.with_name("prefect")), "server", "start", "--host", "127.0.0.1", "--port", str(port)]
    with server(command, f"{api}/health", env):
        yield env | {"PREFECT_API_URL": api}


def report(what: str, asked: str, reached: str, note: str = "") -> None:
    """Print one figure."""
    print(f"{what:58s} asked {asked:>12s}   reached {reached:>12s}   {note}", flush=True)


def timed(words: list[str], env: dict[str, str], cwd: Path) -> float:
    """Run a command and return its seconds.

    Raises
    ------
    RuntimeError
        It failed; its output is in the message.
    """
    began = time.perf_counter()
    done = subprocess.run(words, env=env, cwd=cwd, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(
            f"{' '.join(words)} ended with {done.returncode}\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}"
        )
    return time.perf_counter() - began
