"""Follows the pointers below `artifacts/models`: a poll is the truth, file events only make it come sooner."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

from deploy.service import interpreter
from deploy.service.envelope import told_without_values
from deploy.service.failing import Failing
from deploy.service.holder import Held, Holder, Trial, Trouble
from deploy.service.meters import MULTIPROCESS, Meters
from deploy.service.pins import Pins
from deploy.service.pointers import POINTER, Pointers
from deploy.service.prove import MakeRoom, Outcome, follow, go_back
from deploy.service.rehearsal import Rehearsal
from deploy.service.room import leaving, limit
from deploy.service.settings import Settings
from penstock.bundle.layout import ModelHome

log = logging.getLogger("penstock.service")

# A pointer must be gone this long before its model is dropped: shared file systems blink.
GONE_SECONDS = 5.0
# So many models are loaded before they are asked, where nothing else is set.
FEW = 16
ROOM_SECONDS = 10.0


@dataclass(slots=True)
class Watched:
    """What the watcher remembers of one model; an idle one is loaded when it is asked."""

    idle: bool = False
    pointer: bytes | None = None
    attempts: int = 0
    again_at: float | None = None
    gone_since: float | None = None
    task: asyncio.Task[None] | None = None

    @property
    def is_busy(self) -> bool:
        """Whether its pointer is being followed."""
        return self.task is not None and not self.task.done()


class Watcher:
    """Keeps a holder in step with the pointers on disk.

    A pointer whose bytes have changed is followed in a thread. What cannot be proven is quarantined until the pointer
    changes again; what could not be read is tried again, ever more slowly.
    """

    def __init__(self, settings: Settings, holder: Holder, meters: Meters, rehearsal: Rehearsal | None = None) -> None:
        self.settings = settings
        self.holder = holder
        self.meters = meters
        self._rehearsal = rehearsal
        self.most = limit(settings.memory_mib)
        self._pointers = Pointers(settings.artifacts / "models")
        self._watched: dict[str, Watched] = {}
        self._wake = asyncio.Event()
        # One load at a time: memory then holds one new bundle beside the old ones, never all of them.
        self._loader = ThreadPoolExecutor(1, "penstock-load", interpreter.stand_back)
        self._reader = ThreadPoolExecutor(1, thread_name_prefix="penstock-poll")
        self.pins = Pins(settings, holder, self._loader, self._room_on_loop)
        shared = os.environ.get(MULTIPROCESS)
        self._failing = Failing(Path(shared) if shared else None)

    async def run(self) -> None:
        """Look, wait, look again, until cancelled."""
        interpreter.share()
        stop = asyncio.Event()
        events = asyncio.create_task(self._listen(stop))
        try:
            while True:
                self._wake.clear()
                try:
                    await self.look()
                except Exception as error:
                    log.error("the watch stumbled: %s", told_without_values(error))
                # Not `wait_for`: in Python 3.11 it may lose the cancellation that ends the service.
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(self.settings.poll_seconds):
                        await self._wake.wait()
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
        found = await loop.run_in_executor(self._reader, self._read)
        if found is None:
            return
        now = time.monotonic()
        for name, pointer in found.items():
            if name not in self._watched:
                self._watched[name] = Watched(idle=not self._is_preloaded(name, len(found)))
            watched, held = self._watched[name], self.holder.get(name)
            watched.gone_since = None
            due = watched.again_at is not None and now >= watched.again_at
            if watched.idle or watched.is_busy:
                continue
            if pointer != watched.pointer or due:
                if pointer != watched.pointer:
                    watched.attempts = 0
                watched.pointer, watched.again_at = pointer, None
                self._start(name, watched)
            elif held is not None and self._has_failed(name, held, now):
                watched.task = asyncio.create_task(self._go_back(name, watched, held))
            if held is not None and held.trial is not None:
                self._end_if_bursting(name, held, held.trial, now)
        for name in self._watched.keys() - found.keys():
            self._missed(name, now)
        self._know()

    def _end_if_bursting(self, name: str, held: Held, trial: Trial, now: float) -> None:
        """Do without a canary that fails: all of its requests are the live version's again."""
        if trial.held.pulse.bursts(self.settings, now):
            self.holder.put(name, replace(held, trial=None))
            self.meters.reloads.labels(name, "returned").inc()
            log.error("model %s: the canary %s fails too often; it answers no more", name, trial.held.bundle.version)

    def _read(self) -> dict[str, bytes] | None:
        self._failing.listen()
        return self._pointers.read()

    def _has_failed(self, name: str, held: Held, now: float) -> bool:
        """Whether an earlier version should answer: many calls failed here, or another worker found so."""
        if held.instead_of:
            # It is the earlier version. What fails with it, too, is not mended by going on.
            return False
        if (held.bundle.version, held.bundle.digest) in self._failing.of(name):
            return held.pulse.on_probation
        return held.pulse.bursts(self.settings, now)

    async def want(self, name: str) -> Held | None:
        """Return what is served under a name, loaded now where it is idle; None where it does not come in time."""
        held = self.holder.get(name)
        watched = self._watched.get(name)
        if held is not None or watched is None:
            return held
        if watched.idle:
            watched.idle = False
            self._start(name, watched)
            self._know()
        if watched.task is not None:
            # Whoever asks may go away; the others wait on.
            waiting = asyncio.shield(watched.task)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(waiting, self.settings.load_seconds)
        return self.holder.get(name)

    def _is_preloaded(self, name: str, n: int) -> bool:
        chosen = self.settings.preload
        if chosen in ("all", "none", "auto"):
            return chosen == "all" or (chosen == "auto" and n <= FEW) or name == self.settings.default_model
        return name in {part.strip() for part in chosen.split(",")}

    def _know(self) -> None:
        idle = frozenset(name for name, watched in self._watched.items() if watched.idle)
        self.holder.know(frozenset(self._watched), idle)
        self._mark_ready()

    def _start(self, name: str, watched: Watched) -> None:
        watched.task = asyncio.create_task(self._follow(name, watched))

    def _room_on_loop(self, name: str) -> MakeRoom:
        """Return how a thread that loads makes room for a model: what is held changes on the event loop alone."""
        loop = asyncio.get_running_loop()

        async def make(needed: int, kept: int) -> None:
            self._make_room(name, needed, kept)

        def wait(needed: int, kept: int) -> None:
            making = make(needed, kept)
            try:
                asked = asyncio.run_coroutine_threadsafe(making, loop)
            except RuntimeError:
                # The service ends: nobody is to make room, nor to wait for it.
                making.close()
                raise
            asked.result(ROOM_SECONDS)

        return wait

    def _make_room(self, name: str, needed: int, kept: int) -> None:
        held = {other: held for other, held in self.holder.held().items() if other != name}
        others = {other: (held.pulse.used, held.size) for other, held in {**held, **self.pins.held()}.items()}
        for other in leaving(needed, self.most, kept, others):
            if not self.pins.drop(other):
                self._rest(other)

    def _rest(self, name: str) -> None:
        """Let a model go until it is asked again."""
        log.info("model %s makes room for another; it is loaded again when it is asked", name)
        self._unmark(name, self.holder.get(name))
        self.holder.drop(name)
        if (watched := self._watched.get(name)) is not None:
            watched.idle, watched.again_at = True, None
        self._know()

    def _missed(self, name: str, now: float) -> None:
        watched = self._watched[name]
        if watched.gone_since is None:
            watched.gone_since = now
        elif now - watched.gone_since >= GONE_SECONDS:
            del self._watched[name]
            self._unmark(name, self.holder.get(name))
            self.holder.drop(name)
            log.warning("model %s is gone from the artifacts, and is served no longer", name)

    async def _follow(self, name: str, watched: Watched) -> None:
        home = ModelHome(self.settings.artifacts, name)
        now, room, failing = self.holder.get(name), self._room_on_loop(name), self._failing.of(name)

        def rehearsed() -> Outcome:
            outcome = follow(home, now, room, failing)
            return outcome if self._rehearsal is None else self._rehearsal.of(name, now, outcome)

        self._settle(name, watched, await self._off_loop(rehearsed))

    async def _go_back(self, name: str, watched: Watched, held: Held) -> None:
        bundle = held.bundle
        # One decision a version: it is neither undone nor taken again.
        self._failing.add(name, (bundle.version, bundle.digest))
        log.error(
            "model %s: version %s fails too often, %d of %d calls",
            name,
            bundle.version,
            held.pulse.failures,
            held.pulse.calls,
        )
        home, room = ModelHome(self.settings.artifacts, name), self._room_on_loop(name)
        outcome = await self._off_loop(lambda: go_back(home, held, room))
        if outcome.held is None:
            held.pulse.end_probation()
            log.error("model %s: no earlier version can be proven; %s stays", name, bundle.version)
            return
        log.error("model %s: version %s answers again, the last good one", name, outcome.held.bundle.version)
        self._settle(name, watched, outcome)

    async def _off_loop(self, work: Callable[[], Outcome]) -> Outcome:
        def done() -> Outcome:
            outcome = work()
            # Before the process is ready, where a model is loaded before it is.
            interpreter.settle()
            return outcome

        return await asyncio.get_running_loop().run_in_executor(self._loader, done)

    def _settle(self, name: str, watched: Watched, outcome: Outcome) -> None:
        if self._watched.get(name) is not watched:
            # The model went away while it was being loaded.
            return
        before = self.holder.get(name)
        if outcome.held is not None:
            # It may have made room for another while it was being loaded.
            watched.idle = False
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
        later = outcome.kind == "later"
        self.holder.blame(name, Trouble(outcome.version, outcome.digest, outcome.reason, quarantined=not later))
        self.meters.reloads.labels(name, "retried" if later else outcome.kind).inc()
        if later:
            delay = min(self.settings.retry_seconds * 2**watched.attempts, self.settings.retry_limit_seconds)
            watched.attempts = min(watched.attempts + 1, 30)
            watched.again_at = time.monotonic() + delay

    def _mark(self, name: str, outcome: Outcome) -> None:
        held = self.holder.get(name)
        if held is not None:
            self.meters.info.labels(name, held.bundle.version, held.bundle.digest).set(1)
            self.meters.generation.labels(name).set(held.generation)
        self.meters.degraded.labels(name).set(float(outcome.kind != "followed"))
        self.meters.quarantined.labels(name).set(float(outcome.kind in ("refused", "returned")))

    def _unmark(self, name: str, before: Held | None) -> None:
        if before is not None:
            self.meters.info.labels(name, before.bundle.version, before.bundle.digest).set(0)

    def _mark_ready(self) -> None:
        self.meters.ready.set(float(self.holder.ready))

    async def _listen(self, stop: asyncio.Event) -> None:
        """Wake the poll when a file changes; where events do not work, the poll alone does."""
        if not self.settings.file_events:
            return
        from watchfiles import awatch

        while not stop.is_set():
            folder = self._pointers.models if self._pointers.models.is_dir() else None
            if folder is None:
                await asyncio.sleep(self.settings.poll_seconds)
                continue
            try:
                async for _ in awatch(folder, watch_filter=_is_pointer, debounce=20, step=50, stop_event=stop):
                    self._wake.set()
            except Exception as error:
                log.info("file events do not work here, polling alone does: %s", type(error).__name__)
                return


def _is_pointer(_change: object, path: str) -> bool:
    return path.endswith(POINTER)
