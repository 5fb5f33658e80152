"""`penstock up`: Prefect server with its UI, every spec's schedule, and the service, in one; Ctrl-C stops all of it."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import signal
import socket
import sys
import time
import urllib.request
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO

from deploy.processes import Family, Stopped, answers, end_group, stopping_on_signals
from deploy.schedules import SPECS, Deployment, deployments_of, specs_in
from flows.links import SERVICE
from penstock.errors import EXIT_OK, EXIT_OTHER, SpecError, StoreError, UserError
from penstock.frozen import Frozen
from penstock.store import unwritable, write_atomically
from tasks.outward import QUIET

FOLDER = ".up"
# A first start makes Prefect's database.
START_SECONDS = 120.0


class Running(Frozen):
    """What is up: our process, the leaders of the groups it started with their commands, and where to look."""

    pid: int
    prefect: str
    service: str
    specs: tuple[str, ...]
    groups: dict[str, int] = {}
    commands: dict[str, tuple[str, ...]] = {}


def up(
    specs: Sequence[Path],
    artifacts: Path,
    host: str = "127.0.0.1",
    port: int = 8000,
    prefect_port: int | None = None,
) -> int:
    """Start everything, print where it is, and wait until asked to stop.

    Parameters
    ----------
    specs : sequence of pathlib.Path
        The specs whose schedules are registered; by default all of `flows/specs`.
    artifacts : pathlib.Path
        Where runs publish and the service reads.
    host, port : str, int
        Where the service listens.
    prefect_port : int, optional
        Where Prefect's server listens, on this machine alone; by default PREFECT_SERVER_API_PORT, else 4200. With
        PREFECT_API_URL set to a server that answers, that one is used and none is started.

    Returns
    -------
    int
        The exit status.

    Raises
    ------
    UserError
        A spec is wrong, a port is taken, or it is up already.
    PenstockError
        A process ended by itself or never answered.
    """
    deployments = _deployments(specs)
    artifacts = artifacts.absolute()
    with _the_only_one(artifacts) as folder, stopping_on_signals():
        family = Family(folder)
        try:
            running = _start(family, deployments, artifacts, (host, port), prefect_port)
            _remember(folder, running, family)
            _announce(running, deployments, folder)
            while True:
                family.must_live()
                time.sleep(0.5)
        except Stopped:
            print("penstock: stopping …", file=sys.stderr, flush=True)
            return EXIT_OK
        finally:
            family.stop()
            (folder / "running.json").unlink(missing_ok=True)


def _deployments(specs: Sequence[Path]) -> list[Deployment]:
    found = list(specs) or specs_in(SPECS)
    if not found:
        raise SpecError(
            "There is no spec to schedule",
            where=str(SPECS.absolute()),
            todo="Name one: penstock up SPEC.yaml, or make one: penstock init SOURCE --target COLUMN",
        )
    return deployments_of(p.absolute() for p in found)


def _start(
    family: Family,
    deployments: Sequence[Deployment],
    artifacts: Path,
    address: tuple[str, int],
    prefect_port: int | None,
) -> Running:
    host, port = address
    _check_free(host, port, "--port")
    environment = QUIET | dict(os.environ)
    api = environment.get("PREFECT_API_URL", "").rstrip("/")
    if not (api and answers(f"{api}/health")):
        chosen = prefect_port or int(environment.get("PREFECT_SERVER_API_PORT") or 4200)
        _check_free("127.0.0.1", chosen, "PREFECT_SERVER_API_PORT")
        api = f"http://127.0.0.1:{chosen}/api"
        words = [sys.executable, "-m", "deploy.prefect_server", "--host", "127.0.0.1", "--port", str(chosen)]
        family.start("prefect-server", words, environment | {"PREFECT_API_URL": api})
        family.wait_for("Prefect's server", f"{api}/health", START_SECONDS)
    reach = f"http://{_reachable(host)}:{port}"
    # Scheduled runs link to the model's page.
    environment |= {"PREFECT_API_URL": api, SERVICE: reach}
    specs = list(dict.fromkeys(d.spec for d in deployments))
    family.start("schedules", [sys.executable, "-m", "deploy.scheduled", str(artifacts), *specs], environment)
    for deployment in deployments:
        _wait_registered(family, api, deployment, artifacts)
    words = [sys.executable, "-m", "deploy.cli", "serve", "--artifacts", str(artifacts), "--host", host]
    # Nobody else sends requests here who would have to learn first that the service goes.
    family.start("service", [*words, "--port", str(port)], {"PENSTOCK_DRAIN_SECONDS": "0"} | environment)
    family.wait_for("The service", f"{reach}/livez", START_SECONDS)
    return Running(pid=os.getpid(), prefect=api.removesuffix("/api"), service=reach, specs=tuple(specs))


def _check_free(host: str, port: int, setting: str) -> None:
    try:
        with socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET):
            pass
    except (OSError, OverflowError) as error:
        raise UserError(
            f"Port {port} cannot be listened on",
            where=host,
            got=str(getattr(error, "strerror", None) or error),
            todo=f"Choose another with {setting}, or stop what listens there.",
        ) from error


def _reachable(host: str) -> str:
    everywhere = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}  # noqa: S104 - what to ask where it listens everywhere
    return everywhere.get(host, f"[{host}]" if ":" in host else host)


def _wait_registered(family: Family, api: str, deployment: Deployment, artifacts: Path) -> None:
    """Wait until the server knows the deployment as the spec has it now, whatever it knew of an earlier start."""
    until = time.monotonic() + START_SECONDS
    while not _is_registered(api, deployment, artifacts):
        family.must_live()
        if time.monotonic() > until:
            raise StoreError(f"{deployment.called} was not registered within {START_SECONDS:.0f} s", where=api)
        time.sleep(0.2)


def _is_registered(api: str, deployment: Deployment, artifacts: Path) -> bool:
    url = f"{api}/deployments/name/{deployment.called}"
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:  # noqa: S310 - the server that we were told to use
            known = json.loads(answer.read())
    except (OSError, ValueError):
        return False
    asked = deployment.schedules
    due = [s["schedule"] for s in known["schedules"] if s["active"]]
    # The server tells more of a schedule than was asked of it.
    alike = len(due) == len(asked) and all(
        wanted.items() <= told.items() for told, wanted in zip(due, asked, strict=True)
    )
    where = {"spec": deployment.spec, "artifacts": str(artifacts)}
    return bool(known["parameters"] == where and alike)


def _remember(folder: Path, running: Running, family: Family) -> None:
    groups = {name: process.pid for name, process in family.members.items()}
    commands = {name: tuple(str(word) for word in _words(process.args)) for name, process in family.members.items()}
    known = running.model_copy(update={"groups": groups, "commands": commands})
    write_atomically(folder / "running.json", known.model_dump_json(indent=1).encode())


def _words(arguments: object) -> list[object]:
    return list(arguments) if isinstance(arguments, list | tuple) else [arguments]


def _announce(running: Running, deployments: Sequence[Deployment], folder: Path) -> None:
    print(f"Prefect UI   {running.prefect}")
    print(f"Service      {running.service}   (docs: {running.service}/docs)")
    for deployment in deployments:
        print(f"Scheduled    {deployment.called}   {deployment.due}")
    print(f"Logs         {folder}")
    print("Ctrl-C stops everything.", flush=True)


@contextlib.contextmanager
def _the_only_one(artifacts: Path) -> Iterator[Path]:
    """Hold the artifacts directory's lock: it tells others that we are up, and goes with our process."""
    folder = artifacts / FOLDER
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = (folder / "lock").open("a")
    except OSError as error:
        raise unwritable(artifacts, error) from error
    with lock:
        if not _take(lock):
            raise UserError(
                "It is up already",
                where=str(artifacts),
                todo="`penstock status` tells where; `penstock down` stops it.",
            )
        _end_orphans(folder)
        yield folder


def _take(lock: IO[str]) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _end_orphans(folder: Path) -> None:
    """End what an earlier `up` left behind that was killed itself; its own commands only, as it told them."""
    known = _known(folder)
    for name, leader in known.groups.items() if known else ():
        if _command_of(leader) == known.commands.get(name):  # type: ignore[union-attr]  # none has no groups
            end_group(leader, signal.SIGTERM)
            _wait_gone(leader, 10.0)
            end_group(leader, signal.SIGKILL)
    (folder / "running.json").unlink(missing_ok=True)


def _command_of(pid: int) -> tuple[str, ...] | None:
    try:
        words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except OSError:
        return None
    return tuple(w.decode(errors="replace") for w in words[:-1])


def _wait_gone(pid: int, seconds: float) -> bool:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.1)
    return False


def _known(folder: Path) -> Running | None:
    try:
        return Running.model_validate_json((folder / "running.json").read_bytes())
    except (OSError, ValueError):
        return None


def service_of(artifacts: Path) -> str | None:
    """Return the address of the service that is up on an artifacts directory, or None."""
    folder = artifacts.absolute() / FOLDER
    known = _known(folder)
    return known.service if known is not None and _is_up(folder) else None


def _is_up(folder: Path) -> bool:
    try:
        with (folder / "lock").open("a") as lock:
            return not _take(lock)
    except OSError:
        return False


def down(artifacts: Path) -> int:
    """Stop what `up` started, also where `up` itself was killed."""
    folder = artifacts.absolute() / FOLDER
    known = _known(folder)
    if known is None:
        print("Nothing is up.")
        return EXIT_OK
    if not _is_up(folder):
        _end_orphans(folder)
    else:
        with contextlib.suppress(ProcessLookupError):
            os.kill(known.pid, signal.SIGTERM)
        if not _wait_gone(known.pid, 60.0):
            print(f"Process {known.pid} does not stop.", file=sys.stderr)
            return EXIT_OTHER
    print("Stopped.")
    return EXIT_OK


def status(artifacts: Path) -> int:
    """Print what of `up` is running, and where; exit status 1 where something is not."""
    folder = artifacts.absolute() / FOLDER
    known = _known(folder)
    if known is None or not _is_up(folder):
        print("Nothing is up. Start it: penstock up")
        return EXIT_OTHER
    parts = [
        ("Prefect UI", known.prefect, f"{known.prefect}/api/health"),
        ("Service", known.service, f"{known.service}/livez"),
    ]
    well = [answers(health) for _, _, health in parts]
    for (name, shown, _), fine in zip(parts, well, strict=True):
        print(f"{name:12s} {shown}   {'up' if fine else 'does not answer'}")
    for spec in known.specs:
        print(f"{'Spec':12s} {spec}")
    return EXIT_OK if all(well) else EXIT_OTHER
