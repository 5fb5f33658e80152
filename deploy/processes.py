"""Processes that run beside each other and end together: each leads a group of its own, and none is left behind."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from penstock.errors import PenstockError

PATIENCE = 20.0


class Stopped(BaseException):
    """Somebody asked us to stop."""


@contextlib.contextmanager
def stopping_on_signals() -> Iterator[None]:
    """Raise Stopped on Ctrl-C, on SIGTERM, and when the terminal goes."""

    def stop(_number: int, _frame: object) -> None:
        raise Stopped

    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = {number: signal.signal(number, stop) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


class Family:
    """The processes that we started.

    Parameters
    ----------
    logs : pathlib.Path
        The directory that their output goes to, one file each.
    """

    def __init__(self, logs: Path) -> None:
        self.logs = logs
        self.members: dict[str, subprocess.Popen[bytes]] = {}

    def start(self, name: str, words: Sequence[str], environment: Mapping[str, str]) -> None:
        """Start a process."""
        self.logs.mkdir(parents=True, exist_ok=True)
        with self.log(name).open("wb") as log:
            # A session of its own: Ctrl-C in our terminal reaches us alone, and we end it with all that it started.
            self.members[name] = subprocess.Popen(  # noqa: S603 - our own commands
                list(words),
                env=dict(environment),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def log(self, name: str) -> Path:
        """Return where a process's output goes."""
        return self.logs / f"{name}.log"

    def must_live(self) -> None:
        """Check that none has ended.

        Raises
        ------
        PenstockError
            One has; the end of its output is told.
        """
        for name, process in self.members.items():
            if process.poll() is not None:
                told = self.log(name).read_text(errors="replace").strip().splitlines()[-12:]
                raise PenstockError(
                    f"{name} has ended by itself, with status {process.returncode}",
                    where=str(self.log(name)),
                    got="\n    ".join(told) or "no output",
                )

    def wait_for(self, what: str, url: str, seconds: float) -> None:
        """Wait until an address answers.

        Raises
        ------
        PenstockError
            A process has ended, or the address did not answer in time.
        """
        until = time.monotonic() + seconds
        while not answers(url):
            self.must_live()
            if time.monotonic() > until:
                raise PenstockError(f"{what} did not answer within {seconds:.0f} s", where=url)
            time.sleep(0.1)

    def stop(self) -> None:
        """End all, the last started first, each with whatever it started; those that will not end are killed."""
        for process in reversed(self.members.values()):
            end_group(process.pid, signal.SIGTERM)
            try:
                process.wait(PATIENCE)
            except (subprocess.TimeoutExpired, Stopped):
                # Asked a second time, or asked in vain: no more patience.
                end_group(process.pid, signal.SIGKILL)
                process.wait()
            # What it started itself and left behind.
            end_group(process.pid, signal.SIGKILL)


def end_group(leader: int, number: signal.Signals) -> None:
    """Signal every process of a group, if there is one still."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(leader, number)


def answers(url: str) -> bool:
    """Whether an address answers 200."""
    try:
        with urllib.request.urlopen(url, timeout=2) as answer:  # noqa: S310 - our own address
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError, ValueError):
        return False
