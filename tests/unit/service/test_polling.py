"""A network file system tells nobody what changes on it: looking again and again is what counts."""

from __future__ import annotations

import asyncio
import time

import pytest

from deploy.service.holder import Holder
from deploy.service.meters import Meters
from deploy.service.settings import Settings
from deploy.service.watch import Watcher
from penstock.bundle.layout import ModelHome
from penstock.bundle.rollback import rollback
from tests.unit.service.making import put


async def silent(*_args, **_settings):
    """Wait for events as on a file system that has none."""
    await asyncio.sleep(3600)
    yield set()


async def absent(*_args, **_settings):
    """Fail as where the system has no more watches to give."""
    raise OSError(28, "No space left on device")
    yield set()


@pytest.mark.parametrize("awatch", [silent, absent])
def test_without_file_events_a_change_is_served_by_polling_alone(tmp_path, monkeypatch, awatch):
    """A publish and a rollback are both followed within a few polls."""
    monkeypatch.setattr("watchfiles.awatch", awatch)
    put(tmp_path, seed=1)

    async def story():
        holder = Holder()
        watcher = Watcher(Settings(artifacts=tmp_path, poll_seconds=0.02), holder, Meters())
        running = asyncio.create_task(watcher.run())

        async def served(version):
            deadline = time.monotonic() + 30
            while (held := holder.get("ships")) is None or held.bundle.version != version:
                assert time.monotonic() < deadline
                await asyncio.sleep(0.01)

        home = ModelHome(tmp_path, "ships")
        first = home.read_pointer().version
        await served(first)
        await asyncio.to_thread(put, tmp_path, seed=2)
        await served(home.read_pointer().version)
        await asyncio.to_thread(rollback, tmp_path, "ships")
        await served(first)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)

    asyncio.run(story())
