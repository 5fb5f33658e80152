"""Real database servers for tests: started from installed binaries in a folder of their own, and surely stopped."""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

# Debian puts servers where no user's PATH leads.
_SERVER_FOLDERS = ("/usr/sbin", "/usr/libexec", "/usr/local/sbin")
# The password of every account; a test looks for it in all that penstock says and writes.
PASSWORD = "pl4nted-s3cret"
_PATIENCE = 60.0


@dataclass
class Server:
    """A running server: where it listens, and how it is stopped and started again."""

    scheme: str
    port: int
    folder: Path
    database: str
    user: str
    words: tuple[str, ...] = field(repr=False)
    stop_signal: signal.Signals
    process: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    def url(self, database: str | None = None, *, user: str | None = None, password: str | None = PASSWORD) -> str:
        """Return the address of one of its databases; without a password where that is None."""
        secret = f":{password}" if password is not None else ""
        name = self.database if database is None else database
        return f"{self.scheme}://{user or self.user}{secret}@127.0.0.1:{self.port}/{name}"

    def start(self) -> None:
        """Start it, and return when it accepts connections."""
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(
                self.words, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=self.folder, start_new_session=True
            )
        until = time.monotonic() + _PATIENCE
        while time.monotonic() < until:
            if self.process.poll() is not None:
                break
            if self._answers():
                return
            time.sleep(0.05)
        self.stop()
        raise RuntimeError(f"{self.words[0]} did not start:\n{(self.folder / 'log').read_text()[-3000:]}")

    def stop(self) -> None:
        """Stop it and all that it started; the second time is harmless."""
        process, self.process = self.process, None
        if process is None:
            return
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(self.stop_signal)
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait(15)

    def _answers(self) -> bool:
        # Both servers speak when they are ready: MariaDB first, PostgreSQL once it is asked whether it does TLS.
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=2) as s:
                if self.scheme == "postgresql":
                    s.sendall(bytes.fromhex("0000000804d2162f"))
                return bool(s.recv(1))
        except OSError:
            return False


def binary(name: str, *folders: str) -> str | None:
    """Return where a program is: in PATH, or where servers are kept."""
    found = shutil.which(name)
    if found:
        return found
    return next((p for folder in (*folders, *_SERVER_FOLDERS) if (p := shutil.which(name, path=folder))), None)


def _versions(pattern: str) -> list[str]:
    return sorted((str(p) for p in Path("/").glob(pattern)), reverse=True)


def _wanted(need: Callable[..., str], name: str, *folders: str) -> str:
    # `need` is what knows whether an absent program is a reason to skip or to fail.
    return binary(name, *folders) or need(name)


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return int(s.getsockname()[1])


def _other_user() -> str | None:
    """Return whom a server runs as where root runs the tests: neither server likes to be root."""
    if os.geteuid() != 0:
        return None
    names = {entry.pw_name for entry in pwd.getpwall()}
    return next(name for name in ("nobody", "postgres", "mysql", "daemon") if name in names)


def _as(user: str | None, words: Sequence[str], *, death: str = "KILL") -> tuple[str, ...]:
    """Return a command that runs as a user and does not outlive its parent, as far as the system can promise that."""
    setpriv = binary("setpriv")
    if setpriv is None:
        runuser = binary("runuser")
        return (runuser or "runuser", "-u", user, "--", *words) if user else tuple(words)
    who = (f"--reuid={user}", f"--regid={pwd.getpwnam(user).pw_gid}", "--clear-groups") if user else ()
    return (setpriv, *who, f"--pdeathsig={death}", *words)


@contextlib.contextmanager
def _folder(user: str | None) -> Iterator[Path]:
    # Not below pytest's own folders: only their owner may enter them. Short, because a socket's path has to be.
    path = Path(tempfile.mkdtemp(prefix="pstk-", dir="/tmp"))
    try:
        path.chmod(0o755)
        if user:
            shutil.chown(path, user)
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


def _run(words: Sequence[str], folder: Path) -> None:
    done = subprocess.run(words, cwd=folder, capture_output=True, text=True, timeout=_PATIENCE, check=False)
    if done.returncode:
        raise RuntimeError(f"{' '.join(words)} failed:\n{done.stdout}\n{done.stderr}")


@contextlib.contextmanager
def postgresql_server(need: Callable[..., str]) -> Iterator[Server]:
    """Run PostgreSQL: an account `owner`, passwords asked for, nothing flushed to the disk."""
    folders = _versions("usr/lib/postgresql/*/bin") + _versions("usr/pgsql-*/bin")
    initdb, postgres = _wanted(need, "initdb", *folders), _wanted(need, "postgres", *folders)
    user = _other_user()
    with _folder(user) as folder:
        secret = folder / "secret"
        secret.write_text(PASSWORD)
        secret.chmod(0o644)
        data, port = folder / "data", free_port()
        made = ("-U", "owner", "-A", "scram-sha-256", f"--pwfile={secret}", "-E", "UTF8", "--locale=C", "--no-sync")
        _run(_as(user, (initdb, "-D", str(data), *made)), folder)
        settings = {
            "listen_addresses": "127.0.0.1",
            "port": str(port),
            "unix_socket_directories": str(folder),
            "fsync": "off",
            "full_page_writes": "off",
            "synchronous_commit": "off",
            "shared_buffers": "32MB",
            "max_connections": "30",
            "autovacuum": "off",
            "max_parallel_workers": "0",
        }
        words = (postgres, "-D", str(data), *(w for k, v in settings.items() for w in ("-c", f"{k}={v}")))
        # SIGINT ends its sessions and it; SIGQUIT does so without a farewell.
        server = Server("postgresql", port, folder, "postgres", "owner", _as(user, words, death="QUIT"), signal.SIGINT)
        try:
            server.start()
            yield server
        finally:
            server.stop()


@contextlib.contextmanager
def mariadb_server(need: Callable[..., str]) -> Iterator[Server]:
    """Run MariaDB: an account `owner` who may do all, passwords asked for, nothing flushed to the disk."""
    install = _wanted(need, "mariadb-install-db")
    mariadbd = _wanted(need, "mariadbd")
    user = _other_user()
    with _folder(user) as folder:
        data, port = folder / "data", free_port()
        start = folder / "start.sql"
        start.write_text(
            "CREATE DATABASE IF NOT EXISTS shop CHARACTER SET utf8mb4;\n"
            f"CREATE USER IF NOT EXISTS owner@'%' IDENTIFIED BY '{PASSWORD}';\n"
            "GRANT ALL ON *.* TO owner@'%' WITH GRANT OPTION;\n"
        )
        start.chmod(0o644)
        made = ("--no-defaults", f"--datadir={data}", "--auth-root-authentication-method=normal", "--skip-test-db")
        small = ("--innodb-log-file-size=8M", "--innodb-buffer-pool-size=32M", "--innodb-flush-log-at-trx-commit=0")
        _run(_as(user, (install, *made, *small)), folder)
        words = (
            *(mariadbd, "--no-defaults", f"--datadir={data}", f"--init-file={start}"),
            *(f"--port={port}", "--bind-address=127.0.0.1", f"--socket={folder / 's'}", f"--pid-file={folder / 'pid'}"),
            *(*small, "--innodb-flush-method=nosync", "--performance-schema=OFF", "--skip-name-resolve"),
            "--character-set-server=utf8mb4",
            *("--skip-slave-start", "--max-connections=40", "--default-time-zone=+02:00", "--log-bin=log-bin"),
        )
        server = Server("mariadb", port, folder, "shop", "owner", _as(user, words), signal.SIGTERM)
        try:
            server.start()
            yield server
        finally:
            server.stop()
