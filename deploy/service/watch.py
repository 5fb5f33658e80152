"""Follows the pointers below `artifacts/models`: a poll is the truth, file events only make it come sooner."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import re
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from deploy.service.envelope import told_without_values
from deploy.service.holder import Held, Holder, Trouble
from deploy.service.meters import Meters
from deploy.service.prove import Outcome, follow
from deploy.service.settings import Settings
from penstock.bundle.layout import ModelHome

log = logging.getLogger("penstock.service")

POINTER = "CURRENT.json"
# A pointer must be gone this long before its model is dropped: shared file systems blink.
GONE_SECONDS = 5.0
_name = re.compile(r"^[a-z0-9][a-z0-9_-]{0,62}$")


@dataclass(slots=True)
class Watched:
    """What the watcher remembers of one model."""

    pointer: bytes | None = None
    attempts: int = 0
    again_at: float | None = None
    gone_since: float | None = None
    task: asyncio.Task[None] | None = None


class Watcher:
    """Keeps a holder in step with the pointers on disk.

    A pointer whose bytes have changed is followed in a thread. What cannot be proven is quarantined until the pointer
    changes again; what could not be read is tried again, ever more slowly.
    """

    def __init__(self, settings: Settings, holder: Holder, meters: Meters) -> None:
        self.settings = settings
        self.models = settings.artifacts / "models"
        self.holder = holder
        self.meters = meters
        self._watched: dict[str, Watched] = {}
        self._wake = asyncio.Event()
        # One load at a time: memory then holds one new bundle beside the old ones, never all of them.
        self._loader = ThreadPoolExecutor(1, thread_name_prefix="penstock-load")
        self._reader = ThreadPoolExecutor(1, thread_name_prefix="penstock-poll")

    async def run(self) -> None:
        """Look, wait, look again, until cancelled."""
        stop = asyncio.Event()
        events = asyncio.create_task(self._listen(stop))
        try:
            while True:
                self._wake.clear()
                try:
                    await self.look()
                except Exception as error:
                    log.error("the watch stumbled: %s", told_without_values(error))
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._wake.wait(), self.settings.poll_seconds)
        finally:
            stop.set()
            events.cancel()
            for watched in self._watched.values():
                if watched.task is not None:
                    watched.task.cancel()
            await asyncio.gather(events, return_exceptions=True)
            self._loader.shutdown(wait=False, cancel_futures=True)
            self._reader.shutdown(wait=False, cancel_futures=True)

    async def look(self) -> None:
        """Read every pointer once, and start to follow those that changed."""
        loop = asyncio.get_running_loop()
        found = await loop.run_in_executor(self._reader, read_pointers, self.models)
        if found is None:
            return
        now = time.monotonic()
        for name, pointer in found.items():
            watched = self._watched.setdefault(name, Watched())
            watched.gone_since = None
            due = watched.again_at is not None and now >= watched.again_at
            idle = watched.task is None or watched.task.done()
            if idle and (pointer != watched.pointer or due):
                if pointer != watched.pointer:
                    watched.attempts = 0
                watched.pointer, watched.again_at = pointer, None
                watched.task = asyncio.create_task(self._follow(name, watched))
        for name in self._watched.keys() - found.keys():
            self._missed(name, now)
        self.holder.know(frozenset(self._watched))

    def _missed(self, name: str, now: float) -> None:
        watched = self._watched[name]
        if watched.gone_since is None:
            watched.gone_since = now
        elif now - watched.gone_since >= GONE_SECONDS:
            del self._watched[name]
            self._unmark(name, self.holder.get(name))
            self.holder.drop(name)
            self._mark_ready()
            log.warning("model %s is gone from the artifacts, and is served no longer", name)

    async def _follow(self, name: str, watched: Watched) -> None:
        loop = asyncio.get_running_loop()
        home = ModelHome(self.settings.artifacts, name)
        outcome = await loop.run_in_executor(self._loader, follow, home, self.holder.get(name))
        self._settle(name, watched, outcome)

    def _settle(self, name: str, watched: Watched, outcome: Outcome) -> None:
        if self._watched.get(name) is not watched:
            # The model went away while it was being loaded.
            return
        before = self.holder.get(name)
        if outcome.held is not None:
            self.holder.put(name, outcome.held)
            self._unmark(name, before)
        if outcome.kind == "followed":
            watched.attempts = 0
            self.holder.blame(name, None)
            if outcome.held is not None and (before is None or before.bundle is not outcome.held.bundle):
                self.meters.reloads.labels(name, "loaded").inc()
                log.info("model %s: version %s is served", name, outcome.version)
        else:
            self._trouble(name, watched, outcome)
        self._mark(name, outcome)
        self._mark_ready()

    def _trouble(self, name: str, watched: Watched, outcome: Outcome) -> None:
        refused = outcome.kind == "refused"
        self.holder.blame(name, Trouble(outcome.version, outcome.digest, outcome.reason, quarantined=refused))
        self.meters.reloads.labels(name, "refused" if refused else "retried").inc()
        if not refused:
            delay = min(self.settings.retry_seconds * 2**watched.attempts, self.settings.retry_limit_seconds)
            watched.attempts = min(watched.attempts + 1, 30)
            watched.again_at = time.monotonic() + delay

    def _mark(self, name: str, outcome: Outcome) -> None:
        held = self.holder.get(name)
        if held is not None:
            self.meters.info.labels(name, held.bundle.version, held.bundle.digest).set(1)
            self.meters.generation.labels(name).set(held.generation)
        self.meters.degraded.labels(name).set(float(outcome.kind != "followed"))
        self.meters.quarantined.labels(name).set(float(outcome.kind == "refused"))

    def _unmark(self, name: str, before: Held | None) -> None:
        if before is not None:
            self.meters.info.labels(name, before.bundle.version, before.bundle.digest).set(0)

    def _mark_ready(self) -> None:
        self.meters.ready.set(float(self.holder.ready))

    async def _listen(self, stop: asyncio.Event) -> None:
        """Wake the poll when a file changes; where events do not work, the poll alone does."""
        from watchfiles import awatch

        while not stop.is_set():
            folder = self.models if self.models.is_dir() else None
            if folder is None:
                await asyncio.sleep(self.settings.poll_seconds)
                continue
            try:
                async for _ in awatch(folder, watch_filter=_is_pointer, debounce=20, step=10, stop_event=stop):
                    self._wake.set()
            except Exception as error:
                log.info("file events do not work here, polling alone does: %s", type(error).__name__)
                return


def _is_pointer(_change: object, path: str) -> bool:
    return path.endswith(POINTER)


def read_pointers(models: Path) -> dict[str, bytes] | None:
    """Return the bytes of every model's pointer by model name; None while the folder cannot be read.

    A folder that is not there yet holds no models.
    """
    try:
        with os.scandir(models) as entries:
            names = [entry.name for entry in entries if _name.match(entry.name)]
    except FileNotFoundError:
        return {}
    except OSError:
        return None
    found: dict[str, bytes] = {}
    for name in names:
        try:
            found[name] = (models / name / POINTER).read_bytes()
        except (FileNotFoundError, NotADirectoryError):
            continue
        except OSError:
            # Unreadable for now. An empty pointer is followed, fails, and is tried again with the rest.
            found[name] = b""
    return found
