"""Versions that callers name themselves: loaded when one is first asked, proven like any other, a few of them kept."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Executor

from deploy.service.holder import Held, Holder
from deploy.service.problems import Problem
from deploy.service.prove import MakeRoom, pinned
from deploy.service.settings import Settings
from penstock.bundle.layout import ModelHome
from penstock.errors import NotFound, PenstockError

log = logging.getLogger("penstock.service")

# No name of a model has it.
AT = "@"


class Pins:
    """The versions of one process that answer beside those that are live.

    They are kept by when they were last asked, and give way to others like idle models. A version that cannot be proven
    is tried again only after a while: a caller who names it a thousand times costs one try.
    """

    def __init__(
        self, settings: Settings, holder: Holder, loader: Executor, make_room: Callable[[str], MakeRoom]
    ) -> None:
        self._settings = settings
        self._holder = holder
        self._loader = loader
        self._make_room = make_room
        self._held: dict[str, Held] = {}
        self._refused: dict[str, tuple[float, Problem]] = {}
        self._coming: dict[str, asyncio.Task[Held]] = {}

    def held(self) -> Mapping[str, Held]:
        """Return what is kept, by `model@version`."""
        return self._held

    def drop(self, key: str) -> bool:
        """Let one go; return whether it was there."""
        return self._held.pop(key, None) is not None

    async def want(self, name: str, version: str) -> Held:
        """Return one version of a model that there is; the live one is the one that is held already.

        Raises
        ------
        Problem
            404 when it has no such version, 503 when that cannot be proven or does not come in time.
        """
        live = self._holder.get(name)
        if live is not None and live.bundle.version == version:
            return live
        key = f"{name}{AT}{version}"
        if key in self._held:
            return self._held[key]
        if not self._settings.pinned_versions:
            raise Problem(404, "no-pins", "This service answers by the live version only")
        again_at, problem = self._refused.get(key, (0.0, None))
        if problem is not None and time.monotonic() < again_at:
            raise problem
        if key not in self._coming:
            self._coming[key] = asyncio.create_task(self._load(name, version, key))
            self._coming[key].add_done_callback(lambda _: self._coming.pop(key, None))
        try:
            return await asyncio.wait_for(asyncio.shield(self._coming[key]), self._settings.load_seconds)
        except TimeoutError:
            raise _not_now("It is still being loaded") from None

    async def _load(self, name: str, version: str, key: str) -> Held:
        home, room = ModelHome(self._settings.artifacts, name), self._make_room(key)
        loop = asyncio.get_running_loop()
        try:
            held = await loop.run_in_executor(self._loader, pinned, home, version, room)
        except Exception as error:
            problem = _problem(error)
            if problem.status != 404:
                told = " ".join(str(error).split()) if isinstance(error, PenstockError) else type(error).__name__
                log.error("model %s: version %s, which a caller named, cannot be used: %s", name, version, told)
                self._refuse(key, problem)
            raise problem from None
        self._keep(key, held)
        return held

    def _refuse(self, key: str, problem: Problem) -> None:
        now = time.monotonic()
        kept = {other: refused for other, refused in self._refused.items() if refused[0] > now}
        self._refused = {**kept, key: (now + self._settings.retry_limit_seconds, problem)}

    def _keep(self, key: str, held: Held) -> None:
        while len(self._held) >= self._settings.pinned_versions:
            del self._held[min(self._held, key=lambda other: self._held[other].pulse.used)]
        self._held[key] = held


def _problem(error: Exception) -> Problem:
    if isinstance(error, NotFound):
        # The address is the caller's own word: it is not repeated.
        return Problem(
            404, "unknown-version", "The model has no version of this name; GET its versions for those there are"
        )
    return _not_now("It cannot be proven, or there is no room for it")


def _not_now(why: str) -> Problem:
    return Problem(503, "not-ready", f"This version cannot answer now. {why}", headers={"Retry-After": "5"})
