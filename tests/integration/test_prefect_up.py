"""`penstock up`: server, schedules and service in one, told where they are, and gone without a trace on Ctrl-C."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.integration import small


def free_port() -> int:
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return int(s.getsockname()[1])


def get(url: str, **body: object) -> object:
    """Return the JSON that an address answers with; with a body, to a POST."""
    data = json.dumps(body).encode() if body else None
    asked = urllib.request.Request(url, data, {"content-type": "application/json"})
    with urllib.request.urlopen(asked, timeout=30) as answer:
        return json.loads(answer.read())


def scheduled(spec: dict[str, Any]) -> None:
    """Train every Monday, and read the look-up anew every hour."""
    spec["schedule"] = {"cron": "0 3 * * 1", "timezone": "Europe/Berlin"}
    spec["joins"][0] |= {"serve": "refresh", "every": "1h"}


class Up:
    """A `penstock up` that runs, and every process that came of it."""

    def __init__(self, folder: Path, **environment: str) -> None:
        self.folder = folder
        self.artifacts = folder / "artifacts"
        self.port, self.prefect_port = free_port(), free_port()
        given = os.environ | {"PREFECT_SERVER_API_PORT": str(self.prefect_port)} | environment
        self.environment = {name: value for name, value in given.items() if value}
        self.spec = small.make(folder, scheduled)
        self.process = self.start()

    def start(self, port: int | None = None) -> subprocess.Popen[str]:
        """Start one, without waiting for it."""
        """Start one, without waiting for it."""
        words = [sys.executable, "-m", "deploy.cli", "up", str(self.spec), "--artifacts", str(self.artifacts)]
        return subprocess.Popen(
            [*words, "--port", str(port or self.port)],
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    @property
    def api(self) -> str:
        """The address of Prefect's API."""
        """The address of Prefect's API."""
        return f"http://127.0.0.1:{self.prefect_port}/api"

    @property
    def service(self) -> str:
        """The address of the service."""
        """The address of the service."""
        return f"http://127.0.0.1:{self.port}"

    def told(self) -> str:
        """Wait until it says that all is up, and return what it said."""
        lines = []
        for line in self.process.stdout:
            lines.append(line)
            if "Ctrl-C" in line:
                return "".join(lines)
        logs = {p.name: p.read_text()[-1500:] for p in (self.artifacts / ".up").glob("*.log")}
        raise AssertionError("".join(lines) + str(logs))

    def family(self) -> list[psutil.Process]:
        """Return every process that came of it."""
        """Return every process that came of it."""
        return psutil.Process(self.process.pid).children(recursive=True)

    def command(self, name: str) -> subprocess.CompletedProcess[str]:
        """Run `penstock down` or `status` to its end."""
        """Run `penstock down` or `status` to its end."""
        words = [sys.executable, "-m", "deploy.cli", name, "--artifacts", str(self.artifacts)]
        return subprocess.run(words, env=self.environment, capture_output=True, text=True, timeout=90, check=False)


@contextlib.contextmanager
def up(folder: Path, **environment: str) -> Iterator[Up]:
    """Start it, and leave nothing behind whatever the test does."""
    one = Up(folder, **environment)
    children: list[psutil.Process] = []
    try:
        yield one
    finally:
        with contextlib.suppress(psutil.NoSuchProcess):
            children = one.family()
        one.process.kill()
        for child in children:
            with contextlib.suppress(psutil.NoSuchProcess):
                child.kill()
        one.process.wait()
        one.process.stdout.close()


class Outside(threading.Thread):
    """A proxy that lets nothing through, and remembers who was called."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.called: list[str] = []

    def run(self) -> None:
        """Answer until the socket is closed."""
        with contextlib.suppress(OSError):
            while True:
                caller, _ = self.socket.accept()
                with caller:
                    self.called.append(caller.recv(4096).split(b"\r\n")[0].decode(errors="replace"))
                    caller.sendall(b"HTTP/1.1 502 Nobody there\r\ncontent-length: 0\r\n\r\n")

    def __enter__(self) -> Outside:
        self.start()
        return self

    def __exit__(self, *error: object) -> None:
        self.socket.close()

    @property
    def environment(self) -> dict[str, str]:
        """What makes every HTTP client call here instead of the world."""
        address = f"http://127.0.0.1:{self.socket.getsockname()[1]}"
        proxies = dict.fromkeys(
            ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"), address
        )
        # The tests' own quiet is taken away: `up` has to be quiet by itself.
        quiet = dict.fromkeys(("DO_NOT_TRACK", "PREFECT_SERVER_ANALYTICS_ENABLED"), "")
        return {**proxies, "NO_PROXY": "127.0.0.1,localhost", "no_proxy": "127.0.0.1,localhost", **quiet}


@pytest.fixture
def home(tmp_path):
    """Return the environment of a Prefect home that nobody else uses."""
    return {"PREFECT_HOME": str(tmp_path / "prefect")}


@pytest.mark.long
def test_everything_comes_up_and_goes_on_ctrl_c(tmp_path, home):
    """The schedule is the spec's, pages answer, a second one is refused, and no process outlives it."""
    with Outside() as outside, up(tmp_path, **home, **outside.environment) as one:
        told = one.told()
        assert one.service in told
        assert f"http://127.0.0.1:{one.prefect_port}" in told
        assert "0 3 * * 1 (Europe/Berlin)" in told

        known = get(f"{one.api}/deployments/name/train/brook")
        assert [(s["schedule"]["cron"], s["schedule"]["timezone"], s["active"]) for s in known["schedules"]] == [
            ("0 3 * * 1", "Europe/Berlin", True)
        ]
        assert "refresh/brook   every 1h" in told
        again = get(f"{one.api}/deployments/name/refresh/brook")
        assert [(s["schedule"]["interval"], s["active"]) for s in again["schedules"]] == [(3600.0, True)]
        assert again["parameters"] == known["parameters"]
        assert not known["paused"]
        assert known["concurrency_options"]["collision_strategy"] == "ENQUEUE"
        assert get(f"{one.service}/livez")
        with urllib.request.urlopen(f"http://127.0.0.1:{one.prefect_port}/", timeout=30) as page:
            assert "<html" in page.read().decode().lower()
        settings = get(f"{one.api}/admin/settings")
        assert settings["server"]["analytics_enabled"] is False
        assert settings["server"]["ui"]["show_promotional_content"] is False
        # The server's own copy, not the registry's.
        assert "prefect" in get(f"{one.api}/collections/views/aggregate-worker-metadata")

        assert one.command("status").returncode == 0
        second = one.start(free_port())
        output, _ = second.communicate(timeout=60)
        assert second.returncode == 2, output
        assert "up already" in output

        # Telemetry is sent as soon as a server starts, where it is sent at all.
        assert outside.called == []

        family = one.family()
        assert len(family) >= 3
        os.kill(one.process.pid, signal.SIGINT)
        one.process.communicate(timeout=60)
        assert one.process.returncode == 0
        _, alive = psutil.wait_procs(family, timeout=5)
        assert alive == []
        assert one.command("status").returncode == 1
        assert not (one.artifacts / ".up" / "running.json").exists()


def test_a_port_that_is_taken_is_told_before_anything_starts(tmp_path, home):
    """With the setting that chooses another."""
    spec = small.make(tmp_path)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        words = [sys.executable, "-m", "deploy.cli", "up", str(spec), "--artifacts", str(tmp_path / "artifacts")]
        done = subprocess.run(
            [*words, "--port", str(taken.getsockname()[1])],
            env=os.environ | home, capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip
    assert done.returncode == 2
    assert "--port" in done.stderr
    assert "Traceback" not in done.stderr
    assert not list((tmp_path / "artifacts" / ".up").glob("*.log"))


@pytest.mark.long
def test_a_run_that_is_due_is_run_and_down_ends_what_a_kill_left(tmp_path, home):
    """A deployment's run trains and publishes; the service serves it; `down` works without `up`."""
    with up(tmp_path, **home) as one:
        one.told()
        known = get(f"{one.api}/deployments/name/train/brook")
        run = get(f"{one.api}/deployments/{known['id']}/create_flow_run", state={"type": "SCHEDULED"})
        for _ in range(900):
            state = get(f"{one.api}/flow_runs/{run['id']}")["state"]
            if state["type"] in ("COMPLETED", "FAILED", "CRASHED"):
                break
            time.sleep(0.2)
        assert state["type"] == "COMPLETED", state
        found = get(f"{one.api}/artifacts/filter", flow_runs={"id": {"any_": [run["id"]]}})
        shown = {artifact["key"]: artifact["data"] for artifact in found}
        assert {"dossier-brook", "leaderboard-brook", "cleaning-brook", "progress-train-brook"} <= set(shown)
        # It knows of the service that is up beside it.
        assert f"({one.service}/models/brook)" in shown["service-brook"]
        for _ in range(100):
            if "brook" in json.dumps(get(f"{one.service}/models")):
                break
            time.sleep(0.1)
        assert "brook" in json.dumps(get(f"{one.service}/models"))

        family = one.family()
        one.process.kill()
        one.process.communicate()
        assert psutil.wait_procs(family, timeout=1)[1] != []
        done = one.command("down")
        assert done.returncode == 0, done.stderr
        assert psutil.wait_procs(family, timeout=20)[1] == []


@pytest.mark.long
def test_prefect_deploys_the_projects_own_file_and_a_worker_runs_it(tmp_path, home, root, need):
    """`prefect --no-prompt deploy --all` takes prefect.yaml as it is, and a process worker carries a run through."""
    from data.clinic import build

    prefect = str(Path(sys.executable).with_name("prefect"))
    for name in ("penstock", "tasks", "flows", "prefect.yaml"):
        (tmp_path / name).symlink_to(root / name)
    (tmp_path / "data" / "raw").mkdir(parents=True)
    build(tmp_path / "data" / "raw" / "clinic")
    port = free_port()
    env = os.environ | home | {"PREFECT_API_URL": f"http://127.0.0.1:{port}/api"}

    def call(*words: str) -> str:
        done = subprocess.run(
            [prefect, *words], env=env, cwd=tmp_path, capture_output=True, text=True, timeout=240, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    words = [sys.executable, "-m", "deploy.prefect_server", "--host", "127.0.0.1", "--port", str(port)]
    server = subprocess.Popen(
        words, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
    )
    try:
        for _ in range(600):
            with contextlib.suppress(OSError):
                if get(f"{env['PREFECT_API_URL']}/health"):
                    break
            time.sleep(0.1)
        call("work-pool", "create", "local-process", "--type", "process")
        call("--no-prompt", "deploy", "--all")
        known = get(f"{env['PREFECT_API_URL']}/deployments/name/train/clinic")
        assert [s["schedule"]["cron"] for s in known["schedules"]] == ["0 3 * * 1"]
        run = get(f"{env['PREFECT_API_URL']}/deployments/{known['id']}/create_flow_run", state={"type": "SCHEDULED"})
        call("worker", "start", "--pool", "local-process", "--type", "process", "--run-once")
        state = get(f"{env['PREFECT_API_URL']}/flow_runs/{run['id']}")["state"]
        assert state["type"] == "COMPLETED", state
        assert (tmp_path / "artifacts" / "models" / "clinic" / "CURRENT.json").exists()
    finally:
        os.killpg(server.pid, signal.SIGTERM)
        server.wait(30)
